"""Planning a scene from the catalogues of ASF and CDSE: complete listings or an error, and each refusal by name."""

import json
from datetime import UTC, datetime

import pytest

from rtcflow_archives.archived_burst import ArchivedBurst, incomplete, what_is_missing
from rtcflow_archives.asf import list_asf_bursts
from rtcflow_archives.cdse import list_cdse_bursts
from rtcflow_archives.hosts import ArchiveHosts
from rtcflow_contract.errors import DefectError, RefusedError, TransientError
from rtcflow_contract.request import Engine
from rtcflow_contract.scene_id import parse_scene_id
from rtcflow_contract.scene_rules import refuse_old_processor
from rtcflow_scene.planning import PlanSettings, plan_scene
from rtcflow_scene.records import read_task
from tests.support.archive_asf import AsfArchive
from tests.support.archive_cdse import CdseArchive
from tests.support.archive_clock import Clock
from tests.support.archive_loopback import Fault
from tests.support.small_safe import BURST_IDS, SCENE, safe_files

SETTINGS = PlanSettings("products", "work", "0.1", "s3://o", "s3://d", "s3://g")
STARTED = "2026-01-02T03:04:05.678Z"
ARCHIVES = ("asf", "cdse")


class Both:
    """Both archives' catalogues for one scene, and how to list from each."""

    def __init__(self, safe):
        self.asf, self.cdse = AsfArchive(safe), CdseArchive(safe)
        self.environment = self.asf.environment | self.cdse.environment
        self.catalogue = {"asf": self.asf.cmr, "cdse": self.cdse.catalogue}
        self.clock = Clock()

    def list(self, archive, scene, wanted=None):
        hosts, retry = ArchiveHosts.from_environment(self.environment), self.clock.retry()
        if archive == "asf":
            return list_asf_bursts(scene, hosts, retry, wanted)
        return [located.burst for located in list_cdse_bursts(scene, hosts, retry, wanted)]

    def drop(self, archive, text):
        """Take every entry with a text in it out of a catalogue."""
        if archive == "asf":
            cmr = self.asf.cmr
            cmr.granules = [item for item in cmr.granules if text not in item["meta"].get("native-id", "")]
        else:
            sets = self.cdse.catalogue.sets
            sets["/odata/v1/Bursts"] = [e for e in sets["/odata/v1/Bursts"] if text not in e["Id"]]

    def close(self):
        self.asf.close()
        self.cdse.close()


@pytest.fixture
def both(archive_sample, monkeypatch):
    archives = Both(archive_sample.safe)
    for name, value in archives.environment.items():
        monkeypatch.setenv(name, value)
    yield archives
    archives.close()


@pytest.fixture
def scene(archive_sample):
    return parse_scene_id(archive_sample.scene)


def ids_of(sample):
    return {burst_id for ids in sample.bursts.values() for burst_id in ids}


@pytest.mark.parametrize("archive", ARCHIVES)
def test_every_burst_is_listed_in_every_polarization_with_the_archives_own_id(
    archive_sample, both, scene, archive
):
    listed = both.list(archive, scene)
    assert {(burst.burst_id, burst.polarization) for burst in listed} == {
        (burst_id, name) for burst_id in ids_of(archive_sample) for name in ("VV", "VH")
    }


def test_asf_also_gives_index_and_processor(archive_sample, both, scene):
    for burst in both.list("asf", scene):
        assert burst.burst_index == archive_sample.bursts[burst.burst_id[-3:]].index(burst.burst_id)
        assert burst.ipf_version == "003.71"


@pytest.mark.parametrize("archive", ARCHIVES)
def test_listings_have_all_pages(archive_sample, both, scene, archive, monkeypatch):
    both.catalogue["asf"].page_size = 5
    monkeypatch.setattr("rtcflow_archives.cdse._PAGE_SIZE", 5)
    assert len(both.list(archive, scene)) == 12
    assert len(both.catalogue[archive].asked) >= 3


@pytest.mark.parametrize("archive", ARCHIVES)
@pytest.mark.parametrize(
    "fault", [Fault("", 503), Fault("", 429), Fault("", 500, body=b"<html>"), Fault("", cut_after=40)]
)
def test_a_catalogue_that_fails_once_is_asked_again(archive_sample, both, scene, archive, fault):
    both.catalogue[archive].faults = [fault]
    assert len(both.list(archive, scene)) == 12
    assert len(both.clock.slept) == 1


def test_cmr_is_given_the_time_that_it_asks_for_up_to_half_a_minute(both, scene):
    both.asf.cmr.faults = [Fault("", 429, {"Retry-After": seconds}) for seconds in ("7", "900")]
    assert len(both.list("asf", scene)) == 12
    assert both.clock.slept == [7.0, 30.0]


