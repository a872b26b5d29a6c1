"""Ground tracks of radar lines on the map grid, and rdr2geo."""

import numpy as np
from numpy.typing import NDArray
from pyproj import Transformer

from rtcflow.native.lattice import ECCENTRICITY2, SEMI_MAJOR_M
from rtcflow.sentinel1.orbit import OrbitPolynomial
from rtcflow_contract.grid import Grid

_TO_LONLAT = Transformer.from_crs(4978, 4979, always_xy=True)


def ecef_to_lonlat(points: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Longitudes and latitudes, degrees, of Earth-fixed positions (n, 3)."""
    found = _TO_LONLAT.transform(points[:, 0], points[:, 1], points[:, 2])
    return np.asarray(found[0]), np.asarray(found[1])


def _heights(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Heights above the ellipsoid, metres, of Earth-fixed positions (n, 3)."""
    found: tuple[NDArray[np.float64], ...] = _TO_LONLAT.transform(points[:, 0], points[:, 1], points[:, 2])
    return found[-1]


def rdr2geo(
    orbit: OrbitPolynomial,
    seconds: NDArray[np.float64],
    ranges: NDArray[np.float64],
    height: NDArray[np.float64] | float,
    left: bool = False,
) -> NDArray[np.float64]:
    """Earth-fixed positions (..., 3) of radar coordinates at heights above the ellipsoid, right-looking by default.

    The point lies in the plane through the satellite at right angles to its velocity, at the slant range, on the
    ellipsoid grown by the height: Newton's iteration on the look angle (cf. Sansosti 2004, doi
    10.1109/TGRS.2004.838378).
    """
    shape = np.broadcast_shapes(np.shape(seconds), np.shape(ranges))
    t = np.broadcast_to(seconds, shape).ravel().astype(float)
    r = np.broadcast_to(ranges, shape).ravel().astype(float)
    h = np.broadcast_to(height, shape).ravel()
    satellite, velocity = orbit.position(t), orbit.velocity(t)
    along = velocity / np.linalg.norm(velocity, axis=1, keepdims=True)
    down = -satellite + np.einsum("ij,ij->i", satellite, along)[:, None] * along
    down /= np.linalg.norm(down, axis=1, keepdims=True)
    across = np.cross(down, along) if left else np.cross(along, down)
    # Right of the flight direction, seen from above: along x up = right, so along x down = left.
    across = -across
    radius = np.linalg.norm(satellite, axis=1)
    cosine = (radius**2 + r**2 - (SEMI_MAJOR_M - 10000.0) ** 2) / (2 * radius * r)
    look = np.arccos(np.clip(cosine, -1, 1))

    def point(angle: NDArray[np.float64]) -> NDArray[np.float64]:
        return satellite + r[:, None] * (np.cos(angle)[:, None] * down + np.sin(angle)[:, None] * across)

    a, b = SEMI_MAJOR_M + h, SEMI_MAJOR_M * np.sqrt(1 - ECCENTRICITY2) + h
    for _ in range(3):
        for _ in range(20):
            p = point(look)
            grown = np.stack((p[:, 0] / a, p[:, 1] / a, p[:, 2] / b), axis=1)
            value = np.einsum("ij,ij->i", grown, grown) - 1
            slope_vector = r[:, None] * (-np.sin(look)[:, None] * down + np.cos(look)[:, None] * across)
            gradient = 2 * np.stack((p[:, 0] / a**2, p[:, 1] / a**2, p[:, 2] / b**2), axis=1)
            step = value / np.einsum("ij,ij->i", gradient, slope_vector)
            look = look - step
            if np.abs(step).max() < 1e-13:
                break
        # The grown ellipsoid is not quite the surface of constant height: correct a and b by the difference.
        missing = h - _heights(point(look))
        a, b = a + missing, b + missing
    return point(look).reshape(*shape, 3)


def _ecef_to_grid(points: NDArray[np.float64], grid: Grid) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fractional rows and columns of Earth-fixed positions (..., 3) on a map grid."""
    x, y, _ = Transformer.from_crs(4978, grid.epsg, always_xy=True).transform(
        points[..., 0], points[..., 1], points[..., 2]
    )
    return (grid.top - np.asarray(y)) / grid.spacing, (np.asarray(x) - grid.left) / grid.spacing


def line_tracks(
    orbit: OrbitPolynomial,
    seconds: NDArray[np.float64],
    near_m: float,
    far_m: float,
    height: float,
    grid: Grid,
    margin_m: float,
) -> NDArray[np.float64]:
    """Ground tracks of radar lines on the grid, (lines, segments + 1, 3): row, column, and ground distance in metres.

    They run from `margin_m` of ground before near range to as much behind far range, straight between nodes some 2 km
    apart.
    """
    # Half the margin in range is more than the margin on the ground at any incidence of the instrument.
    ranges = np.linspace(
        near_m - 0.75 * margin_m, far_m + 0.75 * margin_m, max(8, int((far_m - near_m) / 1000))
    )
    points = rdr2geo(orbit, seconds[:, None], ranges[None, :], height)
    rows, cols = _ecef_to_grid(points, grid)
    steps = np.linalg.norm(np.diff(points, axis=1), axis=2)
    distance = np.concatenate((np.zeros((len(seconds), 1)), np.cumsum(steps, axis=1)), axis=1)
    return np.stack((rows, cols, distance), axis=2)
