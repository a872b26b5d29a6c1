"""Print plans, states and reports of campaigns as tables."""

from rich.console import Console
from rich.table import Table

from rtcflow_campaign.campaign_report import CampaignReport
from rtcflow_local.campaign.area_plan import AreaPlan
from rtcflow_local.campaign.operating import Status
from rtcflow_local.report.figures import dollars, duration
from rtcflow_scene.estimate import Basis, Estimate

_PART_ROWS = (
    ("scenes", "scenes"),
    ("succeeded", "succeeded"),
    ("failed", "failed"),
    ("left", "left by a pause"),
    ("open", "open"),
    ("products", "products that exist"),
    ("made", "made by the campaign"),
    ("failed_bursts", "bursts that failed"),
)
_MOST_REFUSALS = 5


def show_plan(console: Console, plans: list[AreaPlan], expected: Estimate, basis: Basis) -> None:
    """Print counts by area, cost and duration."""
    table = Table("area", "scenes", "bursts", "counted on", "static from", "static bursts", box=None)
    for plan in plans:
        statics = sum(len(ids) for ids in plan.cover.values())
        numbers = (len(plan.scenes), plan.bursts, plan.samples, len(plan.cover), statics)
        table.add_row(plan.area.name, *(f"{number:,}" for number in numbers))
    console.print(table)
    capacity = "Spot" if basis.spot else "on demand"
    console.print(f"cost   {dollars(expected.cost_usd)} by list prices in {basis.region}, {capacity}")
    console.print(
        f"time   about {expected.hours:,.1f} h with {basis.max_scenes} scenes at once, "
        f"up to {expected.peak_vcpu:,.0f} vCPU, bound by {expected.bound_by}"
    )
    left_out = sum(len(plan.left_out) for plan in plans)
    if left_out:
        console.print(
            f"{left_out} scenes cannot give a product and are left out, see plan.json", style="yellow"
        )
    refused = {scene: why for plan in plans for scene, why in plan.refusals.items()}
    for scene, why in list(refused.items())[:_MOST_REFUSALS]:
        console.print(f"no bursts are listed for {scene}: {why}", style="yellow", markup=False)
    if len(refused) > _MOST_REFUSALS:
        console.print(f"and for {len(refused) - _MOST_REFUSALS} more scenes, see plan.json", style="yellow")


def show_status(console: Console, status: Status) -> None:
    """Execution, pause, children and totals."""
    console.print(f"execution  {status.execution}  {status.status}{'  paused' if status.paused else ''}")
    for run in status.maps:
        counts = ", ".join(f"{number} {name}" for name, number in run.counts.items() if number)
        console.print(f"{run.name}      {run.status}: {counts}")
    if status.report:
        show_report(console, status.report)
    elif status.cause:
        console.print(f"its lists were not read: {status.cause}", markup=False)
    else:
        console.print("its lists are being read")


def show_report(console: Console, report: CampaignReport) -> None:
    """Totals, failures, throughput and cost."""
    console.print(f"{report.outcome.value}: {report.message}", markup=False)
    table = Table("", "static layers", "scenes", box=None)
    for field, label in _PART_ROWS:
        table.add_row(label, *(f"{getattr(part, field):,}" for part in (report.static, report.scenes)))
    console.print(table)
    for failure in report.failures[:_MOST_REFUSALS]:
        console.print(
            f"{failure.scenes} scenes {failure.error_class.value}, {failure.reason}: {failure.message}",
            markup=False,
        )
    for line in report.lines_left_out[:_MOST_REFUSALS]:
        console.print(f"left out, {line}", markup=False)
    rate = f"{report.throughput:,.0f} bursts an hour, " if report.throughput else ""
    console.print(f"{rate}{duration(report.hours * 3600)} so far, {dollars(report.cost_usd)} by list prices")
