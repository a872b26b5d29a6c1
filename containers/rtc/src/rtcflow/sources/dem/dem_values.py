"""Heights that can be heights: what else a DEM holds is void, whatever the file declares.

Voids come as -32768, -32767, -9999, -3.4e38, infinity or NaN, and often undeclared.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.enums import MaskFlags
from rasterio.errors import RasterioError
from rasterio.transform import Affine
from rasterio.windows import Window

from rtcflow.rasters import write_raster
from rtcflow.sources.dem.dem_area import Area
from rtcflow_contract.errors import RefusedError

# Metres above the ellipsoid. The shore of the Dead Sea lies at -410, Everest's summit at 8,820, deep mines at -900.
LOWEST_M, HIGHEST_M = -1000.0, 9500.0
# A product that lacks more of its ground than this is not a product of the burst.
MOST_VOID = 0.25
# Postings around the area that the interpolation may read.
_AROUND = 10
_MOST_POSTINGS = 1_000_000_000
_METRE = {"", "m", "metre", "meter", "metres", "meters"}


class HeightRaster(NamedTuple):
    """Heights (rows, cols) in metres, NaN where void, at latitudes (rows,) falling and longitudes (cols,) rising."""

    values: NDArray[np.float32]
    latitudes: NDArray[np.float64]
    longitudes: NDArray[np.float64]


def void_impossible(values: NDArray[np.float32]) -> bool:
    """Make NaN, in place, of what is not finite or cannot be a height; whether anything was."""
    # Comparisons with NaN are false: this counts NaN too, without an array of its own where all is well.
    if values.size == 0 or (values.min() >= LOWEST_M and values.max() <= HIGHEST_M):
        return False
    values[~((values >= LOWEST_M) & (values <= HIGHEST_M))] = np.nan
    return True


def void_share(heights: HeightRaster, area: Area) -> float:
    """Share of an area's postings that are void, 0 to 1."""
    middle = 0.5 * (heights.longitudes[0] + heights.longitudes[-1])
    turn = 360.0 * round((middle - 0.5 * (area.west + area.east)) / 360.0)
    rows = (heights.latitudes >= area.south) & (heights.latitudes <= area.north)
    cols = (heights.longitudes >= area.west + turn) & (heights.longitudes <= area.east + turn)
    inside = heights.values[np.ix_(rows, cols)]
    return float(np.isnan(inside).mean()) if inside.size else 0.0


def refuse_void(share: float, what: str) -> None:
    """Refuse a DEM that is void in more than `MOST_VOID` of the burst's ground."""
    if share > MOST_VOID:
        raise RefusedError(
            f"{what} has no height for {100 * share:.0f} % of the burst's ground (not finite, declared void, or "
            f"outside {LOWEST_M:,.0f} to {HIGHEST_M:,.0f} m; at most {100 * MOST_VOID:.0f} % is taken); give a DEM "
            "that covers it",
            reason="dem-void",
        )


def covered_area(path: Path) -> Area:
    """Area that a DEM in EPSG:4326 covers; raises as `read_heights` does."""
    with _opened(path) as source:
        left, bottom, right, top = source.bounds
        return Area(left, min(bottom, top), right, max(bottom, top))


def read_heights(path: Path, area: Area) -> tuple[HeightRaster, bool]:
    """Heights of a raster in EPSG:4326 over an area, north up, and whether the file itself serves as it is.

    Declared voids, masks, scale and offset are applied; what cannot be a height is void.

    Raises
    ------
    RefusedError
        When the raster cannot be read, is in another CRS, turned, not in metres, or too large.
    """
    with _opened(path) as source:
        return _read(source, area)


