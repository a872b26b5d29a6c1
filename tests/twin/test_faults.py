"""What can go wrong with a scene, each told in one sentence, with nothing lost and no second set of files."""

import json
from collections import Counter

import pytest

from rtcflow_local.twin.faults import Fault

pytestmark = pytest.mark.twin


def file_sets(twin, folder):
    """Product ids in each product folder: more than one is a second set of files."""
    found = {}
    for key in twin.products(folder):
        place, _, name = key.rpartition("/")
        if name.startswith("OPERA_"):
            found.setdefault(place, set()).add(name.split("_v0")[0])
    return found


def test_a_task_killed_in_the_middle_is_tried_again_and_leaves_one_set(twin):
    burst_id = twin.bursts[0]
    twin.faults.put(Fault(burst_id, "kill", after_s=2.0))
    run = twin.run("killed", burst_id_list=[burst_id])
    assert run.status == "SUCCEEDED", run.cause
    assert run.burst(burst_id)["attempts"] == 2
    assert all(len(ids) == 1 for ids in file_sets(twin, "killed").values())


def test_an_interrupted_spot_task_goes_on_demand(twin):
    burst_id = twin.bursts[1]
    twin.faults.put(Fault(burst_id, "spot", after_s=1.0))
    run = twin.run("spot", burst_id_list=[burst_id])
    assert run.status == "SUCCEEDED", run.cause
    assert run.burst(burst_id)["attempts"] == 2


def test_throttled_starts_are_tried_again(twin):
    burst_id = twin.bursts[2]
    twin.faults.put(Fault(burst_id, "throttle", times=1))
    assert twin.run("throttled", burst_id_list=[burst_id]).status == "SUCCEEDED"


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
    assert broken["attempts"] == 1


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
def test_a_crs_that_is_no_map_in_metres_is_refused(twin, crs):
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
