"""DEM tiles in the layout of the Copernicus GLO-30 archive, and a geoid raster.

Copernicus DEM product handbook: tiles of one degree, pixel centres on whole seconds of arc with the first one on the
northern and western edge, longitude spacing widening towards the poles; no tile over pure sea.
"""

import math
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import rasterio
from rasterio.transform import Affine

from rtcflow_local.sample.cover import SEA
from rtcflow_local.sample.terrain import undulation_grid
from rtcflow_local.sample.world import World

_GEOID_NAME = "us_nga_egm2008_1_4326__agisoft.tif"
TILE_LIST, SEA_LIST = "tileList.txt", "seaList.txt"
_ROWS = 3600
# Ratio of longitude to latitude spacing, from these latitudes on.
_WIDENING = ((85, 10.0), (80, 5.0), (70, 3.0), (60, 2.0), (50, 1.5), (0, 1.0))
_GEOID_SPACING = 0.25  # degrees
_LAND_PROBES = 121


class TileCorner(NamedTuple):
    """A tile by its lower left corner, whole degrees; longitude in [-180, 180)."""

    latitude: int
    longitude: int

    @property
    def name(self) -> str:
        """Name in the archive."""
        north = "N" if self.latitude >= 0 else "S"
        east = "E" if self.longitude >= 0 else "W"
        return (
            f"Copernicus_DSM_COG_10_{north}{abs(self.latitude):02d}_00_{east}{abs(self.longitude):03d}_00_DEM"
        )

    def columns(self) -> int:
        """Pixels from west to east."""
        # The spacing is that of the tile's edge nearest to the equator.
        edge = min(abs(self.latitude), abs(self.latitude + 1))
        return round(_ROWS / next(widening for latitude, widening in _WIDENING if edge >= latitude))


def tiles_around(points: Iterable[tuple[float, float]], margin_m: float) -> list[TileCorner]:
    """Tiles of the rectangle of latitudes and longitudes around points (latitude, longitude), with a margin.

    DEMs are read by rectangles, whose corners are farther from a slanting burst than the margin.
    """
    places = list(points)
    middle = places[0][1]
    found: set[TileCorner] = set()
    for latitude, longitude in places:
        north = margin_m / 111_000
        east = north / math.cos(math.radians(latitude))
        # Continuous with the first point across 180 degrees.
        continuous = middle + (longitude - middle + 180) % 360 - 180
        for lat in range(math.floor(latitude - north), math.floor(latitude + north) + 1):
            for lon in range(math.floor(continuous - east), math.floor(continuous + east) + 1):
                found.add(TileCorner(lat, lon))
    lats, lons = ({getattr(tile, name) for tile in found} for name in ("latitude", "longitude"))
    return sorted(
        TileCorner(lat, (lon + 180) % 360 - 180)
        for lat in range(min(lats), max(lats) + 1)
        for lon in range(min(lons), max(lons) + 1)
    )


def write_tiles(world: World, tiles: list[TileCorner], folder: Path) -> dict[str, Path]:
    """Write the tiles with land, the archive's list of them, and a tile of sea; paths by tile name."""
    folder.mkdir(parents=True, exist_ok=True)
    land = [tile for tile in tiles if _holds_land(world, tile)]
    with ThreadPoolExecutor(2) as pool:
        paths = list(pool.map(lambda tile: _write_tile(world, tile, folder), land))
    (folder / TILE_LIST).write_text("".join(f"{tile.name}\n" for tile in land))
    (folder / SEA_LIST).write_text("".join(f"{tile.name}\n" for tile in tiles if tile not in land))
    return {tile.name: path for tile, path in zip(land, paths, strict=True)}


def _axes(tile: TileCorner, columns: int, rows: int = _ROWS) -> tuple[np.ndarray, np.ndarray]:
    return tile.latitude + 1 - np.arange(rows) / rows, tile.longitude + np.arange(columns) / columns


def _holds_land(world: World, tile: TileCorner) -> bool:
    _, covers = world.grid(*_axes(tile, _LAND_PROBES, _LAND_PROBES))
    return bool((covers != SEA).any())


def _write_tile(world: World, tile: TileCorner, folder: Path) -> Path:
    columns = tile.columns()
    heights, _ = world.grid(*_axes(tile, columns))
    path = folder / tile.name / f"{tile.name}.tif"
    path.parent.mkdir(parents=True, exist_ok=True)
    per_lat, per_lon = 1 / _ROWS, 1 / columns
    profile = {
        "driver": "GTiff",
        "height": _ROWS,
        "width": columns,
        "count": 1,
        "dtype": "float32",
        "crs": "EPSG:4326",
        "transform": Affine(
            per_lon, 0, tile.longitude - per_lon / 2, 0, -per_lat, tile.latitude + 1 + per_lat / 2
        ),
        "tiled": True,
        "blockxsize": 1024,
        "blockysize": 1024,
        "compress": "deflate",
        "predictor": 3,
        "zlevel": 1,
    }
    with rasterio.open(path, "w", **profile) as out:
        out.update_tags(AREA_OR_POINT="Point")
        out.write(heights, 1)
    return path


def write_geoid(folder: Path) -> Path:
    """Write geoid heights of the whole earth; the undulation is so smooth that a coarse raster is accurate to 1 cm."""
    folder.mkdir(parents=True, exist_ok=True)
    step = _GEOID_SPACING
    lats = np.arange(90 - step / 2, -90, -step)
    lons = np.arange(-180 + step / 2, 180, step)
    heights = np.empty((lats.size, lons.size), np.float32)
    undulation_grid(np.radians(lats), np.radians(lons), heights)
    path = folder / _GEOID_NAME
    profile = {
        "driver": "GTiff",
        "height": lats.size,
        "width": lons.size,
        "count": 1,
        "dtype": "float32",
        "crs": "EPSG:4326",
        "transform": Affine(step, 0, -180, 0, -step, 90),
        "tiled": True,
        "blockxsize": 256,
        "blockysize": 256,
        "compress": "deflate",
        "predictor": 3,
    }
    with rasterio.open(path, "w", **profile) as out:
        out.write(heights, 1)
    return path
