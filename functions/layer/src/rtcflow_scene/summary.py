"""The report of an execution: read plan and outcomes, put them together, write report.json."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from pydantic import ValidationError

from rtcflow_contract import keys
from rtcflow_contract.errors import NotFoundError, error_class_of_name
from rtcflow_contract.layers import Product
from rtcflow_contract.plan import Plan
from rtcflow_contract.report import BurstOutcome, Outcome, SceneOutcome, SceneReport
from rtcflow_contract.request import Compute
from rtcflow_files import storage
from rtcflow_scene.burst_outcomes import existing, merge, not_started, sentence
from rtcflow_scene.cost import Architecture, TaskSize, burst_cost, scene_cost


class Settings(NamedTuple):
    """The stack's own values."""

    work_bucket: str
    region: str
    sizes: Mapping[Product, TaskSize]

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Read the values that the template and Lambda set."""
        return cls(
            environment["WORK_BUCKET"],
            environment["AWS_REGION"],
            {
                Product.RTC_S1: _size(environment["BURST_TASK_SIZE"]),
                Product.RTC_S1_STATIC: _size(environment["STATIC_TASK_SIZE"]),
            },
        )


def _size(text: str) -> TaskSize:
    """Read `4096 16384 60 ARM64`: CPU units, memory in MiB, storage in GiB, architecture."""
    cpu, memory, storage_gib, name = text.split()
    architecture: Architecture = "arm64" if name.upper() == "ARM64" else "x86_64"
    return TaskSize(int(cpu) / 1024, int(memory) / 1024, float(storage_gib), architecture)


def summarize_scene(event: Mapping[str, Any], settings: Settings) -> tuple[SceneReport, keys.Location]:
    """Report an execution; writes report.json and gives the report with its place.

    Parameters
    ----------
    event : mapping
        `execution`, `started`, `payload`; `bursts` and `static_bursts` with the results of the Maps as far as it came;
        `failure` with `error` and `message` when the scene never got to its bursts.
    settings : Settings
    """
    folder = keys.execution_folder(settings.work_bucket, event["execution"])
    plan = _plan(folder)
    asked = plan.request.product if plan else _asked_product(event["payload"])
    statics = [_outcome(r, Product.RTC_S1_STATIC, plan, folder, settings) for r in event["static_bursts"]]
    bursts = [_outcome(result, asked, plan, folder, settings) for result in event["bursts"]]
    failure = event.get("failure")
    if plan:
        bursts += existing(plan.existing, asked)
        bursts += _left_out(plan, bursts, statics, failure)
    failed = bool(failure) or any(b.outcome is Outcome.FAILED for b in [*bursts, *statics])
    costs = [burst.cost_usd for burst in [*bursts, *statics] if burst.cost_usd is not None]
    report = SceneReport(
        execution=event["execution"],
        scene=plan.request.scene if plan else str(_field(event["payload"], "scene")),
        product=asked,
        collection=plan.request.collection if plan else str(_field(event["payload"], "collection")),
        started=datetime.fromisoformat(event["started"]),
        finished=datetime.now(UTC),
        outcome=SceneOutcome.FAILED if failed else SceneOutcome.SUCCEEDED,
        message=failure["message"] if failure else sentence(bursts, statics),
        bursts=tuple(sorted(bursts, key=lambda burst: burst.burst_id)),
        static_bursts=tuple(sorted(statics, key=lambda burst: burst.burst_id)),
        cost_usd=scene_cost(costs, region=settings.region),
    )
    at = folder.join(keys.REPORT)
    storage.write_bytes(at, report.model_dump_json(indent=1).encode())
    return report, at


def _plan(folder: keys.Location) -> Plan | None:
    try:
        return Plan.model_validate_json(storage.read_bytes(folder.join(keys.PLAN)))
    except NotFoundError:
        return None


def _outcome(
    result: Mapping[str, Any], product: Product, plan: Plan | None, folder: keys.Location, settings: Settings
) -> BurstOutcome:
    at = folder.join(f"{product.value}/{result['burst_id']}").join(keys.OUTCOME)
    try:
        left: BurstOutcome | None = BurstOutcome.model_validate_json(storage.read_bytes(at))
    except (NotFoundError, ValidationError):
        left = None
    outcome = merge(result, left, product)
    if outcome.seconds is None:
        return outcome
    spot = bool(plan and plan.request.compute is Compute.SPOT)
    cost = burst_cost(
        outcome.seconds,
        settings.sizes[product],
        region=settings.region,
        spot=spot,
        attempts=max(1, outcome.attempts),
    )
    return outcome.model_copy(update={"cost_usd": cost.total})


def _left_out(
    plan: Plan, bursts: Sequence[BurstOutcome], statics: Sequence[BurstOutcome], failure: Any
) -> list[BurstOutcome]:
    """Planned bursts without a result: their static layers failed, or the execution ended before them."""
    seen = {burst.burst_id for burst in bursts}
    without_layers = {s.burst_id: s for s in statics if s.outcome is Outcome.FAILED}
    left_out: list[BurstOutcome] = []
    for burst in plan.bursts:
        if burst.burst_id in seen:
            continue
        static = without_layers.get(burst.burst_id)
        if static is not None and static.error_class is not None:
            why, error_class = "not started, its static layers could not be made", static.error_class
        else:
            why = "not started, the execution ended before it"
            error_class = error_class_of_name(failure["error"] if failure else "")
        left_out += not_started([burst.burst_id], plan.request.product, why, error_class)
    return left_out


def _field(payload: Any, name: str) -> Any:
    return payload.get(name, "") if isinstance(payload, dict) else ""


def _asked_product(payload: Any) -> Product:
    name = _field(payload, "product")
    return Product(name) if name in list(Product) else Product.RTC_S1
