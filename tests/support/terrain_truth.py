"""Layover and shadow known by construction: analytic hills, and each pixel's profile searched point by point.

No sweep, no iteration over terrain, nothing of the engine's mask: a pixel is in layover when any other point of its
zero-Doppler plane has its slant range, and in shadow when any nearer one has a larger look angle.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from pyproj import Transformer
from rasterio.transform import from_origin

from rtcflow.sentinel1.orbit import OrbitPolynomial
from rtcflow_contract.grid import Grid

_DEGREE_M = 111_320.0
_POSTING = 1 / 3600
_TO_ECEF = Transformer.from_crs(4979, 4978, always_xy=True)
_TO_LONLAT = Transformer.from_crs(4978, 4979, always_xy=True)
# Profiles reach this far to both sides, in steps that are fine against the hills.
_REACH_M, _STEP_M = 1800.0, 5.0

# Height (m), half-width across and along (m), and place across and along (m from the middle).
HILLS = (
    (450.0, 260.0, 900.0, -3000.0, 0.0),
    (300.0, 260.0, 1200.0, 0.0, 300.0),
    (800.0, 300.0, 1000.0, 3000.0, -200.0),
    (150.0, 400.0, 1500.0, 1500.0, 0.0),
)


@dataclass(frozen=True)
class Hills:
    """Gaussian hills around a middle, degrees; `axis_deg` is the direction that is across them, from east to north."""

    lon: float
    lat: float
    axis_deg: float

    def heights(self, lon, lat):
        """Heights in metres at longitudes and latitudes."""
        east = (lon - self.lon) * np.cos(np.radians(self.lat)) * _DEGREE_M
        north = (lat - self.lat) * _DEGREE_M
        c, s = np.cos(np.radians(self.axis_deg)), np.sin(np.radians(self.axis_deg))
        across, along = c * east + s * north, -s * east + c * north
        total = np.full(np.shape(lon), 100.0)
        for height, wide, long, x, y in HILLS:
            total = total + height * np.exp(-(((across - x) / wide) ** 2) - ((along - y) / long) ** 2)
        return total

    def write_dem(self, path: Path, bounds: tuple[float, float, float, float]) -> Path:
        """Write a DEM of one arc second over (west, south, east, north)."""
        west, south, east, north = bounds
        cols, rows = int((east - west) / _POSTING), int((north - south) / _POSTING)
        lon = west + (np.arange(cols) + 0.5) * _POSTING
        lat = north - (np.arange(rows) + 0.5) * _POSTING
        profile = {
            "driver": "GTiff",
            "height": rows,
            "width": cols,
            "count": 1,
            "dtype": "float32",
            "crs": "EPSG:4326",
            "transform": from_origin(west, north, _POSTING, _POSTING),
        }
        with rasterio.open(path, "w", **profile) as out:
            out.write(self.heights(*np.meshgrid(lon, lat)).astype(np.float32), 1)
        return path


def pixel_lonlat(grid: Grid):
    """Longitudes and latitudes of pixel middles, (rows, cols)."""
    x = grid.left + (np.arange(grid.cols) + 0.5) * grid.spacing
    y = grid.top - (np.arange(grid.rows) + 0.5) * grid.spacing
    return Transformer.from_crs(grid.epsg, 4326, always_xy=True).transform(*np.meshgrid(x, y))


def true_mask(hills: Hills, orbit: OrbitPolynomial, lon, lat):
    """Layover (2) and shadow (1) of points, and whether the class is the same 10 m up and down the profile."""
    ground = ecef(lon, lat, hills.heights(lon, lat))
    times = zero_doppler(orbit, ground)
    satellite, velocity = orbit.position(times), orbit.velocity(times)
    sight = satellite - ground
    up = ecef(lon, lat, np.ones(lon.size)) - ecef(lon, lat, np.zeros(lon.size))
    toward = sight - np.sum(sight * up, axis=1)[:, None] * up
    toward /= np.linalg.norm(toward, axis=1)[:, None]
    heading = velocity / np.linalg.norm(velocity, axis=1)[:, None]
    steps = np.arange(-_REACH_M, _REACH_M + _STEP_M / 2, _STEP_M)
    ranges, looks = np.empty((steps.size, lon.size)), np.empty((steps.size, lon.size))
    for k, step in enumerate(steps):
        # Positive steps lead away from the satellite.
        point = on_terrain(hills, ground - step * toward)
        ahead = np.sum((satellite - point) * heading, axis=1)
        point = on_terrain(hills, point + ahead[:, None] * heading)
        down = satellite - point
        ranges[k] = np.linalg.norm(down, axis=1)
        looks[k] = np.arccos(np.sum(down * satellite, axis=1) / ranges[k] / np.linalg.norm(satellite, axis=1))
    middle = steps.size // 2
    here, near, far = (_classes(ranges, looks, steps, k) for k in (middle, middle - 2, middle + 2))
    return here, (here == near) & (here == far)


def ecef(lon, lat, height):
    """Earth-fixed positions (n, 3)."""
    return np.stack(_TO_ECEF.transform(lon, lat, height), axis=-1)


def on_terrain(hills: Hills, points):
    """Points (n, 3) moved up or down onto the terrain."""
    lon, lat, _ = _TO_LONLAT.transform(*points.T)
    return ecef(lon, lat, hills.heights(lon, lat))


def zero_doppler(orbit: OrbitPolynomial, points):
    """Zero-Doppler times of points (n, 3), by bisection."""
    low = np.full(len(points), orbit.window_s[0])
    high = np.full(len(points), orbit.window_s[1])
    for _ in range(60):
        middle = 0.5 * (low + high)
        ahead = np.sum((points - orbit.position(middle)) * orbit.velocity(middle), axis=1) > 0
        low, high = np.where(ahead, middle, low), np.where(ahead, high, middle)
    return 0.5 * (low + high)


def _classes(ranges, looks, steps, k):
    """Classes of the points at step `k` of their profiles."""
    nearer, farther = ranges[:k] - ranges[k], ranges[k + 1 :] - ranges[k]
    layover = (nearer >= 0).any(axis=0) | (farther <= 0).any(axis=0)
    shadow = (looks[:k] > looks[k]).any(axis=0)
    return (2 * layover + shadow).astype(np.uint8)
