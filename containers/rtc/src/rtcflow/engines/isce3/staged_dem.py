"""Prepare the DEM for the workflow: fill voids, and project it where ISCE3 cannot use its CRS.

ISCE3 ignores a DEM's nodata value and does not terminate on NaN. If a DEM in degrees crosses 180 degrees, its
layover/shadow mask is wrong and its memory grows; the product's CRS has no jump there. ISCE3 knows only some CRS.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from rasterio.fill import fillnodata
from rasterio.transform import Affine

from rtcflow.native.height_spline import Dem, sample_heights
from rtcflow.rasters import write_raster
from rtcflow.sources.dem.dem_area import LAYOVER_MARGIN_M, grid_in
from rtcflow.sources.dem.dem_source import FetchedDem
from rtcflow.sources.dem.dem_values import HeightRaster, crs_of, read_heights, transform_of
from rtcflow_contract.grid import Grid

# Distance from 180 degrees within which the DEM is projected.
_NEAR_180_DEG = 1.0
# CRS that ISCE3 knows (isce3::core::makeProjection): degrees, both polar stereographics, UTM, EASE-Grid.
_KNOWN = {4326, 3031, 3413, 6933, *range(32601, 32661), *range(32701, 32761)}
# Spacing of a projected DEM that was in degrees: half a posting of GLO-30. On the simulated terrain the error of its
# spline is 1 cm at the 99th percentile, at most 10 cm.
_POSTING_M = 15.0
# Number of postings around a point that the spline uses.
_TAPS = 6
_BEFORE = 1


class StagedDem(NamedTuple):
    """The DEM for the workflow, its parameters for the manifest, and pixels over voids.

    `void` is (rows, cols) on the product's grid, of size 0 if there are none.
    """

    path: Path
    parameters: dict[str, object]
    void: NDArray[np.bool_]


def stage_dem(dem: FetchedDem, grid: Grid, folder: Path) -> StagedDem:
    """Stage the DEM of a burst; the file is used unchanged if possible.

    Parameters
    ----------
    dem : FetchedDem
        Voids are NaN.
    grid : Grid
        The product's.
    folder : Path
        Where a changed DEM is written, if needed.
    """
    heights, serves = read_heights(dem.path, grid_in(crs_of(dem.path), grid))
    holes = np.isnan(heights.values)
    void = np.zeros((0, 0), bool)
    parameters: dict[str, object] = {}
    if holes.any():
        void = void_pixels(holes, heights, grid)
        heights = heights._replace(values=filled(heights.values))
        parameters["dem_voids"] = "filled for the computation, without data in the layers"
    code = CRS(heights.crs).to_epsg()
    if code not in _KNOWN or near_180(heights):
        posting = posting_m(heights)
        parameters["dem_resampled"] = f"EPSG:{grid.epsg} at {posting:g} m, by biquintic spline"
        return StagedDem(_write_projected(heights, grid, posting, folder / "dem.tif"), parameters, void)
    if serves and not void.size:
        return StagedDem(dem.path.resolve(), parameters, void)
    path = folder / "dem.tif"
    _write(path, heights.values, heights.crs, transform_of(heights.x, heights.y))
    return StagedDem(path, parameters, void)


def posting_m(heights: HeightRaster) -> float:
    """Spacing for projecting a DEM: half its own in a projected CRS, else half that of GLO-30."""
    crs = CRS(heights.crs)
    if crs.is_geographic:
        return _POSTING_M
    unit = crs.axis_info[0].unit_conversion_factor
    return round(0.5 * unit * float(heights.x[1] - heights.x[0]), 3)


def near_180(heights: HeightRaster) -> bool:
    """Whether any longitude of a DEM in degrees lies within a degree of 180."""
    if not CRS(heights.crs).is_geographic:
        return False
    west, east = heights.x[0], heights.x[-1]
    nearest = 360.0 * np.round((0.5 * (west + east) - 180.0) / 360.0) + 180.0
    return bool(west - _NEAR_180_DEG < nearest < east + _NEAR_180_DEG)


def filled(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Heights with voids filled from their surroundings, weighted by distance."""
    known = ~np.isnan(values)
    start = np.where(known, values, np.float32(0.0))
    return np.asarray(fillnodata(start, mask=known, max_search_distance=float(max(values.shape))), np.float32)


