"""A plan leaves out the bursts whose product exists as requested, and no others."""

import json
from datetime import UTC, datetime

import pytest

from rtcflow_contract.keys import ITEM, MANIFEST
from rtcflow_files import storage
from rtcflow_scene.burst_choice import existing_item
from tests.support.inventory_case import Spec, job_of, put_product

LATER = datetime(2026, 1, 1, tzinfo=UTC)


def left_out(**payload):
    found = existing_item(job_of(Spec(made=LATER, payload=payload)))
    return found is not None and found.key.endswith(ITEM)


def change(folder, name, **changes):
    found = storage.read_json(folder.join(name))
    storage.write_bytes(folder.join(name), json.dumps({**found, **changes}).encode())


def test_a_product_that_is_asked_for_as_it_stands_is_left_out(aws):
    put_product(Spec())
    assert left_out()


@pytest.mark.parametrize(
    "payload", [{"resolution": 40}, {"output_crs": 3031}, {"engine": "isce3"}, {"on_existing": "replace"}]
)
def test_a_task_refuses_or_replaces_another_product(aws, payload):
    put_product(Spec())
    assert not left_out(**payload)


@pytest.mark.parametrize("name", [ITEM, MANIFEST])
@pytest.mark.parametrize("data", [b"", b'{"id": "OPERA', b"[]", b"null", b'{"version": 9}'])
def test_a_damaged_item_or_manifest_is_not_a_product(aws, name, data):
    folder = put_product(Spec())
    storage.write_bytes(folder.join(name), data)
    assert not left_out()


def test_an_item_without_its_manifest_is_not_a_product(aws):
    folder = put_product(Spec())
    storage.delete(folder.join(MANIFEST))
    assert not left_out()


def test_a_product_of_a_later_release_is_left_out(aws):
    folder = put_product(Spec())
    change(folder, MANIFEST, colour="red")
    assert left_out()


def test_a_product_of_the_release_before_is_left_out(aws):
    folder = put_product(Spec())
    manifest = storage.read_json(folder.join(MANIFEST))
    del manifest["item_id"], manifest["acquisition"]["processed"]
    storage.write_bytes(folder.join(MANIFEST), json.dumps(manifest).encode())
    assert left_out()
