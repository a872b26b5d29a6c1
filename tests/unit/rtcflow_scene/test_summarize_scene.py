import json
from datetime import UTC, datetime, timedelta

import pytest

from rtcflow_contract.errors import ErrorClass, error_class_of_name
from rtcflow_contract.job import Sources, make_job
from rtcflow_contract.layers import Product
from rtcflow_contract.plan import ExistingBurst, Plan, PlannedBurst
from rtcflow_contract.report import BurstOutcome, Outcome, SceneOutcome, SceneReport
from rtcflow_contract.request import parse_request
from rtcflow_contract.task import Begun, Task
from rtcflow_scene.announcement import _event_of
from rtcflow_scene.burst_outcomes import sentence
from rtcflow_scene.cost import TaskSize, task_cost
from rtcflow_scene.records import write_task
from rtcflow_scene.summary import SummarySettings, summarize_scene
from tests.support.small_safe import SCENE

A, B, C = "t070_148570_iw1", "t070_148571_iw1", "t070_148572_iw1"
TIME = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SETTINGS = SummarySettings("work", "us-west-2", TaskSize(4, 16, 40))
PAYLOAD = {"scene": SCENE, "scene_source": f"s3://scenes/{SCENE}.SAFE", "link_static_layers": True}
TASK = "s3://work/executions/run-1/tasks/0.json"


def job(burst_id, product=Product.RTC_S1):
    return make_job(
        parse_request(PAYLOAD, "products"),
        product=product,
        burst_id=burst_id,
        sensing_start=TIME,
        execution="run-1",
        execution_started=TIME,
        work_bucket="work",
        product_version="1.0",
        sources=Sources(scene=PAYLOAD["scene_source"]),
    )


def write_plan(s3, bursts=(A, B), existing=(), statics=(), tasks=None):
    request = parse_request(PAYLOAD, "products")
    numbers = tasks or [0] * len(bursts)
    plan = Plan(
        execution="run-1",
        started=TIME,
        product_version="1.0",
        sources=Sources(scene=request.scene_source[0]),
        request=request,
        bursts=[
            PlannedBurst(burst_id=b, sensing_start=TIME, task=number)
            for b, number in zip(bursts, numbers, strict=True)
        ],
        existing=[ExistingBurst(burst_id=b, item=f"s3://products/{b}/metadata.json") for b in existing],
    )
    s3.put_object(Bucket="work", Key="executions/run-1/plan.json", Body=plan.model_dump_json())
    for number in sorted(set(numbers)):
        own = [b for b, of in zip(bursts, numbers, strict=True) if of == number]
        jobs = [
            made for b in own for made in ([job(b, Product.RTC_S1_STATIC)] if b in statics else []) + [job(b)]
        ]
        write_task(Task(execution="run-1", number=number, jobs=tuple(jobs)), "work")


def write_outcome(s3, burst_id, product="RTC_S1", outcome="made", **fields):
    if outcome != "failed":
        fields = {"item": f"s3://products/{burst_id}", "manifest": "s3://products/m", **fields}
    record = BurstOutcome(burst_id=burst_id, product=product, outcome=outcome, **fields)
    key = f"executions/run-1/{product}/{burst_id}/outcome.json"
    s3.put_object(Bucket="work", Key=key, Body=record.model_dump_json())


def done(task=TASK, attempts=1, spot_s=600.0, **usage):
    return {
        "task": task,
        "next": "done",
        "capacity": "spot",
        "usage": {"id": "0123abc", "attempts": attempts, "spot_s": spot_s, **usage},
    }


def event(*tasks, failure=None, payload=None):
    return {
        "execution": "run-1",
        "started": "2026-01-02T03:04:05.678Z",
        "payload": PAYLOAD if payload is None else payload,
        "tasks": list(tasks),
        "failure": failure,
    }


def test_report_of_a_scene_is_written_and_succeeds(aws):
    write_plan(aws)
    write_outcome(aws, A, seconds=300.0, bytes_written=10)
    write_outcome(aws, B, outcome="skipped")
    report, at, error, error_class = summarize_scene(event(done()), SETTINGS)
    assert (report.outcome, report.message) == (SceneOutcome.SUCCEEDED, "1 made, 1 skipped")
    assert (error, error_class) == (None, None)
    stored = SceneReport.model_validate_json(aws.get_object(Bucket="work", Key=at.key)["Body"].read())
    assert stored == report
    assert report.bursts[0].item == f"s3://products/{A}"


def test_a_tasks_cost_is_its_wall_time_shared_by_the_seconds_of_its_bursts(aws):
    write_plan(aws)
    write_outcome(aws, A, seconds=300.0)
    write_outcome(aws, B, seconds=100.0)
    report, *_ = summarize_scene(event(done()), SETTINGS)
    (task,) = report.tasks
    whole = task_cost(SETTINGS.size, region="us-west-2", bursts=2, spot_s=600.0).total
    assert task.cost_usd == pytest.approx(whole)
    assert [burst.cost_usd for burst in report.bursts] == pytest.approx([whole * 0.75, whole * 0.25])
    assert report.cost_usd > whole


