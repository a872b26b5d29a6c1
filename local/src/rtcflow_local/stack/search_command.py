"""`rtcflow search`: search passes and bursts over an area."""

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from rtcflow.cli.outputs import check_outputs
from rtcflow_contract.burst_id import normalize_burst_id
from rtcflow_contract.errors import RefusedError
from rtcflow_local.days import DAY, parse_day
from rtcflow_local.inventory.output import Format, show
from rtcflow_local.report.figures import dollars
from rtcflow_local.stack.acquisitions import Filters, Found, find_acquisitions
from rtcflow_local.stack.aoi import area_of_interest
from rtcflow_local.stack.expectation import Expectation, duration, expect
from rtcflow_local.stack.page import Figure, Section, render_page, write_page
from rtcflow_local.stack.tabulate import check_format, geojson_of, passes_table, write_found

AreaFile = Annotated[str | None, typer.Option(help="GeoJSON file with the area's polygons, in degrees.")]
Box = Annotated[str | None, typer.Option(help="West,south,east,north in degrees, instead of --area.")]
Day = Annotated[
    datetime, typer.Option(parser=parse_day, metavar=DAY, help="Day of acquisition, UTC, included.")
]
Direction = Annotated[str | None, typer.Option(help="ascending or descending; both by default.")]
Orbits = Annotated[
    list[int] | None, typer.Option(help="Relative orbit (track); repeat for several.", min=1, max=175)
]
Polarization = Annotated[
    str | None, typer.Option(help="Polarization that a burst must have: VV, VH, HH or HV.")
]
Bursts = Annotated[list[str] | None, typer.Option("--burst-id", help="Burst id; repeat for several.")]

_COLUMNS = ("pass", "start (UTC)", "relative orbit", "bursts", "polarizations")
_console = Console(soft_wrap=True, highlight=False, markup=False, emoji=False)


def search(
    start: Day,
    end: Day,
    area: AreaFile = None,
    bbox: Box = None,
    orbit_direction: Direction = None,
    relative_orbit: Orbits = None,
    polarization: Polarization = None,
    burst_id: Bursts = None,
    out: Annotated[Path | None, typer.Option(help="File for the bursts: .geojson, .csv or .parquet.")] = None,
    map_file: Annotated[
        Path | None, typer.Option("--map", help="HTML file for a map with the passes.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print only GeoJSON.")] = False,
) -> None:
    """Search passes and bursts over an area; needs no login and downloads nothing."""
    filters = read_filters(orbit_direction, relative_orbit, polarization, burst_id)
    place = area_of_interest(choose_area(area, bbox))
    if out:
        check_format(out)
    check_outputs(out=out, map=map_file)
    with Console(stderr=True, markup=False, emoji=False).status("searching"):
        found = find_acquisitions(place, start.date(), end.date(), filters)
    if as_json:
        typer.echo(json.dumps(geojson_of(found), indent=1, default=lambda time: time.isoformat()))
    if out:
        write_found(found, out)
    expected = expect(found)
    if map_file:
        write_page(map_file, _page(found, expected))
    if not as_json:
        _tell(found, expected, out, map_file)


def choose_area(area: str | None, bbox: str | None) -> str | list[str]:
    """The area from one of the two options."""
    if (area is None) == (bbox is None):
        raise RefusedError("give either --area with a GeoJSON file or --bbox west,south,east,north", "area")
    return bbox.split(",") if bbox is not None else str(area)


def read_filters(
    direction: str | None, orbits: list[int] | None, polarization: str | None, burst_ids: list[str] | None
) -> Filters:
    """Filters from the command line; RefusedError for an invalid value."""
    if direction is not None and direction.lower() not in ("ascending", "descending"):
        raise RefusedError(f"'{direction}' is not a direction; use ascending or descending", "direction")
    if polarization is not None and polarization.upper() not in ("VV", "VH", "HH", "HV"):
        raise RefusedError(f"'{polarization}' is not a polarization; use VV, VH, HH or HV", "polarization")
    try:
        ids = tuple(normalize_burst_id(text) for text in burst_ids or ())
    except ValueError as error:
        raise RefusedError(str(error), "burst-id") from error
    return Filters(
        direction.lower() if direction else None,
        tuple(orbits or ()),
        polarization.upper() if polarization else None,
        ids,
    )


def _tell(found: Found, expected: Expectation, out: Path | None, map_file: Path | None) -> None:
    if not found.passes:
        _console.print("the archive has no matching burst; widen the area, the period or the filters")
    else:
        show(passes_table(found), Format.TABLE, None)
        ids = {burst.burst_id for burst in found.bursts}
        _console.print(
            f"{len(found.passes)} passes, {len(found.bursts)} bursts of {len(ids)} burst ids, "
            f"{expected.fetched_bytes / 1e9:,.1f} GB to fetch"
        )
        _console.print(
            f"about {duration(expected.seconds)} on this machine, or {dollars(expected.cost_usd)} on AWS, "
            "where nothing is made yet"
        )
    for scene, why in found.left_out.items():
        _console.print(f"left out: {scene}: {why}", style="yellow", markup=False)
    for path in (out, map_file):
        if path:
            _console.print(f"written to {path}", markup=False)


def _page(found: Found, expected: Expectation) -> str:
    ids = {burst.burst_id for burst in found.bursts}
    rows = [
        (
            one.pass_id,
            f"{one.start:%Y-%m-%d %H:%M:%S}",
            f"{one.bursts[0].relative_orbit} {one.bursts[0].orbit_direction}",
            f"{len(one.bursts)}",
            " ".join(one.bursts[0].polarizations),
        )
        for one in found.passes
    ]
    return render_page(
        eyebrow="rtcflow search",
        title=found.area.name,
        sentence=f"About {duration(expected.seconds)} on this machine, or {dollars(expected.cost_usd)} on AWS.",
        figures=[
            Figure(f"{len(found.passes)}", "passes"),
            Figure(f"{len(found.bursts)}", "bursts"),
            Figure(f"{len(ids)}", "burst ids"),
            Figure(f"{expected.fetched_bytes / 1e9:,.1f} GB", "to fetch"),
        ],
        found=found,
        tones={one.pass_id: "ok" for one in found.passes},
        titles={
            one.pass_id: f"{one.start:%Y-%m-%d %H:%M} {one.pass_id}: {len(one.bursts)} bursts"
            for one in found.passes
        },
        sections=[Section("List of passes", _COLUMNS, tuple(rows))],
    )
