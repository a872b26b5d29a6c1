"""The decision after a call of RunTask, for every kind of end and the rounds before it."""

import heapq
import itertools
import random
from datetime import timedelta
from itertools import pairwise

import pytest

from rtcflow_contract.errors import ErrorClass
from rtcflow_contract.request import Compute
from rtcflow_scene.task_decision import _MOST_TRIES, decide
from rtcflow_scene.task_end import read_end
from rtcflow_scene.task_run import StackSettings, first_run, most_rounds
from tests.support.after_task_case import NOW, ended, failed

NO_CAPACITY = {"Error": "AmazonECS.Unknown", "Cause": "RESOURCE:CPU"}
TOO_FAST = {"Error": "ECS.ThrottlingException", "Cause": "Rate exceeded"}


def run(tasks=1, compute=Compute.SPOT, **settings):
    stack = StackSettings(subnets="a,b", **settings)
    return first_run(
        "s3://work/executions/e/tasks/0.json",
        ["t070_149815_iw1"],
        stack=stack,
        compute=compute,
        tasks=tasks,
        timeout_s=2700,
        scene="S1A",
        collection="c",
    )


def after(current, end, left=1, begun=True, now=NOW, share=1.0):
    return decide(current, read_end(end), left=left, begun=begun, now=now, share=share)


def environment(current):
    return {v["Name"]: v["Value"] for v in current.run["Overrides"]["ContainerOverrides"][0]["Environment"]}


def until_the_end(current, end, left=1):
    """Rounds until the task is given up; gives the last verdict and the pauses."""
    pauses, now = [], NOW
    while True:
        verdict = after(current, end, left, now=now)
        if verdict.run is None:
            return verdict, pauses
        pauses.append(verdict.wait_s)
        current, now = verdict.run, now + timedelta(seconds=verdict.wait_s)


@pytest.mark.parametrize("end", [ended(), failed(0), failed(65), failed(70), NO_CAPACITY, {}])
def test_a_task_that_left_no_burst_is_done(end):
    verdict = after(run(), end, left=0)
    assert (verdict.run, verdict.reason) == (None, "")


def test_a_burst_that_is_left_brings_another_attempt_on_the_same_capacity():
    verdict = after(run(), failed(75))
    assert environment(verdict.run)["RTCFLOW_ATTEMPT"] == "2"
    assert environment(verdict.run)["RTCFLOW_TASK"] == "s3://work/executions/e/tasks/0.json"
    assert verdict.run.compute is Compute.SPOT
    assert verdict.wait_s == 30


def test_no_capacity_goes_to_on_demand_and_counts_no_attempt():
    verdict = after(run(), NO_CAPACITY)
    assert verdict.run.run["CapacityProviderStrategy"] == [{"CapacityProvider": "FARGATE", "Weight": 1}]
    assert environment(verdict.run)["RTCFLOW_ATTEMPT"] == "1"
    assert verdict.usage.attempts == 0


def test_a_fleet_has_one_capacity():
    current = run(spot_provider="fleet", on_demand_provider="fleet")
    verdict = after(current, NO_CAPACITY)
    assert verdict.run.run["CapacityProviderStrategy"] == current.run["CapacityProviderStrategy"]


def test_calls_that_come_too_fast_stay_on_their_capacity():
    verdict = after(run(), TOO_FAST)
    assert verdict.run.run["CapacityProviderStrategy"] == run().run["CapacityProviderStrategy"]
    assert verdict.wait_s == 15


def test_an_interrupted_task_goes_to_on_demand_with_what_is_left():
    verdict = after(run(), failed(143, "SpotInterruption"), left=3)
    assert verdict.run.compute is Compute.ON_DEMAND
    assert (verdict.run.attempt, verdict.run.left, verdict.usage.attempts) == (2, 3, 1)
    assert verdict.usage.spot_s == 120


@pytest.mark.parametrize("end", [NO_CAPACITY, TOO_FAST])
def test_pauses_grow_to_half_an_hour_and_the_task_is_given_up_after_a_day(end):
    verdict, pauses = until_the_end(run(), end)
    assert all(later >= earlier for earlier, later in pairwise(pauses))
    assert max(pauses) == 1800
    assert 24 * 3600 <= sum(pauses) <= 24.5 * 3600
    assert (verdict.error_class, verdict.reason) == (ErrorClass.TRANSIENT, end and verdict.reason)
    assert "hours of waiting" in verdict.message


def test_the_longest_wait_is_the_stacks():
    _, pauses = until_the_end(run(capacity_wait_hours=1), NO_CAPACITY)
    assert 3600 <= sum(pauses) <= 2 * 3600
    verdict, pauses = until_the_end(run(capacity_wait_hours=0), NO_CAPACITY)
    assert pauses == []
    assert verdict.error_class is ErrorClass.TRANSIENT


