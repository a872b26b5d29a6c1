"""Copernicus tiles: their names, the tiles of an area, GLO-90 in place of GLO-30, and sea apart from missing land.

Some countries withhold GLO-30; GLO-90 has their tiles. Neither has tiles of the sea.
"""

import math
import re
from pathlib import Path
from typing import NamedTuple

from rtcflow.sources.dem.dem_area import DemArea
from rtcflow.threads import Pool
from rtcflow_contract.errors import NotFoundError, RefusedError
from rtcflow_files.files import Files

# The archive's list of tiles, which covers all land; and a list of sea tiles, for a place with an incomplete list.
TILE_LIST, SEA_LIST = "tileList.txt", "seaList.txt"
# GLO-30 has 26,450 tiles.
_WHOLE_LIST = 20_000
_TILE_NAME = re.compile(r"Copernicus_DSM_COG_10_[NS]\d\d_00_[EW]\d\d\d_00_DEM")
_PARALLEL = 4


class Tile(NamedTuple):
    """A tile of one degree; `lat` and `lon` of its lower left corner; `lon` may go beyond 180."""

    lat: int
    lon: int

    @property
    def name(self) -> str:
        """Name in the archive of GLO-30: `Copernicus_DSM_COG_10_S70_00_E161_00_DEM`."""
        return self._name("10")

    @property
    def coarse_name(self) -> str:
        """Name in the archive of GLO-90: `Copernicus_DSM_COG_30_S70_00_E161_00_DEM`."""
        return self._name("30")

    def _name(self, tenths_of_seconds: str) -> str:
        lon = (self.lon + 180) % 360 - 180
        return (
            f"Copernicus_DSM_COG_{tenths_of_seconds}_{'N' if self.lat >= 0 else 'S'}{abs(self.lat):02d}_00_"
            f"{'E' if lon >= 0 else 'W'}{abs(lon):03d}_00_DEM"
        )


def tiles_of(area: DemArea) -> list[Tile]:
    """Tiles that an area touches, from north to south and west to east."""
    lats = range(max(-90, math.floor(area.south)), min(90, math.ceil(area.north)))
    lons = range(math.floor(area.west), math.ceil(area.east))
    return [Tile(lat, lon) for lat in reversed(lats) for lon in lons]


def fetch_tiles(
    place: Files, coarser: Files, tiles: list[Tile], folder: Path, archive: bool = False
) -> dict[Tile, Path | None]:
    """Fetch tiles, each of GLO-30 from `place`, else of GLO-90 from `coarser`; None for a tile over sea.

    Parameters
    ----------
    archive : bool
        Whether `place` is the archive itself, whose list of tiles is complete.

    Raises
    ------
    RefusedError
        When the list of tiles names a tile that is missing; or when there is no list, or an incomplete one, so that a
        missing tile may be land. Names the tiles.
    """
    with Pool(_PARALLEL) as pool:
        paths = list(pool.map(lambda tile: _fetch(place, coarser, tile, folder), tiles))
    found = dict(zip(tiles, paths, strict=True))
    absent = [tile for tile, path in found.items() if path is None]
    if absent:
        _refuse_land(place, absent, archive)
    return found


def _fetch(place: Files, coarser: Files, tile: Tile, folder: Path) -> Path | None:
    return _fetch_named(place, tile.name, folder) or _fetch_named(coarser, tile.coarse_name, folder)


def _fetch_named(place: Files, tile: str, folder: Path) -> Path | None:
    names = [f"{tile}/{tile}.tif"]
    if place.path("") is not None:
        names.append(f"{tile}.tif")
    for name in names:
        try:
            return place.fetch(name, folder)
        except NotFoundError:
            continue
    return None


def _refuse_land(place: Files, absent: list[Tile], archive: bool) -> None:
    listed, sea = _listed(place, TILE_LIST), _listed(place, SEA_LIST) or set()
    unknown = [tile for tile in absent if tile.name not in sea]
    if not unknown:
        return
    names = ", ".join(tile.name for tile in unknown)
    if listed is None:
        raise RefusedError(
            f"{place.href('')} lacks {names}, and has no {TILE_LIST} to tell sea from missing land; "
            "add the tiles, or the archive's list",
            reason="dem-missing-land",
        )
    missing = [tile.name for tile in unknown if tile.name in listed]
    if missing:
        raise RefusedError(
            f"the DEM does not cover the land of this burst: {place.href('')} lacks {', '.join(missing)}; "
            "add the tiles or give another DEM",
            reason="dem-missing-land",
        )
    # A tile that the complete list lacks is sea; a shorter list was made for one region and says nothing of others.
    if not archive and len(listed) < _WHOLE_LIST:
        raise RefusedError(
            f"{place.href('')} has no DEM tile {names}, and its {TILE_LIST} of {len(listed)} tiles is incomplete, so "
            "that it may be land; give a DEM that covers the burst, or the complete list "
            f"(aws s3 cp s3://copernicus-dem-30m/{TILE_LIST}), or list tiles of the sea in {SEA_LIST} beside it",
            reason="dem-elsewhere",
        )


def _listed(place: Files, name: str) -> set[str] | None:
    """Tiles of GLO-30 in a list like the archive's; None if there is no such list."""
    try:
        text = place.read(name).decode("ascii", errors="replace")
    except NotFoundError:
        return None
    return {match[0] for match in _TILE_NAME.finditer(text)}
