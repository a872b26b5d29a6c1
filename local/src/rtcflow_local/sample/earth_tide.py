"""Solid earth tide of the simulated earth, from the tide-generating potential.

A point moves up by h2 W / g and horizontally by l2 / g times the gradient of the degree 2 potential W of sun and moon,
with the Love number h2 and the Shida number l2 of an elastic earth. Sun by Meeus, Astronomical Algorithms, chapter 25;
moon by the low-precision formulae of the Astronomical Almanac, page D22.
"""

import math
from datetime import datetime

import numpy as np

_H2, _L2 = 0.6078, 0.0847
_GM_EARTH, _GM_SUN, _GM_MOON = 3.986004418e14, 1.32712440018e20, 4.9048695e12
_ASTRONOMICAL_UNIT = 1.495978707e11
_STEP = 1e-4  # radians, of the gradient


def tide(point: np.ndarray, when: datetime) -> np.ndarray:
    """Displacement of an Earth-fixed point (3,) at a UTC time, m, shape (3,)."""
    days = (when.timestamp() - 946728000.0) / 86400.0
    bodies = [(_GM_SUN, _turn(_sun(days), days)), (_GM_MOON, _turn(_moon(days), days))]
    radius = float(np.linalg.norm(point))
    up = point / radius
    east = np.cross((0.0, 0.0, 1.0), up)
    east /= np.linalg.norm(east)
    north = np.cross(up, east)
    gravity = _GM_EARTH / radius**2

    def potential(direction: np.ndarray) -> float:
        total = 0.0
        for gm, body in bodies:
            distance = float(np.linalg.norm(body))
            cosine = float(direction @ body) / distance / float(np.linalg.norm(direction))
            total += gm * radius**2 / distance**3 * 0.5 * (3 * cosine * cosine - 1)
        return total

    found = _H2 * potential(up) / gravity * up
    for side in (east, north):
        slope = (potential(up + _STEP * side) - potential(up - _STEP * side)) / (2 * _STEP)
        found = found + _L2 * slope / gravity * side
    return np.asarray(found)


def _sun(days: float) -> np.ndarray:
    t = days / 36525.0
    mean = 280.46646 + 36000.76983 * t
    anomaly = math.radians(357.52911 + 35999.05029 * t)
    centre = (1.914602 - 0.004817 * t) * math.sin(anomaly) + 0.019993 * math.sin(2 * anomaly)
    eccentricity = 0.016708634 - 0.000042037 * t
    true = anomaly + math.radians(centre)
    distance = 1.000001018 * (1 - eccentricity**2) / (1 + eccentricity * math.cos(true))
    return _on_equator(mean + centre, 0.0, distance * _ASTRONOMICAL_UNIT)


def _moon(days: float) -> np.ndarray:
    t = days / 36525.0

    def wave(size: float, start: float, rate: float, of=math.sin) -> float:  # type: ignore[no-untyped-def]
        return size * float(of(math.radians(start + rate * t)))

    longitude = 218.32 + 481267.881 * t + wave(6.29, 135.0, 477198.87) - wave(1.27, 259.3, -413335.36)
    longitude += wave(0.66, 235.7, 890534.22) + wave(0.21, 269.9, 954397.74)
    longitude -= wave(0.19, 357.5, 35999.05) + wave(0.11, 186.5, 966404.03)
    latitude = wave(5.13, 93.3, 483202.02) + wave(0.28, 228.2, 960400.89)
    latitude -= wave(0.28, 318.3, 6003.15) + wave(0.17, 217.6, -407332.21)
    parallax = 0.9508 + wave(0.0518, 135.0, 477198.87, math.cos) + wave(0.0095, 259.3, -413335.36, math.cos)
    parallax += wave(0.0078, 235.7, 890534.22, math.cos) + wave(0.0028, 269.9, 954397.74, math.cos)
    return _on_equator(longitude, latitude, 6378140.0 / math.sin(math.radians(parallax)))


def _on_equator(longitude: float, latitude: float, distance: float) -> np.ndarray:
    """Ecliptic longitude and latitude, degrees, as a vector on the equator."""
    lon, lat, tilt = math.radians(longitude), math.radians(latitude), math.radians(23.439)
    x, y, z = math.cos(lat) * math.cos(lon), math.cos(lat) * math.sin(lon), math.sin(lat)
    return distance * np.array(
        [x, y * math.cos(tilt) - z * math.sin(tilt), y * math.sin(tilt) + z * math.cos(tilt)]
    )


def _turn(vector: np.ndarray, days: float) -> np.ndarray:
    """Rotate into the Earth-fixed frame; sidereal time by Meeus, chapter 12."""
    t = days / 36525.0
    seconds = 67310.54841 + (876600 * 3600 + 8640184.812866) * t + 0.093104 * t * t
    angle = math.radians(seconds % 86400 / 240.0)
    c, s = math.cos(angle), math.sin(angle)
    return np.array([c * vector[0] + s * vector[1], -s * vector[0] + c * vector[1], vector[2]])
