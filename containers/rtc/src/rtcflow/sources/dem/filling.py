"""Fill the holes of a DEM from another one, and from the geoid where that has none either.

The weight of the first DEM is 0 on its voids and rises to 1 over the width of a window, so that there is no step at the
seam. The weight changes from one posting to the next by at most one part of the window's width: where the two DEMs are
d apart, the seam adds at most sqrt(2) d / width to the steeper of their slopes.
"""

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from pyproj import Transformer

from rtcflow.sources.dem.copernicus import CopernicusHeights, Places, copernicus_heights
from rtcflow.sources.dem.dem_area import area_of_bounds, grid_in
from rtcflow.sources.dem.dem_values import transform_of
from rtcflow.sources.dem.tiled import TiledWindow
from rtcflow_contract.dem import BLEND_WIDTH_M, DEMS
from rtcflow_contract.grid import Grid

GEOID = "geoid"
_STRIP_ROWS = 1024


class Filling:
    """Rows of a window, with voids filled from Copernicus heights and the geoid, which are fetched when first needed.

    `counts` are the postings in the grid's bounds by source; a posting at a seam counts in parts.
    """

    def __init__(self, window: TiledWindow, name: str, grid: Grid, places: Places) -> None:
        self._window, self._name, self._places = window, name, places
        self._fill_name = str(DEMS[name].fill)
        self._bounds = grid_in(window.crs, grid, margin_m=0.0)
        self._half = blend_postings(DEMS[name].posting_m)
        self._to_geographic = Transformer.from_crs(window.crs, 4326, always_xy=True)
        self.counts = dict.fromkeys((name, self._fill_name, GEOID), 0.0)
        self.fill: CopernicusHeights | None = None

    def strips(self) -> Iterator[NDArray[np.float32]]:
        """Heights from the top row to the last, some rows at a time, none of them NaN."""
        rows = self._window.y.size
        for first in range(0, rows, _STRIP_ROWS):
            stop = min(first + _STRIP_ROWS, rows)
            above = max(0, first - 2 * self._half)
            around = self._window.rows(above, min(rows, stop + 2 * self._half))
            own = slice(first - above, stop - above)
            valid = ~np.isnan(around)
            values = around[own]
            if valid.all():
                self._count(first, stop, np.ones((1, 1), np.float32), np.zeros((1, 1), bool))
            else:
                weight = weights(valid, self._half)[own]
                on_geoid = self._blend(values, weight, first)
                self._count(first, stop, weight, on_geoid)
            yield values

    def _blend(
        self, values: NDArray[np.float32], weight: NDArray[np.float32], first: int
    ) -> NDArray[np.bool_]:
        """Fill values in place by their weights; returns where the fill is the geoid."""
        on_geoid = np.zeros(values.shape, bool)
        for row in np.flatnonzero((weight < 1).any(axis=1)):
            at = np.flatnonzero(weight[row] < 1)
            filled, on_geoid[row, at] = self._fill_at(self._window.x[at], self._window.y[first + row])
            part = weight[row, at]
            values[row, at] = np.where(part > 0, part * values[row, at], 0) + (1 - part) * filled
        return on_geoid

    def _fill_at(self, x: NDArray[np.float64], y: float) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        # Loads Numba, which a DEM without holes does not need.
        from rtcflow.native.height_spline import TAPS, Dem, sample_points, spline_table

        if self.fill is None:
            self.fill = self._fetch_fill()
        raster, sea = self.fill.heights, self.fill.sea
        lon, lat = self._to_geographic.transform(x, np.full_like(x, y))
        spacing = transform_of(raster.x, raster.y)
        dem = Dem(raster.values, float(raster.x[0]), float(raster.y[0]), spacing.a, spacing.e)
        row, col = dem.postings(lon, lat)
        rows, cols = raster.values.shape
        nearest = (
            np.clip(np.rint(row).astype(int), 0, rows - 1),
            np.clip(np.rint(col).astype(int), 0, cols - 1),
        )
        row, col = np.clip(row, 1, rows - TAPS), np.clip(col, 1, cols - TAPS)
        found = np.empty(row.size)
        sample_points(raster.values, spline_table(), row, col, found)
        return found, sea[nearest]

    def _fetch_fill(self) -> CopernicusHeights:
        x, y = self._window.x, self._window.y
        area = area_of_bounds((float(x[0]), float(y[-1]), float(x[-1]), float(y[0])), self._window.crs)
        return copernicus_heights(self._places, area, voids_on_geoid=True)

    def _count(self, first: int, stop: int, weight: NDArray[np.float32], on_geoid: NDArray[np.bool_]) -> None:
        west, south, east, north = self._bounds
        y, x = self._window.y[first:stop], self._window.x
        rows, cols = (y >= south) & (y <= north), (x >= west) & (x <= east)
        shape = (y.size, x.size)
        inside = np.broadcast_to(weight, shape)[np.ix_(rows, cols)]
        geoid_inside = np.broadcast_to(on_geoid, shape)[np.ix_(rows, cols)]
        own = float(inside.sum(dtype=float))
        geoid = float((1 - inside)[geoid_inside].sum(dtype=float))
        self.counts[self._name] += own
        self.counts[self._fill_name] += inside.size - own - geoid
        self.counts[GEOID] += geoid


def blend_postings(posting_m: float) -> int:
    """Postings on each side of a window's centre, so that the window is at least `BLEND_WIDTH_M` wide."""
    return math.ceil(0.5 * (BLEND_WIDTH_M / posting_m - 1))


def weights(valid: NDArray[np.bool_], half: int) -> NDArray[np.float32]:
    """Weights of heights, (rows, cols): 0 where they are void, rising to 1 where no void is near.

    Parameters
    ----------
    valid : ndarray of bool, shape (rows, cols)
        Beyond the array, the values at its edge are assumed.
    half : int
        Postings on each side of a window's centre; a void lowers weights up to twice as far away.
    """
    clear = _window_sum(~valid, half) == 0
    return _window_sum(clear, half).astype(np.float32) / np.float32((2 * half + 1) ** 2)


def _window_sum(values: NDArray[np.bool_], half: int) -> NDArray[np.int32]:
    """Sum over the square window around each posting, (rows, cols)."""
    found = np.pad(values, half, mode="edge").astype(np.int32)
    for axis in (0, 1):
        total = np.cumsum(found, axis, dtype=np.int32)
        total = np.concatenate([np.zeros_like(total.take([0], axis)), total], axis)
        size = total.shape[axis]
        found = total.take(range(2 * half + 1, size), axis) - total.take(range(size - 2 * half - 1), axis)
    return found
