"""A scene that failed is started again if it may work later, within limits of time and attempts."""

from datetime import timedelta

import pytest

from rtcflow_contract.report import Outcome
from tests.support.area_case import Ends, only
from tests.support.campaign_case import put_report, scene_report
from tests.support.catalogue_case import NOW


@pytest.fixture
def ends(case):
    return Ends(case)


def test_a_scene_that_failed_and_may_work_later_is_started_again_after_a_while(case, ends):
    name = only(case)
    ends.fail(name, NOW)
    assert case.sweep(NOW + timedelta(minutes=59)).retried == 0
    assert case.sweep(NOW + timedelta(minutes=61)).retried == 1
    assert sorted(case.executions) == [name, f"{name}-2"]
    assert case.payload(f"{name}-2") == case.payload(name)
    assert case.sweep(NOW + timedelta(hours=2)).retried == 0


def test_attempts_at_a_scene_are_limited_and_what_is_given_up_is_reported(case, ends):
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
def test_only_what_may_work_later_is_retried(case, ends, error, status, again):
    ends.fail(only(case), NOW, error, status)
    swept = case.sweep(NOW + timedelta(hours=2))
    assert swept.retried == again
    assert len(swept.given_up) == (not again and status != "ABORTED")


def test_a_scene_is_retried_for_a_week(case, ends):
    ends.fail(only(case), NOW + timedelta(days=8))
    swept = case.sweep(NOW + timedelta(days=9))
    assert (swept.retried, len(swept.given_up)) == (0, 1)


def test_a_scene_that_a_notice_started_is_retried_too(case, ends):
    del case.catalogue.granules[1:]
    case.notice(f"{case.catalogue.granules[0].scene}-SLC")
    (name,) = case.executions
    ends.fail(name, NOW)
    assert case.sweep(NOW).before == 1
    assert case.sweep(NOW + timedelta(hours=2)).retried == 1


def test_the_class_of_a_failed_burst_decides(case, ends):
    name = only(case)
    ends.fail(name, NOW, "BurstsFailed")
    report = scene_report(name, Outcome.MADE, Outcome.FAILED)
    put_report(case.s3, report)
    assert case.sweep(NOW + timedelta(hours=2)).retried == 1


def test_an_area_searched_again_reports_what_was_started_before(case, ends):
    case.sweep()
    case.s3.delete_object(Bucket="work", Key="find_scenes/coast.json")
    ended, *running = case.executions
    for execution in ends.machine.executions:
        execution.start_date -= timedelta(hours=1)
    ends.fail(ended, NOW, status="SUCCEEDED")
    swept = case.sweep()
    assert (swept.found, swept.started, swept.before) == (5, 0, 5)
    assert len(case.executions) == 1 + len(running)
