"""`rtcflow simulate`: what a campaign would take, before a quota is asked for or a task started."""

import json
import sys
from dataclasses import asdict, replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from rtcflow_contract.errors import RefusedError
from rtcflow_contract.request import Engine
from rtcflow_local.simulate.bottleneck import SAMPLE, Bottleneck, find_bottleneck
from rtcflow_local.simulate.campaign import PATIENCE_S, Result
from rtcflow_local.simulate.campaign import simulate as run_campaign
from rtcflow_local.simulate.durations import ENGINES, Measured, read_reports, times_of
from rtcflow_local.simulate.setup import ARCHIVES, BURSTS_PER_SCENE, Limits, Setup
from rtcflow_scene.cost import DEFAULT_REGION

_DEFAULT = Limits()


class ArchiveName(StrEnum):
    """Where scenes come from; `s3` is an own copy."""

    ASF = "asf"
    CDSE = "cdse"
    S3 = "s3"


def simulate(
    bursts: Annotated[int, typer.Option(help="Bursts of the campaign.", min=1, max=20_000_000)] = 10_000,
    bursts_per_scene: Annotated[int, typer.Option(help="Bursts of a scene.", min=1)] = BURSTS_PER_SCENE,
    engine: Annotated[Engine, typer.Option(help="native or isce3.")] = Engine.NATIVE,
    archive: Annotated[ArchiveName, typer.Option(help="Where scenes come from.")] = ArchiveName.ASF,
    archive_mb_s: Annotated[float | None, typer.Option(help="MB/s that a task gets of it.", min=0.1)] = None,
    archive_connections: Annotated[
        int | None, typer.Option(help="Connections to it at once, of all tasks.", min=1)
    ] = None,
    scenes_at_once: Annotated[int, typer.Option(help="As max_scenes of the campaign.", min=1)] = int(
        _DEFAULT.scenes
    ),
    max_concurrency: Annotated[int, typer.Option(help="Bursts of a scene at once.", min=1, max=40)] = int(
        _DEFAULT.bursts_of_a_scene
    ),
    vcpu_quota: Annotated[
        int, typer.Option(help="Fargate vCPU of the account, Spot and on demand each.", min=4)
    ] = int(_DEFAULT.vcpu_spot),
    run_task_rate: Annotated[
        float, typer.Option(help="RunTask calls a second.", min=0.01)
    ] = _DEFAULT.run_task,
    spot: Annotated[bool, typer.Option("--spot/--on-demand", help="Capacity of the tasks.")] = True,
    interruptions: Annotated[
        float, typer.Option(help="How often a Spot task is stopped in an hour.", min=0.0)
    ] = 0.05,
    region: Annotated[str, typer.Option(help="Region of the prices.")] = DEFAULT_REGION,
    benchmark: Annotated[
        Path | None, typer.Option(help="bench.json of `make bench`, for the computing time.")
    ] = None,
    report: Annotated[
        list[Path] | None,
        typer.Option(help="report.json of a scene, for the times of its tasks; may be repeated."),
    ] = None,
    provision: Annotated[
        float | None, typer.Option(help="Seconds from RunTask to the task's first line.", min=0.0)
    ] = None,
    call_seconds: Annotated[
        float | None, typer.Option(help="Seconds of a Lambda call, in place of 3 to 6 by its kind.", min=0.0)
    ] = None,
    seed: Annotated[int, typer.Option(help="Of chance; the same gives the same.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="JSON in place of a table.")] = False,
) -> None:
    """Simulate a campaign on AWS: wall time, cost, vCPU, API rates, and the limit that holds it up."""
    if engine is Engine.AUTO:
        raise RefusedError("--engine auto names no engine; give native or isce3", reason="engine")
    measured = read_reports(report) if report else None
    source = ARCHIVES[archive.value]
    setup = Setup(
        bursts=bursts,
        bursts_per_scene=bursts_per_scene,
        archive=replace(
            source,
            mb_per_second=archive_mb_s or source.mb_per_second,
            connections=archive_connections or source.connections,
        ),
        times=times_of(engine, benchmark, provision, call_seconds),
        limits=Limits(
            vcpu_spot=vcpu_quota,
            vcpu_on_demand=vcpu_quota,
            run_task=run_task_rate,
            scenes=scenes_at_once,
            # As the plan of a scene does.
            bursts_of_a_scene=min(max_concurrency, source.connections),
        ),
        size=ENGINES[engine].size,
        region=region,
        spot=spot,
        interruptions=interruptions,
        measured=measured.seconds if measured else (),
        seed=seed,
    )
    if vcpu_quota < setup.size.vcpu:
        raise RefusedError(
            f"a task takes {setup.size.vcpu:g} vCPU, more than the quota; raise --vcpu-quota", reason="quota"
        )
    result = run_campaign(setup)
    bottleneck = find_bottleneck(setup, result)
    if as_json:
        told = {**asdict(result), "bottleneck": bottleneck.name, "gain": bottleneck.gain}
        typer.echo(json.dumps(told, indent=1))
        return
    _show(setup, result, bottleneck, measured)


def _show(setup: Setup, result: Result, bottleneck: Bottleneck, measured: Measured | None) -> None:
    table = Table(box=None, show_header=False, pad_edge=False)
    rows = [
        ("bursts", f"{result.bursts:,} of {result.scenes:,} scenes"),
        ("wall time", _duration(result.seconds)),
        ("bursts an hour", f"{result.bursts / result.seconds * 3600:,.0f}"),
        ("cost", f"{result.cost_usd:,.2f} USD, {result.cost_usd / result.bursts:.4f} a burst"),
        ("vCPU", f"{result.peak_vcpu:,.0f} at most, {result.mean_vcpu:,.0f} on average"),
        ("tasks", f"{result.tasks:,}, of which Spot stopped {result.interrupted:,}"),
        *(
            (f"{name} a second", f"{mean:.2f} on average, {peak:,.0f} at most")
            for name, (mean, peak) in result.rates.items()
        ),
        ("a burst", f"{result.sojourn:,.0f} s from its turn to its item"),
        ("bottleneck", str(bottleneck) + (_SAMPLED if setup.bursts > SAMPLE else "")),
    ]
    for row in rows:
        table.add_row(*row)
    # What goes into a pipe is not to be cut to a width.
    console = Console(width=None if sys.stdout.isatty() else 400, highlight=False)
    console.print(table)
    if measured is not None:
        console.print(f"measured: {len(measured.seconds)} bursts in {_duration(measured.wall)}")
    if result.impatient:
        fitting = max(
            1, int(setup.limits.vcpu_spot / setup.size.vcpu / min(30, setup.limits.bursts_of_a_scene))
        )
        console.print(
            f"{result.impatient:,} bursts waited for a task longer than the state machine's retries last "
            f"({PATIENCE_S:.0f} s on average) and would fail; with --scenes-at-once {fitting} the quota suffices"
        )


_SAMPLED = f" (tried on {SAMPLE:,} bursts)"


def _duration(seconds: float) -> str:
    if seconds < 600:
        return f"{seconds:.0f} s"
    if seconds < 2 * 3600:
        return f"{seconds / 60:.0f} minutes"
    if seconds < 2 * 86400:
        return f"{seconds / 3600:.1f} hours"
    return f"{seconds / 86400:.1f} days"
