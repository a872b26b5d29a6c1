"""True local incidence angles, from the terrain's own slope and the satellite's own position."""

import numpy as np
from numba import njit

from rtcflow_local.sample.acquisition import SimulatedAcquisition
from rtcflow_local.sample.geodesy import to_earth_fixed
from rtcflow_local.sample.terrain import relief, undulation
from rtcflow_local.sample.world import World

_OFFSET = 1e-6  # radians, about 6 m: half the distance over which a slope is taken
_STEPS = 8


def local_incidence(
    acquisition: SimulatedAcquisition, world: World, latitudes: np.ndarray, longitudes: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Angle between the terrain's normal and the direction to the satellite, and land cover class.

    Parameters
    ----------
    latitudes, longitudes : ndarray, shape (points,)
        Degrees.

    Returns
    -------
    tuple of ndarray, each of shape (points,)
        Degrees, beyond 90 on slopes that face away; class numbers, uint8.
    """
    places = np.radians(np.column_stack([latitudes, longitudes]))
    points, covers = _surface(world, places)
    north, south, east, west = (
        _surface(world, places + offset)[0]
        for offset in np.array([[1, 0], [-1, 0], [0, 1], [0, -1]]) * _OFFSET
    )
    normals = np.cross(east - west, north - south)
    times = np.full(len(points), (acquisition.start_us + acquisition.stop_us) * 0.5e-6)
    offset = np.zeros_like(points)
    for _ in range(_STEPS):
        position, velocity, acceleration = acquisition.orbit.states(times)
        offset = points - position
        along = np.einsum("ij,ij->i", velocity, offset)
        times -= along / (
            np.einsum("ij,ij->i", acceleration, offset) - np.einsum("ij,ij->i", velocity, velocity)
        )
    cosine = -np.einsum("ij,ij->i", normals, offset)
    cosine /= np.linalg.norm(normals, axis=1) * np.linalg.norm(offset, axis=1)
    return np.degrees(np.arccos(cosine)), covers


def _surface(world: World, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    points, covers = np.empty((len(places), 3)), np.empty(len(places), np.uint8)
    _fill(places, world.frame, world.stages, points, covers)
    return points, covers


@njit(cache=True, nogil=True)
def _fill(
    places: np.ndarray, frame: np.ndarray, stages: np.ndarray, points: np.ndarray, covers: np.ndarray
) -> None:
    for index in range(len(places)):
        lat, lon = places[index, 0], places[index, 1]
        height, covers[index] = relief(lat, lon, frame, stages)
        points[index] = to_earth_fixed(lat, lon, height + undulation(lat, lon))
