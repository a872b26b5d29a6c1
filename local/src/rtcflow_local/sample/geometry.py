"""Range-Doppler geometry at zero Doppler, for single points: ground point of a range, and its angles."""

import math
from typing import NamedTuple

import numpy as np

from rtcflow_local.sample.geodesy import to_geodetic
from rtcflow_local.sample.orbit_model import Orbit


class GroundPoint(NamedTuple):
    """A point on a surface of constant height; angles in degrees, height in metres."""

    latitude: float
    longitude: float
    height: float
    incidence: float
    elevation: float


def _zero_doppler_frame(position: np.ndarray, velocity: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors up and right, both in the zero-Doppler plane."""
    ahead = velocity / np.linalg.norm(velocity)
    up = position - (position @ ahead) * ahead
    up /= np.linalg.norm(up)
    return up, np.cross(ahead, up)


def ground_point(orbit: Orbit, time: float, slant_range: float, height: float) -> GroundPoint:
    """The point to the right of the track at a zero-Doppler time, slant range (m) and ellipsoidal height (m)."""
    (position,), (velocity,), _ = orbit.states(np.array([time]))
    up, right = _zero_doppler_frame(position, velocity)
    low, high = 0.0, math.radians(75)
    for _ in range(60):
        angle = (low + high) / 2
        look = -math.cos(angle) * up + math.sin(angle) * right
        lat, lon, found = to_geodetic(*(position + slant_range * look))
        # At the same range, a larger look angle ends higher above the ground.
        low, high = (angle, high) if found < height else (low, angle)
    normal = np.array([math.cos(lat) * math.cos(lon), math.cos(lat) * math.sin(lon), math.sin(lat)])
    incidence = math.degrees(math.acos(float(-look @ normal)))
    return GroundPoint(math.degrees(lat), math.degrees(lon), height, incidence, math.degrees(angle))


def heading(orbit: Orbit, time: float) -> float:
    """Direction of flight over the ground below, degrees clockwise from north."""
    (position,), (velocity,), _ = orbit.states(np.array([time]))
    lat, lon, _ = to_geodetic(*position)
    east = np.array([-math.sin(lon), math.cos(lon), 0.0])
    north = np.array([-math.sin(lat) * math.cos(lon), -math.sin(lat) * math.sin(lon), math.cos(lat)])
    return math.degrees(math.atan2(float(velocity @ east), float(velocity @ north)))
