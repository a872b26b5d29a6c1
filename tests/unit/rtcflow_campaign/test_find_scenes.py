"""Every new scene of an area is started once, and none is lost, whatever fails in between."""

import json
import re
from datetime import timedelta

import boto3
import pytest
from moto.stepfunctions.models import stepfunctions_backends

from rtcflow_archives.cmr import Cmr
from rtcflow_campaign.area_sweep import SweepLimits, SweepServices, read_areas, sweep
from rtcflow_campaign.retries import LONGEST_EXECUTION, SceneExecutions
from rtcflow_campaign.scene_start import SceneStarter, take_notice
from rtcflow_contract.errors import DefectError, RefusedError, TransientError
from rtcflow_contract.report import Outcome
from rtcflow_files.retry import Retry
from tests.support.campaign_case import put_report, scene_report
from tests.support.catalogue_case import INSIDE, NOW, OUTSIDE, SQUARE, feature, granule, put_area
from tests.support.cmr_catalogue import Catalogue, Granule, serve

LIMITS = SweepLimits(timedelta(hours=24), timedelta(days=3), 100)
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
        self.starter = SceneStarter(self.machine, "0.1", "products", self.states)
        self.scene_executions = SceneExecutions(self.machine, "work", self.states)
        self.cmr = Cmr(url, Retry(sleep=lambda seconds: None))

    def sweep(self, now=NOW, limits=LIMITS, **area):
        put_area(self.s3, feature(**area))
        (found,) = read_areas("work", "products").areas
        failed = self.scene_executions.failed_since(now - limits.retry - LONGEST_EXECUTION)
        archive = SweepServices(self.cmr, self.starter, self.scene_executions, failed)
        return sweep(found, now, limits, archive, "work")

    def notice(self, name, key="granule_ur", **area):
        put_area(self.s3, feature(**area))
        record = {"messageId": "1", "body": json.dumps({"Message": json.dumps({key: name})})}
        return take_notice(record, read_areas("work", "products").areas, self.cmr, self.starter)

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
    first = sorted(case.executions)[0]
    assert re.fullmatch(r"S1A-20260301T000000-s1-[0-9a-f]{10}-v0-1", first)
    assert case.payload(first) == {
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

    def dying(self, area, found, processings):
        if len(calls) == before_crash:
            raise Crash
        calls.append(found)
        return start(self, area, found, processings)

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

    def refuse(self, area, found, processings):
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
    (revised,) = (name for name in case.executions if name.endswith("-v0-1-BEEF"))
    assert case.payload(revised) == {"scene": newer.scene, "on_existing": "replace"}
    assert case.sweep(NOW + timedelta(hours=2), revisions="replace").started == 0


def test_a_new_product_version_is_started_beside_the_old(case):
    case.sweep()
    case.s3.delete_object(Bucket="work", Key="find_scenes/coast.json")
    case.starter = SceneStarter(case.machine, "0.2", "products", case.states)
    assert case.sweep().started == 5


def test_areas_that_are_off_or_wrong_are_left_out_with_a_sentence(aws):
    put_area(aws, feature("one"), feature("two", enabled=False), file="areas/good.geojson")
    put_area(aws, feature("three", colour="red"), file="areas/more/bad.json")
    put_area(aws, feature("one"), file="areas/same.geojson")
    aws.put_object(Bucket="work", Key="areas/notes.txt", Body=b"x")
    files = read_areas("work", "products")
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
            PRODUCTS_BUCKET="products",
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
    answer = handler({}, lambda_context)
    assert answer["not_reached"] == []
    assert answer["areas"] == [
        {
            "area": "coast",
            "found": 5,
            "started": 5,
            "before": 0,
            "left": 0,
            "unusable": 0,
            "retried": 0,
            "given_up": [],
        }
    ]


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


class Ends:
    """Executions of the state machine end as a test says."""

    def __init__(self, case):
        self.case = case
        account = stepfunctions_backends["123456789012"]["us-east-1"]
        self.machine = account.describe_state_machine(case.machine)

    def fail(self, name, at, error="TransientError", status="FAILED"):
        (execution,) = (one for one in self.machine.executions if one.name == name)
        execution.status, execution.error, execution.stop_date = status, error, at
        execution.cause = "no answer"
        # In listings moto gives the end of FAILED and SUCCEEDED alone.
        execution.start_date = at.replace(tzinfo=None)


@pytest.fixture
def ends(case):
    return Ends(case)


def only(case, **area):
    """One scene in the catalogue, started; gives the name of its execution."""
    del case.catalogue.granules[1:]
    case.sweep(**area)
    (name,) = case.executions
    return name


def test_a_scene_that_failed_and_may_work_later_is_started_again_after_a_while(case, ends):
    name = only(case)
    ends.fail(name, NOW)
    assert case.sweep(NOW + timedelta(minutes=59)).retried == 0
    assert case.sweep(NOW + timedelta(minutes=61)).retried == 1
    assert sorted(case.executions) == [name, f"{name}-2"]
    assert case.payload(f"{name}-2") == case.payload(name)
    assert case.sweep(NOW + timedelta(hours=2)).retried == 0


def test_attempts_at_a_scene_are_bounded_and_what_is_given_up_is_said(case, ends):
    name = only(case)
    now, given_up = NOW, ()
    for _ in range(20):
        for started in case.executions:
            if case.executions[started]["status"] == "RUNNING":
                ends.fail(started, now)
        now += timedelta(hours=25)
        given_up += case.sweep(now).given_up
    assert len(case.executions) == 6
    assert given_up == (f"{case.catalogue.granules[0].scene} after 6 attempts: no answer",)
    (entry,) = case.position["given_up"]
    assert (entry["name"], entry["attempts"], entry["error_class"]) == (name, 6, "transient")


@pytest.mark.parametrize(
    ("error", "status", "again"),
    [
        ("TransientError", "FAILED", True),
        ("States.Timeout", "TIMED_OUT", True),
        ("StaticLayersMissing", "FAILED", True),
        ("RefusedError", "FAILED", False),
        ("States.Runtime", "FAILED", False),
        ("", "ABORTED", False),
    ],
)
def test_only_what_may_work_later_is_tried_again(case, ends, error, status, again):
    ends.fail(only(case), NOW, error, status)
    swept = case.sweep(NOW + timedelta(hours=2))
    assert swept.retried == again
    assert len(swept.given_up) == (not again and status != "ABORTED")


def test_a_scene_is_tried_again_for_a_week(case, ends):
    ends.fail(only(case), NOW + timedelta(days=8))
    swept = case.sweep(NOW + timedelta(days=9))
    assert (swept.retried, len(swept.given_up)) == (0, 1)


def test_a_scene_that_a_notice_started_is_tried_again_too(case, ends):
    del case.catalogue.granules[1:]
    case.notice(f"{case.catalogue.granules[0].scene}-SLC")
    (name,) = case.executions
    ends.fail(name, NOW)
    assert case.sweep(NOW).before == 1
    assert case.sweep(NOW + timedelta(hours=2)).retried == 1


def test_a_failed_burst_decides_by_its_class(case, ends):
    name = only(case)
    ends.fail(name, NOW, "BurstsFailed")
    report = scene_report(name, Outcome.MADE, Outcome.FAILED)
    put_report(case.s3, report)
    assert case.sweep(NOW + timedelta(hours=2)).retried == 1


def test_an_area_searched_anew_says_what_was_started_before(case, ends):
    case.sweep()
    case.s3.delete_object(Bucket="work", Key="find_scenes/coast.json")
    ended, *running = case.executions
    for execution in ends.machine.executions:
        execution.start_date -= timedelta(hours=1)
    ends.fail(ended, NOW, status="SUCCEEDED")
    swept = case.sweep()
    assert (swept.found, swept.started, swept.before) == (5, 0, 5)
    assert len(case.executions) == 1 + len(running)


def test_other_settings_are_another_name(case):
    case.sweep()
    case.s3.delete_object(Bucket="work", Key="find_scenes/coast.json")
    assert case.sweep(resolution=40, collection="coarse").started == 5


def test_an_earlier_processing_that_shows_up_late_replaces_nothing(case):
    case.sweep(revisions="replace")
    earlier = granule(0, unique="BEEF", processed=NOW - timedelta(days=9))
    case.catalogue.granules.append(earlier)
    assert case.sweep(NOW + timedelta(hours=1), revisions="replace").started == 0
    assert case.notice(f"{earlier.scene}-SLC", revisions="replace") == 0
    assert len(case.executions) == 5


def test_scenes_that_can_never_work_are_counted_and_not_started(case):
    uncalibrated = Granule(
        "S1C_IW_SLC__1SDV_20250301T000000_20250301T000027_041267_04E7A2_1DAD",
        NOW - timedelta(hours=1),
        INSIDE,
    )
    case.catalogue.granules[:] = [granule(0), uncalibrated]
    swept = case.sweep()
    assert (swept.found, swept.started, swept.unusable) == (2, 1, 1)


def two_areas(case, first, second):
    put_area(case.s3, feature("one", **first), feature("two", **second))
    return read_areas("work", "products")


def test_areas_with_equal_settings_start_a_scene_once(case, handler, lambda_context):
    two_areas(case, {"output_crs": 3031}, {"output_crs": "EPSG:3031"})
    answer = handler({}, lambda_context)
    assert len(case.executions) == 5
    assert sum(area["started"] for area in answer["areas"]) == 5
    assert sum(area["before"] for area in answer["areas"]) == 5


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        ({"resolution": 20}, {"resolution": 40}, "resolution 20 m and 40 m"),
        ({"output_crs": 3031}, {}, "CRS EPSG:3031 and default"),
        ({"engine": "native"}, {"engine": "isce3"}, "engine native and isce3"),
        (
            {"product": "RTC_S1_STATIC", "collection": "c"},
            {"product": "RTC_S1_STATIC", "collection": "c", "resolution": 40},
            "resolution",
        ),
        (
            {"collection": "a", "link_static_layers": True, "on_missing_static": "create"},
            {"collection": "b", "link_static_layers": True, "on_missing_static": "create", "resolution": 40},
            "RTC_S1_STATIC to s3://products/experimental/s1_rtc_static_c1",
        ),
    ],
)
def test_areas_that_write_other_products_to_one_place_are_refused_before_they_start(
    case, first, second, told
):
    files = two_areas(case, first, second)
    assert files.areas == []
    (refusal,) = files.refusals
    assert told in refusal
    assert "areas one and two write" in refusal