def test_tasks_are_reported_with_what_ran(aws):
    write_plan(aws, bursts=(A, B, C), tasks=[0, 0, 1], statics=(A,))
    for burst_id in (A, B, C):
        write_outcome(aws, burst_id, seconds=60.0)
    write_outcome(aws, A, product="RTC_S1_STATIC", seconds=60.0)
    second = done("s3://work/executions/run-1/tasks/1.json", attempts=2, spot_s=90.0, on_demand_s=70.0)
    second["capacity"] = "on_demand"
    report, *_ = summarize_scene(event(done(), second), SETTINGS)
    words = [(t.number, t.id, t.attempts, t.capacity, t.bursts, t.seconds) for t in report.tasks]
    assert words == [(0, "0123abc", 1, "spot", 3, 600), (1, "0123abc", 2, "on_demand", 1, 160)]


def test_existing_bursts_are_skipped_ones(aws):
    write_plan(aws, bursts=(A,), existing=(B,))
    write_outcome(aws, A)
    report, *_ = summarize_scene(event(done()), SETTINGS)
    assert [(burst.burst_id, burst.outcome.value, burst.attempt) for burst in report.bursts] == [
        (A, "made", 1),
        (B, "skipped", 0),
    ]


def test_failed_burst_fails_the_scene_with_the_containers_sentence(aws):
    write_plan(aws)
    write_outcome(aws, A)
    words = {"reason": "dem-missing-land", "message": "the DEM lacks a tile"}
    write_outcome(aws, B, outcome="failed", error_class="refused", attempt=2, **words)
    report, _, error, error_class = summarize_scene(event(done(attempts=2)), SETTINGS)
    assert (report.outcome, error, error_class) == (SceneOutcome.FAILED, "BurstsFailed", ErrorClass.REFUSED)
    assert report.message == f"1 made, 1 failed. {B} (RTC_S1) refused: the DEM lacks a tile"
    assert (report.bursts[1].reason, report.bursts[1].attempt) == ("dem-missing-land", 2)


def test_of_several_failures_the_gravest_counts(aws):
    write_plan(aws, bursts=(A, B, C))
    for burst_id, error_class in ((A, "transient"), (B, "defect"), (C, "refused")):
        write_outcome(aws, burst_id, outcome="failed", error_class=error_class)
    assert summarize_scene(event(done()), SETTINGS).error_class is ErrorClass.DEFECT


def test_unreadable_outcome_is_no_product(aws):
    write_plan(aws, bursts=(A,))
    aws.put_object(Bucket="work", Key=f"executions/run-1/RTC_S1/{A}/outcome.json", Body=b"{")
    report, *_ = summarize_scene(event(done()), SETTINGS)
    assert report.bursts[0].outcome is Outcome.FAILED


def test_static_layers_are_reported_apart(aws):
    write_plan(aws, statics=(A, B))
    why = {"error_class": "refused", "message": "not started, its static layers could not be made"}
    write_outcome(aws, A)
    write_outcome(aws, A, product="RTC_S1_STATIC")
    write_outcome(aws, B, product="RTC_S1_STATIC", outcome="failed", error_class="refused", message="no DEM")
    write_outcome(aws, B, outcome="failed", **why)
    report, *_ = summarize_scene(event(done()), SETTINGS)
    assert report.outcome is SceneOutcome.FAILED
    assert report.bursts[1].message == "not started, its static layers could not be made"
    assert [burst.outcome.value for burst in report.static_bursts] == ["made", "failed"]


def test_a_product_whose_item_was_not_written_is_marked_with_what_its_task_failed_with(aws):
    write_plan(aws)
    write_outcome(aws, A, item=None)
    cause = json.dumps({"errorMessage": "the topic is away", "errorType": "TransientError"})
    failed = {"task": TASK, "next": "done", "Error": "TransientError", "Cause": cause}
    report, *_ = summarize_scene(event(failed), SETTINGS)
    assert report.bursts[0].message == "STAC item: the topic is away"
    assert report.bursts[0].error_class is ErrorClass.TRANSIENT
    assert report.bursts[0].manifest == "s3://products/m"
    assert report.bursts[1].reason == "not-started"


@pytest.mark.parametrize("cut", [20, 40, 60, 2000])
def test_a_cause_that_was_cut_off_still_tells(aws, cut):
    write_plan(aws, bursts=(A,))
    write_outcome(aws, A, item=None)
    cause = json.dumps({"errorMessage": "m" * 30, "errorType": "KeyError", "stackTrace": ["s" * 3000]})
    failed = {"task": TASK, "next": "done", "Error": "KeyError", "Cause": cause[:cut]}
    report, *_ = summarize_scene(event(failed), SETTINGS)
    assert report.bursts[0].message.startswith("STAC item: ")
    assert "mm" in report.bursts[0].message


