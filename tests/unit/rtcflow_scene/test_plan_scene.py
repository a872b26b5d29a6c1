import json

import pytest

from rtcflow_contract.errors import RefusedError
from rtcflow_contract.plan import Plan
from rtcflow_contract.task import parse_task
from rtcflow_files.s3 import S3Files
from rtcflow_safe.annotation import AnnotatedBurst
from rtcflow_scene.burst_choice import SceneBurst, complete_bursts, wanted_bursts
from rtcflow_scene.planning import PlanSettings, plan_scene
from rtcflow_scene.task_run import StackSettings
from tests.support.campaign_case import ITEM
from tests.support.inventory_case import Spec, manifest_of
from tests.support.small_safe import BURST_IDS, SCENE, START, safe_files, zipped

FOLDER = f"s3://scenes/in/{SCENE}.SAFE"
SETTINGS = PlanSettings(
    "products", "work", "0.1", "s3://s1-orbits", "s3://copernicus-dem-30m", "https://geoid/x.tif"
)
STARTED = "2026-01-02T03:04:05.678Z"


@pytest.fixture
def scene(aws):
    for path, text in safe_files().items():
        aws.put_object(Bucket="scenes", Key=f"in/{SCENE}.SAFE/{path}", Body=text)
    return aws


def plan(stack=None, **payload):
    settings = StackSettings(**(stack or {}))
    given = {"scene": SCENE, "scene_source": FOLDER, **payload}
    return plan_scene(given, "run-1", STARTED, SETTINGS, settings)


def ids(state):
    return [burst_id for task in state["tasks"] for burst_id in task["bursts"]]


def task_of(s3, number=0):
    key = f"executions/run-1/tasks/{number}.json"
    return parse_task(s3.get_object(Bucket="work", Key=key)["Body"].read())


def keys(s3, bucket):
    return [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]


def item_key(burst_id, collection="s1_rtc_c1"):
    return f"experimental/{collection}/{burst_id}/2022/1/1/metadata.json"


def test_plan_puts_every_burst_into_a_task_and_the_state_names_them(scene):
    state = plan()
    assert state["bursts"] == len(BURST_IDS)
    assert sorted(ids(state)) == sorted(BURST_IDS)
    assert [task["task"] for task in state["tasks"]] == ["s3://work/executions/run-1/tasks/0.json"]
    assert sorted(keys(scene, "work")) == ["executions/run-1/plan.json", "executions/run-1/tasks/0.json"]


def test_neighbours_of_a_sub_swath_come_together_in_order_of_time(scene):
    plan()
    assert [job.burst_id for job in task_of(scene).jobs] == list(BURST_IDS)
    state = plan(bursts_per_task=2)
    assert [task["bursts"] for task in state["tasks"]] == [list(BURST_IDS[:2]), list(BURST_IDS[2:])]


@pytest.mark.parametrize(
    ("payload", "stack", "tasks"),
    [
        ({}, {}, 1),
        ({}, {"engine": "isce3"}, 4),
        ({"engine": "isce3"}, {}, 4),
        ({"engine": "native"}, {"engine": "isce3"}, 1),
        ({}, {"bursts_per_task": "1"}, 4),
        ({"bursts_per_task": 3}, {"bursts_per_task": "1"}, 2),
        ({"bursts_per_task": "scene"}, {"engine": "isce3"}, 1),
    ],
)
def test_bursts_of_a_task_follow_payload_then_stack_then_engine(scene, payload, stack, tasks):
    assert len(plan(stack, **payload)["tasks"]) == tasks


def test_time_limits_follow_engine_and_number_of_jobs(scene):
    (task,) = plan()["tasks"]
    assert task_of(scene).burst_limit_s == 1800
    assert task["timeout_s"] == 4 * 1800 + 900
    (task,) = plan(link_static_layers=True, on_missing_static="create")["tasks"]
    assert task["timeout_s"] == 8 * 1800 + 900
    assert plan({"engine": "isce3"})["tasks"][0]["timeout_s"] == 13800 + 900


def test_job_carries_what_the_task_needs(scene):
    plan(burst_id_list=[BURST_IDS[0]], output_crs=3031)
    (job,) = task_of(scene).jobs
    assert job.sensing_start.replace(tzinfo=None) == START
    assert job.polarizations == ("VV", "VH")
    assert job.sources.scene == FOLDER
    assert job.product_id.endswith("_20220101T124745Z_20260102T030405Z_S1A_20_v0.1")
    assert job.output_crs == 3031


def test_tags_tell_scene_and_collection(scene):
    (task,) = plan(collection="c1", linked_static_layers_collection="s1")["tasks"]
    assert task["run"]["Tags"] == [
        {"Key": "rtcflow:scene", "Value": SCENE},
        {"Key": "rtcflow:collection", "Value": "c1"},
    ]
    assert "Tags" not in plan({"task_tags": False})["tasks"][0]["run"]


def test_planning_twice_changes_nothing(scene):
    first = plan()
    written = {key: scene.get_object(Bucket="work", Key=key)["Body"].read() for key in keys(scene, "work")}
    assert plan() == first
    assert written == {
        key: scene.get_object(Bucket="work", Key=key)["Body"].read() for key in keys(scene, "work")
    }


