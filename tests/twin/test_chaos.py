"""All faults at once: the report distinguishes each, nothing is lost, and no product has a second set of files."""

import json
import time
from collections import Counter

import pytest

from rtcflow_local.twin.faults import Fault
from tests.support.run_task_errors import RATE_EXCEEDED, refusal

pytestmark = pytest.mark.twin


# Executions by what becomes of them; all run at once, since most of their time is waiting.
STORM, AWAY, FLAKY, CUT = "chaos-storm", "chaos-away", "chaos-flaky", "chaos-cut"


@pytest.fixture(scope="module")
def runs(twin, side):
    """What became of one execution a kind of trouble; another stack beside it, whose schedule is due meanwhile."""
    # One burst a task, in this order.
    throttled, interrupted, killed, _ = bursts = twin.bursts
    work = twin.stack.work_bucket
    lost, tried, slow, again = bursts
    wanted = {STORM: bursts, AWAY: [lost], FLAKY: [tried, slow], CUT: [again]}
    twin.faults.put(
        refusal(f"{STORM}/RTC_S1/{throttled}", RATE_EXCEEDED, times=3),
        Fault(f"{STORM}/RTC_S1/{interrupted}", "spot", after_s=0.5, times=2),
        Fault(f"{STORM}/RTC_S1/{killed}", "kill", after_s=0.5, times=99),
        Fault(f'{{"task": "s3://{work}/executions/{STORM}/tasks/3.json"', "lambda_timeout", times=99),
        # What a task writes first.
        Fault(f"PUT /{twin.stack.products_bucket}/{AWAY}/s1_rtc_c1/{lost}/", "s3_unavailable", times=99),
        Fault(f"{FLAKY}/s1_rtc_c1/{tried}", "s3_unavailable", times=2),
        Fault(f"{FLAKY}/s1_rtc_c1/{slow}", "s3_slow", after_s=2.0, times=3),
        # The plan's event names the execution after the payload, the summary's before it.
        Fault(f'}}, "execution": "{CUT}"', "lambda_timeout"),
        Fault(f"{CUT}/tasks/0.json", "lambda_timeout"),
        Fault(f'{{"execution": "{CUT}"', "lambda_timeout"),
    )
    try:
        arns = {name: twin.start(payload(twin, name, ids), name) for name, ids in wanted.items()}
        done = {name: twin.wait(arn, timeout_s=900) for name, arn in arns.items()}
        unused = [f for f in twin.faults.left() if f.times and (FLAKY in f.where or CUT in f.where)]
        assert not unused
        return done
    finally:
        twin.faults.put()


def dated(twin) -> str:
    """Folder of the sample's day."""
    day = twin.sample.scene.split("_")[5]
    return f"{int(day[:4])}/{int(day[4:6])}/{int(day[6:8])}"


def payload(twin, folder: str, bursts: list[str]) -> dict[str, object]:
    per_task = 1 if folder == STORM else "auto"
    return twin.payload(s3_project_folder=folder, burst_id_list=bursts, bursts_per_task=per_task)


def file_sets(twin, folder: str) -> dict[str, set[str]]:
    """Product ids in each burst's folder."""
    found: dict[str, set[str]] = {}
    for key in twin.products(folder):
        place, _, name = key.rpartition("/")
        if name.startswith("OPERA_"):
            found.setdefault(place, set()).add(name.split("_v0")[0])
    return found


def assert_whole(twin, folder: str, bursts: list[str]) -> None:
    """Every burst has one set of files, and its item names no other."""
    sets = file_sets(twin, folder)
    assert len(sets) == len(bursts)
    for place, ids in sets.items():
        item = json.loads(twin.read(twin.stack.products_bucket, f"{place}/metadata.json"))
        assert len(ids) == 1, place
        assert item["id"].startswith(*ids)
        for asset in item["assets"].values():
            key = asset["href"].removeprefix(f"s3://{twin.stack.products_bucket}/")
            assert len(twin.read(twin.stack.products_bucket, key)) == asset["file:size"]


def test_lasting_faults_are_distinguished_and_only_what_they_cost_is_made_again(twin, runs):
    run = runs[STORM]
    throttled, interrupted, killed, cut_off = twin.bursts
    assert run.status == "FAILED"
    # The function that was cut off had done its work: its product exists.
    assert run.outcomes() == {throttled: "made", interrupted: "made", killed: "failed", cut_off: "made"}
    attempts = {burst_id: run.burst(burst_id)["attempt"] for burst_id in twin.bursts}
    assert attempts == {throttled: 1, interrupted: 3, killed: 4, cut_off: 1}
    lost = run.burst(killed)
    assert (lost["error_class"], "exit code 137" in lost["message"]) == ("transient", True)
    assert killed in run.cause
    again = twin.run(STORM)
    assert again.status == "SUCCEEDED", again.cause
    assert again.outcomes() == {**dict.fromkeys(twin.bursts, "skipped"), killed: "made"}
    assert_whole(twin, STORM, twin.bursts)


def test_s3_that_throttles_is_retried(twin, runs):
    run = runs[FLAKY]
    assert run.status == "SUCCEEDED", run.cause
    assert {burst["attempt"] for burst in run.report["bursts"]} == {1}
    assert_whole(twin, FLAKY, twin.bursts[1:3])


def test_tasks_carry_the_tags_that_split_their_cost(twin, runs):
    ecs = twin.emulator.client("ecs")
    arns = ecs.list_tasks(cluster="rtcflow", desiredStatus="STOPPED")["taskArns"]
    tasks = ecs.describe_tasks(cluster="rtcflow", tasks=arns, include=["TAGS"])["tasks"]
    tags = [{tag["key"]: tag["value"] for tag in task["tags"]} for task in tasks]
    assert {"rtcflow:scene": twin.sample.scene, "rtcflow:collection": "s1_rtc_c1"} in tags


def test_s3_that_stays_down_fails_its_burst_by_name_and_the_next_start_makes_it(twin, runs):
    lost = twin.bursts[0]
    burst = runs[AWAY].burst(lost)
    assert (burst["outcome"], burst["error_class"], burst["attempt"]) == ("failed", "transient", 4)
    assert burst["reason"] == "s3"
    assert "SlowDown" in burst["message"]
    assert AWAY in burst["message"]
    again = twin.wait(twin.start(payload(twin, AWAY, [lost])))
    assert again.outcomes() == {lost: "made"}
    assert_whole(twin, AWAY, [lost])


def test_functions_that_were_cut_off_are_called_again(twin, runs):
    assert runs[CUT].status == "SUCCEEDED", runs[CUT].cause
    assert_whole(twin, CUT, twin.bursts[3:])


def test_an_event_delivered_twice_makes_one_set(twin):
    detail = json.dumps(payload(twin, "double", twin.bursts[:1]))
    entry = {"Source": "rtcflow.requests", "DetailType": "Scene Requested", "Detail": detail}
    before = executions(twin)
    twin.emulator.client("events").put_events(Entries=[entry])
    twin.emulator.client("events").put_events(Entries=[entry])
    deadline = time.monotonic() + 20
    while len(started := executions(twin) - before) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    runs = [twin.wait(arn) for arn in started]
    assert [run.status for run in runs] == ["SUCCEEDED", "SUCCEEDED"]
    assert Counter(run.burst(twin.bursts[0])["outcome"] for run in runs)["failed"] == 0
    assert_whole(twin, "double", twin.bursts[:1])


def executions(twin) -> set[str]:
    listed = twin.states.list_executions(stateMachineArn=twin.stack.state_machine)["executions"]
    return {execution["executionArn"] for execution in listed}
