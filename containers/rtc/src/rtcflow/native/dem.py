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
from rasterio.windows import Window

from rtcflow_contract.errors import RefusedError

TAPS = 6
_BEFORE = 1  # postings of the window before the interval's first


@dataclass(frozen=True)
class Dem:
    """Heights above the WGS 84 ellipsoid, (rows, cols) float32, NaN where void.

    `west`, `north` are longitude and latitude of the first posting, `dlon`, `dlat` (negative) the spacing, degrees.
    """

    heights: NDArray[np.float32]
    west: float
    north: float
    dlon: float
    dlat: float

    def columns(self, lon: NDArray[np.float64]) -> NDArray[np.float64]:
        """Fractional columns of longitudes, whatever turn of the globe they are given in."""
        middle = self.west + 0.5 * self.dlon * self.heights.shape[1]
        return (lon + 360.0 * np.round((middle - lon) / 360.0) - self.west) / self.dlon

    def rows(self, lat: NDArray[np.float64]) -> NDArray[np.float64]:
        """Fractional rows of latitudes."""
        return (lat - self.north) / self.dlat


def read_dem(path: Path, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> Dem:
    """Read the part of a DEM that covers points given by longitude and latitude, with the taps around them.

    Raises
    ------
    RefusedError
        When the file is no DEM in EPSG:4326, or does not cover the points.
    """
    try:
        with rasterio.open(path) as source:
            if source.crs is None or source.crs.to_epsg() != 4326:
                raise RefusedError(
                    f"DEM {path.name} is in {source.crs}; give heights above the ellipsoid in EPSG:4326",
                    "dem",
                )
            a = source.transform
            whole = Dem(
                np.empty((source.height, source.width), np.float32), a.c + a.a / 2, a.f + a.e / 2, a.a, a.e
            )
            cols, rows = whole.columns(lon), whole.rows(lat)
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
    except rasterio.errors.RasterioError as error:
        raise RefusedError(f"DEM {path.name} cannot be read ({error}); fetch it again", "dem") from error
    return Dem(
        np.pad(heights, TAPS, mode="edge"),
        whole.west + (left - TAPS) * whole.dlon,
        whole.north + (top - TAPS) * whole.dlat,
        whole.dlon,
        whole.dlat,
    )


def spline_weights() -> NDArray[np.float64]:
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


@nb.njit(inline="always")
def sample_height(heights, weights, row, col):
    """Height at a fractional row and column; NaN outside or beside a void.

    Kernel of `sample_heights`, which states it for arrays.
    """
    i, j = int(np.floor(row)), int(np.floor(col))
    if i < 1 or j < 1 or i + 4 >= heights.shape[0] or j + 4 >= heights.shape[1]:
        return np.nan
    v, u = row - i, col - j
    i -= 1
    j -= 1
    x0 = weights[0, 0] + u * (weights[0, 1] + u * (weights[0, 2] + u * weights[0, 3]))
    x1 = weights[1, 0] + u * (weights[1, 1] + u * (weights[1, 2] + u * weights[1, 3]))
    x2 = weights[2, 0] + u * (weights[2, 1] + u * (weights[2, 2] + u * weights[2, 3]))
    x3 = weights[3, 0] + u * (weights[3, 1] + u * (weights[3, 2] + u * weights[3, 3]))
    x4 = weights[4, 0] + u * (weights[4, 1] + u * (weights[4, 2] + u * weights[4, 3]))
    x5 = weights[5, 0] + u * (weights[5, 1] + u * (weights[5, 2] + u * weights[5, 3]))
    total = 0.0
    for k in range(6):
        y = weights[k, 0] + v * (weights[k, 1] + v * (weights[k, 2] + v * weights[k, 3]))
        total += y * (
            x0 * heights[i + k, j]
            + x1 * heights[i + k, j + 1]
            + x2 * heights[i + k, j + 2]
            + x3 * heights[i + k, j + 3]
            + x4 * heights[i + k, j + 4]
            + x5 * heights[i + k, j + 5]
        )
    return total


def sample_heights(dem: Dem, rows: NDArray[np.float64], cols: NDArray[np.float64]) -> NDArray[np.float64]:
    """Heights at fractional rows and columns, metres; the plain expression that the kernel is checked against."""
    weights = spline_weights()
    i, j = np.floor(rows).astype(int), np.floor(cols).astype(int)
    powers_v = (rows - i)[..., None] ** np.arange(4)
    powers_u = (cols - j)[..., None] ** np.arange(4)
    wy, wx = powers_v @ weights.T, powers_u @ weights.T
    taps = np.arange(TAPS) - _BEFORE
    window = dem.heights[(i[..., None] + taps)[..., :, None], (j[..., None] + taps)[..., None, :]]
    return np.einsum("...i,...j,...ij->...", wy, wx, window)
