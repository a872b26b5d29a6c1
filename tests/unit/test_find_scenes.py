"""Every new scene of an area is started once, and none is lost, whatever fails in between."""

import json
from datetime import timedelta

import boto3
import pytest
from catalogue_case import NOW, OUTSIDE, feature, granule, put_area

from rtcflow_archives.cmr import Cmr
from rtcflow_campaign.area_files import read_areas
from rtcflow_campaign.area_sweep import Limits, sweep
from rtcflow_campaign.scene_notices import take_notice
from rtcflow_campaign.scene_start import SceneStarter
from rtcflow_contract.errors import RefusedError, TransientError
from rtcflow_files.retry import Retry
from rtcflow_local.twin.catalogue import Catalogue, serve

LIMITS = Limits(timedelta(hours=24), timedelta(days=3), 100)
DEFINITION = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Succeed"}}})
ROLE = "arn:aws:iam::123456789012:role/states"


class Crash(BaseException):
    """The process dies: nothing may catch it."""


class Case:
    """An archive, a state machine that only takes names, and the buckets of a stack."""

    def __init__(self, s3, catalogue, url):
        self.s3 = s3
        self.catalogue = catalogue
        self.states = boto3.client("stepfunctions")
        self.machine = self.states.create_state_machine(name="scene", definition=DEFINITION, roleArn=ROLE)[
            "stateMachineArn"
        ]
        self.starter = SceneStarter(self.machine, "0.1", self.states)
        self.cmr = Cmr(url, Retry(sleep=lambda seconds: None))

    def sweep(self, now=NOW, limits=LIMITS, **area):
        put_area(self.s3, feature(**area))
        (found,) = read_areas("work").areas
        return sweep(found, now, limits, self.cmr, self.starter, "work")

    def notice(self, name, key="granule_ur", **area):
        put_area(self.s3, feature(**area))
        record = {"messageId": "1", "body": json.dumps({"Message": json.dumps({key: name})})}
        return take_notice(record, read_areas("work").areas, self.cmr, self.starter)

    @property
    def executions(self):
        pages = self.states.get_paginator("list_executions").paginate(stateMachineArn=self.machine)
        return {entry["name"]: entry for page in pages for entry in page["executions"]}

    def payload(self, name):
        return json.loads(
            self.states.describe_execution(executionArn=self.executions[name]["executionArn"])["input"]
        )

    @property
    def scenes(self):
        return sorted(self.payload(name)["scene"] for name in self.executions)

    @property
    def position(self):
        return json.loads(self.s3.get_object(Bucket="work", Key="find_scenes/coast.json")["Body"].read())


@pytest.fixture
def case(aws):
    catalogue = Catalogue([granule(number) for number in range(5)])
    with serve(catalogue) as url:
        yield Case(aws, catalogue, url)


def all_scenes(case):
    return sorted(one.scene for one in case.catalogue.granules)


def test_every_scene_of_the_area_is_started_with_its_settings(case):
    case.catalogue.granules.append(granule(9, at=OUTSIDE))
    swept = case.sweep(output_crs=3031, collection="coast")
    assert (swept.found, swept.started, swept.left) == (5, 5, 0)
    assert sorted(case.executions)[0] == "S1A-20260301T000000-coast-v0-1"
    assert case.payload("S1A-20260301T000000-coast-v0-1") == {
        "scene": case.catalogue.granules[0].scene,
        "output_crs": 3031,
        "collection": "coast",
    }


def test_the_next_search_begins_before_the_last_ended(case):
    case.sweep()
    case.catalogue.granules.append(granule(50, hours_ago=20))
    case.sweep(NOW + timedelta(hours=1))
    assert case.scenes == all_scenes(case)
    (span,) = case.catalogue.requests[-1]["created_at[]"]
    assert span == "2026-03-09T12:00:00Z,2026-03-10T13:00:00Z"


