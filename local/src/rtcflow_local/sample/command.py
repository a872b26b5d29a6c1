"""Command line: `rtcflow sample DIR`."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from rtcflow.cli.outputs import check_outputs
from rtcflow_contract.errors import RefusedError, RtcflowError
from rtcflow_local.days import DAY, parse_day
from rtcflow_local.sample.scene_pass import spec_of_scene
from rtcflow_local.sample.spec import PLACES, SampleSpec
from rtcflow_local.sample.write import Sample, write_sample

_DIMENSIONS = {"tiny": (240, 1800), "demo": (300, 4000), "full": (None, None)}


def sample(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to write to; created if missing.")],
    scene: Annotated[
        str | None,
        typer.Option(help="Scene id to simulate: its pass, times, polarizations and bursts."),
    ] = None,
    variant: Annotated[
        str | None,
        typer.Option(
            help=f"Place and terrain: {', '.join(PLACES)}; coast, or that of the scene, by default."
        ),
    ] = None,
    size: Annotated[str, typer.Option(help=f"Size of a burst: {', '.join(_DIMENSIONS)}.")] = "demo",
    platform: Annotated[str | None, typer.Option(help="S1A, S1B, S1C or S1D; S1A by default.")] = None,
    direction: Annotated[
        str | None, typer.Option(help="ascending or descending; that of the variant by default.")
    ] = None,
    polarization: Annotated[
        str | None, typer.Option(help="SH, SV, DH or DV; that of the variant by default.")
    ] = None,
    swaths: Annotated[
        str | None,
        typer.Option(
            help="Sub-swaths, including iw2, like iw1,iw2,iw3; iw1,iw2 by default, all three for a scene id."
        ),
    ] = None,
    bursts: Annotated[
        int | None, typer.Option(help="Bursts per sub-swath, 1 to 12; 2 by default, all for a scene id.")
    ] = None,
    lines: Annotated[int | None, typer.Option(help="Lines per burst, instead of the size's.")] = None,
    samples: Annotated[int | None, typer.Option(help="Samples per burst, instead of the size's.")] = None,
    day: Annotated[
        datetime | None,
        typer.Option(parser=parse_day, metavar=DAY, help="Use the first pass from this day on."),
    ] = None,
    corrections: Annotated[
        bool, typer.Option(help="Include tropospheric delay and bistatic residual.")
    ] = True,
    seed: Annotated[int, typer.Option(help="Of speckle and noise.")] = 1,
) -> None:
    """Write a simulated Sentinel-1 scene with orbit, DEM, geoid and truth."""
    check_outputs(DIR=folder)
    if size not in _DIMENSIONS:
        raise typer.BadParameter(f"'{size}' is none of {', '.join(_DIMENSIONS)}", param_hint="--size")
    console = Console(stderr=True, markup=False, emoji=False)
    usual_lines, usual_samples = _DIMENSIONS[size]
    try:
        of_pass = {"platform": platform, "direction": direction, "polarization": polarization, "day": day}
        given = {
            "variant": variant,
            "swaths": tuple(swaths.replace(" ", "").lower().split(",")) if swaths else None,
            "bursts": bursts,
            "lines": lines or usual_lines,
            "samples": samples or usual_samples,
            "corrections": corrections,
            "seed": seed,
        }
        spec = _spec(scene, of_pass, given)
        written = _write(folder, spec, console)
    except RtcflowError as error:
        console.print(
            f"{error.error_class.value}: {error.message}", style="red", markup=False, soft_wrap=True
        )
        raise typer.Exit(error.exit_code) from error
    _tell(written)


def _spec(scene: str | None, of_pass: dict[str, Any], given: dict[str, Any]) -> SampleSpec:
    """The spec, with defaults for what is not given; no lines or samples means full size."""
    given = {name: value for name, value in given.items() if value is not None} | {
        name: given[name] for name in ("lines", "samples")
    }
    of_pass = {name: value for name, value in of_pass.items() if value is not None}
    if scene is not None:
        if of_pass:
            raise RefusedError(f"a scene id determines {', '.join(of_pass)}; leave it out", "sample-spec")
        return spec_of_scene(scene, **given)
    if "day" in of_pass:
        of_pass["day"] = of_pass["day"].date()
    return SampleSpec(**of_pass, **given)


def _write(folder: Path, spec: SampleSpec, console: Console) -> Sample:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bar:
        tasks: dict[str, int] = {}

        def progress(stage: str, done: float) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage, total=1.0)
            bar.update(tasks[stage], completed=done)  # type: ignore[arg-type]

        return write_sample(folder, spec, progress)


def _tell(written: Sample) -> None:
    console = Console(soft_wrap=True, markup=False, emoji=False)
    console.print(f"scene   {written.scene}")
    for swath, ids in written.bursts.items():
        console.print(f"{swath}     {' '.join(ids)}")
    for name in ("safe", "orbit", "dem", "geoid", "truth"):
        console.print(f"{name:7s} {getattr(written, name)}")
    burst_id = next(ids[0] for ids in written.bursts.values())
    console.print(
        f"\nrtcflow burst --safe {written.safe} --orbit {written.orbit} --dem {written.dem} --geoid {written.geoid} "
        f"--burst-id {burst_id} --out products"
    )