FAR = [[x + 40, y] for x, y in SQUARE]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"resolution": 20}, {"resolution": 40, "collection": "coarse"}),
        ({"resolution": 20}, {"resolution": 40, "s3_project_folder": "other"}),
        ({"resolution": 20}, {"resolution": 40, "square": FAR}),
        ({"resolution": 20, "tracks": [1]}, {"resolution": 40, "tracks": [2]}),
        ({"resolution": 20, "end": "2025-12-31"}, {"resolution": 40, "start": "2026-01-01"}),
        ({"engine": "native"}, {}),
        ({"resolution": 20}, {"resolution": 40, "enabled": False}),
    ],
)
def test_areas_that_share_no_place_go_side_by_side(case, first, second):
    assert two_areas(case, first, second).refusals == []


@pytest.mark.parametrize("data", [b"", b'{"searched_', b"[]", b'{"version": 7}'])
def test_a_position_that_cannot_be_read_stops_its_area_alone(case, handler, lambda_context, data):
    put_area(case.s3, feature("one"), feature("two", collection="b"))
    case.s3.put_object(Bucket="work", Key="find_scenes/one.json", Body=data)
    with pytest.raises(RefusedError, match=r"area one: s3://work/find_scenes/one\.json"):
        handler({}, lambda_context)
    assert len(case.executions) == 5


