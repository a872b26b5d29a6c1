"""A campaign decides about a scene from its earlier attempts, and records its end."""

from datetime import UTC, datetime

import pytest

from rtcflow_campaign.attempts import _MOST_WAITS
from rtcflow_campaign.campaign_store import CampaignStore
from rtcflow_campaign.scene_following import FollowSettings, SceneFollower
from rtcflow_contract.campaign import SceneState
from rtcflow_contract.errors import ErrorClass
from rtcflow_contract.layers import Product
from rtcflow_contract.report import Outcome, SceneOutcome
from tests.support.campaign_case import BURSTS, START, States, item, outcome, put_report, scene_report
from tests.support.inventory_case import Spec, job_of, manifest_of

MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:scene"
ITEM = item()
FIRST, SECOND, THIRD = (f"{ITEM.name}-{number}" for number in (1, 2, 3))
MADE, SKIPPED, FAILED = Outcome.MADE, Outcome.SKIPPED, Outcome.FAILED


@pytest.fixture
def case(aws):
    class Case:
        states = States()
        store = CampaignStore("work", "continent")

        def follow(self, **event):
            follower = SceneFollower(FollowSettings("work", MACHINE), states=self.states)
            return follower.follow({"campaign": "continent", "item": ITEM.model_dump(), **event})

        def ended(self, name, status, report=None, **fields):
            self.states.put(name, status, **fields)
            if report:
                put_report(aws, report)

        @property
        def record(self):
            (found,) = self.store.read_records()
            return found

    Case.s3 = aws
    return Case()


def test_a_scene_that_was_never_started_is_run(case):
    answer = case.follow()
    assert (answer["decision"], answer["attempt"], answer["seen"]) == ("run", FIRST, FIRST)
    assert list(case.store.read_records()) == []


def test_a_scene_that_runs_is_waited_for(case):
    case.ended(FIRST, "RUNNING")
    answer = case.follow()
    assert (answer["decision"], answer["seen"], answer["wait_s"]) == ("wait", FIRST, 60)


def test_a_scene_that_waits_for_its_orbit_is_waited_for_within_the_history_of_an_execution(case):
    case.ended(FIRST, "RUNNING")
    first, later = (case.follow(next={"waits": waits})["wait_s"] for waits in (299, 300))
    longest_scene_s = 33 * 86400
    events_a_wait, most_events = 10, 25_000
    assert first < later
    assert (300 + (longest_scene_s - 300 * first) / later) * events_a_wait < most_events


def test_a_scene_whose_products_exist_is_done(case):
    case.ended(FIRST, "SUCCEEDED", scene_report(FIRST, MADE, MADE, SKIPPED))
    assert case.follow()["decision"] == "done"
    record = case.record
    assert (record.state, record.products, record.made, record.seconds) == (SceneState.SUCCEEDED, 3, 2, 120.0)
    assert (record.attempts, record.execution, record.cost_usd) == (1, FIRST, 0.5)


def test_a_scene_whose_products_were_deleted_is_run_again(case):
    case.ended(FIRST, "SUCCEEDED", scene_report(FIRST, MADE, MADE))
    case.s3.delete_object(Bucket="products", Key=outcome(BURSTS[0], MADE).item.removeprefix("s3://products/"))
    assert case.follow()["attempt"] == SECOND


def test_a_scene_that_failed_before_is_retried(case):
    case.ended(FIRST, "FAILED", scene_report(FIRST, MADE, FAILED))
    answer = case.follow()
    assert (answer["decision"], answer["attempt"]) == ("run", SECOND)


def test_a_scene_that_was_stopped_is_retried(case):
    case.ended(FIRST, "ABORTED")
    assert case.follow()["attempt"] == SECOND


def test_a_scene_that_failed_in_this_run_has_failed(case):
    case.ended(FIRST, "FAILED", scene_report(FIRST, MADE, FAILED), error="BurstsFailed")
    answer = case.follow(next={"seen": FIRST})
    assert (answer["decision"], answer["error_class"]) == ("failed", "transient")
    record = case.record
    assert (record.state, record.failed, record.failures) == (SceneState.FAILED, 1, {ErrorClass.TRANSIENT: 1})
    assert (record.reason, record.message) == ("network", "no answer")