def test_burst_with_a_product_is_dropped(scene):
    plan()
    job = task_of(scene).jobs[0]
    manifest = manifest_of(Spec(), job).model_dump_json().encode()
    item = item_key(BURST_IDS[0])
    scene.put_object(Bucket="products", Key=item.replace("metadata", "manifest"), Body=manifest)
    scene.put_object(Bucket="products", Key=item, Body=json.dumps(ITEM).encode())
    state = plan()
    assert BURST_IDS[0] not in ids(state)
    stored = Plan.model_validate_json(
        scene.get_object(Bucket="work", Key="executions/run-1/plan.json")["Body"].read()
    )
    assert [(burst.burst_id, burst.item) for burst in stored.existing] == [
        (BURST_IDS[0], f"s3://products/{item_key(BURST_IDS[0])}")
    ]


def test_burst_with_an_item_is_made_again_on_replace(scene):
    scene.put_object(Bucket="products", Key=item_key(BURST_IDS[0]), Body="{}")
    assert len(ids(plan(on_existing="replace"))) == len(BURST_IDS)


def test_files_without_an_item_are_no_product(scene):
    scene.put_object(Bucket="products", Key=item_key(BURST_IDS[0]).replace("metadata", "manifest"), Body="{}")
    assert len(ids(plan())) == len(BURST_IDS)


def test_burst_list_is_read_from_s3(scene):
    scene.put_object(Bucket="scenes", Key="lists/a.txt", Body=f"# two\n{BURST_IDS[1]}\n\n")
    assert ids(plan(burst_id_list="s3://scenes/lists/a.txt")) == [BURST_IDS[1]]


@pytest.mark.parametrize(
    ("payload", "sentence"),
    [
        ({"burst_id_list": "t070_999999_iw1"}, f"it has {', '.join(sorted(BURST_IDS))}"),
        ({"burst_id_list": "bursts.txt"}, "is not on S3"),
        ({"burst_id_list": "s3://scenes/lists/none.txt"}, "does not exist"),
        ({"scene_source": "s3://scenes/in/other.SAFE"}, f"is not scene {SCENE}"),
        ({"scene_source": f"s3://scenes/elsewhere/{SCENE}.SAFE"}, "there is no scene at"),
        ({"scene_source": f"s3://scenes/elsewhere/{SCENE}.zip"}, "does not exist"),
        ({"s3_bucket": "no-such-bucket-here"}, "does not exist"),
        ({"output_crs": 4326}, "is in degrees"),
        ({"resolution": 1, "engine": "x"}, "resolution"),
    ],
)
def test_refusal_says_what_is_wrong(scene, payload, sentence):
    with pytest.raises(RefusedError) as refused:
        plan(**payload)
    assert sentence in refused.value.message
    assert keys(scene, "work") == []


def test_safe_that_lacks_a_listed_annotation_is_refused(scene):
    path = "annotation/s1a-iw2-slc-vh-x.xml"
    scene.delete_object(Bucket="scenes", Key=f"in/{SCENE}.SAFE/{path}")
    with pytest.raises(RefusedError, match=f"{path} does not exist"):
        plan()


def test_safe_without_a_polarization_is_refused(aws):
    for path, text in safe_files(polarizations=("VV",)).items():
        aws.put_object(Bucket="scenes", Key=f"in/{SCENE}.SAFE/{path}", Body=text)
    with pytest.raises(RefusedError, match="polarizations are missing"):
        plan()


def test_zip_is_planned_without_fetching_its_measurement(aws, monkeypatch):
    size = 20 * 1024 * 1024
    aws.put_object(Bucket="scenes", Key=f"in/{SCENE}.zip", Body=zipped(safe_files(), size))
    fetched = []
    read_range = S3Files._range

    def counted(files, at, start, length):
        fetched.append(length)
        return read_range(files, at, start, length)

    monkeypatch.setattr(S3Files, "_range", counted)
    state = plan(scene_source=f"s3://scenes/in/{SCENE}.zip")
    assert len(ids(state)) == len(BURST_IDS)
    assert sum(fetched) < size / 4


def test_damaged_zip_is_refused(aws):
    aws.put_object(Bucket="scenes", Key=f"in/{SCENE}.zip", Body=b"not a zip" * 100)
    with pytest.raises(RefusedError, match="is not a readable zip"):
        plan(scene_source=f"s3://scenes/in/{SCENE}.zip")


def test_only_complete_bursts_are_taken():
    listed = [AnnotatedBurst("t070_148570_iw1", 0, "iw1", "VV", START)]
    with pytest.raises(RefusedError, match=r"t070_148570_iw1 \(VH\)"):
        complete_bursts(listed, ("VV", "VH"))
    assert complete_bursts(listed, ("VV",)) == [SceneBurst("t070_148570_iw1", START)]


def test_all_bursts_are_wanted_when_none_are_named():
    bursts = [SceneBurst("t070_148570_iw1", START)]
    assert wanted_bursts(bursts, None, SCENE) == bursts


def test_handler_plans_the_payload(scene, load_handler, lambda_context):
    app = load_handler(
        "plan_scene", PRODUCTS_BUCKET="products", WORK_BUCKET="work", PRODUCT_VERSION="0.1", ORBIT_SOURCE=""
    )
    event = {
        "payload": {"scene": SCENE, "scene_source": FOLDER},
        "execution": "run-2",
        "started": STARTED,
        # The state machine fills these in as text.
        "stack": {"cluster": "c", "capacity_wait_hours": "24", "task_tags": "true", "subnets": "a,b"},
    }
    state = app.lambda_handler(event, lambda_context)
    assert len(ids(state)) == len(BURST_IDS)
    assert state["tasks"][0]["run"]["NetworkConfiguration"]["AwsvpcConfiguration"]["Subnets"] == ["a", "b"]
    assert len(json.dumps(state)) < 8192
