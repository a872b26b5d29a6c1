"""Quantities that do not depend on the terrain, on a coarse lattice over the map grid.

For a point of the grid at height h the Earth-fixed position is P0 + h n, and its zero-Doppler time near t0 + h t1.
P0, n, the DEM's row and column, t0 and t1 vary so slowly that they are interpolated linearly between lattice nodes some
320 m apart: P0 errs by the sagitta of that chord on the Earth, 320^2 / (8 x 6.4e6) = 2 mm, the DEM position by less.
The time is only a first guess, which a Newton step makes exact.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pyproj import Transformer

from rtcflow.native.height_spline import Dem
from rtcflow.sentinel1.orbit import OrbitPolynomial
from rtcflow_contract.grid import Grid

_STEP_M = 320.0
SEMI_MAJOR_M = 6378137.0
ECCENTRICITY2 = 0.0066943799901413165
# Channels of a lattice node.
X, NX, ROW, COL, T0, T1, CHANNELS = 0, 3, 6, 7, 8, 9, 10


@dataclass(frozen=True)
class Lattice:
    """Nodes (rows, cols, CHANNELS), every `step` pixels of the grid from `origin` (row, col) on."""

    nodes: NDArray[np.float64]
    step: int
    origin: tuple[int, int]


def geodetic_to_ecef(
    lon: NDArray[np.float64], lat: NDArray[np.float64], height: NDArray[np.float64] | float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Earth-fixed positions (..., 3) in metres and ellipsoid normals (..., 3); longitude and latitude in radians."""
    normal = np.stack((np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)), axis=-1)
    radius = SEMI_MAJOR_M / np.sqrt(1 - ECCENTRICITY2 * np.sin(lat) ** 2)
    stretch = np.stack((radius, radius, radius * (1 - ECCENTRICITY2)), axis=-1)
    return (stretch + np.asarray(height)[..., None]) * normal, normal


def lattice_lonlat(grid: Grid) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    """Longitudes and latitudes of the lattice nodes, degrees, continuous in longitude, and the step in pixels."""
    step = max(1, int(_STEP_M // grid.spacing))
    rows = np.arange(-2, -(-grid.rows // step) + 3) * step
    cols = np.arange(-2, -(-grid.cols // step) + 3) * step
    x = grid.left + cols * grid.spacing
    y = grid.top - rows * grid.spacing
    xx, yy = np.meshgrid(x, y)
    lon, lat = Transformer.from_crs(grid.epsg, 4326, always_xy=True).transform(xx, yy)
    middle = lon[lon.shape[0] // 2, lon.shape[1] // 2]
    return lon + 360.0 * np.round((middle - lon) / 360.0), lat, step


def make_lattice(
    grid: Grid,
    lonlat: tuple[NDArray[np.float64], NDArray[np.float64], int],
    dem: Dem,
    orbit: OrbitPolynomial,
    height: float,
) -> Lattice:
    """Nodes over the grid with two steps of margin; times are expanded around `height`, metres."""
    lon, lat, step = lonlat
    nodes = np.empty((*lon.shape, CHANNELS))
    ground, normal = geodetic_to_ecef(np.radians(lon), np.radians(lat), np.zeros(lon.shape))
    nodes[..., X : X + 3] = ground
    nodes[..., NX : NX + 3] = normal
    nodes[..., ROW], nodes[..., COL] = dem.postings(lon, lat)
    low = zero_doppler_times(ground + (height - 500.0) * normal, orbit)
    high = zero_doppler_times(ground + (height + 500.0) * normal, orbit)
    nodes[..., T1] = (high - low) / 1000.0
    nodes[..., T0] = 0.5 * (low + high) - height * nodes[..., T1]
    return Lattice(nodes, step, (-2 * step, -2 * step))


def zero_doppler_times(points: NDArray[np.float64], orbit: OrbitPolynomial) -> NDArray[np.float64]:
    """Times at which points (..., 3) lie at right angles to the velocity, seconds since the orbit's epoch.

    Newton's iteration on (P - S(t)) . V(t) = 0.
    """
    flat = points.reshape(-1, 3)
    seconds = np.zeros(flat.shape[0])
    for _ in range(8):
        velocity = orbit.velocity(seconds)
        offset = flat - orbit.position(seconds)
        acceleration = (orbit.velocity(seconds + 0.5) - orbit.velocity(seconds - 0.5)) / 1.0
        value = np.einsum("ij,ij->i", offset, velocity)
        slope = np.einsum("ij,ij->i", offset, acceleration) - np.einsum("ij,ij->i", velocity, velocity)
        step = value / slope
        seconds = np.clip(seconds - step, orbit.window_s[0], orbit.window_s[1])
        if np.abs(step).max() < 1e-10:
            break
    return seconds.reshape(points.shape[:-1])
