"""Existing products when a burst commits: no other product is replaced silently, and no later one by an earlier."""

import json
from datetime import UTC, datetime

import pytest

from rtcflow.burst_run import make_burst
from rtcflow.destination import Destination
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.keys import ITEM, MANIFEST, Location
from rtcflow_contract.layers import Product
from rtcflow_contract.manifest import Manifest
from rtcflow_contract.product_id import product_id
from rtcflow_contract.report import Outcome
from rtcflow_contract.request import OnExisting
from rtcflow_contract.stored import NewerFormatError, read_stored
from rtcflow_files import storage
from tests.support.burst_case import make_job, write_case

OTHER_SCENE = "S1A_IW_SLC__1SDV_20220101T124744_20220101T124814_041267_04E7A2_BEEF"


@pytest.fixture(params=["s3", "folder"])
def place(request, aws, tmp_path):
    """A destination of each kind, and functions that read, write and list its files."""
    write_case(tmp_path)
    return _S3() if request.param == "s3" else _Folder(tmp_path / "out")


class _S3:
    def at(self, job):
        return Destination(job)

    def read(self, job, name):
        return storage.read_bytes(job.destination.join(name))

    def write(self, job, name, data):
        storage.write_bytes(job.destination.join(name), data)

    def names(self, job):
        return {entry.name for entry in storage.list_objects(job.destination)}


class _Folder:
    def __init__(self, root):
        self.root = root

    def at(self, job):
        return Destination(job, Location.local(self.root))

    def read(self, job, name):
        return (self.root / name).read_bytes()

    def write(self, job, name, data):
        self.root.mkdir(exist_ok=True)
        (self.root / name).write_bytes(data)

    def names(self, job):
        return {path.name for path in self.root.iterdir()}


def job_of(tmp_path, day=8, **changes):
    started = datetime(2025, 4, day, tzinfo=UTC)
    job = make_job(tmp_path, execution=f"execution-{day}", **changes)
    name = product_id(job.product, job.burst_id, job.sensing_start, started, "S1A", 20, job.product_version)
    return job.model_copy(update={"execution_started": started, "product_id": name})


def make(place, tmp_path, job):
    return make_burst(job, tmp_path / f"work-{job.execution}", place.at(job))


def manifest(place, job, name=MANIFEST):
    return read_stored(Manifest, place.read(job, name), name)


def change(place, job, **changes):
    """The manifest with other fields; a dotted name is a field of a part."""
    found = json.loads(place.read(job, MANIFEST))
    for path, value in changes.items():
        *above, name = path.split("__")
        part = found
        for key in above:
            part = part[key]
        part[name] = value
    place.write(job, MANIFEST, json.dumps(found).encode())


def files_of(place, job):
    return {file.name for file in manifest(place, job).files}


def test_another_product_committed_meanwhile_is_a_failure_that_names_it(aws, tmp_path, engine):
    place = _S3()
    write_case(tmp_path)
    first, second = job_of(tmp_path, 8), job_of(tmp_path, 9)

    def overtaken():
        engine.before_last = None
        make(place, tmp_path, second)
        change(place, second, parameters__dem="rema_32")

    engine.before_last = overtaken
    with pytest.raises(RefusedError, match="DEM rema_32, not cop_glo30"):
        make(place, tmp_path, first)
    assert place.names(first) == files_of(place, first) | {MANIFEST}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"scene": OTHER_SCENE, "acquisition__processed": "2030-01-01T00:00:00Z"}, "later than"),
        ({"acquisition__platform": "S1C"}, "of S1C"),
    ],
)
def test_replace_refuses_a_later_processing_and_another_pass(place, tmp_path, engine, changes, told):
    first = job_of(tmp_path, 8)
    make(place, tmp_path, first)
    change(place, first, **changes)
    before = place.names(first)
    with pytest.raises(RefusedError, match=told):
        make(place, tmp_path, job_of(tmp_path, 9, on_existing=OnExisting.REPLACE))
    assert place.names(first) == before