@pytest.mark.parametrize("archive", ARCHIVES)
def test_a_catalogue_that_is_down_is_transient(both, scene, archive):
    both.catalogue[archive].faults = [Fault("", 503, lasting=True)]
    with pytest.raises(TransientError, match="did not answer"):
        both.list(archive, scene)


@pytest.mark.parametrize("archive", ARCHIVES)
@pytest.mark.parametrize("status", [400, 403])
def test_a_catalogue_that_refuses_is_not_asked_again(both, scene, archive, status):
    both.catalogue[archive].faults = [Fault("", status, lasting=True)]
    with pytest.raises(RefusedError, match="refused the search"):
        both.list(archive, scene)
    assert len(both.catalogue[archive].asked) == 1


@pytest.mark.parametrize("archive", ARCHIVES)
def test_a_catalogue_that_throttles_for_good_is_transient(both, scene, archive):
    both.catalogue[archive].faults = [Fault("", 429, lasting=True)]
    with pytest.raises(TransientError, match="429"):
        both.list(archive, scene)
    assert len(both.catalogue[archive].asked) > 3


@pytest.mark.parametrize("archive", ARCHIVES)
def test_a_catalogue_that_stalls_is_asked_again(both, scene, archive, monkeypatch):
    monkeypatch.setattr("rtcflow_archives.cmr_session._READ_S", 0.3)
    monkeypatch.setattr("rtcflow_files.web.READ_S", 0.3)
    both.catalogue[archive].faults = [Fault("", stall_after=40)]
    assert len(both.list(archive, scene)) == 12


def test_short_pages_are_requested_again(both, scene):
    both.asf.cmr.short = [3]
    assert len(both.list("asf", scene)) == 12
    both.cdse.catalogue.missing = 3
    assert len(both.list("cdse", scene)) == 12


def test_pages_that_stay_short_are_transient(both, scene):
    both.asf.cmr.short = [2] * 20
    with pytest.raises(TransientError, match=r"of \d+ granules"):
        both.list("asf", scene)


@pytest.mark.parametrize("archive", ARCHIVES)
@pytest.mark.parametrize("lacking", ["VH", "iw2", "314885_iw3"])
def test_a_listing_that_lacks_bursts_says_which(both, scene, archive, lacking):
    both.drop(archive, lacking.upper() if archive == "asf" else lacking)
    if lacking == "314885_iw3":
        both.drop(archive, "314884_IW1" if archive == "asf" else "314884_iw1")
        assert len(both.list(archive, scene)) == 8
        return
    # What a catalogue lacks long after the pass will not come.
    with pytest.raises(RefusedError, match=r"incompletely: .* missing, \d+ days after the pass") as caught:
        both.list(archive, scene)
    assert lacking.upper() in caught.value.message
    fresh = incomplete("ASF", scene.model_copy(update={"stop": datetime.now(UTC)}), "VH", "cdse", None)
    assert isinstance(fresh, TransientError)


@pytest.mark.parametrize("archive", ARCHIVES)
def test_a_listing_need_only_have_the_wanted_bursts(both, scene, archive):
    both.drop(archive, "IW2" if archive == "asf" else "iw2")
    listed = both.list(archive, scene, wanted=["t147_314884_iw1"])
    assert {"VV", "VH"} == {burst.polarization for burst in listed if burst.burst_id == "t147_314884_iw1"}


@pytest.mark.parametrize("archive", ARCHIVES)
def test_an_unknown_scene_is_refused(both, scene, archive):
    other = parse_scene_id(f"{scene.id[:-4]}0000")
    other = other.model_copy(update={"id": f"{scene.id[:-4]}1111"})
    with pytest.raises(RefusedError, match="has no scene") as caught:
        both.list(archive, other)
    assert caught.value.reason == "unknown-scene"


@pytest.mark.parametrize("archive", ARCHIVES)
def test_a_scene_without_bursts_differs_from_an_unknown_scene(both, scene, archive):
    both.drop(archive, "BURST" if archive == "asf" else "t147")
    with pytest.raises(RefusedError) as caught:
        both.list(archive, scene)
    assert caught.value.reason == "no-bursts"


def test_a_burst_in_an_unknown_form_is_a_defect(both, scene):
    del both.asf.cmr.granules[0]["umm"]["AdditionalAttributes"][2]
    with pytest.raises(DefectError, match="unknown form"):
        both.list("asf", scene)
    del both.cdse.catalogue.sets["/odata/v1/Bursts"][0]["ByteOffset"]
    with pytest.raises(DefectError, match="unknown form"):
        both.list("cdse", scene)


