import json
from datetime import UTC, datetime

import pytest
from small_safe import SCENE

from rtcflow_contract.errors import ErrorClass, error_class_of_name
from rtcflow_contract.job import Sources
from rtcflow_contract.layers import Product
from rtcflow_contract.plan import ExistingBurst, Plan, PlannedBurst
from rtcflow_contract.report import BurstOutcome, Outcome, SceneOutcome, SceneReport
from rtcflow_contract.request import parse_request
from rtcflow_scene.announcement import event_of
from rtcflow_scene.burst_outcomes import merge, sentence
from rtcflow_scene.cost import TaskSize
from rtcflow_scene.summary import Settings, summarize_scene

A, B, C = "t070_148570_iw1", "t070_148571_iw1", "t070_148572_iw1"
TIME = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SIZE = TaskSize(4, 16, 40)
SETTINGS = Settings("work", "us-west-2", {Product.RTC_S1: SIZE, Product.RTC_S1_STATIC: SIZE})
PAYLOAD = {"scene": SCENE, "scene_source": f"s3://scenes/{SCENE}.SAFE"}


def write_plan(s3, bursts=(A, B), existing=()):
    request = parse_request(PAYLOAD, "products")
    plan = Plan(
        execution="run-1",
        started=TIME,
        product_version="1.0",
        sources=Sources(scene=request.scene_source),
        request=request,
        bursts=[PlannedBurst(burst_id=b, sensing_start=TIME, job=f"s3://work/{b}/job.json") for b in bursts],
        existing=[ExistingBurst(burst_id=b, item=f"s3://products/{b}/metadata.json") for b in existing],
    )
    s3.put_object(Bucket="work", Key="executions/run-1/plan.json", Body=plan.model_dump_json())


def write_outcome(s3, burst_id, product="RTC_S1", **fields):
    outcome = BurstOutcome(burst_id=burst_id, product=product, **fields)
    key = f"executions/run-1/{product}/{burst_id}/outcome.json"
    s3.put_object(Bucket="work", Key=key, Body=outcome.model_dump_json())


def made(burst_id, attempts=1):
    return {
        "burst_id": burst_id,
        "outcome": "made",
        "attempts": attempts,
        "item": f"s3://products/{burst_id}",
    }


def failed(burst_id, error_class="transient", message="task stopped"):
    return {
        "burst_id": burst_id,
        "outcome": "failed",
        "attempts": 2,
        "error_class": error_class,
        "message": message,
    }


def event(bursts=(), static_bursts=(), failure=None, payload=None):
    return {
        "execution": "run-1",
        "started": "2026-01-02T03:04:05.678Z",
        "payload": PAYLOAD if payload is None else payload,
        "bursts": list(bursts),
        "static_bursts": list(static_bursts),
        "failure": failure,
    }


def test_report_of_a_scene_is_written_and_succeeds(aws):
    write_plan(aws)
    write_outcome(aws, A, outcome="made", seconds=300.0, bytes_written=10, manifest="s3://products/m")
    write_outcome(aws, B, outcome="skipped")
    report, at = summarize_scene(event([made(A), made(B)]), SETTINGS)
    assert (report.outcome, report.message) == (SceneOutcome.SUCCEEDED, "1 made, 1 skipped")
    stored = SceneReport.model_validate_json(aws.get_object(Bucket="work", Key=at.key)["Body"].read())
    assert stored == report
    assert report.bursts[0].item == f"s3://products/{A}"
    assert report.cost_usd > report.bursts[0].cost_usd > 0


def test_existing_bursts_are_skipped_ones(aws):
    write_plan(aws, bursts=(A,), existing=(B,))
    report, _ = summarize_scene(event([made(A)]), SETTINGS)
    assert [(burst.burst_id, burst.outcome.value, burst.attempts) for burst in report.bursts] == [
        (A, "made", 1),
        (B, "skipped", 0),
    ]


def test_failed_burst_fails_the_scene_with_the_containers_sentence(aws):
    write_plan(aws)
    write_outcome(
        aws,
        B,
        outcome="failed",
        error_class="refused",
        reason="dem-missing-land",
        message="the DEM lacks a tile",
    )
    report, _ = summarize_scene(event([made(A), failed(B, "refused")]), SETTINGS)
    assert report.outcome is SceneOutcome.FAILED
    assert report.message == f"1 made, 1 failed. {B} (RTC_S1) refused: the DEM lacks a tile"
    assert (report.bursts[1].reason, report.bursts[1].attempts) == ("dem-missing-land", 2)


def test_unreadable_outcome_does_not_hide_the_result(aws):
    write_plan(aws, bursts=(A,))
    aws.put_object(Bucket="work", Key=f"executions/run-1/RTC_S1/{A}/outcome.json", Body=b"{")
    report, _ = summarize_scene(event([failed(A, "defect", "exit code 70")]), SETTINGS)
    assert report.bursts[0].message == "exit code 70"


