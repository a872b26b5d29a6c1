"""Read the heights of a DEM; values that cannot be heights are void, whatever the file declares.

Voids come as -32768, -32767, -9999, -3.4e38, infinity or NaN, and often undeclared.
"""

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import rasterio
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from pyproj.exceptions import ProjError
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.errors import RasterioError
from rasterio.transform import Affine
from rasterio.windows import Window

from rtcflow.rasters import write_raster
from rtcflow.sources.dem.dem_area import DemArea, area_in
from rtcflow_contract.dem import ELLIPSOID
from rtcflow_contract.errors import RefusedError

# Metres above the ellipsoid. The shore of the Dead Sea lies at -410, Everest's summit at 8,820, deep mines at -900.
LOWEST_M, HIGHEST_M = -1000.0, 9500.0
# A DEM that is void in a larger share of the burst's ground is refused.
MOST_VOID = 0.25
# Postings around the area that the interpolation may read.
AROUND = 10
_MOST_POSTINGS = 1_000_000_000
# Shaded reliefs and other pictures.
_OF_PICTURES = ("uint8", "int8")
_METRE = {"", "m", "metre", "meter", "metres", "meters"}


class HeightRaster(NamedTuple):
    """Heights (rows, cols) in metres, NaN where void, at `y` (rows,) falling and `x` (cols,) rising.

    These are latitudes and longitudes in degrees, or coordinates of a projected `crs` in its unit.
    """

    values: NDArray[np.float32]
    y: NDArray[np.float64]
    x: NDArray[np.float64]
    crs: str = "EPSG:4326"


def void_impossible(values: NDArray[np.float32]) -> bool:
    """Set values that are not finite or cannot be heights to NaN, in place; returns whether there were any."""
    # Comparisons with NaN are false, so this finds NaN too, without a temporary array if there is nothing to do.
    if values.size == 0 or (values.min() >= LOWEST_M and values.max() <= HIGHEST_M):
        return False
    values[~((values >= LOWEST_M) & (values <= HIGHEST_M))] = np.nan
    return True


def void_share(heights: HeightRaster, area: DemArea) -> float:
    """Share of the postings of an area, in WGS 84, that are void, 0 to 1."""
    inside = heights.values[postings_in(heights, area)]
    return float(np.isnan(inside).mean()) if inside.size else 0.0


def postings_in(heights: HeightRaster, area: DemArea) -> tuple[slice, slice]:
    """Rows and columns of the postings of an area in WGS 84; in a projected CRS, of the bounds of its outline."""
    west, south, east, north = area_in(heights.crs, area)
    turn = turn_to(heights.crs, 0.5 * (heights.x[0] + heights.x[-1]), 0.5 * (west + east))
    sides = (-heights.y, -north, -south), (heights.x, west + turn, east + turn)
    # Both ends belong to it.
    rows, cols = (
        slice(int(np.searchsorted(at, first, "left")), int(np.searchsorted(at, last, "right")))
        for at, first, last in sides
    )
    return rows, cols


def turn_to(crs: str, there: float, here: float) -> float:
    """Multiple of 360 degrees that brings longitudes around `here` next to `there`; 0 in a projected CRS."""
    return 360.0 * round((there - here) / 360.0) if CRS(crs).is_geographic else 0.0


def refuse_void(share: float, what: str) -> None:
    """Refuse a DEM that is void in more than `MOST_VOID` of the burst's ground."""
    if share > MOST_VOID:
        raise RefusedError(
            f"{what} has no height for {100 * share:.0f} % of the burst's ground (not finite, declared void, or "
            f"outside {LOWEST_M:,.0f} to {HIGHEST_M:,.0f} m; at most {100 * MOST_VOID:.0f} % is taken); give a DEM "
            "that covers it",
            reason="dem-void",
        )


def crs_of(path: Path) -> str:
    """CRS of a DEM, as text that pyproj reads; raises as `read_heights` does."""
    with _opened(path) as source:
        return crs_text(source)


def crs_text(source: rasterio.DatasetReader) -> str:
    """Horizontal CRS of a raster: `EPSG:3031`, or WKT where it has no code."""
    crs = CRS(source.crs.to_wkt())
    crs = crs.sub_crs_list[0] if crs.is_compound else crs.to_2d()
    code = source.crs.to_epsg() if crs == CRS(source.crs.to_wkt()) else crs.to_epsg()
    return f"EPSG:{code}" if code else str(crs.to_wkt())


def vertical_of(source: rasterio.DatasetReader) -> str:
    """Vertical reference by the CRS of a raster: `ellipsoid`, the name of a vertical datum, or empty."""
    crs = CRS(source.crs.to_wkt())
    if crs.is_compound:
        return str(crs.sub_crs_list[1].name)
    return ELLIPSOID if len(crs.axis_info) == 3 else ""


def read_heights(path: Path, area: DemArea) -> tuple[HeightRaster, bool]:
    """Heights of a raster over an area in its own CRS, north up, and whether the file can be used unchanged.

    Declared voids, masks, scale and offset are applied; values that cannot be heights are void.

    Raises
    ------
    RefusedError
        When the raster cannot be read, has no CRS, is rotated, not in metres, or too large.
    """
    with _opened(path) as source:
        return heights_in(source, area)