def test_overlapping_searches_start_no_scene_twice(case):
    first = case.sweep()
    second = case.sweep(NOW + timedelta(minutes=5))
    assert (first.started, second.found, second.started) == (5, 5, 0)
    assert len(case.executions) == 5


@pytest.mark.parametrize("before_crash", [0, 1, 3, 5])
def test_a_process_that_dies_before_it_remembers_loses_and_doubles_nothing(case, monkeypatch, before_crash):
    start = SceneStarter.start
    calls = []

    def dying(self, area, found):
        if len(calls) == before_crash:
            raise Crash
        calls.append(found)
        return start(self, area, found)

    monkeypatch.setattr(SceneStarter, "start", dying)
    if before_crash == 5:
        monkeypatch.setattr(
            "rtcflow_campaign.area_sweep.remember", lambda *arguments: (_ for _ in ()).throw(Crash())
        )
    with pytest.raises(Crash):
        case.sweep()
    monkeypatch.undo()
    assert len(case.executions) == before_crash
    case.sweep(NOW + timedelta(hours=1))
    assert case.scenes == all_scenes(case)


def test_a_failed_start_leaves_the_position(case, monkeypatch):
    case.sweep()
    before = case.position
    case.catalogue.granules.append(granule(60, hours_ago=-0.5))

    def refuse(self, area, found):
        raise TransientError("throttled")

    monkeypatch.setattr(SceneStarter, "start", refuse)
    with pytest.raises(TransientError):
        case.sweep(NOW + timedelta(hours=1))
    assert case.position == before


@pytest.mark.parametrize("broken", ["short", "down"])
def test_an_incomplete_search_starts_nothing_and_leaves_the_position(case, broken):
    case.sweep()
    before = case.position
    case.catalogue.granules.append(granule(60, hours_ago=-0.5))
    case.catalogue.disturb = lambda number, status, items: (503 if broken == "down" else 200, items[1:])
    with pytest.raises(TransientError):
        case.sweep(NOW + timedelta(hours=1))
    assert case.position == before
    assert len(case.executions) == 5


def test_starts_of_a_run_are_bounded_and_the_rest_follow(case):
    few = LIMITS._replace(starts=2)
    runs = [case.sweep(NOW + timedelta(hours=hour), few) for hour in range(4)]
    assert [run.started for run in runs] == [2, 2, 1, 0]
    assert [run.left for run in runs] == [3, 1, 0, 0]
    assert case.scenes == all_scenes(case)
    assert case.position["searched_until"] == "2026-03-10T15:00:00Z"


def test_of_two_runs_at_once_one_remembers_and_no_scene_is_doubled(case, monkeypatch):
    from rtcflow_campaign import area_sweep

    plain = area_sweep.remember

    def interrupted(*arguments):
        monkeypatch.undo()
        case.sweep(NOW + timedelta(minutes=1))
        return plain(*arguments)

    monkeypatch.setattr(area_sweep, "remember", interrupted)
    case.sweep()
    assert case.position["searched_until"] == "2026-03-10T12:01:00Z"
    assert len(case.executions) == 5


def test_of_two_processings_in_one_search_the_newest_is_started(case):
    newer = granule(0, unique="BEEF", processed=NOW)
    case.catalogue.granules.append(newer)
    case.sweep()
    assert len(case.executions) == 5
    assert newer.scene in case.scenes


def test_a_later_processing_is_left_alone(case):
    case.sweep()
    case.catalogue.granules.append(granule(0, unique="BEEF", processed=NOW))
    assert case.sweep(NOW + timedelta(hours=1)).started == 0


def test_a_later_processing_replaces_where_the_area_says_so(case):
    case.sweep(revisions="replace")
    newer = granule(0, unique="BEEF", processed=NOW)
    case.catalogue.granules.append(newer)
    assert case.sweep(NOW + timedelta(hours=1), revisions="replace").started == 1
    assert case.payload("S1A-20260301T000000-coast-v0-1-BEEF") == {
        "scene": newer.scene,
        "on_existing": "replace",
    }
    assert case.sweep(NOW + timedelta(hours=2), revisions="replace").started == 0


