"""What can go wrong with a scene: each fault gives one sentence, loses nothing, and leaves no second set of files."""

import json
from collections import Counter

import pytest

from rtcflow_local.twin.faults import Fault
from tests.support.run_task_errors import (
    IMAGE_NOT_FOUND,
    NO_CAPACITY,
    RATE_EXCEEDED,
    SECRET_WITHOUT_KEY,
    refusal,
)

pytestmark = pytest.mark.twin
BAD_CAUSES = ("exit_0", "absent", "cut", "text")


def file_sets(twin, folder):
    """Product ids in each product folder: more than one is a second set of files."""
    found = {}
    for key in twin.products(folder):
        place, _, name = key.rpartition("/")
        if name.startswith("OPERA_"):
            found.setdefault(place, set()).add(name.split("_v0")[0])
    return found


@pytest.fixture(scope="module")
def runs(twin):
    """One execution for each way in which RunTask and its container may end; all at once: most of it is waiting."""
    first, second, third, _ = twin.bursts
    wanted = {
        "killed": twin.bursts,
        "interrupted": twin.bursts,
        "quota": twin.bursts,
        "none-1": [first],
        "none-2": [second],
        "none-3": [third],
        "image": twin.bursts[:2],
        "secret": [first],
        **{f"cause-{how}": [first] for how in BAD_CAUSES},
    }
    names = list(NO_CAPACITY.values())
    twin.faults.put(
        Fault("executions/killed/", "kill", at_burst=4),
        Fault("executions/interrupted/", "spot", at_burst=2),
        Fault("executions/quota/", "vcpu_quota", vcpu=6),
        refusal("executions/none-1/", names[0]),
        refusal("executions/none-1/", names[1]),
        refusal("executions/none-2/", names[2]),
        refusal("executions/none-2/", names[3]),
        refusal("executions/none-3/", names[4]),
        refusal("executions/none-3/", RATE_EXCEEDED),
        Fault("executions/image/", "not_started", times=99, cause=IMAGE_NOT_FOUND),
        Fault("executions/secret/", "not_started", times=99, cause=SECRET_WITHOUT_KEY),
        *(Fault(f"executions/cause-{how}/", "end", cause=how) for how in BAD_CAUSES),
    )
    try:
        arns = {
            name: twin.start(
                twin.payload(
                    s3_project_folder=name,
                    burst_id_list=ids,
                    bursts_per_task=1 if name == "quota" else "scene",
                ),
                name,
            )
            for name, ids in wanted.items()
        }
        return {name: twin.wait(arn, timeout_s=900) for name, arn in arns.items()}
    finally:
        twin.faults.put()


def attempts(run):
    return sorted(burst["attempt"] for burst in run.report["bursts"])


def test_a_task_killed_at_its_last_burst_keeps_what_was_made_and_makes_the_rest(twin, runs):
    run = runs["killed"]
    assert run.status == "SUCCEEDED", run.cause
    assert run.outcomes() == dict.fromkeys(twin.bursts, "made")
    made_before = attempts(run).count(1)
    assert made_before >= 1
    assert attempts(run).count(2) == len(twin.bursts) - made_before
    (task,) = run.report["tasks"]
    assert (task["attempts"], task["bursts"]) == (2, len(twin.bursts))
    assert all(len(ids) == 1 for ids in file_sets(twin, "killed").values())


def test_an_interrupted_task_leaves_the_rest_to_on_demand(twin, runs):
    run = runs["interrupted"]
    assert run.status == "SUCCEEDED", run.cause
    assert set(attempts(run)) <= {1, 2}
    assert max(attempts(run)) == 2
    (task,) = run.report["tasks"]
    assert (task["attempts"], task["capacity"]) == (2, "on_demand")
    assert all(len(ids) == 1 for ids in file_sets(twin, "interrupted").values())


def test_a_vcpu_quota_for_one_task_at_a_time_loses_no_burst(twin, runs):
    run = runs["quota"]
    assert run.status == "SUCCEEDED", run.cause
    assert attempts(run) == [1] * len(twin.bursts)
    assert len(run.report["tasks"]) == len(twin.bursts)


@pytest.mark.parametrize("name", ["none-1", "none-2", "none-3"])
def test_no_capacity_under_any_of_its_names_is_waited_for(runs, name):
    run = runs[name]
    assert run.status == "SUCCEEDED", run.cause
    assert attempts(run) == [1]
    (task,) = run.report["tasks"]
    assert (task["attempts"], task["capacity"]) == (1, "on_demand")


