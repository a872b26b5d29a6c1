import json
from datetime import UTC, datetime

import pytest

from rtcflow_contract.errors import ErrorClass, RefusedError, error_class_of_name
from rtcflow_contract.job import Sources, make_job
from rtcflow_contract.layers import Product, layers_of
from rtcflow_contract.plan import Plan, PlannedBurst
from rtcflow_contract.request import OnMissingStatic, parse_request
from rtcflow_contract.task import Task, parse_task
from rtcflow_scene.records import write_task
from rtcflow_scene.static_check import (
    StaticFinding,
    StaticLayersMissing,
    StaticState,
    _message_of,
    check_static_layers,
    decide,
)
from tests.support.small_safe import SCENE

BURST = "t070_148570_iw1"
OTHER = "t070_148571_iw1"
STATIC_LAYERS = [layer.name for layer in layers_of(Product.RTC_S1_STATIC)]
TIME = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def write_plan(s3, bursts=(BURST,), **payload):
    request = parse_request(
        {"scene": SCENE, "scene_source": f"s3://scenes/{SCENE}.SAFE", "link_static_layers": True, **payload},
        "products",
    )
    plan = Plan(
        execution="run-1",
        started=TIME,
        product_version="1.0",
        sources=Sources(scene=request.scene_source[0]),
        request=request,
        bursts=[PlannedBurst(burst_id=name, sensing_start=TIME) for name in bursts],
    )
    jobs = [
        make_job(
            request,
            product=Product.RTC_S1,
            burst_id=name,
            sensing_start=TIME,
            execution="run-1",
            execution_started=TIME,
            work_bucket="work",
            product_version="1.0",
            sources=plan.sources,
        )
        for name in bursts
    ]
    write_task(Task(execution="run-1", number=0, jobs=tuple(jobs)), "work")
    s3.put_object(Bucket="work", Key="executions/run-1/plan.json", Body=plan.model_dump_json())
    return "s3://work/executions/run-1/plan.json"


def task_text(s3):
    return s3.get_object(Bucket="work", Key="executions/run-1/tasks/0.json")["Body"].read()


def jobs_of(s3):
    return [(job.product.value, job.burst_id) for job in parse_task(task_text(s3)).jobs]


def refusal(plan_uri):
    with pytest.raises(StaticLayersMissing) as raised:
        check_static_layers(plan_uri)
    return raised.value.message


def manifest(spacing=20, epsg=32755, version="1.0.2", layers=STATIC_LAYERS):
    return {
        "product": "RTC_S1_STATIC",
        "product_id": "p",
        "product_version": version,
        "collection": "s1_rtc_static_c1",
        "scene": SCENE,
        "burst_id": BURST,
        "execution": "static-1",
        "created": TIME.isoformat(),
        "engine": {"name": "native", "versions": {}},
        "acquisition": {
            "platform": "S1A",
            "start": TIME.isoformat(),
            "stop": TIME.isoformat(),
            "orbit_state": "descending",
            "absolute_orbit": 41267,
            "relative_orbit": 70,
            "polarizations": ["VV", "VH"],
            "swath": "iw1",
            "center_frequency_hz": 5.405e9,
            "range_spacing_m": 2.3,
            "azimuth_spacing_m": 14.0,
            "incidence_angle_deg": 33.0,
            "ipf_version": "3.40",
            "orbit_type": "POEORB",
        },
        "grid": {"epsg": epsg, "left": 0, "top": 0, "spacing": spacing, "rows": 10, "cols": 10},
        "footprint": {"type": "Polygon", "coordinates": []},
        "bbox": [0, 0, 1, 1],
        "files": [
            {
                "name": f"p_{name}.tif",
                "kind": "layer",
                "layer": name,
                "media_type": "image/tiff",
                "size": 4,
                "sha256": "0" * 64,
            }
            for name in layers
        ],
        "inputs": [],
        "parameters": {},
        "resources": {
            "seconds": 1,
            "cpu_seconds": 1,
            "peak_memory_bytes": 1,
            "bytes_fetched": 1,
            "bytes_written": 1,
            "stages": {},
        },
    }


def write_static(s3, burst_id=BURST, without=(), **changes):
    folder = f"experimental/s1_rtc_static_c1/{burst_id}"
    files = {f"p_{name}.tif": b"tiff" for name in STATIC_LAYERS}
    files |= {"manifest.json": json.dumps(manifest(**changes)).encode(), "metadata.json": b"{}"}
    for name, data in files.items():
        if name not in without:
            s3.put_object(Bucket="products", Key=f"{folder}/{name}", Body=data)


def test_complete_static_product_is_linked(aws):
    write_static(aws)
    checked = check_static_layers(write_plan(aws))
    assert checked == {"missing": 0, "message": "all static layers exist"}
    assert jobs_of(aws) == [("RTC_S1", BURST)]


def test_burst_without_static_product_fails_with_all_its_layers(aws):
    write_static(aws)
    message = refusal(write_plan(aws, bursts=(BURST, OTHER)))
    assert f"{OTHER}: {', '.join(STATIC_LAYERS)}" in message
    assert BURST not in message
    assert "on_missing_static" in message


def test_the_failure_is_known_to_executions_by_its_name():
    assert error_class_of_name(StaticLayersMissing.__name__) is ErrorClass.REFUSED


