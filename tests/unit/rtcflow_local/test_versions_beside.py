"""A new product version is made beside the one in use, and replaces it only if asked to."""

from datetime import UTC, datetime

import pytest

import rtcflow.burst_run
from rtcflow.burst_run import make_burst
from rtcflow.destination import Destination
from rtcflow_contract.keys import ITEM, Location
from rtcflow_contract.manifest import Manifest
from rtcflow_contract.product_id import product_id
from rtcflow_contract.report import Outcome
from rtcflow_contract.request import OnExisting
from rtcflow_scene.assembly import StacSettings, assemble_stac
from rtcflow_stac.context import HrefStyle, Processor
from tests.support.burst_case import DrawingEngine, make_job, write_case
from tests.support.inventory_case import SETTINGS, Spec, job_of
from tests.support.version_case import BESIDE, files_of, manifest_at, whole


@pytest.fixture
def case(tmp_path, monkeypatch):
    write_case(tmp_path)
    monkeypatch.setattr(rtcflow.burst_run, "choose_engine", lambda choice: DrawingEngine())
    return tmp_path


def job_at(case, version, day, on_existing=OnExisting.BESIDE):
    started = datetime(2025, 4, day, tzinfo=UTC)
    job = make_job(case, execution=f"execution-{day}", on_existing=on_existing)
    name = product_id(job.product, job.burst_id, job.sensing_start, started, "S1A", 20, version)
    return job.model_copy(
        update={"execution_started": started, "product_id": name, "product_version": version}
    )


def make(job, case):
    result = make_burst(job, case / f"work-{job.execution}", Destination(job))
    assemble_stac(job, SETTINGS)
    return result


def test_the_first_version_is_in_use_at_once(aws, case):
    job = job_at(case, "0.1", 1)
    assert make(job, case).outcome is Outcome.MADE
    assert whole(job.destination) == "0.1"


def test_a_new_version_is_made_beside_the_one_in_use(aws, case):
    make(job_at(case, "0.1", 1), case)
    job = job_at(case, "0.2", 2)
    assert make(job, case).outcome is Outcome.MADE
    assert whole(job.destination, "0.2") == "0.1"


def test_a_version_that_is_there_is_not_made_again(aws, case):
    for version, day in (("0.1", 1), ("0.2", 2)):
        make(job_at(case, version, day), case)
    assert make(job_at(case, "0.2", 3), case).outcome is Outcome.SKIPPED
    assert make(job_at(case, "0.1", 4), case).outcome is Outcome.SKIPPED
    assert whole(job_at(case, "0.1", 1).destination, "0.2") == "0.1"


def test_replacing_with_a_new_version_puts_it_in_use_and_keeps_the_files_of_the_old(aws, case):
    make(job_at(case, "0.1", 1), case)
    job = job_at(case, "0.2", 2, OnExisting.REPLACE)
    make(job, case)
    assert whole(job.destination, "0.1") == "0.2"


def test_replacing_a_version_leaves_no_file_of_it(aws, case):
    make(job_at(case, "0.1", 1), case)
    make(job_at(case, "0.2", 2), case)
    job = job_at(case, "0.2", 3, OnExisting.REPLACE)
    make(job, case)
    assert whole(job.destination, "0.1") == "0.2"
    assert manifest_at(job.destination).execution == "execution-3"


def test_a_version_that_came_into_use_meanwhile_is_not_lost(aws, case, monkeypatch):
    late = job_at(case, "0.2", 2)

    def overtaken():
        monkeypatch.setattr(rtcflow.burst_run, "choose_engine", lambda choice: DrawingEngine())
        make(job_at(case, "0.1", 1), case)

    monkeypatch.setattr(
        rtcflow.burst_run, "choose_engine", lambda choice: DrawingEngine(before_last=overtaken)
    )
    make(late, case)
    assert whole(late.destination, "0.2") == "0.1"


def test_local_products_have_versions_too(case):
    for version, day, on_existing in (
        ("0.1", 1, OnExisting.REPLACE),
        ("0.2", 2, OnExisting.BESIDE),
        ("0.3", 3, OnExisting.REPLACE),
    ):
        job = job_at(case, version, day, on_existing)
        folder = case / "out" / job.destination.key
        here = {"destination": Location.local(folder), "collection_folder": Location.local(case / "out")}
        job = job.model_copy(update=here)
        make_burst(job, case / f"work-{day}", Destination(job, Location.local(folder)))
        assemble_stac(job, StacSettings(HrefStyle.RELATIVE, "", Processor("operator", None), "CC-BY-4.0"))
    there = {path.name for path in folder.iterdir()}
    manifests = [
        Manifest.model_validate_json((folder / name).read_bytes()) for name in there if "manifest" in name
    ]
    assert {manifest.product_version for manifest in manifests} == {"0.1", "0.2", "0.3"}
    assert files_of(*manifests) <= there
    assert {name for name in there if name.startswith("metadata")} == {
        ITEM,
        "metadata.v0.1.json",
        "metadata.v0.2.json",
    }


def test_a_plan_leaves_out_a_burst_only_when_the_version_is_there(two):
    from rtcflow_scene.burst_choice import existing_item

    def item(version):
        found = existing_item(job_of(Spec(version=version, payload=BESIDE)))
        return found and found.key.rpartition("/")[2]

    assert [item(version) for version in ("0.1", "0.2", "0.3")] == [ITEM, "metadata.v0.2.json", None]