@pytest.mark.parametrize(("name", "words"), [("image", "push the image"), ("secret", "put every key")])
def test_what_a_person_has_to_fix_fails_at_once_with_what_to_do(runs, name, words):
    run = runs[name]
    assert (run.status, run.error) == ("FAILED", "BurstsFailed")
    assert {burst["error_class"] for burst in run.report["bursts"]} == {"refused"}
    assert words in run.cause
    assert run.report["tasks"] == []


@pytest.mark.parametrize("how", BAD_CAUSES)
def test_outcomes_decide_where_step_functions_reports_a_task_badly(runs, how):
    run = runs[f"cause-{how}"]
    assert run.status == "SUCCEEDED", run.cause
    assert attempts(run) == [1]


def test_a_corrupt_measurement_fails_its_bursts_and_no_other(twin):
    archive = twin.archive("corrupt")
    prefix = f"{archive.prefix}/{twin.sample.scene}.SAFE/measurement/"
    (key,) = [key for key in twin.keys(archive.bucket, prefix) if "-iw1-slc-vh-" in key]
    whole = twin.read(archive.bucket, key)
    twin.s3.put_object(Bucket=archive.bucket, Key=key, Body=whole[: len(whole) // 8])
    run = twin.wait(
        twin.start(twin.payload(s3_project_folder="corrupt", scene_source=archive.scene_source(twin.sample)))
    )
    assert run.status == "FAILED"
    outcomes = run.outcomes()
    for burst_id in twin.bursts:
        assert outcomes[burst_id] == ("failed" if burst_id.endswith("iw1") else "made")
    broken = run.burst(next(burst_id for burst_id in twin.bursts if burst_id.endswith("iw1")))
    assert broken["error_class"] == "refused"
    assert key.rpartition("/")[2] in broken["message"]
    assert broken["attempt"] == 1


def test_a_burst_that_is_not_in_the_scene_is_refused_with_those_that_are(twin):
    run = twin.run("absent", burst_id_list=["t001_000001_iw1"])
    assert run.status == "FAILED"
    assert "t001_000001_iw1" in run.cause
    assert twin.bursts[0] in run.cause


def test_an_unknown_scene_is_refused(twin):
    other = twin.sample.scene[:-4] + "0000"
    source = f"s3://sample-archive/tiny/{other}.SAFE"
    run = twin.wait(twin.start({"scene": other, "scene_source": source}))
    assert run.status == "FAILED"
    assert other in run.cause


def test_a_missing_bucket_is_refused_by_name(twin):
    run = twin.run("lost", s3_bucket="no-such-bucket-anywhere")
    assert run.status == "FAILED"
    assert "no-such-bucket-anywhere" in run.cause


@pytest.mark.parametrize("crs", [4326, 999999])
def test_a_crs_that_is_not_in_metres_is_refused(twin, crs):
    run = twin.run(f"crs{crs}", burst_id_list=twin.bursts[:1], output_crs=crs)
    assert run.status == "FAILED"
    assert str(crs) in run.cause


def test_every_wrong_field_of_a_payload_is_named(twin):
    run = twin.run("../up", resolution=-3, dem="srtm", surprise=True)
    assert run.status == "FAILED"
    for name in ("s3_project_folder", "resolution", "dem", "surprise"):
        assert name in run.cause


def test_the_same_execution_cannot_be_started_twice(twin):
    payload = twin.payload(s3_project_folder="twice", burst_id_list=twin.bursts[:1])
    first = twin.start(payload, "same-name")
    with pytest.raises(twin.states.exceptions.ExecutionAlreadyExists):
        twin.start({**payload, "resolution": 40}, "same-name")
    assert twin.wait(first).status == "SUCCEEDED"


def test_two_executions_for_the_same_burst_leave_one_set(twin):
    payload = twin.payload(s3_project_folder="both", burst_id_list=twin.bursts[:1])
    arns = [twin.start(payload), twin.start(payload)]
    runs = [twin.wait(arn) for arn in arns]
    assert [run.status for run in runs] == ["SUCCEEDED", "SUCCEEDED"], [run.cause for run in runs]
    assert all(len(ids) == 1 for ids in file_sets(twin, "both").values())
    manifest, item = (
        json.loads(twin.read(twin.stack.products_bucket, key))
        for key in sorted(
            key for key in twin.products("both") if key.endswith(("manifest.json", "metadata.json"))
        )
    )
    assert item["id"] == manifest["product_id"]
    assert Counter(outcome for run in runs for outcome in run.outcomes().values())["failed"] == 0