def test_bursts_around_the_end_of_a_cycle_follow_each_other():
    def burst(number, swath, track):
        return ArchivedBurst(f"t{track:03d}_{number:06d}_{swath}", 0, "VV", None)

    numbers = [(375886, 175), (375887, 175), (1, 1), (2, 1)]
    listed = [burst(n, swath, track) for swath in ("iw1", "iw2", "iw3") for n, track in numbers]
    assert what_is_missing(listed, ("VV",)) == ""
    del listed[2]
    assert what_is_missing(listed, ("VV",)) == "burst 1 of IW1"


def plan(**payload):
    return plan_scene({"scene": SCENE, **payload}, "run-1", STARTED, SETTINGS)


@pytest.mark.parametrize("archive", ARCHIVES)
def test_a_scene_is_planned_by_its_id_alone(archive_sample, both, aws, archive):
    state = plan(scene=archive_sample.scene, scene_source=archive)
    assert {burst_id for task in state["tasks"] for burst_id in task["bursts"]} == ids_of(archive_sample)
    job = read_task(state["tasks"][0]["task"]).jobs[0]
    assert job.sources.scene == archive
    assert job.sensing_start.year == 2023
    assert (job.burst_index is None) == (archive == "cdse")


def test_a_scene_of_cdse_runs_no_more_tasks_than_its_quota_has_connections(archive_sample, both, aws):
    assert plan(scene=archive_sample.scene, scene_source="cdse")["max_concurrency"] == 4
    assert plan(scene=archive_sample.scene, scene_source="cdse", max_concurrency=2)["max_concurrency"] == 2
    assert plan(scene=archive_sample.scene, scene_source="asf")["max_concurrency"] == 30


def test_a_burst_that_is_not_in_the_scene_lists_those_that_are(archive_sample, both, aws):
    with pytest.raises(RefusedError, match="burst t147_000001_iw1 is not in scene") as caught:
        plan(scene=archive_sample.scene, burst_id_list="t147_000001_iw1")
    assert all(burst_id in caught.value.message for burst_id in ids_of(archive_sample))


def test_named_bursts_of_a_safe_are_planned_with_the_archives_down(aws, monkeypatch):
    for name in ("RTCFLOW_CMR_URL", "RTCFLOW_CDSE_CATALOGUE_URL"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for path, text in safe_files().items():
        aws.put_object(Bucket="scenes", Key=f"{SCENE}.SAFE/{path}", Body=text)
    state = plan(scene_source=f"s3://scenes/{SCENE}.SAFE", burst_id_list=[BURST_IDS[0]])
    assert [task["bursts"] for task in state["tasks"]] == [[BURST_IDS[0]]]


REFUSED = [
    ("S1A_EW_SLC__1SDH_20220101T124744_20220101T124814_041267_04E7A2_1DAD", "EW mode"),
    ("S1A_IW_GRDH_1SDV_20220101T124744_20220101T124814_041267_04E7A2_1DAD", "not an SLC"),
    ("S1C_IW_SLC__1SDV_20250519T124744_20250519T124814_002267_04E7A2_1DAD", "from 2025-05-20 on"),
    ("a scene", "not a Sentinel-1 scene id"),
]


@pytest.mark.parametrize(("scene", "sentence"), REFUSED)
def test_a_scene_that_cannot_work_is_refused_before_any_request(both, aws, scene, sentence):
    with pytest.raises(RefusedError, match=sentence):
        plan(scene=scene)
    assert not both.asf.cmr.asked


def test_an_old_processor_is_refused_for_the_engine_that_cannot_read_it(archive_sample, both, aws):
    for item in both.asf.cmr.granules:
        item["umm"]["PGEVersionClass"] = {"PGEName": "Sentinel-1 IPF", "PGEVersion": "002.60"}
    with pytest.raises(RefusedError, match=r"IPF 002\.60.*002\.70 or later") as caught:
        plan(scene=archive_sample.scene, engine="isce3")
    assert caught.value.reason == "ipf-version"
    assert plan(scene=archive_sample.scene, engine="native")["bursts"]
    refuse_old_processor("x", "002.70", Engine.ISCE3)
    refuse_old_processor("x", "", Engine.ISCE3)


def test_the_handler_plans_a_scene_from_asf(archive_sample, both, aws, load_handler, lambda_context):
    app = load_handler("plan_scene", PRODUCTS_BUCKET="products", WORK_BUCKET="work", PRODUCT_VERSION="0.1")
    event = {
        "payload": {"scene": archive_sample.scene},
        "execution": "run-2",
        "started": STARTED,
        "stack": {},
    }
    state = app.lambda_handler(event, lambda_context)
    assert {burst_id for task in state["tasks"] for burst_id in task["bursts"]} == ids_of(archive_sample)
    assert len(json.dumps(state)) < 8192
