"""`rtcflow stack`: make every pass over an area in a period on this machine, as one cube."""

import json
import os
import sys
import time
from collections import defaultdict
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Annotated, Any, NoReturn

import pystac
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from rtcflow.cli.input_choice import SceneSource, choose_dem
from rtcflow.cli.outputs import check_outputs
from rtcflow.cli.run_scenes import threads_wait
from rtcflow.cli.scene import local_folder
from rtcflow.cli.screen import Screen, duration
from rtcflow.memory import settle_memory
from rtcflow.sources.scene.scene_bursts import ARCHIVES
from rtcflow_campaign.campaign_list import write_payloads
from rtcflow_contract.dem import DEFAULT_DEM
from rtcflow_contract.errors import EXIT_CODES, RefusedError
from rtcflow_contract.job import Sources
from rtcflow_contract.payload_fields import parse_crs
from rtcflow_contract.request import COARSEST_M, FINEST_M, Engine
from rtcflow_local.stack.acquisitions import Found, find_acquisitions
from rtcflow_local.stack.aoi import area_of_interest
from rtcflow_local.stack.cube import CUBE, CubeUpdate, check_cube, update_cube
from rtcflow_local.stack.expectation import duration as roughly
from rtcflow_local.stack.expectation import expect
from rtcflow_local.stack.making import PRODUCTS, STATIC, Made, MakeSettings, make_products, payloads
from rtcflow_local.stack.page import write_page
from rtcflow_local.stack.pass_items import read_items
from rtcflow_local.stack.report import build_stack_page
from rtcflow_local.stack.search_command import (
    AreaFile,
    Box,
    Bursts,
    Day,
    Direction,
    Orbits,
    Polarization,
    choose_area,
    read_filters,
)

REPORT = "report.html"
_DEFAULTS = Sources(scene="asf")


