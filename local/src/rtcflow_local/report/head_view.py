"""Head of the page: the request, the outcome, and the main figures."""

from typing import Any, NamedTuple

from rtcflow_contract.report import Outcome
from rtcflow_local.report.burst_view import ADVICE
from rtcflow_local.report.data import ReportData
from rtcflow_local.report.figures import dollars, duration, size, word

_WORDS = {
    "RUNNING": ("run", "Running"),
    "SUCCEEDED": ("ok", "Succeeded"),
    "FAILED": ("fail", "Failed"),
    "ABORTED": ("fail", "Stopped"),
    "TIMED_OUT": ("fail", "Timed out"),
}


class Head(NamedTuple):
    """Content of the head; `figures` are (value, label, tone)."""

    scene: str
    product: str
    tone: str
    outcome: str
    sentence: str
    advice: str
    figures: tuple[tuple[str, str, str], ...]
    facts: tuple[tuple[str, str], ...]
    payload: tuple[tuple[str, str], ...]
    made: str
    cost_note: str


def make_head(data: ReportData) -> Head:
    """Make the head of a report."""
    execution = data.execution
    tone, outcome = _WORDS.get(execution.status, ("run", execution.status.capitalize()))
    error_class = execution.error_class
    return Head(
        scene=execution.scene or execution.name,
        product=data.product.value,
        tone=tone,
        outcome=outcome,
        sentence=_sentence(data),
        # The cards of failed bursts say what to do.
        advice=ADVICE[error_class.value] if error_class and not data.count(Outcome.FAILED) else "",
        figures=tuple(_figures(data)),
        facts=tuple(_facts(data)),
        payload=tuple((name, word(value)) for name, value in _request(data).items()),
        made=f"{data.made:%Y-%m-%d %H:%M} UTC",
        cost_note=_COST_NOTE if data.scene_report and data.scene_report.cost_usd is not None else "",
    )


_COST_NOTE = (
    "Costs are estimates at AWS list prices for tasks, functions, states and requests, without storage of the "
    "products and transfer out of the region."
)


def _sentence(data: ReportData) -> str:
    failed = data.count(Outcome.FAILED)
    if failed and data.execution.exit_code:
        return (
            f"{failed} of {len(data.bursts)} burst products failed; another start makes only what is missing."
        )
    if data.execution.exit_code:
        why = data.execution.sentence.removeprefix("failed: ")
        return why[:1].upper() + why[1:]
    if data.scene_report is not None:
        made, there = data.count(Outcome.MADE), data.count(Outcome.SKIPPED)
        parts = [f"{made} burst product{'s' * (made != 1)} made"] if made or not there else []
        parts += [f"{there} existed before"] if there else []
        return ", ".join(parts) + "."
    return "The scene has not ended yet."


def _figures(data: ReportData) -> list[tuple[str, str, str]]:
    counts = [
        (Outcome.MADE, "made", "ok"),
        (Outcome.SKIPPED, "existed", "skip"),
        (Outcome.FAILED, "failed", "fail"),
    ]
    figures = [
        (str(data.count(outcome)), label, tone if data.count(outcome) else "idle")
        for outcome, label, tone in counts
        if data.count(outcome) or outcome is not Outcome.SKIPPED
    ]
    figures.append((duration(data.execution.seconds(data.made)), "wall time", ""))
    made = [b.record for b in data.bursts if b.record.outcome is not Outcome.SKIPPED]
    for name, label in (("bytes_fetched", "fetched"), ("bytes_written", "written")):
        known = [getattr(record, name) for record in made if getattr(record, name) is not None]
        if known:
            figures.append((size(sum(known)), label, ""))
    if data.scene_report and data.scene_report.cost_usd is not None:
        figures.append((dollars(data.scene_report.cost_usd), "estimated cost", ""))
    return figures


def _facts(data: ReportData) -> list[tuple[str, str]]:
    execution = data.execution
    facts = [
        ("Execution", execution.name),
        ("Started", f"{execution.started:%Y-%m-%d %H:%M:%S} UTC"),
        ("Ended", f"{execution.stopped:%Y-%m-%d %H:%M:%S} UTC" if execution.stopped else "still runs"),
    ]
    if data.plan:
        request = data.plan.request
        at = "/".join(
            part for part in (request.s3_bucket, request.s3_project_folder, request.collection) if part
        )
        facts.append(("Products", f"s3://{at}"))
        facts.append(("Product version", data.plan.product_version))
    if execution.error:
        facts.append(("Error", execution.error))
    return facts


def _request(data: ReportData) -> dict[str, Any]:
    """The request with its defaults from the plan, else the payload as given."""
    return data.plan.request.model_dump(mode="json") if data.plan else data.execution.payload
