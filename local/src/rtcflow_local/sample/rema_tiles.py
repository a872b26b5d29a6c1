"""Tiles of the Reference Elevation Model of Antarctica, in the layout of the Polar Geospatial Center's archive.

Tiles of 100 km in EPSG:3031 at 32 m that overlap their neighbours, heights above the ellipsoid, void over sea, and a
STAC item beside each.
"""

import json
import math
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import rasterio
from pyproj import Transformer
from rasterio.transform import Affine

from rtcflow_contract.dem import DEMS
from rtcflow_local.sample.world import World

_NORTHERN_LIMIT = -60.0
_DEM = "rema_32"
_VOID = -9999.0
_OVERLAP = 3  # postings
_ROWS = 256


class _Box(NamedTuple):
    west: float
    south: float
    east: float
    north: float


def write_rema(world: World, outline: Iterable[tuple[float, float]], margin_m: float, folder: Path) -> None:
    """Write the tiles around points (latitude, longitude) south of 60 S; further than a margin from these all is void.

    Tiles without land are not written, as the archive has none of the sea.
    """
    places = np.array(list(outline))
    if places[:, 0].max() > _NORTHERN_LIMIT:
        return
    x, y = Transformer.from_crs(4326, 3031, always_xy=True).transform(places[:, 1], places[:, 0])
    box = _Box(min(x) - margin_m, min(y) - margin_m, max(x) + margin_m, max(y) + margin_m)
    tiling = DEMS[_DEM].tiling
    assert tiling is not None
    rows = range(*_span(box.south - tiling.south, box.north - tiling.south, tiling.size_m))
    cols = range(*_span(box.west - tiling.west, box.east - tiling.west, tiling.size_m))
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda at: _write_tile(world, at, box, folder), [(r, c) for r in rows for c in cols]))


def _span(first: float, last: float, size: float) -> tuple[int, int]:
    return math.floor(first / size), math.floor(last / size) + 1


def _write_tile(world: World, at: tuple[int, int], box: _Box, folder: Path) -> None:
    (row, col), spec = at, DEMS[_DEM]
    tiling, step = spec.tiling, spec.posting_m
    assert tiling is not None
    left = tiling.west + col * tiling.size_m - _OVERLAP * step
    top = tiling.south + (row + 1) * tiling.size_m + _OVERLAP * step
    count = round(tiling.size_m / step) + 2 * _OVERLAP
    centres = step * (np.arange(count) + 0.5)
    heights = _heights(world, left + centres, top - centres, box)
    if np.isnan(heights).all():
        return
    path = folder / tiling.path.format(row=row, col=col, part="")
    path.parent.mkdir(parents=True, exist_ok=True)
    profile = {
        "driver": "GTiff",
        "height": count,
        "width": count,
        "count": 1,
        "dtype": "float32",
        "crs": f"EPSG:{tiling.epsg}",
        "transform": Affine(step, 0, left, 0, -step, top),
        "nodata": _VOID,
        "tiled": True,
        "blockxsize": 512,
        "blockysize": 512,
        "compress": "deflate",
        "predictor": 3,
        "zlevel": 1,
    }
    with rasterio.open(path, "w", **profile) as out:
        out.write(np.nan_to_num(heights, nan=_VOID), 1)
        bounds = tuple(out.bounds)
    _write_item(path, bounds, tiling.epsg, step)


def _heights(world: World, x: np.ndarray, y: np.ndarray, box: _Box) -> np.ndarray:
    found = np.full((y.size, x.size), np.nan, np.float32)
    rows, cols = np.flatnonzero((y >= box.south) & (y <= box.north)), (x >= box.west) & (x <= box.east)
    to_geographic = Transformer.from_crs(3031, 4326, always_xy=True)
    for first in range(0, rows.size, _ROWS):
        some = rows[first : first + _ROWS]
        lon, lat = to_geographic.transform(*np.meshgrid(x[cols], y[some]))
        found[np.ix_(some, cols)] = world.land(lat, lon)
    return found


def _write_item(path: Path, bounds: tuple[float, ...], epsg: int, step: float) -> None:
    left, bottom, right, top = bounds
    to_geographic = Transformer.from_crs(epsg, 4326, always_xy=True)
    ring = [
        [round(float(value), 6) for value in to_geographic.transform(x, y)]
        for x, y in ((left, bottom), (right, bottom), (right, top), (left, top), (left, bottom))
    ]
    name = path.stem.removesuffix("_dem")
    item = {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": name,
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "bbox": [
            min(lon for lon, _ in ring),
            min(lat for _, lat in ring),
            max(lon for lon, _ in ring),
            max(lat for _, lat in ring),
        ],
        "properties": {"datetime": "2022-11-01T00:00:00Z", "gsd": step, "proj:code": f"EPSG:{epsg}"},
        "links": [],
        "assets": {
            "dem": {
                "href": f"./{path.name}",
                "type": "image/tiff; application=geotiff; profile=cloud-optimized",
                "roles": ["data"],
            }
        },
    }
    path.with_name(f"{name}.json").write_text(json.dumps(item, indent=2) + "\n")