def stack(
    start: Day,
    end: Day,
    out: Annotated[
        str, typer.Option(help="Folder for products, static layers, cube and report; another run continues.")
    ],
    area: AreaFile = None,
    bbox: Box = None,
    orbit_direction: Direction = None,
    relative_orbit: Orbits = None,
    polarization: Polarization = None,
    burst_id: Bursts = None,
    resolution: Annotated[int, typer.Option(help="Pixel size in metres.", min=FINEST_M, max=COARSEST_M)] = 20,
    output_crs: Annotated[
        str | None, typer.Option(help="EPSG code of products and cube; the bursts' own by default.")
    ] = None,
    dem: Annotated[str, typer.Option(help="DEM, as in a scene payload.")] = DEFAULT_DEM,
    dem_datum: Annotated[
        str | None, typer.Option(help="What a DEM of your own is above, as in a scene payload.")
    ] = None,
    engine: Annotated[Engine, typer.Option(help="Who computes.")] = Engine.AUTO,
    scene_source: SceneSource = "asf",
    orbit_source: Annotated[
        str, typer.Option(help="Orbit files: folder, s3:// or https:// prefix.", envvar="ORBIT_SOURCE")
    ] = _DEFAULTS.orbits,
    dem_source: Annotated[
        str,
        typer.Option(
            help="DEM tiles as in their archives: folder, s3:// or https:// prefix.", envvar="DEM_SOURCE"
        ),
    ] = _DEFAULTS.dem,
    geoid: Annotated[
        str, typer.Option(help="EGM2008 raster, added to the heights of tiles.", envvar="GEOID_SOURCE")
    ] = _DEFAULTS.geoid,
    parallel: Annotated[
        int, typer.Option(help="Bursts that compute at once, 1 GB of memory each.", min=1, max=64)
    ] = 1,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be fetched and made.")] = False,
    campaign_list: Annotated[
        Path | None,
        typer.Option(
            help="Write the scenes as a campaign list (.jsonl) for a stack on AWS, and make nothing."
        ),
    ] = None,
    items: Annotated[
        str | None,
        typer.Option(help="Existing products, a folder or STAC collection, of which only the cube is made."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print only errors.")] = False,
) -> None:
    """Make every pass over an area as a cube, OUT/cube.zarr, with a report; a later run adds new passes."""
    started = time.monotonic()
    settle_memory()
    say = Console(soft_wrap=True, highlight=False, stderr=as_json, quiet=quiet)
    if scene_source not in ARCHIVES:
        raise RefusedError(f"'{scene_source}' is not an archive; use {' or '.join(ARCHIVES)}", "scene-source")
    folder = local_folder(out)
    check_outputs(out=None if dry_run or campaign_list else folder, campaign_list=campaign_list)
    crs = parse_crs(output_crs)
    place = area_of_interest(choose_area(area, bbox))
    filters = read_filters(orbit_direction, relative_orbit, polarization, burst_id)
    check_cube(folder / CUBE, place.geometry, crs, resolution)
    with say.status("searching"):
        found = find_acquisitions(place, start.date(), end.date(), filters)
    heights, dem_source = choose_dem(dem, dem_datum, dem_source)
    fields = _fields(resolution, crs, engine, scene_source) | heights
    if not found.passes:
        raise RefusedError(
            "the archive has no matching burst; widen the area, the period or the filters", "no-bursts"
        )
    if campaign_list is not None:
        _write_list(campaign_list, found, fields, say)
        return
    made = Made(0, 0, {}, ())
    if items is None:
        _tell_found(found, say)
    if dry_run:
        return
    if items is None:
        sources = Sources(scene=scene_source, orbits=orbit_source, dem=dem_source, geoid=geoid)
        made = _make(found, MakeSettings(folder, fields, sources, parallel), as_json or quiet)
        _tell_failures(made)
        if not made.made + made.there:
            _tell_nothing(folder, made, as_json)
        taken = read_items(folder / PRODUCTS)
    else:
        taken = _of_period(read_items(items), start.date(), end.date())
    try:
        written = _write_cube(folder, found, taken, crs, resolution if items is None else None, say)
    except KeyboardInterrupt:
        Screen(0, as_json).complain("interrupted; products stay, run the same command again for the cube")
        raise typer.Exit(130) from None
    seconds = time.monotonic() - started
    page = build_stack_page(found, made.failures, written.path, _size(folder), made.made, seconds)
    write_page(folder / REPORT, page)
    _tell_made(made, written, folder, seconds, say, as_json)
    code = _exit_code(made)
    if code:
        raise typer.Exit(code)


def _fields(resolution: int, crs: int | None, engine: Engine, scene_source: str) -> dict[str, Any]:
    fields = {
        "resolution": resolution,
        "output_crs": crs,
        "engine": engine.value,
        "orbit": "best",
        "scene_source": scene_source,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _write_list(path: Path, found: Found, fields: dict[str, Any], say: Console) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    linked = {"link_static_layers": True, "on_missing_static": "create"}
    asked = payloads(found, {**fields, **linked})
    path.write_text(write_payloads(asked), encoding="utf-8")
    say.print(
        f"{len(asked)} scenes written to {path}; start them with: rtcflow campaign start NAME {path}",
        markup=False,
    )


def _tell_found(found: Found, say: Console) -> None:
    expected = expect(found)
    ids = {burst.burst_id for burst in found.bursts}
    say.print(
        f"{len(found.passes)} passes, {len(found.bursts)} bursts of {len(ids)} burst ids; where nothing is made yet, "
        f"{expected.fetched_bytes / 1e9:,.1f} GB to fetch and about {roughly(expected.seconds)}"
    )
    for scene, why in found.left_out.items():
        say.print(f"left out: {scene}: {why}", style="yellow", markup=False)


def _make(found: Found, settings: MakeSettings, quiet: bool) -> Made:
    burst_ids = {burst.burst_id for burst in found.bursts}
    screen = Screen(len(found.bursts) + len(burst_ids), quiet)
    try:
        with screen:
            return make_products(found, settings, screen)
    except KeyboardInterrupt:
        screen.complain("interrupted; run the same command again for the rest")
        if threads_wait():
            sys.stdout.flush()
            # Python would wait for threads that wait for an archive.
            os._exit(130)
        raise typer.Exit(130) from None


def _of_period(items: list[pystac.Item], start: date, end: date) -> list[pystac.Item]:
    """Items taken in a period.

    Raises
    ------
    RefusedError
        When there is none.
    """
    found = [item for item in items if item.datetime and start <= item.datetime.date() <= end]
    if not found:
        raise RefusedError(f"no item is of {start} to {end}; widen the period", "no-items")
    return found


def _write_cube(
    out: Path, found: Found, items: list[pystac.Item], crs: int | None, resolution: int | None, say: Console
) -> CubeUpdate:
    columns = (SpinnerColumn(), TextColumn("cube"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=say, transient=True, disable=not say.is_terminal) as bar:
        task = bar.add_task("", total=1.0)
        return update_cube(
            out / CUBE,
            items,
            found.area.geometry,
            crs=crs,
            resolution=resolution,
            progress=lambda done: bar.update(task, completed=min(done, 0.99)),
        )


def _tell_made(
    made: Made, written: CubeUpdate, out: Path, seconds: float, say: Console, as_json: bool
) -> None:
    if as_json:
        record = {
            "made": made.made,
            "existed": made.there,
            "passes": written.passes,
            "new_passes": written.new,
            "failures": made.failures,
            "cube": str(written.path),
            "report": str(out / REPORT),
            "seconds": round(seconds, 1),
        }
        typer.echo(json.dumps(record, indent=1))
        return
    say.print(
        f"{made.made} bursts made, {made.there} existed, {len(made.failures)} passes with a failure, "
        f"in {duration(seconds)}"
    )
    say.print(f"{len(written.passes)} passes ({len(written.new)} new) in {written.path}", markup=False)
    say.print(f"report  {out / REPORT}", markup=False)


def _tell_failures(made: Made) -> None:
    """A line for each reason, with the passes that it keeps from being whole."""
    passes: dict[str, list[str]] = defaultdict(list)
    for pass_id, why in made.failures.items():
        passes[why].append(pass_id)
    errors = Console(stderr=True, soft_wrap=True, highlight=False)
    for why, ids in passes.items():
        errors.print(f"not whole: {' '.join(ids)}: {why}", style="bold red", markup=False)


def _tell_nothing(out: Path, made: Made, as_json: bool) -> NoReturn:
    """Ends the program where there is nothing to make a cube of; leaves no empty folder."""
    if as_json:
        typer.echo(json.dumps({"made": 0, "existed": 0, "failures": made.failures}, indent=1))
    for folder in (out / PRODUCTS, out / STATIC, out):
        with suppress(OSError):
            folder.rmdir()
    screen = Screen(0, as_json)
    screen.complain("nothing was made, so there is no cube; correct what is named above and run it again")
    raise typer.Exit(_exit_code(made))


def _exit_code(made: Made) -> int:
    return max((EXIT_CODES[kind] for kind in made.error_classes), default=0)


def _size(out: Path) -> int:
    """Bytes of products, static layers and cube."""
    folders = (out / name for name in (PRODUCTS, STATIC, CUBE))
    return sum(path.stat().st_size for folder in folders for path in folder.rglob("*") if path.is_file())