def write_heights(path: Path, heights: HeightRaster) -> None:
    """Write heights as a GeoTIFF whose voids are NaN."""
    transform = transform_of(heights.x, heights.y)
    write_height_rows(path, heights.values.shape, heights.crs, transform, [heights.values])


def transform_of(x: NDArray[np.float64], y: NDArray[np.float64]) -> Affine:
    """Geotransform of postings at `x` rising and `y` falling."""
    per_x, per_y = (x[-1] - x[0]) / (x.size - 1), (y[0] - y[-1]) / (y.size - 1)
    return Affine(per_x, 0.0, x[0] - per_x / 2, 0.0, -per_y, y[0] + per_y / 2)


def write_height_rows(
    path: Path, shape: tuple[int, ...], crs: str, transform: Affine, strips: Iterable[NDArray[np.float32]]
) -> None:
    """Write heights given as strips of rows, from top to bottom."""
    profile = {
        "driver": "GTiff",
        "height": shape[0],
        "width": shape[1],
        "count": 1,
        "dtype": "float32",
        "crs": crs,
        "transform": transform,
        "nodata": float("nan"),
        "bigtiff": "if_safer",
    }

    def write(out: rasterio.io.DatasetWriter) -> None:
        row = 0
        for strip in strips:
            out.write(strip, 1, window=Window(0, row, shape[1], strip.shape[0]))
            row += strip.shape[0]

    path.parent.mkdir(parents=True, exist_ok=True)
    write_raster(path, profile, write)


@contextmanager
def _opened(path: Path) -> Iterator[rasterio.DatasetReader]:
    try:
        with rasterio.open(path) as source:
            check_raster(source, str(path))
            yield source
    except RasterioError as error:
        raise RefusedError(
            f"DEM {path} cannot be read ({error}); correct the path, or fetch it again", reason="dem-corrupt"
        ) from error


def check_raster(source: rasterio.DatasetReader, name: str) -> None:
    """Refuse a raster that is not a DEM.

    Raises
    ------
    RefusedError
    """
    wrong = ""
    transform = source.transform
    if source.crs is None:
        wrong = "has no CRS"
    elif transform.b or transform.d or not transform.a > 0 or not abs(transform.e) > 0:
        wrong = "is rotated"
    elif not all(math.isfinite(value) for value in transform[:6]):
        wrong = "has a geotransform that is not finite"
    elif (bands := sum(kind is not ColorInterp.alpha for kind in source.colorinterp)) != 1:
        wrong = f"has {bands} bands"
    elif "complex" in source.dtypes[0] or source.dtypes[0] in _OF_PICTURES:
        wrong = f"holds {source.dtypes[0]} values"
    elif not _on_earth(source):
        wrong = "has a CRS that is not one of the Earth"
    elif (source.units[0] or "").strip().lower() not in _METRE:
        wrong = f"is in {source.units[0]}"
    if wrong:
        raise RefusedError(
            f"DEM {name} {wrong}; give heights in metres, in any CRS, north up", reason="dem-layout"
        )


def _on_earth(source: rasterio.DatasetReader) -> bool:
    try:
        Transformer.from_crs("EPSG:4326", crs_text(source))
    except ProjError:
        return False
    return True


def heights_in(source: rasterio.DatasetReader, area: DemArea) -> tuple[HeightRaster, bool]:
    """The same as `read_heights`, for an open raster."""
    transform, crs = source.transform, crs_text(source)
    first_x, first_y = transform.c + transform.a / 2, transform.f + transform.e / 2
    turn = turn_to(crs, transform.c + transform.a * source.width / 2, 0.5 * (area.west + area.east))
    left, right = ((x + turn - first_x) / transform.a for x in (area.west, area.east))
    top, bottom = sorted((y - first_y) / transform.e for y in (area.north, area.south))
    cols = max(math.floor(left) - AROUND, 0), min(math.ceil(right) + AROUND + 1, source.width)
    rows = max(math.floor(top) - AROUND, 0), min(math.ceil(bottom) + AROUND + 1, source.height)
    shape = (rows[1] - rows[0], cols[1] - cols[0])
    refuse_size(shape, source.name)
    values, declared = read_values(source, Window(cols[0], rows[0], shape[1], shape[0]))
    impossible = void_impossible(values)
    y = first_y + transform.e * np.arange(*rows)
    if transform.e > 0:
        values, y = np.ascontiguousarray(values[::-1]), y[::-1]
    heights = HeightRaster(values, y, first_x + transform.a * np.arange(*cols), crs)
    return heights, not (declared or impossible or transform.e > 0 or vertical_of(source))


def refuse_size(shape: tuple[int, int], name: str) -> None:
    """Refuse a DEM that has too few or too many postings over the burst."""
    if min(shape) < 2 or shape[0] * shape[1] > _MOST_POSTINGS:
        raise RefusedError(
            f"DEM {name} has {max(shape[0], 0)} x {max(shape[1], 0)} postings over the burst, where 2 x 2 to "
            f"{_MOST_POSTINGS:,} can be used; give another",
            reason="dem-layout",
        )


def read_values(source: rasterio.DatasetReader, window: Window) -> tuple[NDArray[np.float32], bool]:
    """Values of a part of a raster with its masks, scale and offset applied, and whether they changed anything."""
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