def void_pixels(holes: NDArray[np.bool_], heights: HeightRaster, grid: Grid) -> NDArray[np.bool_]:
    """Pixels of a grid for whose corners or centre the DEM's spline uses a void, (rows, cols)."""
    touched = np.zeros(holes.shape, bool)
    rows, cols = holes.shape
    # A point between postings i and i + 1 uses those from i - 1 to i + 4.
    for down in range(-_BEFORE, _TAPS - _BEFORE):
        for right in range(-_BEFORE, _TAPS - _BEFORE):
            here = np.s_[max(-down, 0) : rows - max(down, 0), max(-right, 0) : cols - max(right, 0)]
            there = np.s_[max(down, 0) : rows - max(-down, 0), max(right, 0) : cols - max(-right, 0)]
            touched[here] |= holes[there]

    def at(offset: float, count: tuple[int, int]) -> NDArray[np.bool_]:
        x = grid.left + (np.arange(count[1]) + offset) * grid.spacing
        y = grid.top - (np.arange(count[0]) + offset) * grid.spacing
        row, col = _postings(heights, grid, *np.meshgrid(x, y))
        row = np.clip(np.floor(row).astype(int), 0, rows - 1)
        return touched[row, np.clip(np.floor(col).astype(int), 0, cols - 1)]

    corners = at(0.0, (grid.rows + 1, grid.cols + 1))
    around = corners[:-1, :-1] | corners[:-1, 1:] | corners[1:, :-1] | corners[1:, 1:]
    return around | at(0.5, grid.shape)


def _write_projected(heights: HeightRaster, grid: Grid, posting: float, path: Path) -> Path:
    left, top = grid.left - LAYOVER_MARGIN_M, grid.top + LAYOVER_MARGIN_M
    cols = int(np.ceil((grid.right + LAYOVER_MARGIN_M - left) / posting))
    rows = int(np.ceil((top - grid.bottom + LAYOVER_MARGIN_M) / posting))
    values = np.empty((rows, cols), np.float32)
    x: NDArray[np.float64] = np.asarray(left + (np.arange(cols) + 0.5) * posting, np.float64)
    y = top - (np.arange(rows) + 0.5) * posting
    for row in range(rows):
        values[row] = heights_at(heights, grid, x, np.full_like(x, y[row]))
    _write(path, values, f"EPSG:{grid.epsg}", Affine(posting, 0.0, left, 0.0, -posting, top))
    return path


def heights_at(
    heights: HeightRaster, grid: Grid, x: NDArray[np.float64], y: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Heights at map coordinates in a grid's CRS, by the spline that both engines use."""
    row, col = _postings(heights, grid, x, y)
    last = np.array(heights.values.shape, np.float64) - _TAPS
    row, col = np.clip(row, _BEFORE, last[0]), np.clip(col, _BEFORE, last[1])
    return sample_heights(Dem(heights.values, 0.0, 0.0, 1.0, 1.0), row, col)


def _postings(
    heights: HeightRaster, grid: Grid, x: NDArray[np.float64], y: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fractional rows and columns of a DEM at map coordinates."""
    lon, lat = Transformer.from_crs(grid.epsg, 4326, always_xy=True).transform(x, y)
    transform = transform_of(heights.x, heights.y)
    first = float(heights.x[0]), float(heights.y[0])
    return Dem(heights.values, *first, transform.a, transform.e, heights.crs).postings(lon, lat)


def _write(path: Path, values: NDArray[np.float32], crs: str, transform: Affine) -> None:
    profile = {
        "driver": "GTiff",
        "height": values.shape[0],
        "width": values.shape[1],
        "count": 1,
        "dtype": "float32",
        "crs": crs,
        "transform": transform,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    write_raster(path, profile, lambda out: out.write(values, 1))
