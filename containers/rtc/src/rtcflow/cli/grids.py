"""`rtcflow grids`: store grids of bursts before the first product is made."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from pydantic import BaseModel
from rich.console import Console

from rtcflow.grid.database import read_area, read_database
from rtcflow.grid.resolve import StoreOutcome, check_crs, write_grid
from rtcflow.threads import Pool
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.grid import Grid
from rtcflow_contract.keys import Location, grid_index_key, grid_key, parse_location
from rtcflow_contract.payload_fields import parse_crs
from rtcflow_contract.request import COARSEST_M, FINEST_M
from rtcflow_files import storage

_PARALLEL = 16

console = Console(soft_wrap=True, highlight=False, markup=False, emoji=False)
grids = typer.Typer(no_args_is_help=True, help="Store grids of bursts before the first product is made.")


class _GridIndex(BaseModel):
    """Index of an import: the grids of an area, by burst_id."""

    database: str
    area: str
    resolution: int
    output_crs: int | None
    grids: dict[str, Grid]


@grids.command("import")
def _import_grids(
    database: Annotated[Path, typer.Argument(help="Burst database, sqlite, in OPERA's schema.")],
    aoi: Annotated[
        str, typer.Option(help="GeoJSON file with polygons, or west,south,east,north in degrees.")
    ],
    to: Annotated[
        str, typer.Option(help="Project folder of the products: s3://bucket/folder, or a local folder.")
    ],
    resolution: Annotated[int, typer.Option(help="Pixel size in metres.", min=FINEST_M, max=COARSEST_M)] = 20,
    output_crs: Annotated[
        str | None, typer.Option(help="EPSG code; that of the database by default.")
    ] = None,
) -> None:
    """Store the grids of an area's bursts, so that products are made on them; stored grids are kept."""
    epsg = parse_crs(output_crs)
    check_crs(epsg)
    project = parse_location(to)
    found = {burst.burst_id: burst for burst in read_database(database, read_area(aoi))}
    if not found:
        raise RefusedError(f"{database} has no burst in {aoi}; check the area", reason="area")
    made = {name: burst.grid(resolution, epsg) for name, burst in sorted(found.items())}
    counted = _store(project, made, resolution, epsg)
    index = _GridIndex(database=database.name, area=aoi, resolution=resolution, output_crs=epsg, grids=made)
    at = grid_index_key(project.bucket, project.key, epsg, resolution)
    storage.write_bytes(at, index.model_dump_json(indent=1).encode())
    console.print(
        f"{len(made)} grids: {counted[StoreOutcome.NEW]} stored, {counted[StoreOutcome.SAME]} existed, "
        f"{counted[StoreOutcome.OTHER]} differ from stored ones, which were kept\n  {at}"
    )


def _store(
    project: Location, made: dict[str, Grid], resolution: int, output_crs: int | None
) -> Counter[StoreOutcome]:
    with Pool(_PARALLEL) as pool:
        outcomes: Iterable[StoreOutcome] = pool.map(
            lambda item: write_grid(
                grid_key(project.bucket, project.key, item[0], output_crs, resolution), item[1]
            ),
            made.items(),
        )
        return Counter(outcomes)