def test_attempts_are_summed(case):
    case.ended(FIRST, "FAILED", scene_report(FIRST, MADE, FAILED))
    case.ended(SECOND, "ABORTED")
    case.ended(THIRD, "SUCCEEDED", scene_report(THIRD, SKIPPED, MADE, after_h=5))
    assert case.follow(next={"seen": THIRD})["decision"] == "done"
    record = case.record
    assert (record.attempts, record.products, record.made) == (3, 2, 2)
    assert (record.failed, record.failures, record.error_class) == (0, {}, None)
    assert (record.seconds, record.cost_usd) == (120.0, 1.0)
    assert (record.started, record.finished) == (START, datetime(2026, 3, 20, 6, tzinfo=UTC))


def test_static_layers_made_for_linking_are_counted_separately(case):
    static = outcome(BURSTS[0], MADE, Product.RTC_S1_STATIC)
    case.ended(FIRST, "SUCCEEDED", scene_report(FIRST, MADE, static_bursts=(static,)))
    case.follow()
    assert (case.record.made, case.record.static_made, case.record.products) == (1, 1, 1)


def test_the_gravest_failure_names_the_scene(case):
    report = scene_report(FIRST, FAILED, FAILED)
    refused = outcome(BURSTS[2], FAILED, error_class=ErrorClass.REFUSED, reason="dem", message="no DEM")
    report = report.model_copy(update={"bursts": (*report.bursts, refused)})
    case.ended(FIRST, "FAILED", report)
    case.follow(next={"seen": FIRST})
    assert (case.record.error_class, case.record.reason) == (ErrorClass.REFUSED, "dem")
    assert case.record.failures == {ErrorClass.TRANSIENT: 2, ErrorClass.REFUSED: 1}


def test_a_scene_that_never_got_to_its_bursts_has_the_class_of_its_error(case):
    case.ended(FIRST, "FAILED", scene_report(FIRST), error="RefusedError", cause="x")
    case.follow(next={"seen": FIRST})
    assert (case.record.error_class, case.record.message) == (ErrorClass.REFUSED, "the scene's message")


@pytest.mark.parametrize(("status", "reason"), [("TIMED_OUT", "timed-out"), ("ABORTED", "aborted")])
def test_a_scene_that_left_no_report_says_how_it_ended(case, status, reason):
    case.ended(FIRST, status)
    case.follow(next={"seen": FIRST})
    assert (case.record.error_class, case.record.reason) == (ErrorClass.TRANSIENT, reason)


def test_a_scene_that_could_not_be_started_says_why(case):
    answer = case.follow(next={"seen": FIRST}, problem={"Error": "StepFunctions.AccessDenied", "Cause": "no"})
    assert answer["decision"] == "failed"
    assert case.record.reason == "not-started"
    assert "AccessDenied" in case.record.message


def test_a_paused_campaign_starts_nothing_but_waits(case):
    case.store.pause(START)
    answer = case.follow(next={"waits": 3})
    assert (answer["decision"], answer["seen"], answer["wait_s"]) == ("wait", None, 360)
    case.store.resume()
    assert case.follow()["decision"] == "run"


def test_a_finished_scene_is_done_even_during_a_pause(case):
    case.store.pause(START)
    case.ended(FIRST, "SUCCEEDED", scene_report(FIRST, MADE))
    assert case.follow()["decision"] == "done"


def test_a_pause_that_is_too_long_leaves_the_scene(case):
    case.store.pause(START)
    assert case.follow(next={"waits": _MOST_WAITS})["decision"] == "left"
    assert (case.record.state, case.record.attempts) == (SceneState.LEFT, 0)


def test_the_handler_follows(case, load_handler, lambda_context):
    module = load_handler("follow_scene", WORK_BUCKET="work", SCENE_STATE_MACHINE=MACHINE)
    module.follower.states = case.states
    event = {"campaign": "continent", "item": ITEM.model_dump()}
    assert module.lambda_handler(event, lambda_context)["decision"] == "run"


REFUSED = {"error_class": ErrorClass.REFUSED, "reason": "dem", "message": "no DEM"}


def refused_report(name):
    report = scene_report(name, MADE)
    return report.model_copy(
        update={
            "bursts": (*report.bursts, outcome(BURSTS[1], FAILED, **REFUSED)),
            "outcome": SceneOutcome.FAILED,
        }
    )


