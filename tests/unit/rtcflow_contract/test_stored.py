"""Stored files: writers are strict, readers are tolerant, and unreadable files are named."""

import json

import pytest
from pydantic import ValidationError

from rtcflow_contract.campaign import Item, SceneRecord
from rtcflow_contract.grid import Grid
from rtcflow_contract.job import BurstJob
from rtcflow_contract.manifest import EngineInfo, Manifest
from rtcflow_contract.stored import NewerFormatError, UnreadableError, read_stored
from tests.support.inventory_case import Spec, job_of, manifest_of

MANIFEST = json.loads(manifest_of(Spec(), job_of(Spec())).model_dump_json())


def test_fields_of_a_later_release_are_ignored_at_every_depth():
    later = {**MANIFEST, "colour": "red", "engine": {**MANIFEST["engine"], "cores": 2}}
    later["files"] = [{**file, "etag": "1"} for file in later["files"]]
    assert read_stored(Manifest, json.dumps(later), "here") == Manifest.model_validate(MANIFEST)


def test_a_writer_cannot_misspell_a_field():
    with pytest.raises(ValidationError):
        EngineInfo.model_validate({"name": "native", "versions": {}, "core": 2})


def test_a_field_that_an_earlier_release_lacked_has_its_default():
    earlier = {**MANIFEST, "acquisition": {**MANIFEST["acquisition"]}}
    del earlier["acquisition"]["processed"]
    assert read_stored(Manifest, json.dumps(earlier), "here").acquisition.processed is None


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "s3://b/k is empty, so it is not a manifest"),
        (b"  \n", "s3://b/k is empty"),
        (json.dumps(MANIFEST)[:-9].encode(), "s3://b/k is cut off or not JSON"),
        (b"\xff\xfe", "s3://b/k is cut off or not JSON"),
        (b"[1]", "s3://b/k is not a manifest"),
        (b"null", "s3://b/k is not a manifest"),
        (json.dumps({**MANIFEST, "burst_id": "x"}).encode(), "s3://b/k is not a manifest .burst_id"),
    ],
)
def test_what_cannot_be_read_is_named(data, sentence):
    with pytest.raises(UnreadableError, match=sentence) as error:
        read_stored(Manifest, data, "s3://b/k")
    assert error.value.reason == "unreadable"


@pytest.mark.parametrize("model", [Manifest, Grid, Item, SceneRecord, BurstJob])
def test_a_later_format_differs_from_a_damaged_file(model):
    with pytest.raises(NewerFormatError, match="format 9 and this release reads up to 1; upgrade rtcflow"):
        read_stored(model, b'{"version": 9}', "here")


@pytest.mark.parametrize("scene", ["\n", "S1A\r\nSLC", "\x1b[31mred", "\u2028"])
def test_what_is_wrong_with_a_field_fits_one_line(scene):
    with pytest.raises(UnreadableError) as caught:
        read_stored(BurstJob, json.dumps({"scene": scene}), "here")
    assert caught.value.message.isprintable()
