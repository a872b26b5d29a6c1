"""The DEM as an array of heights above the ellipsoid, and its biquintic interpolation.

Between postings the surface is the tensor product of natural cubic splines through six postings, from one before the
interval to four after it: the "biquintic" interpolation of ISCE3 (isce3::core::Spline2dInterpolator, order 6), so
that slopes, and with them area factors, agree with those of the OPERA workflow.
"""

from dataclasses import dataclass
from pathlib import Path

import numba as nb
import numpy as np
import rasterio
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from rasterio.windows import Window

from rtcflow.native.simd import LANES, lane, load, pack, total
from rtcflow.sources.dem.dem_values import crs_text, void_impossible
from rtcflow_contract.errors import RefusedError

TAPS = 6
_BEFORE = 1  # postings of the window before the interval's first


@dataclass(frozen=True)
class Dem:
    """Heights above the WGS 84 ellipsoid, (rows, cols) float32, NaN where void, at postings of any CRS.

    `west`, `north` are the coordinates of the first posting, `dx`, `dy` (negative) the spacing, in the CRS's unit:
    degrees of longitude and latitude, or metres on a map.
    """

    heights: NDArray[np.float32]
    west: float
    north: float
    dx: float
    dy: float
    crs: str = "EPSG:4326"

    def postings(
        self, lon: NDArray[np.float64], lat: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Fractional rows and columns of longitudes and latitudes, whatever turn of the globe these are given in."""
        x, y = lon, lat
        if self.crs != "EPSG:4326":
            x, y = Transformer.from_crs(4326, self.crs, always_xy=True).transform(lon, lat)
        if CRS(self.crs).is_geographic:
            middle = self.west + 0.5 * self.dx * self.heights.shape[1]
            x = x + 360.0 * np.round((middle - x) / 360.0)
        return (y - self.north) / self.dy, (x - self.west) / self.dx


def read_dem(path: Path, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> Dem:
    """Read the part of a DEM that covers points given by longitude and latitude, with the taps around them.

    It is read in its own CRS and at its own postings.

    Raises
    ------
    RefusedError
        When the file is not a DEM, or does not cover the points.
    """
    try:
        with rasterio.open(path) as source:
            if source.crs is None:
                raise RefusedError(f"DEM {path.name} has no CRS; give heights with one", "dem")
            a = source.transform
            whole = Dem(
                np.broadcast_to(np.float32(0), (source.height, source.width)),
                a.c + a.a / 2,
                a.f + a.e / 2,
                a.a,
                a.e,
                crs_text(source),
            )
            rows, cols = whole.postings(lon, lat)
            if not (np.isfinite(rows).all() and np.isfinite(cols).all()):
                raise RefusedError(
                    f"the burst lies outside the area of the CRS of DEM {path.name}; give another DEM",
                    "dem-coverage",
                )
            left, right = int(np.floor(cols.min())) - 8, int(np.ceil(cols.max())) + 8
            top, bottom = int(np.floor(rows.min())) - 8, int(np.ceil(rows.max())) + 8
            if left < -8 or top < -8 or right > source.width + 8 or bottom > source.height + 8:
                raise RefusedError(
                    f"DEM {path.name} does not cover the burst's grid; it must reach from "
                    f"{lon.min():.3f} to {lon.max():.3f} degrees east and {lat.min():.3f} to {lat.max():.3f} "
                    "degrees north",
                    "dem-coverage",
                )
            left, top = max(left, 0), max(top, 0)
            right, bottom = min(right, source.width), min(bottom, source.height)
            heights = source.read(1, window=Window(left, top, right - left, bottom - top)).astype(np.float32)
            if source.nodata is not None:
                heights[heights == np.float32(source.nodata)] = np.nan
            void_impossible(heights)
    except rasterio.errors.RasterioError as error:
        raise RefusedError(f"DEM {path.name} cannot be read ({error}); fetch it again", "dem") from error
    return Dem(
        np.pad(heights, TAPS, mode="edge"),
        whole.west + (left - TAPS) * whole.dx,
        whole.north + (top - TAPS) * whole.dy,
        whole.dx,
        whole.dy,
        whole.crs,
    )


def _spline_weights() -> NDArray[np.float64]:
    """Weights of the six postings as cubic polynomials of the position in the interval, (TAPS, 4), lowest power first.

    The natural cubic spline is linear in its values: the second derivatives M solve
    M[i-1]/6 + 2 M[i]/3 + M[i+1]/6 = Y[i-1] - 2 Y[i] + Y[i+1], with M = 0 at both ends (Press et al., Numerical
    Recipes, section 3.3).
    """
    system = np.eye(TAPS)
    second = np.zeros((TAPS, TAPS))
    for i in range(1, TAPS - 1):
        system[i, i - 1 : i + 2] = (1 / 6, 2 / 3, 1 / 6)
        second[i, i - 1 : i + 2] = (1, -2, 1)
    curvature = np.linalg.solve(system, second)
    y0, y1 = np.eye(TAPS)[_BEFORE], np.eye(TAPS)[_BEFORE + 1]
    m0, m1 = curvature[_BEFORE], curvature[_BEFORE + 1]
    return np.stack((y0, y1 - y0 - m0 / 3 - m1 / 6, m0 / 2, (m1 - m0) / 6), axis=1)


def spline_table() -> NDArray[np.float64]:
    """`_spline_weights` as vectors, (8, LANES): for each power postings 0 to 3, then two zeros and postings 4 and 5."""
    weights = _spline_weights()
    table = np.zeros((4, 2, LANES))
    table[:, 0], table[:, 1, 2:] = weights[:LANES].T, weights[LANES:].T
    return table.reshape(8, LANES)


@nb.njit(inline="always")
def sample_height(heights, table, row, col):
    """Height at a fractional row and column; NaN outside or beside a void.

    Kernel of `sample_heights`; `table` is `spline_table`.
    """
    # Checked before conversion to integers: NaN and huge values are outside too.
    if not (row >= 1.0 and col >= 1.0 and row < heights.shape[0] - 4 and col < heights.shape[1] - 4):
        return np.nan
    i, j = int(np.floor(row)), int(np.floor(col))
    v, u = row - i, col - j
    i -= 1
    j -= 1
    a0, a1, a2, a3 = load(table, 0, 0), load(table, 2, 0), load(table, 4, 0), load(table, 6, 0)
    b0, b1, b2, b3 = load(table, 1, 0), load(table, 3, 0), load(table, 5, 0), load(table, 7, 0)
    ya, yb = a0 + v * (a1 + v * (a2 + v * a3)), b0 + v * (b1 + v * (b2 + v * b3))
    y0, y1, y2, y3, y4, y5 = lane(ya, 0), lane(ya, 1), lane(ya, 2), lane(ya, 3), lane(yb, 2), lane(yb, 3)
    # Postings 0 to 3 of each row, and 2 to 5, of which the first two have no weight: only the six are read.
    left = y0 * load(heights, i, j) + y1 * load(heights, i + 1, j) + y2 * load(heights, i + 2, j)
    left += y3 * load(heights, i + 3, j) + y4 * load(heights, i + 4, j) + y5 * load(heights, i + 5, j)
    j += 2
    right = y0 * load(heights, i, j) + y1 * load(heights, i + 1, j) + y2 * load(heights, i + 2, j)
    right += y3 * load(heights, i + 3, j) + y4 * load(heights, i + 4, j) + y5 * load(heights, i + 5, j)
    xa, xb = a0 + u * (a1 + u * (a2 + u * a3)), b0 + u * (b1 + u * (b2 + u * b3))
    return total(left * xa + right * xb)


@nb.njit(inline="always")
def sample_four(heights, table, rows, cols):
    """`sample_height` at vectors of rows and columns."""
    return pack(
        sample_height(heights, table, lane(rows, 0), lane(cols, 0)),
        sample_height(heights, table, lane(rows, 1), lane(cols, 1)),
        sample_height(heights, table, lane(rows, 2), lane(cols, 2)),
        sample_height(heights, table, lane(rows, 3), lane(cols, 3)),
    )


@nb.njit(nogil=True, cache=True)
def sample_points(heights, table, rows, cols, found):
    """`sample_height` at arrays of rows and columns, (points,), into `found`."""
    for point in range(rows.size):
        found[point] = sample_height(heights, table, rows[point], cols[point])


def sample_heights(dem: Dem, rows: NDArray[np.float64], cols: NDArray[np.float64]) -> NDArray[np.float64]:
    """Heights at fractional rows and columns, metres; the NumPy expression that the kernel is checked against."""
    weights = _spline_weights()
    i, j = np.floor(rows).astype(int), np.floor(cols).astype(int)
    powers_v = (rows - i)[..., None] ** np.arange(4)
    powers_u = (cols - j)[..., None] ** np.arange(4)
    wy, wx = powers_v @ weights.T, powers_u @ weights.T
    taps = np.arange(TAPS) - _BEFORE
    window = dem.heights[(i[..., None] + taps)[..., :, None], (j[..., None] + taps)[..., None, :]]
    return np.einsum("...i,...j,...ij->...", wy, wx, window)