def test_a_scene_that_was_refused_is_not_retried(case):
    case.ended(FIRST, "FAILED", refused_report(FIRST), error="BurstsFailed")
    answer = case.follow()
    assert (answer["decision"], answer["attempt"], answer["error_class"]) == ("failed", FIRST, "refused")
    assert "no DEM (refused before, and not tried again unless asked)" in case.record.message
    assert case.record.made == 1


def test_a_scene_that_was_refused_is_retried_where_that_is_asked_for(case):
    case.ended(FIRST, "FAILED", refused_report(FIRST), error="BurstsFailed")
    asked = ITEM.model_copy(update={"retry_refused": True})
    assert case.follow(item=asked.model_dump())["attempt"] == SECOND


def test_a_scene_that_lacked_its_static_layers_is_retried(case):
    case.ended(FIRST, "FAILED", error="StaticLayersMissing", cause="none")
    assert case.follow()["attempt"] == SECOND


@pytest.mark.parametrize("data", [b"", b'{"id": "OPERA'])
def test_a_scene_whose_item_was_damaged_is_run_again(case, data):
    case.ended(FIRST, "SUCCEEDED", scene_report(FIRST, MADE))
    key = outcome(BURSTS[0], MADE).item.removeprefix("s3://products/")
    case.s3.put_object(Bucket="products", Key=key, Body=data)
    assert case.follow()["attempt"] == SECOND


def test_attempts_have_a_limit_over_all_starts(case):
    for number in range(1, 6):
        case.ended(f"{ITEM.name}-{number}", "FAILED", scene_report(f"{ITEM.name}-{number}", FAILED))
    answer = case.follow()
    assert (answer["decision"], answer["attempt"]) == ("failed", f"{ITEM.name}-5")
    assert "given up after 5 attempts" in answer["message"]
    more = ITEM.model_copy(update={"max_attempts": 6})
    assert case.follow(item=more.model_dump())["attempt"] == f"{ITEM.name}-6"


def test_products_and_costs_stay_recorded_when_others_forget_them(case):
    case.ended(FIRST, "FAILED", scene_report(FIRST, MADE, FAILED))
    case.follow(next={"seen": FIRST})
    case.states.found.clear()
    case.s3.delete_object(Bucket="work", Key=f"executions/{FIRST}/report.json")
    answer = case.follow()
    assert (answer["decision"], answer["attempt"]) == ("run", SECOND)
    case.ended(SECOND, "SUCCEEDED", scene_report(SECOND, SKIPPED, MADE, after_h=5))
    case.follow(next={"seen": SECOND})
    record = case.record
    assert (record.attempts, record.made, record.cost_usd, record.started) == (2, 2, 1.0, START)
    assert record.execution == SECOND


def test_a_scene_that_was_refused_before_step_functions_forgot_it_is_not_retried(case):
    case.ended(FIRST, "FAILED", refused_report(FIRST), error="BurstsFailed")
    case.follow(next={"seen": FIRST})
    case.states.found.clear()
    answer = case.follow()
    assert (answer["decision"], answer["error_class"]) == ("failed", "refused")
    assert case.record.attempts == 1


def test_another_product_in_the_place_is_not_what_was_made(case):
    case.ended(FIRST, "SUCCEEDED", scene_report(FIRST, MADE))
    item_at = outcome(BURSTS[0], MADE).item.removeprefix("s3://products/")
    spec = Spec()
    manifest = manifest_of(spec, job_of(spec))
    key = item_at.replace("metadata", "manifest")
    case.s3.put_object(Bucket="products", Key=key, Body=manifest.model_dump_json().encode())
    assert case.follow()["decision"] == "done"
    coarse = manifest.grid.model_copy(update={"spacing": 40})
    data = manifest.model_copy(update={"grid": coarse}).model_dump_json()
    case.s3.put_object(Bucket="products", Key=key, Body=data.encode())
    assert case.follow()["decision"] == "run"


@pytest.mark.parametrize("data", [b"", b"[]"])
def test_a_record_that_cannot_be_read_is_written_again(case, data):
    case.s3.put_object(Bucket="work", Key=f"campaigns/continent/records/{ITEM.name}.json", Body=data)
    case.ended(FIRST, "SUCCEEDED", scene_report(FIRST, MADE))
    assert case.follow()["decision"] == "done"
    assert case.record.products == 1