def test_a_position_of_a_later_release_is_read(case):
    case.sweep()
    position = {**case.position, "colour": "red"}
    case.s3.put_object(Bucket="work", Key="find_scenes/coast.json", Body=json.dumps(position).encode())
    assert case.sweep(NOW + timedelta(hours=1)).started == 0


def test_a_fault_in_one_area_does_not_stop_the_others(case, handler, lambda_context, monkeypatch):
    put_area(case.s3, feature("one"), feature("two", collection="b"))
    start = SceneStarter.start

    def failing(self, area, *arguments):
        if area.name == "one":
            raise KeyError("boom")
        return start(self, area, *arguments)

    monkeypatch.setattr(SceneStarter, "start", failing)
    with pytest.raises(DefectError, match="area one: KeyError"):
        handler({}, lambda_context)
    assert len(case.executions) == 5


def test_areas_are_searched_within_the_time_and_the_next_run_begins_with_the_others(
    case, handler, lambda_context
):
    put_area(case.s3, *(feature(f"area-{n}", collection=f"c{n}") for n in range(12)))
    # The first answer is the limit of the calls, the others are for areas.
    left = iter([300_000] * 6)
    lambda_context.get_remaining_time_in_millis = lambda: next(left, 1000)
    first = handler({}, lambda_context)
    assert len(first["areas"]) == 5
    assert len(first["not_reached"]) == 7
    left = iter([300_000] * 8)
    second = handler({}, lambda_context)
    assert sorted(area["area"] for area in second["areas"]) == sorted(first["not_reached"])


def test_a_byte_order_mark_is_no_harm(case):
    text = "\ufeff" + json.dumps(feature("coast"))
    case.s3.put_object(Bucket="work", Key="areas/a.json", Body=text.encode())
    assert [area.name for area in read_areas("work", "products").areas] == ["coast"]
