"""The area that a burst's grid needs heights of; longitudes are continuous across the antimeridian."""

from typing import NamedTuple

import numpy as np
from pyproj import CRS, Transformer

from rtcflow_contract.grid import Grid

# Terrain outside the grid reaches into it by layover: at 30 degrees incidence, a height of 3 km shifts by 5 km.
LAYOVER_MARGIN_M = 5000.0
_POINTS_PER_EDGE = 101


class DemArea(NamedTuple):
    """Longitudes and latitudes in degrees; `west` is in [-180, 180), `east` is beyond 180 across the antimeridian."""

    west: float
    south: float
    east: float
    north: float


def _edge_points(bounds: tuple[float, float, float, float], per_edge: int) -> tuple[np.ndarray, np.ndarray]:
    """Points x, y along the outline of (left, bottom, right, top), clockwise from the upper left, shape (points,)."""
    left, bottom, right, top = bounds
    along = np.linspace(0.0, 1.0, per_edge, endpoint=False)
    x = np.concatenate(
        [
            left + along * (right - left),
            np.full(per_edge, right),
            right - along * (right - left),
            np.full(per_edge, left),
        ]
    )
    y = np.concatenate(
        [
            np.full(per_edge, top),
            top - along * (top - bottom),
            np.full(per_edge, bottom),
            bottom + along * (top - bottom),
        ]
    )
    return x, y


def continuous(longitudes: np.ndarray) -> np.ndarray:
    """Longitudes without jumps of 360 degrees along a path, the first in [-180, 180); degrees."""
    unwrapped = np.degrees(np.unwrap(np.radians(longitudes)))
    return unwrapped - 360.0 * np.floor((unwrapped[:1] + 180.0) / 360.0)


def ground_area(ring: np.ndarray) -> DemArea:
    """Bounds of a ring (points, 2) of continuous longitudes and latitudes."""
    (west, south), (east, north) = ring.min(axis=0), ring.max(axis=0)
    turn = 360.0 * np.floor((west + 180.0) / 360.0)
    return DemArea(float(west - turn), float(south), float(east - turn), float(north))


def area_of_grid(grid: Grid, margin_m: float = LAYOVER_MARGIN_M) -> DemArea:
    """Area of a grid with a margin in metres around it, in WGS 84."""
    return area_of_bounds(_with_margin(grid, margin_m), f"EPSG:{grid.epsg}")


def area_of_bounds(bounds: tuple[float, float, float, float], crs: str) -> DemArea:
    """Area, in WGS 84, of (left, bottom, right, top) in a projected CRS."""
    to_geographic = Transformer.from_crs(crs, 4326, always_xy=True)
    lon, lat = to_geographic.transform(*_edge_points(bounds, _POINTS_PER_EDGE))
    lon = continuous(np.asarray(lon))
    south, north = float(np.min(lat)), float(np.max(lat))
    for pole in (-90.0, 90.0):
        # Around a pole the outline runs through all longitudes, and the pole itself lies inside.
        x, y = Transformer.from_crs(4326, crs, always_xy=True).transform(0.0, pole)
        if bounds[0] <= x <= bounds[2] and bounds[1] <= y <= bounds[3] and abs((south, north)[pole > 0]) > 45:
            return DemArea(-180.0, min(south, pole), 180.0, max(north, pole))
    west, east = float(np.min(lon)), float(np.max(lon))
    turn = 360.0 * np.floor((west + 180.0) / 360.0)
    return DemArea(west - turn, south, east - turn, north)


def grid_in(crs: str, grid: Grid, margin_m: float = LAYOVER_MARGIN_M) -> DemArea:
    """Area of a grid with a margin in the coordinates of a CRS: degrees, or the unit of a projected CRS."""
    if CRS(crs).is_geographic:
        return area_of_grid(grid, margin_m)
    return _outlined(_with_margin(grid, margin_m), f"EPSG:{grid.epsg}", crs)


def area_in(crs: str, area: DemArea) -> DemArea:
    """An area in the coordinates of any CRS."""
    return area if CRS(crs).is_geographic else _outlined((*area,), "EPSG:4326", crs)


def _with_margin(grid: Grid, margin_m: float) -> tuple[float, float, float, float]:
    left, bottom, right, top = grid.bounds
    return left - margin_m, bottom - margin_m, right + margin_m, top + margin_m


def _outlined(bounds: tuple[float, float, float, float], crs: str, target: str) -> DemArea:
    to_target = Transformer.from_crs(crs, target, always_xy=True)
    x, y = to_target.transform(*_edge_points(bounds, _POINTS_PER_EDGE))
    return DemArea(float(np.min(x)), float(np.min(y)), float(np.max(x)), float(np.max(y)))
