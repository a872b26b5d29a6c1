"""Report an execution: combine plan, tasks and outcomes into report.json, and update the scene's record.

The record is one JSON file per scene beside the products, with the outcome of each burst over all runs.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from rtcflow_contract import keys
from rtcflow_contract.errors import ErrorClass, NotFoundError, TransientError, error_class_of_name
from rtcflow_contract.layers import Product
from rtcflow_contract.plan import Plan
from rtcflow_contract.processed_scene import ProcessedScene, with_report
from rtcflow_contract.report import BurstOutcome, Outcome, SceneOutcome, SceneReport, TaskReport
from rtcflow_contract.request import Compute
from rtcflow_contract.stored import UnreadableError, read_stored
from rtcflow_files import compare_and_swap, storage
from rtcflow_scene.burst_outcomes import existing, outcome_of, sentence
from rtcflow_scene.cost import Architecture, TaskSize, scene_cost, shares, task_cost
from rtcflow_scene.failure_text import StateFailure, name_to_fail_with, read_failure
from rtcflow_scene.records import read_records, read_task
from rtcflow_scene.task_run import Usage

# If several bursts failed, the class that needs a person most is reported.
_GRAVITY = (ErrorClass.DEFECT, ErrorClass.REFUSED, ErrorClass.TRANSIENT)
# Only many executions of a scene that end at the same time could use up these tries.
_MOST_TRIES = 8


class SummarySettings(NamedTuple):
    """Settings of the stack."""

    work_bucket: str | keys.Location
    region: str
    size: TaskSize

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "SummarySettings":
        """Read the values that the template and Lambda set."""
        return cls(environment["WORK_BUCKET"], environment["AWS_REGION"], _size(environment["TASK_SIZE"]))


class Summary(NamedTuple):
    """A report, its location, and the name and class of the error with which the execution ends, None without one."""

    report: SceneReport
    at: keys.Location
    error: str | None
    error_class: ErrorClass | None


class _TaskOutcomes(NamedTuple):
    report: TaskReport
    outcomes: list[BurstOutcome]


def _size(text: str) -> TaskSize:
    """Read `4096 16384 60 ARM64`: CPU units, memory in MiB, storage in GiB, architecture."""
    cpu, memory, storage_gib, name = text.split()
    architecture: Architecture = "arm64" if name.upper() == "ARM64" else "x86_64"
    return TaskSize(int(cpu) / 1024, int(memory) / 1024, float(storage_gib), architecture)


def summarize_scene(event: Mapping[str, Any], settings: SummarySettings) -> Summary:
    """Report an execution; writes report.json, and the scene's record beside the products.

    Parameters
    ----------
    event : mapping
        `execution`, `started`, `payload`; `tasks` with the results of the Map so far, from AssembleStac or with its
        `Error` and `Cause`; `failure` with the `Error` and `Cause` of the state that ended the scene early.
    settings : SummarySettings
    """
    folder = keys.execution_folder(settings.work_bucket, event["execution"])
    plan = _plan(folder)
    payload = event["payload"] if isinstance(event["payload"], dict) else {}
    asked = plan.request.product if plan else _asked_product(payload)
    failure = read_failure(event.get("failure"))
    tasks = _tasks(plan, event.get("tasks") or (), failure, settings) if plan else []
    outcomes = [outcome for task in tasks for outcome in task.outcomes]
    statics = [outcome for outcome in outcomes if outcome.product is not asked]
    bursts = [outcome for outcome in outcomes if outcome.product is asked]
    bursts += existing(plan.existing, asked) if plan else []
    failed = bool(failure) or any(burst.outcome is Outcome.FAILED for burst in [*bursts, *statics])
    costs = [task.report.cost_usd for task in tasks if task.report.cost_usd is not None]
    report = SceneReport(
        execution=event["execution"],
        scene=plan.request.scene if plan else str(payload.get("scene", "")),
        product=asked,
        collection=plan.request.collection if plan else str(payload.get("collection", "")),
        started=datetime.fromisoformat(event["started"]),
        finished=datetime.now(UTC),
        outcome=SceneOutcome.FAILED if failed else SceneOutcome.SUCCEEDED,
        message=failure.message if failure else sentence(bursts, statics),
        bursts=tuple(sorted(bursts, key=lambda burst: burst.burst_id)),
        static_bursts=tuple(sorted(statics, key=lambda burst: burst.burst_id)),
        tasks=tuple(task.report for task in tasks if task.report.attempts),
        cost_usd=scene_cost(costs, region=settings.region),
    )
    at = folder.join(keys.REPORT)
    storage.write_bytes(at, report.model_dump_json(indent=1).encode())
    if plan:
        _record_processed(plan, report)
    if failure:
        return Summary(report, at, name_to_fail_with(failure.error), error_class_of_name(failure.error))
    if not failed:
        return Summary(report, at, None, None)
    classes = {burst.error_class for burst in [*bursts, *statics] if burst.outcome is Outcome.FAILED}
    return Summary(report, at, "BurstsFailed", next((one for one in _GRAVITY if one in classes), None))


def _plan(folder: keys.Location) -> Plan | None:
    at = folder.join(keys.PLAN)
    try:
        return read_stored(Plan, storage.read_bytes(at), at)
    except NotFoundError:
        return None


def _tasks(
    plan: Plan, results: Sequence[Mapping[str, Any]], failure: StateFailure | None, settings: SummarySettings
) -> list[_TaskOutcomes]:
    """The outcome of every task of a plan, whether or not the Map reached it."""
    by_uri = {str(result.get("task")): result for result in results}
    found = []
    for number in sorted({burst.task for burst in plan.bursts}):
        uri = str(keys.task_key(settings.work_bucket, plan.execution, number))
        result = by_uri.get(uri, {})
        own = read_failure(result if "Error" in result else None)
        outcomes = [outcome_of(record, own or failure) for record in read_records(read_task(uri).jobs)]
        found.append(_with_cost(number, outcomes, result, plan, settings))
    return found


def _with_cost(
    number: int,
    outcomes: list[BurstOutcome],
    result: Mapping[str, Any],
    plan: Plan,
    settings: SummarySettings,
) -> _TaskOutcomes:
    usage = Usage.model_validate(result.get("usage") or _seen(outcomes, plan.request.compute))
    made = sum(outcome.outcome is Outcome.MADE for outcome in outcomes)
    cost = (
        task_cost(
            settings.size,
            region=settings.region,
            bursts=made,
            spot_s=usage.spot_s,
            on_demand_s=usage.on_demand_s,
            attempts=usage.attempts,
        ).total
        if usage.attempts
        else None
    )
    parts = shares(cost, [outcome.seconds for outcome in outcomes]) if cost is not None else []
    if parts:
        outcomes = [o.model_copy(update={"cost_usd": part}) for o, part in zip(outcomes, parts, strict=True)]
    report = TaskReport(
        number=number,
        id=usage.id,
        attempts=usage.attempts,
        capacity=str(result.get("capacity") or plan.request.compute.value),
        bursts=sum(outcome.attempt > 0 for outcome in outcomes),
        started=usage.started,
        finished=usage.finished,
        seconds=usage.spot_s + usage.on_demand_s if usage.attempts else None,
        cost_usd=cost,
    )
    return _TaskOutcomes(report, outcomes)


def _seen(outcomes: Sequence[BurstOutcome], compute: Compute) -> dict[str, Any]:
    """Usage of a task whose last container was not reported: from its first burst's start to its last one's end."""
    starts = [outcome.started for outcome in outcomes if outcome.started]
    ends = [outcome.finished for outcome in outcomes if outcome.finished]
    if not starts or not ends:
        return {}
    seconds = (max(ends) - min(starts)).total_seconds()
    return {
        "attempts": max(outcome.attempt for outcome in outcomes),
        f"{compute.value}_s": seconds,
        "started": min(starts),
        "finished": max(ends),
    }


def _asked_product(payload: Mapping[str, Any]) -> Product:
    name = payload.get("product", "")
    return Product(name) if name in list(Product) else Product.RTC_S1


def _record_processed(plan: Plan, report: SceneReport) -> None:
    """Add the outcomes of a run to the scene's record; a run that made nothing does not change it.

    Raises
    ------
    TransientError
        When other executions change the record each time it is written.
    """
    if not any(burst.outcome is Outcome.MADE for burst in (*report.bursts, *report.static_bursts)):
        return
    request = plan.request
    collections = {
        Product.RTC_S1_STATIC: request.linked_static_layers_collection,
        request.product: request.collection,
    }
    if plan.places is not None:
        at = keys.processed_scene_key(plan.places.out, request.scene)
    else:
        project = keys.Location(request.s3_bucket, request.s3_project_folder)
        at = keys.processed_scene_key(project, request.scene)
    for _ in range(_MOST_TRIES):
        before = _read_record(at)
        record = with_report(_parsed(before.data, at), report, collections)
        if _write_record(at, record.model_dump_json(indent=1, exclude_none=True).encode(), before):
            return
    raise TransientError(f"other executions keep changing {at}; try again", reason="contention")


def _read_record(at: keys.Location) -> compare_and_swap.Read:
    if not at.is_local:
        return compare_and_swap.read(at)
    try:
        return compare_and_swap.Read(storage.read_bytes(at), None)
    except NotFoundError:
        return compare_and_swap.Read(None, None)


def _write_record(at: keys.Location, data: bytes, before: compare_and_swap.Read) -> bool:
    if not at.is_local:
        return compare_and_swap.write(at, data, before)
    storage.write_bytes(at, data)
    return True


def _parsed(data: bytes | None, at: keys.Location) -> ProcessedScene | None:
    """The existing record; None if there is none, or it cannot be read and will be replaced."""
    try:
        return read_stored(ProcessedScene, data, at) if data is not None else None
    except UnreadableError:
        return None
