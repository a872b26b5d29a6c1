"""Orbit of the simulated satellite: near-circular, Sun-synchronous, 175 revolutions in 12 days, in closed form.

The node drifts westward by a full turn of the Earth per day, as Sun-synchrony requires; the radius varies with the
frozen eccentricity. Position, velocity and acceleration are exact derivatives of one another, in the Earth-fixed frame.
"""

import math
from dataclasses import dataclass

import numpy as np

from rtcflow_local.sample.sensor import ORBIT_PERIOD, REFERENCE_NODE_LONGITUDE, REFERENCE_TRACK, TRACKS

_RADIUS = 7_075_450.0  # m, mean
_ECCENTRICITY = 0.00118
_INCLINATION = math.radians(98.1813)
_RATE = 2 * math.pi / ORBIT_PERIOD
_NODE_RATE = -2 * math.pi / 86400
_SCAN_STEP = 5.0  # s


@dataclass(frozen=True)
class Orbit:
    """One revolution's orbit; times are seconds since its ascending node.

    Attributes
    ----------
    node_longitude : float
        Longitude of the ascending node at time 0, radians.
    """

    node_longitude: float

    @classmethod
    def of_track(cls, track: int) -> "Orbit":
        """Orbit of a relative orbit number, 1 to 175."""
        turn = (track - REFERENCE_TRACK) * _NODE_RATE * ORBIT_PERIOD
        return cls(math.remainder(math.radians(REFERENCE_NODE_LONGITUDE) + turn, 2 * math.pi))

    def states(self, times: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Positions, velocities and accelerations, each of shape (times, 3), in m, m/s and m/s2."""
        times = np.atleast_1d(np.asarray(times, dtype=np.float64))
        u = _RATE * times
        sin_u, cos_u = np.sin(u), np.cos(u)
        r = _RADIUS * (1 - _ECCENTRICITY * sin_u)
        r1 = -_RADIUS * _ECCENTRICITY * _RATE * cos_u
        r2 = _RADIUS * _ECCENTRICITY * _RATE**2 * sin_u
        along = (
            r * cos_u,
            r1 * cos_u - r * _RATE * sin_u,
            (r2 - r * _RATE**2) * cos_u - 2 * r1 * _RATE * sin_u,
        )
        up = (r * sin_u, r1 * sin_u + r * _RATE * cos_u, (r2 - r * _RATE**2) * sin_u + 2 * r1 * _RATE * cos_u)
        tilt = (math.cos(_INCLINATION), math.sin(_INCLINATION))
        q, q1, q2 = (np.stack([a, b * tilt[0], b * tilt[1]], -1) for a, b in zip(along, up, strict=True))
        node = self.node_longitude + _NODE_RATE * times
        velocity = q1 + _NODE_RATE * _turned(q)
        acceleration = q2 + 2 * _NODE_RATE * _turned(q1) + _NODE_RATE**2 * _turned(_turned(q))
        return _rotate(q, node), _rotate(velocity, node), _rotate(acceleration, node)

    def zero_doppler_time(self, point: np.ndarray, guess: float) -> float:
        """Zero-Doppler time of an Earth-fixed point, by Newton's method from a guess within some minutes."""
        time = guess
        for _ in range(12):
            (position,), (velocity,), (acceleration,) = self.states(np.array([time]))
            offset = point - position
            step = (velocity @ offset) / (acceleration @ offset - velocity @ velocity)
            time -= step
            if abs(step) < 1e-12:
                break
        return float(time)


def _turned(q: np.ndarray) -> np.ndarray:
    return np.stack([-q[:, 1], q[:, 0], np.zeros(len(q))], -1)


def _rotate(q: np.ndarray, angle: np.ndarray) -> np.ndarray:
    c, s = np.cos(angle), np.sin(angle)
    return np.stack([c * q[:, 0] - s * q[:, 1], s * q[:, 0] + c * q[:, 1], q[:, 2]], -1)


def choose_track(point: np.ndarray, ascending: bool, slant_range: float) -> tuple[int, float]:
    """The relative orbit that sees an Earth-fixed point to its right at about a given slant range, and when.

    Returns
    -------
    tuple of int and float
        Track, and zero-Doppler time since the ascending node in seconds.
    """
    times = np.arange(0.0, ORBIT_PERIOD, _SCAN_STEP)
    best: tuple[float, int, float] | None = None
    for track in range(1, TRACKS + 1):
        position, velocity, _ = Orbit.of_track(track).states(times)
        offset = point - position
        doppler = np.einsum("ij,ij->i", velocity, offset)
        right = np.einsum("ij,ij->i", np.cross(velocity, position), offset) > 0
        heading = (velocity[:, 2] > 0) == ascending
        distance = np.linalg.norm(offset, axis=1)
        passes = (doppler[:-1] > 0) & (doppler[1:] <= 0) & (right & heading & (distance < 1.2e6))[:-1]
        for index in np.flatnonzero(passes):
            miss = abs(distance[index] - slant_range)
            if best is None or miss < best[0]:
                best = (miss, track, float(times[index]))
    assert best is not None, "an orbit of the cycle passes every point of the variants"
    return best[1], Orbit.of_track(best[1]).zero_doppler_time(point, best[2])