def test_use_of_a_task_that_no_one_told_of_is_taken_from_its_bursts(aws):
    write_plan(aws, bursts=(A,))
    times = {"started": TIME, "finished": TIME + timedelta(seconds=240)}
    write_outcome(aws, A, item=None, seconds=240.0, **times)
    failed = {"task": TASK, "next": "done", "Error": "KeyError", "Cause": "x"}
    report, *_ = summarize_scene(event(failed), SETTINGS)
    assert [(task.attempts, task.seconds) for task in report.tasks] == [(1, 240)]
    assert report.cost_usd > 0


def test_scene_that_never_got_to_a_plan_is_reported(aws):
    words = "the scene payload was refused: scene: Field required"
    failure = {"Error": "RefusedError", "Cause": json.dumps({"errorMessage": words})}
    report, _, error, _ = summarize_scene(
        event(failure=failure, payload={"product": "RTC_S1_STATIC"}), SETTINGS
    )
    assert (report.outcome, report.message, error) == (SceneOutcome.FAILED, words, "RefusedError")
    assert (report.scene, report.product, report.bursts) == ("", Product.RTC_S1_STATIC, ())


@pytest.mark.parametrize(
    ("failure", "error", "message"),
    [
        ({"Error": "States.Timeout"}, "Timeout", "States.Timeout"),
        ({"Error": "States.DataLimitExceeded", "Cause": "too big"}, "DataLimitExceeded", "too big"),
        ({"Error": "Lambda.Unknown", "Cause": "no json"}, "Lambda.Unknown", "no json"),
    ],
)
def test_names_of_the_language_never_fail_an_execution(aws, failure, error, message):
    summary = summarize_scene(event(failure=failure), SETTINGS)
    assert (summary.error, summary.report.message) == (error, message)


@pytest.mark.parametrize("payload", [{"product": "x"}, ["no object"], None, {"scene": 3}])
def test_any_payload_can_be_reported(aws, payload):
    failure = {"Error": "RefusedError", "Cause": "refused"}
    request = event(failure=failure)
    request["payload"] = payload
    report, *_ = summarize_scene(request, SETTINGS)
    assert report.outcome is SceneOutcome.FAILED


def test_scene_that_failed_after_its_plan_names_bursts_as_not_started(aws):
    write_plan(aws)
    failure = {"Error": "StaticLayersMissing", "Cause": "static layers are missing"}
    report, *_ = summarize_scene(event(failure=failure), SETTINGS)
    assert report.message == "static layers are missing"
    assert {burst.reason for burst in report.bursts} == {"not-started"}
    assert {burst.error_class for burst in report.bursts} == {ErrorClass.REFUSED}


def test_record_of_an_earlier_attempt_does_not_explain_a_later_one(aws):
    write_plan(aws, bursts=(A,))
    write_outcome(aws, A, outcome="failed", error_class="refused", message="refused before")
    at = f"executions/run-1/RTC_S1/{A}/begun.json"
    aws.put_object(Bucket="work", Key=at, Body=Begun(attempt=2, started=TIME).model_dump_json())
    report, *_ = summarize_scene(event(failure={"Error": "States.Timeout"}), SETTINGS)
    (burst,) = report.bursts
    assert (burst.error_class, burst.reason, burst.attempt) == (ErrorClass.TRANSIENT, "cut-off", 2)


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
    write_outcome(aws, A)
    report, at, *_ = summarize_scene(event(done()), SETTINGS)
    detail = _event_of(report, str(at))
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
    write_outcome(aws, A, seconds=300.0, bytes_written=10)
    write_outcome(aws, B, outcome="failed", error_class="transient", message="killed")
    app = load_handler("summarize_scene", WORK_BUCKET="work", TASK_SIZE="4096 8192 40 ARM64")
    result = app.lambda_handler(event(done()), lambda_context)
    assert (result["outcome"], result["error"], result["error_class"]) == (
        "failed",
        "BurstsFailed",
        "transient",
    )
    (entry,) = put
    assert (entry["Source"], entry["DetailType"]) == ("rtcflow", "Scene Finished")
    assert json.loads(entry["Detail"])["failed"] == 1
    written = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    metrics = {name: value for line in written if "_aws" in line for name, value in line.items()}
    assert (metrics["TaskSeconds"], metrics["BurstsPerTask"]) == ([600.0], [2.0])
    assert metrics["BurstSeconds"] == [300.0]
    lines = [line for line in written if any("BurstsFailed" in name for name in line)]
    assert any(line.get("BurstsFailedByClass") and line["error_class"] == "transient" for line in lines)
    assert any(line.get("BurstsFailed") == [1.0] for line in lines)
