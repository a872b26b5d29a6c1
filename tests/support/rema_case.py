"""Tiles in the layout of the Polar Geospatial Center's archive, of any surface, and a grid near the Antarctic coast."""

import json
from pathlib import Path

import numpy as np
import rasterio
from pyproj import Transformer

from rtcflow_contract.dem import DEMS
from rtcflow_contract.grid import Grid

# At 77.5 S across 180 degrees, on the corner of four tiles of 100 km: x 0, y -1,400,000.
GRID = Grid(epsg=3031, left=-9_000, top=-1_392_000, spacing=20, rows=800, cols=900)
_TO_GEOGRAPHIC = Transformer.from_crs(3031, 4326, always_xy=True)


def hills(x, y):
    """Heights at coordinates of EPSG:3031: hills some kilometres wide, slopes up to 0.2."""
    return 400.0 + 120.0 * np.sin(x / 900.0) * np.cos(y / 1100.0) + 0.002 * x


def write_rema(
    folder: Path,
    row: int,
    col: int,
    heights=hills,
    name: str = "rema_32",
    part: str = "",
    around=GRID,
    **profile,
) -> Path:
    """Write a tile with an overlap of three postings, and the STAC item beside it; void where `heights` gives NaN.

    Of a tile only what lies within 8 km of a grid is written: whole ones are large.
    """
    spec = DEMS[name]
    tiling, step = spec.tiling, spec.posting_m
    size = tiling.size_m / (2 if part else 1)
    west, south = tiling.west + col * tiling.size_m, tiling.south + row * tiling.size_m
    if part:
        up, right = (int(digit) - 1 for digit in part.strip("_").split("_"))
        west, south = west + right * size, south + up * size
    count = round(size / step) + 6
    x = west - 3 * step + step * (np.arange(count) + 0.5)
    y = south + size + 3 * step - step * (np.arange(count) + 0.5)
    x = x[(x > around.left - 8_000) & (x < around.right + 8_000)]
    y = y[(y > around.bottom - 8_000) & (y < around.top + 8_000)]
    left, top = x[0] - step / 2, y[0] + step / 2
    values = np.broadcast_to(heights(x[None, :], y[:, None]), (y.size, x.size)).astype(np.float32)
    given = {
        "driver": "GTiff",
        "width": x.size,
        "height": y.size,
        "count": 1,
        "dtype": "float32",
        "crs": f"EPSG:{tiling.epsg}",
        "transform": rasterio.Affine(step, 0, left, 0, -step, top),
        "nodata": -9999.0,
        "tiled": True,
        "compress": "deflate",
    } | profile
    if given["nodata"] is not None:
        values = np.where(np.isnan(values), np.float32(given["nodata"]), values)
    path = folder / tiling.path.format(row=row, col=col, part=part)
    path.parent.mkdir(parents=True, exist_ok=True)
    with rasterio.open(path, "w", **given) as out:
        out.write(values, 1)
    item = {"type": "Feature", "stac_version": "1.0.0", "id": path.stem.removesuffix("_dem"), "assets": {}}
    item["assets"]["dem"] = {"href": f"./{path.name}", "type": "image/tiff; application=geotiff"}
    path.with_name(f"{item['id']}.json").write_text(json.dumps(item))
    return path


def tiles_of(grid: Grid = GRID) -> list[tuple[int, int]]:
    """Rows and columns of the tiles of 100 km around a grid and its margin."""
    left, bottom, right, top = grid.bounds
    return [
        (row, col)
        for row in range(int((bottom - 5_000 + 3.1e6) // 1e5), int((top + 5_000 + 3.1e6) // 1e5) + 1)
        for col in range(int((left - 5_000 + 3.1e6) // 1e5), int((right + 5_000 + 3.1e6) // 1e5) + 1)
    ]


def lonlat(x, y):
    """Longitudes and latitudes of coordinates of EPSG:3031."""
    return _TO_GEOGRAPHIC.transform(x, y)