def test_a_later_processing_replaces(place, tmp_path, engine):
    first = job_of(tmp_path, 8)
    make(place, tmp_path, first)
    assert manifest(place, first).acquisition.processed == datetime(2022, 1, 1, 15, tzinfo=UTC)
    change(place, first, scene=OTHER_SCENE, acquisition__processed="2022-01-01T13:00:00Z")
    later = job_of(tmp_path, 9, on_existing=OnExisting.REPLACE)
    assert make(place, tmp_path, later).outcome is Outcome.MADE


def test_an_item_keeps_its_id_over_replacements(place, tmp_path, engine):
    first = job_of(tmp_path, 8)
    make(place, tmp_path, first)
    assert manifest(place, first).item_id is None
    for day in (9, 10):
        make(place, tmp_path, job_of(tmp_path, day, on_existing=OnExisting.REPLACE))
        assert manifest(place, first).item_id == first.product_id
    assert manifest(place, first).execution == "execution-10"


def test_another_version_is_another_item(place, tmp_path, engine):
    make(place, tmp_path, job_of(tmp_path, 8))
    second = job_of(tmp_path, 9, on_existing=OnExisting.REPLACE, product_version="0.2")
    make(place, tmp_path, second)
    assert manifest(place, second).item_id is None


def test_replaced_static_layers_leave_the_files_that_items_name(place, tmp_path, engine):
    static = {"product": Product.RTC_S1_STATIC, "on_existing": OnExisting.REPLACE}
    first = job_of(tmp_path, 8, **static)
    make(place, tmp_path, first)
    before = files_of(place, first)
    make(place, tmp_path, job_of(tmp_path, 9, **static))
    assert manifest(place, first).execution == "execution-9"
    assert before <= place.names(first)


@pytest.mark.parametrize("data", [b"", b'{"version": 1, "product"'])
def test_a_damaged_manifest_is_not_a_product(place, tmp_path, engine, data, caplog):
    job = job_of(tmp_path)
    place.write(job, MANIFEST, data)
    assert make(place, tmp_path, job).outcome is Outcome.MADE
    assert files_of(place, job) <= place.names(job)
    assert "counts as no product" in caplog.text


def test_a_manifest_of_a_later_release_is_not_overwritten(place, tmp_path, engine):
    job = job_of(tmp_path, on_existing=OnExisting.REPLACE)
    place.write(job, MANIFEST, b'{"version": 9}')
    with pytest.raises(NewerFormatError, match="upgrade rtcflow"):
        make(place, tmp_path, job)
    assert place.read(job, MANIFEST) == b'{"version": 9}'


def test_nothing_is_removed_if_a_version_cannot_be_read(place, tmp_path, engine):
    first = job_of(tmp_path, 8)
    make(place, tmp_path, first)
    second = job_of(tmp_path, 9, on_existing=OnExisting.BESIDE, product_version="0.2")
    make(place, tmp_path, second)
    before = place.names(first)
    place.write(second, "manifest.v0.2.json", b"")
    make(place, tmp_path, job_of(tmp_path, 10, on_existing=OnExisting.REPLACE))
    kept = {name for name in before if "v0.2" in name}
    assert kept <= place.names(first)


def test_another_version_in_use_says_which_item_it_replaces(place, tmp_path, engine):
    first = job_of(tmp_path, 8)
    make(place, tmp_path, first)
    second = job_of(tmp_path, 9, on_existing=OnExisting.REPLACE, product_version="0.2")
    make(place, tmp_path, second)
    assert manifest(place, second).replaces == first.product_id


def test_an_item_keeps_its_id_even_if_its_manifest_is_damaged(place, tmp_path, engine):
    job = job_of(tmp_path)
    item = {"id": "OPERA_x", "properties": {"processing:version": "0.1"}}
    place.write(job, ITEM, json.dumps(item).encode())
    place.write(job, MANIFEST, b"")
    make(place, tmp_path, job)
    assert manifest(place, job).item_id == "OPERA_x"
