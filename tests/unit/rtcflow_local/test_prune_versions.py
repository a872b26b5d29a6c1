"""Only files that are proven unused are removed."""

import json
from datetime import UTC, datetime

import pytest

from rtcflow_contract.errors import RefusedError
from rtcflow_contract.keys import ITEM, MANIFEST
from rtcflow_contract.layers import Product
from rtcflow_files import storage
from rtcflow_local.inventory.versions_command import promote as promote_command
from rtcflow_local.inventory.versions_command import prune_versions
from tests.support.inventory_case import Spec, put_files, put_product
from tests.support.version_case import (
    BESIDE,
    files_of,
    invoke,
    manifest_at,
    names,
    put_beside,
    run,
    whole,
)


def test_pruning_says_what_it_would_remove_and_removes_nothing(two):
    before = names(two)
    said = run(prune_versions, "s3://products", "--version", "0.2")
    assert said.count("would remove") == len(files_of(manifest_at(two, "manifest.v0.2.json"))) + 2
    assert "version 0.2 was named" in said
    assert names(two) == before


def test_pruning_removes_versions_that_are_not_in_use(two):
    run(promote_command, "s3://products", "--version", "0.2", "--yes")
    run(prune_versions, "s3://products", "--yes")
    assert whole(two) == "0.2"


STATIC = Product.RTC_S1_STATIC

LINKED = {"link_static_layers": True, "s3_project_folder": "nrb"}


@pytest.fixture
def static(aws):
    """Static layers of two versions, the newer in use; gives their folder."""
    folder = put_product(Spec(product=STATIC))
    put_beside(Spec(product=STATIC, version="0.2", made=datetime(2025, 5, 1, tzinfo=UTC), payload=BESIDE))
    run(promote_command, "s3://products", "--version", "0.2", "--yes")
    return folder


def link_to_the_old(static, **payload):
    """Backscatter whose item links files of the version that is no longer in use."""
    newer = storage.read_bytes(static.join(MANIFEST))
    storage.write_bytes(static.join(MANIFEST), storage.read_bytes(static.join("manifest.v0.1.json")))
    folder = put_product(Spec(payload={**LINKED, **payload}))
    storage.write_bytes(static.join(MANIFEST), newer)
    return folder


@pytest.mark.parametrize("item", [ITEM, "metadata.v0.1.json"])
def test_static_layers_that_an_item_links_stay(static, item):
    folder = link_to_the_old(static)
    if item != ITEM:
        # Also one of a version beside.
        storage.write_bytes(folder.join(item), storage.read_bytes(folder.join(ITEM)))
        storage.delete(folder.join(ITEM))
    before = names(static)
    said = run(prune_versions, "s3://products", "--yes")
    assert "version 0.1 stays, items link" in said
    assert names(static) == before


def test_static_layers_that_no_item_links_are_removed(static):
    put_product(Spec(payload=LINKED))
    run(prune_versions, "s3://products", "--yes")
    assert whole(static) == "0.2"


def test_static_layers_stay_unless_they_are_proven_unused(static):
    before = names(static)
    result = invoke(prune_versions, "s3://products/experimental", "--yes")
    assert "no backscatter item of this burst was read" in result.output
    assert isinstance(result.exception, RefusedError)
    assert names(static) == before


def test_other_folders_are_searched_for_items_that_link_static_layers(static):
    link_to_the_old(static)
    before = names(static)
    linked = ("--linked-from", "s3://products/nrb")
    assert "items link" in run(prune_versions, "s3://products/experimental", "--yes", *linked)
    assert names(static) == before
    with pytest.raises(RefusedError, match="is empty or does not exist"):
        run(prune_versions, "s3://products/experimental", "--yes", "--linked-from", "s3://products/misspelt")


def test_static_layers_stay_if_an_item_cannot_be_read(static):
    folder = put_product(Spec(payload=LINKED))
    storage.write_bytes(folder.join(ITEM), b'{"type": "Fea')
    before = names(static)
    result = invoke(prune_versions, "s3://products", "--yes")
    assert f"{folder.join(ITEM)} cannot be read" in result.output
    assert names(static) == before


def test_files_of_replaced_static_layers_are_removed_when_no_item_links_them(aws):
    old = Spec(product=STATIC)
    static = put_product(old)
    left = files_of(manifest_at(static))
    put_product(Spec(product=STATIC, made=datetime(2025, 5, 1, tzinfo=UTC)))
    linked = put_product(Spec(payload=LINKED))
    assert left <= names(static)
    item = storage.read_json(linked.join(ITEM))
    href = item["assets"]["number_of_looks"]["href"]
    item["assets"]["number_of_looks"]["href"] = href.replace("20250501", "20250408")
    storage.write_bytes(linked.join(ITEM), json.dumps(item).encode())
    assert "items link 1 of its files" in run(prune_versions, "s3://products", "--yes")
    assert left <= names(static)
    item["assets"]["number_of_looks"]["href"] = href
    storage.write_bytes(linked.join(ITEM), json.dumps(item).encode())
    run(prune_versions, "s3://products", "--yes")
    assert whole(static) == "0.1"


def test_files_that_an_execution_may_still_commit_stay(aws):
    folder = put_product(Spec())
    started = datetime.now(UTC).replace(microsecond=0)
    job, _ = put_files(Spec(made=started))
    before = names(folder)
    run(prune_versions, "s3://products", "--yes")
    assert names(folder) == before
    assert job.destination == folder


def test_a_folder_whose_manifest_cannot_be_read_is_not_changed(two):
    other = put_product(Spec(1, version="0.2"))
    put_beside(Spec(1, version="0.1", made=datetime(2025, 5, 1, tzinfo=UTC), payload=BESIDE))
    storage.write_bytes(two.join("manifest.v0.2.json"), b"")
    before = names(two)
    result = invoke(prune_versions, "s3://products", "--yes")
    assert f"{two.join('manifest.v0.2.json')} is empty" in result.output
    assert "1 folders were not changed" in str(result.exception)
    assert names(two) == before
    assert whole(other) == "0.2"