def write_heights(path: Path, heights: HeightRaster) -> None:
    """Write heights as a GeoTIFF in EPSG:4326 whose voids are NaN."""
    per_lon = (heights.longitudes[-1] - heights.longitudes[0]) / (heights.longitudes.size - 1)
    per_lat = (heights.latitudes[0] - heights.latitudes[-1]) / (heights.latitudes.size - 1)
    corner = (heights.longitudes[0] - per_lon / 2, heights.latitudes[0] + per_lat / 2)
    profile = {
        "driver": "GTiff",
        "height": heights.values.shape[0],
        "width": heights.values.shape[1],
        "count": 1,
        "dtype": "float32",
        "crs": "EPSG:4326",
        "transform": Affine(per_lon, 0.0, corner[0], 0.0, -per_lat, corner[1]),
        "nodata": float("nan"),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    write_raster(path, profile, lambda out: out.write(heights.values, 1))


@contextmanager
def _opened(path: Path) -> Iterator[rasterio.DatasetReader]:
    try:
        with rasterio.open(path) as source:
            _check(source, path)
            yield source
    except RasterioError as error:
        raise RefusedError(
            f"DEM {path} cannot be read ({error}); correct the path, or fetch it again", reason="dem-corrupt"
        ) from error


def _check(source: rasterio.DatasetReader, path: Path) -> None:
    wrong = ""
    transform = source.transform
    if source.crs is None or source.crs.to_epsg() != 4326:
        wrong = f"is in {source.crs or 'no CRS'}"
    elif transform.b or transform.d or not transform.a > 0 or not abs(transform.e) > 0:
        wrong = "is turned against north"
    elif not all(math.isfinite(value) for value in transform[:6]):
        wrong = "has a geotransform that is not finite"
    elif source.count < 1 or "complex" in source.dtypes[0]:
        wrong = f"holds {source.dtypes[0] if source.count else 'no'} values"
    elif (source.units[0] or "").strip().lower() not in _METRE:
        wrong = f"is in {source.units[0]}"
    if wrong:
        raise RefusedError(
            f"DEM {path} {wrong}; give heights above the ellipsoid in metres, in EPSG:4326, north up",
            reason="dem-layout",
        )


def _read(source: rasterio.DatasetReader, area: Area) -> tuple[HeightRaster, bool]:
    transform = source.transform
    first_lon, first_lat = transform.c + transform.a / 2, transform.f + transform.e / 2
    middle = transform.c + transform.a * source.width / 2
    turn = 360.0 * round((middle - 0.5 * (area.west + area.east)) / 360.0)
    left, right = ((lon + turn - first_lon) / transform.a for lon in (area.west, area.east))
    top, bottom = sorted((lat - first_lat) / transform.e for lat in (area.north, area.south))
    cols = max(math.floor(left) - _AROUND, 0), min(math.ceil(right) + _AROUND + 1, source.width)
    rows = max(math.floor(top) - _AROUND, 0), min(math.ceil(bottom) + _AROUND + 1, source.height)
    shape = (rows[1] - rows[0], cols[1] - cols[0])
    if min(shape) < 2 or shape[0] * shape[1] > _MOST_POSTINGS:
        raise RefusedError(
            f"DEM {source.name} has {max(shape[0], 0)} x {max(shape[1], 0)} postings over the burst, where 2 x 2 to "
            f"{_MOST_POSTINGS:,} can be used; give another",
            reason="dem-layout",
        )
    values, declared = read_values(source, Window(cols[0], rows[0], shape[1], shape[0]))
    impossible = void_impossible(values)
    latitudes = first_lat + transform.e * np.arange(*rows)
    if transform.e > 0:
        values, latitudes = np.ascontiguousarray(values[::-1]), latitudes[::-1]
    heights = HeightRaster(values, latitudes, first_lon + transform.a * np.arange(*cols))
    return heights, not (declared or impossible or transform.e > 0)


def read_values(source: rasterio.DatasetReader, window: Window) -> tuple[NDArray[np.float32], bool]:
    """Values of a part of a raster with its masks, scale and offset applied, and whether any of these does anything."""
    raw = source.read(1, window=window)
    with np.errstate(over="ignore", invalid="ignore"):
        values = raw.astype(np.float32)
    void = np.zeros((0, 0), bool)
    flags = source.mask_flag_enums[0]
    if MaskFlags.all_valid not in flags:
        void = source.read_masks(1, window=window) == 0
    if source.nodata is not None and not math.isnan(source.nodata):
        # A nodata value that float32 cannot hold matches by its nearest.
        marked = raw == source.nodata
        marked |= values == np.float32(source.nodata)
        void = marked | void if void.size else marked
    scale, offset = source.scales[0], source.offsets[0]
    scaled = (scale, offset) != (1.0, 0.0)
    if scaled:
        values = (values * np.float32(scale) + np.float32(offset)).astype(np.float32)
    if void.size and void.any():
        values[void] = np.nan
        return values, True
    return values, scaled