def test_pauses_are_spread_over_their_second_half():
    assert [after(run(), NO_CAPACITY, share=share).wait_s for share in (0.0, 0.5, 1.0)] == [30, 45, 60]


def test_a_container_ends_a_series_of_waits():
    current = after(run(), NO_CAPACITY).run
    assert current.waiting_since == NOW
    assert after(current, failed(75)).run.waiting_since is None


def test_tries_that_make_no_further_burst_are_counted():
    verdict, pauses = until_the_end(run(), failed(75), left=4)
    assert len(pauses) == _MOST_TRIES - 1
    assert pauses == [30, 60, 120]
    assert (verdict.error_class, verdict.usage.attempts) == (ErrorClass.TRANSIENT, _MOST_TRIES)


def test_a_further_burst_restarts_the_count():
    current = run()
    for left in (9, 9, 9, 8, 8, 8, 7):
        verdict = after(current, failed(75), left=left)
        assert verdict.run is not None
        current = verdict.run
    assert current.tries == 1


@pytest.mark.parametrize("code", [1, 2, 70, 126, 127])
def test_a_container_that_began_no_burst_is_a_defect_at_once(code):
    verdict = after(run(), failed(code), begun=False)
    assert (verdict.run, verdict.error_class) == (None, ErrorClass.DEFECT)
    assert after(run(), failed(code), begun=True).run is not None


@pytest.mark.parametrize("code", [0, 75, 137, 139, 143, None])
def test_a_container_that_was_ended_before_its_first_burst_is_run_again(code):
    assert after(run(), failed(code), begun=False).run is not None


def test_an_image_older_than_the_stack_is_named_in_a_sentence():
    verdict = after(run(), failed(65), begun=False)
    assert (verdict.run, verdict.error_class, verdict.reason) == (None, ErrorClass.REFUSED, "old-image")
    assert "its image is older than this stack" in verdict.message


def test_rounds_are_limited_by_the_history_of_all_tasks_together():
    assert most_rounds(30) < most_rounds(3) < most_rounds(1)
    current = run(tasks=30).model_copy(update={"round": most_rounds(30)})
    verdict = after(current, NO_CAPACITY)
    assert verdict.run is None
    assert "the execution's history" in verdict.message


def test_usage_is_summed_by_capacity():
    first = after(run(), failed(143, "SpotInterruption")).run
    verdict = after(first, ended(), left=0)
    assert (verdict.usage.spot_s, verdict.usage.on_demand_s, verdict.usage.attempts) == (120, 120, 2)


def test_a_container_is_billed_a_minute_at_least():
    from tests.support.after_task_case import MILLISECONDS

    verdict = after(run(), ended(PullStartedAt=MILLISECONDS - 5000), left=0)
    assert verdict.usage.spot_s == 60


QUOTA = {
    "Error": "AmazonECS.Unknown",
    "Cause": "You've reached the limit on the number of vCPUs you can run concurrently",
}


def play_quota(tasks, quota_vcpu, task_vcpu, task_s, seed):
    """Tasks that all start at once under a vCPU quota: how each ended, and when the last did, s.

    The state machine's clock and ECS's bookkeeping alone: the decision is the one under test.
    """
    shares, running = random.Random(seed), 0
    first = [run(tasks=tasks).model_copy(update={"task": str(number)}) for number in range(tasks)]
    events = [(0.0, number, "call", current) for number, current in enumerate(first)]
    count, verdicts, at = itertools.count(tasks), {}, 0.0
    while events:
        at, _, what, current = heapq.heappop(events)
        now = NOW + timedelta(seconds=at)
        if what == "call" and (running + 1) * task_vcpu <= quota_vcpu:
            running += 1
            heapq.heappush(events, (at + task_s, next(count), "end", current))
            continue
        running -= what == "end"
        end, left = (ended(), 0) if what == "end" else (QUOTA, 1)
        verdict = after(current, end, left=left, now=now, share=shares.random())
        if verdict.run is None:
            verdicts[current.task] = verdict
        else:
            heapq.heappush(events, (at + verdict.wait_s, next(count), "call", verdict.run))
    return verdicts, at


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("tasks", "task_s"), [(27, 90), (3, 170), (1, 365)])
def test_the_vcpu_quota_of_a_new_account_loses_no_burst(tasks, task_s, seed):
    verdicts, last_end_s = play_quota(tasks, quota_vcpu=6, task_vcpu=4, task_s=task_s, seed=seed)
    assert len(verdicts) == tasks
    assert {verdict.reason for verdict in verdicts.values()} == {""}
    # One after the other, with pauses between: not a day.
    assert tasks * task_s <= last_end_s < 4 * 3600