def test_lost_layer_is_named(aws):
    write_static(aws, without=["p_mask.tif"])
    assert f"{BURST}: mask;" in refusal(write_plan(aws))


def test_truncated_layer_counts_as_missing(aws):
    write_static(aws)
    aws.put_object(Bucket="products", Key=f"experimental/s1_rtc_static_c1/{BURST}/p_mask.tif", Body=b"ti")
    assert f"{BURST}: mask;" in refusal(write_plan(aws))


def test_layer_that_the_manifest_lacks_counts_as_missing(aws):
    write_static(aws, layers=[name for name in STATIC_LAYERS if name != "incidence_angle"])
    assert f"{BURST}: incidence_angle;" in refusal(write_plan(aws))


def test_product_without_item_is_not_linked(aws):
    write_static(aws, without=["metadata.json"])
    assert f"{BURST}: STAC item;" in refusal(write_plan(aws))


@pytest.mark.parametrize(
    ("changes", "payload", "sentence"),
    [
        ({"spacing": 30}, {}, "its pixels are 30 m, not 20 m"),
        ({"epsg": 32755}, {"output_crs": 3031}, "its CRS is EPSG:32755, not EPSG:3031"),
        ({"version": "2.0"}, {}, "its version is 2.0"),
    ],
)
def test_layers_on_another_grid_or_version_fail_even_with_create(aws, changes, payload, sentence):
    write_static(aws, **changes)
    assert sentence in refusal(write_plan(aws, on_missing_static="create", **payload))
    assert jobs_of(aws) == [("RTC_S1", BURST)]


def test_default_crs_of_the_static_product_is_accepted(aws):
    write_static(aws, epsg=3031)
    assert check_static_layers(write_plan(aws))["missing"] == 0


def test_create_puts_a_static_job_before_the_job_of_the_burst_that_links_to_it(aws):
    write_static(aws)
    checked = check_static_layers(write_plan(aws, bursts=(BURST, OTHER), on_missing_static="create"))
    assert checked["missing"] == 1
    assert jobs_of(aws) == [("RTC_S1", BURST), ("RTC_S1_STATIC", OTHER), ("RTC_S1", OTHER)]
    made = parse_task(task_text(aws)).jobs[1]
    assert str(made.destination) == f"s3://products/experimental/s1_rtc_static_c1/{OTHER}"
    assert str(made.destination) == str(parse_task(task_text(aws)).jobs[2].linked_static)
    assert made.linked_static is None
    assert made.on_existing == "skip"


def test_checking_twice_writes_the_same_bytes(aws):
    plan = write_plan(aws, bursts=(BURST, OTHER), on_missing_static="create")
    check_static_layers(plan)
    first = task_text(aws)
    check_static_layers(plan)
    assert task_text(aws) == first


def test_static_layers_made_meanwhile_are_not_made_again(aws):
    plan = write_plan(aws, on_missing_static="create")
    check_static_layers(plan)
    assert len(jobs_of(aws)) == 2
    write_static(aws)
    check_static_layers(plan)
    assert jobs_of(aws) == [("RTC_S1", BURST)]


def test_damaged_static_product_is_replaced_on_create(aws):
    write_static(aws, without=["p_mask.tif"])
    check_static_layers(write_plan(aws, on_missing_static="create"))
    assert parse_task(task_text(aws)).jobs[0].on_existing == "replace"


def test_listing_has_all_pages(aws):
    for number in range(1001):
        aws.put_object(
            Bucket="products", Key=f"experimental/s1_rtc_static_c1/{BURST}/a_{number:04d}.txt", Body=b""
        )
    write_static(aws)
    assert check_static_layers(write_plan(aws))["missing"] == 0


def test_what_is_not_a_manifest_is_refused(aws):
    aws.put_object(Bucket="products", Key=f"experimental/s1_rtc_static_c1/{BURST}/manifest.json", Body=b"{}")
    with pytest.raises(RefusedError, match="is not a manifest of a static product"):
        check_static_layers(write_plan(aws))


def test_missing_linked_bucket_is_refused(aws):
    with pytest.raises(RefusedError, match="does not exist"):
        check_static_layers(write_plan(aws, linked_static_layers_s3_bucket="no-such-bucket-here"))


@pytest.mark.parametrize(
    ("states", "on_missing", "decision"),
    [
        ([], "fail", "linked"),
        ([StaticState.MISSING], "fail", "fail"),
        ([StaticState.MISSING], "create", "create"),
        ([StaticState.MISSING, StaticState.UNFIT], "create", "fail"),
    ],
)
def test_decision_follows_the_findings(states, on_missing, decision):
    findings = [StaticFinding(BURST, state) for state in states]
    assert decide(findings, OnMissingStatic(on_missing)) == decision


def test_message_of_many_bursts_stays_readable():
    findings = [
        StaticFinding(f"t070_{number:06d}_iw1", StaticState.MISSING, ("mask",)) for number in range(100)
    ]
    assert "and 70 more bursts" in _message_of(findings)


def test_handler_checks_the_plan(aws, load_handler, lambda_context):
    write_static(aws)
    app = load_handler("check_static_layers", WORK_BUCKET="work")
    assert app.lambda_handler({"plan": write_plan(aws)}, lambda_context)["missing"] == 0
