"""Copernicus GLO-30 tiles: names, which ones an area needs, and telling sea from missing land."""

import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from rtcflow.sources.area import Area
from rtcflow.sources.places import LocalPlace, Place
from rtcflow_cloud.failures import NotFoundError
from rtcflow_contract.errors import RefusedError

TILE_LIST = "tileList.txt"
_PARALLEL = 4


class Tile(NamedTuple):
    """A tile of one degree; `lat` and `lon` of its lower left corner, `lon` as continuous as the area's."""

    lat: int
    lon: int

    @property
    def name(self) -> str:
        """Name in the archive: `Copernicus_DSM_COG_10_S70_00_E161_00_DEM`."""
        lon = (self.lon + 180) % 360 - 180
        return (
            f"Copernicus_DSM_COG_10_{'N' if self.lat >= 0 else 'S'}{abs(self.lat):02d}_00_"
            f"{'E' if lon >= 0 else 'W'}{abs(lon):03d}_00_DEM"
        )


def tiles_of(area: Area) -> list[Tile]:
    """Tiles that an area touches, from north to south and west to east."""
    lats = range(max(-90, math.floor(area.south)), min(90, math.ceil(area.north)))
    lons = range(math.floor(area.west), math.ceil(area.east))
    return [Tile(lat, lon) for lat in reversed(lats) for lon in lons]


def fetch_tiles(place: Place, tiles: list[Tile], folder: Path) -> dict[Tile, Path | None]:
    """Fetch tiles; None for a tile over sea, which the archive does not have.

    Raises
    ------
    RefusedError
        When the archive's tile list names a tile that is not there, or when without a list sea and missing
        land cannot be told apart; names the tiles.
    """
    with ThreadPoolExecutor(_PARALLEL) as pool:
        paths = list(pool.map(lambda tile: _fetch(place, tile, folder), tiles))
    found = dict(zip(tiles, paths, strict=True))
    absent = [tile for tile, path in found.items() if path is None]
    if absent:
        _refuse_land(place, absent)
    return found


def _fetch(place: Place, tile: Tile, folder: Path) -> Path | None:
    names = [f"{tile.name}/{tile.name}.tif"]
    if isinstance(place, LocalPlace):
        names.append(f"{tile.name}.tif")
    for name in names:
        try:
            return place.fetch(name, folder)
        except NotFoundError:
            continue
    return None


def _refuse_land(place: Place, absent: list[Tile]) -> None:
    names = ", ".join(tile.name for tile in absent)
    try:
        listed = set(place.read(TILE_LIST).decode().split())
    except NotFoundError as error:
        raise RefusedError(
            f"{place.href('')} lacks {names}, and has no {TILE_LIST} to tell sea from missing land; "
            "add the tiles, or the archive's list",
            reason="dem-missing-land",
        ) from error
    missing = [tile.name for tile in absent if tile.name in listed]
    if missing:
        raise RefusedError(
            f"the DEM does not cover the land of this burst: {place.href('')} lacks {', '.join(missing)}; "
            "add the tiles or give another DEM",
            reason="dem-missing-land",
        )