def test_a_new_product_version_is_started_beside_the_old(case):
    case.sweep()
    case.s3.delete_object(Bucket="work", Key="find_scenes/coast.json")
    case.starter = SceneStarter(case.machine, "0.2", case.states)
    assert case.sweep().started == 5


def test_areas_that_are_off_or_wrong_are_left_out_with_a_sentence(aws):
    put_area(aws, feature("one"), feature("two", enabled=False), file="areas/good.geojson")
    put_area(aws, feature("three", colour="red"), file="areas/more/bad.json")
    put_area(aws, feature("one"), file="areas/same.geojson")
    aws.put_object(Bucket="work", Key="areas/notes.txt", Body=b"x")
    files = read_areas("work")
    assert [area.name for area in files.areas] == ["one"]
    assert len(files.refusals) == 2
    assert "colour" in files.refusals[0]
    assert "same.geojson is named one" in files.refusals[1]


def test_a_notice_starts_its_scene_once(case):
    scene = case.catalogue.granules[0].scene
    case.notice(f"{scene}-SLC")
    case.notice(f"{scene}-SLC", key="granule-ur")
    assert case.scenes == [scene]
    case.sweep()
    assert case.scenes == all_scenes(case)


def test_a_notice_of_another_product_or_place_starts_nothing(case):
    elsewhere = granule(9, at=OUTSIDE)
    case.catalogue.granules.append(elsewhere)
    assert case.notice(f"{elsewhere.scene}-SLC") == 0
    assert case.notice("S1_367482_IW2_20260301T000000_VV_1DAD-BURST") == 0
    assert case.executions == {}


def test_a_notice_that_comes_before_the_catalogue_knows_is_tried_again(case):
    with pytest.raises(TransientError, match="not in the catalogue yet"):
        case.notice(f"{granule(30).scene}-SLC")


def test_a_message_that_is_no_notice_is_refused(case):
    with pytest.raises(RefusedError, match="granule_ur"):
        take_notice({"messageId": "1", "body": "{}"}, [], case.cmr, case.starter)


@pytest.fixture
def handler(case, load_handler):
    def load():
        module = load_handler(
            "find_scenes",
            WORK_BUCKET="work",
            SCENE_STATE_MACHINE=case.machine,
            PRODUCT_VERSION="0.1",
            OVERLAP_HOURS="24",
            FIRST_SEARCH_DAYS="3650",
            STARTS_PER_RUN="100",
        )
        module.cmr = case.cmr
        return module.lambda_handler

    return load()


def test_a_wrong_area_fails_the_run_after_the_others_were_searched(case, handler, lambda_context):
    put_area(case.s3, feature("coast"))
    put_area(case.s3, feature("bad", colour="red"), file="areas/b.geojson")
    with pytest.raises(RefusedError, match="colour"):
        handler({}, lambda_context)
    assert case.scenes == all_scenes(case)


def test_a_run_says_what_it_did(case, handler, lambda_context):
    put_area(case.s3, feature("coast"))
    assert handler({}, lambda_context) == {"areas": [{"area": "coast", "found": 5, "started": 5, "left": 0}]}


def test_only_failed_notices_are_given_back(case, handler, lambda_context):
    put_area(case.s3, feature("coast"))
    names = [f"{case.catalogue.granules[0].scene}-SLC", f"{granule(30).scene}-SLC"]
    records = [
        {"messageId": str(number), "body": json.dumps({"granule_ur": name})}
        for number, name in enumerate(names)
    ]
    answer = handler({"Records": [*records, {"messageId": "2", "body": "?"}]}, lambda_context)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "1"}, {"itemIdentifier": "2"}]}
    assert len(case.executions) == 1