def test_burst_whose_static_layers_failed_is_reported_as_not_started(aws):
    write_plan(aws)
    report, _ = summarize_scene(event([made(A)], [failed(B, "refused"), made(A)]), SETTINGS)
    assert report.outcome is SceneOutcome.FAILED
    assert report.bursts[1].message == "not started, its static layers could not be made"
    assert report.bursts[1].error_class is ErrorClass.REFUSED
    assert [burst.outcome.value for burst in report.static_bursts] == ["made", "failed"]


def test_scene_that_never_got_to_a_plan_is_reported(aws):
    failure = {"error": "RefusedError", "message": "the scene payload was refused: scene: Field required"}
    report, _ = summarize_scene(event(failure=failure, payload={"product": "RTC_S1_STATIC"}), SETTINGS)
    assert (report.outcome, report.message) == (SceneOutcome.FAILED, failure["message"])
    assert (report.scene, report.product, report.bursts) == ("", Product.RTC_S1_STATIC, ())


@pytest.mark.parametrize("payload", [{"product": "x"}, ["no object"], None, {"scene": 3}])
def test_any_payload_can_be_reported(aws, payload):
    failure = {"error": "RefusedError", "message": "refused"}
    request = event(failure=failure)
    request["payload"] = payload
    report, _ = summarize_scene(request, SETTINGS)
    assert report.outcome is SceneOutcome.FAILED


def test_scene_that_failed_after_its_plan_names_bursts_as_not_started(aws):
    write_plan(aws)
    failure = {"error": "StaticLayersMissing", "message": "static layers are missing"}
    report, _ = summarize_scene(event(failure=failure), SETTINGS)
    assert report.message == "static layers are missing"
    assert {burst.reason for burst in report.bursts} == {"not-started"}


def test_record_of_an_earlier_attempt_does_not_explain_a_later_one():
    left = BurstOutcome(
        burst_id=A, product="RTC_S1", outcome="failed", error_class="refused", message="refused before"
    )
    outcome = merge(failed(A, "transient", "killed"), left, Product.RTC_S1)
    assert (outcome.error_class, outcome.message) == (ErrorClass.TRANSIENT, "killed")


def test_record_of_a_failed_attempt_does_not_turn_a_made_burst_into_a_failed_one():
    left = BurstOutcome(
        burst_id=A, product="RTC_S1", outcome="failed", error_class="transient", message="killed before"
    )
    assert merge(made(A, 2), left, Product.RTC_S1).outcome is Outcome.MADE


@pytest.mark.parametrize(
    ("error", "error_class"),
    [
        ("RefusedError", "refused"),
        ("NotFoundError", "refused"),
        ("TransientError", "transient"),
        ("Lambda.TooManyRequestsException", "transient"),
        ("StaticLayersMissing", "refused"),
        ("KeyError", "defect"),
    ],
)
def test_error_names_have_classes(error, error_class):
    assert error_class_of_name(error) == error_class


def test_sentence_names_ten_failed_bursts_and_counts_the_others():
    bursts = [
        BurstOutcome(
            burst_id=f"t070_{number:06d}_iw1",
            product="RTC_S1",
            outcome="failed",
            error_class="defect",
            message="x" * 1000,
        )
        for number in range(12)
    ]
    text = sentence(bursts, [])
    assert text.startswith("12 failed. t070_000000_iw1 (RTC_S1) defect: xxx")
    assert text.endswith("; and 2 more")
    assert len(text) < 4000


def test_sentence_counts_static_layers_apart():
    burst = BurstOutcome(burst_id=A, product="RTC_S1", outcome="made")
    static = BurstOutcome(burst_id=A, product="RTC_S1_STATIC", outcome="skipped")
    assert sentence([burst], [static]) == "1 made (static layers: 1 skipped)"
    assert sentence([], []) == "no burst to make"


def test_event_counts_outcomes(aws):
    write_plan(aws, bursts=(A,), existing=(B,))
    report, at = summarize_scene(event([made(A)]), SETTINGS)
    detail = event_of(report, str(at))
    assert (detail["made"], detail["skipped"], detail["failed"]) == (1, 1, 0)
    assert detail["report"] == "s3://work/executions/run-1/report.json"


def test_handler_reports_announces_and_measures(aws, load_handler, lambda_context, monkeypatch, capsys):

    put = []

    class Bus:
        def put_events(self, Entries):
            put.extend(Entries)
            return {"FailedEntryCount": 0}

    monkeypatch.setattr("rtcflow_scene.announcement._events", lambda: Bus())
    write_plan(aws)
    write_outcome(aws, A, outcome="made", seconds=300.0, bytes_written=10)
    app = load_handler(
        "summarize_scene",
        WORK_BUCKET="work",
        BURST_TASK_SIZE="4096 8192 40 ARM64",
        STATIC_TASK_SIZE="4096 8192 40 ARM64",
    )
    result = app.lambda_handler(event([made(A), failed(B)]), lambda_context)
    assert result["outcome"] == "failed"
    (entry,) = put
    assert (entry["Source"], entry["DetailType"]) == ("rtcflow", "Scene Finished")
    assert json.loads(entry["Detail"])["failed"] == 1
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "BurstsFailed" in line]
    assert any(line.get("BurstsFailedByClass") and line["error_class"] == "transient" for line in lines)
    assert any(line.get("BurstsFailed") == [1.0] for line in lines)
