"""Solid earth tides: how far sun and moon move a point of the earth's crust, up to 0.4 m within half a day.

IERS Conventions (2010), Technical Note 36, section 7.1.1, equations 7.5 and 7.6: the closed form of degrees 2 and 3
with nominal Love numbers (step 1). What it leaves out (step 2, by frequency) is below 2 cm. Sun and moon after
Montenbruck and Gill (2000), Satellite Orbits, section 3.3.2, to a few minutes of arc, in the equinox of date: 1 mm.
"""

from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

_J2000 = datetime(2000, 1, 1, 12, tzinfo=UTC)
_EARTH_M = 6378136.6
# Mass over that of the earth.
_SUN_RATIO, _MOON_RATIO = 332946.0482, 0.0123000371
_ARCSECOND = np.radians(1 / 3600)
_H3, _L3 = 0.292, 0.015


def tide_displacement(point: NDArray[np.float64], when: datetime) -> NDArray[np.float64]:
    """Displacement of an Earth-fixed point (3,), metres, at a time in UTC, shape (3,)."""
    return displacement_by(point, _to_earth(sun_position(when), when), _to_earth(moon_position(when), when))


def displacement_by(
    point: NDArray[np.float64], sun: NDArray[np.float64], moon: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Displacement of a point by sun and moon at given positions, all Earth-fixed (3,), metres."""
    up = point / np.linalg.norm(point)
    latitude = 0.5 * (3 * up[2] ** 2 - 1)
    h2, l2 = 0.6078 - 0.0006 * latitude, 0.0847 + 0.0002 * latitude
    found = np.zeros(3)
    for body, ratio in ((sun, _SUN_RATIO), (moon, _MOON_RATIO)):
        distance = np.linalg.norm(body)
        toward = body / distance
        cosine = float(toward @ up)
        across = toward - cosine * up
        size = ratio * _EARTH_M * (_EARTH_M / distance) ** 3
        found += size * (h2 * (1.5 * cosine**2 - 0.5) * up + 3 * l2 * cosine * across)
        size *= _EARTH_M / distance
        found += size * _H3 * (2.5 * cosine**3 - 1.5 * cosine) * up
        found += size * _L3 * (7.5 * cosine**2 - 1.5) * across
    return found


def sun_position(when: datetime) -> NDArray[np.float64]:
    """The sun from the earth's centre, equator and equinox of date, metres (3,)."""
    t = _centuries(when)
    anomaly = np.radians(357.5256 + 35999.049 * t)
    longitude = np.radians(282.9400 + 1.7195 * t) + anomaly
    longitude += _ARCSECOND * (6892 * np.sin(anomaly) + 72 * np.sin(2 * anomaly))
    distance = 1e9 * (149.619 - 2.499 * np.cos(anomaly) - 0.021 * np.cos(2 * anomaly))
    return _equatorial(longitude, 0.0, distance, t)


def moon_position(when: datetime) -> NDArray[np.float64]:
    """The moon from the earth's centre, equator and equinox of date, metres (3,)."""
    t = _centuries(when)
    mean = np.radians(218.31617 + 481267.88088 * t)
    own = np.radians(134.96292 + 477198.86753 * t)
    sun = np.radians(357.52543 + 35999.04944 * t)
    node = np.radians(93.27283 + 483202.01873 * t)
    phase = np.radians(297.85027 + 445267.11135 * t)
    # Multiples of the four angles, and arc seconds of longitude or latitude, or kilometres.
    longitude = mean + _ARCSECOND * sum(
        size * np.sin(a * own + b * sun + c * node + d * phase) for size, a, b, c, d in _MOON_LONGITUDE
    )
    argument = node + longitude - mean
    argument += _ARCSECOND * (412 * np.sin(2 * node) + 541 * np.sin(sun))
    latitude = _ARCSECOND * (
        18520 * np.sin(argument)
        + sum(size * np.sin(a * own + b * sun + c * node + d * phase) for size, a, b, c, d in _MOON_LATITUDE)
    )
    distance = 1e3 * (
        385000
        + sum(size * np.cos(a * own + b * sun + c * node + d * phase) for size, a, b, c, d in _MOON_DISTANCE)
    )
    return _equatorial(longitude, latitude, distance, t)


_MOON_LONGITUDE = (
    (22640, 1, 0, 0, 0),
    (769, 2, 0, 0, 0),
    (-4586, 1, 0, 0, -2),
    (2370, 0, 0, 0, 2),
    (-668, 0, 1, 0, 0),
    (-412, 0, 0, 2, 0),
    (-212, 2, 0, 0, -2),
    (-206, 1, 1, 0, -2),
    (192, 1, 0, 0, 2),
    (-165, 0, 1, 0, -2),
    (148, 1, -1, 0, 0),
    (-125, 0, 0, 0, 1),
    (-110, 1, 1, 0, 0),
    (-55, 0, 0, 2, -2),
)
_MOON_LATITUDE = (
    (-526, 0, 0, 1, -2),
    (44, 1, 0, 1, -2),
    (-31, -1, 0, 1, -2),
    (-25, -2, 0, 1, 0),
    (-23, 0, 1, 1, -2),
    (21, -1, 0, 1, 0),
    (11, 0, -1, 1, -2),
)
_MOON_DISTANCE = (
    (-20905, 1, 0, 0, 0),
    (-3699, -1, 0, 0, 2),
    (-2956, 0, 0, 0, 2),
    (-570, 2, 0, 0, 0),
    (246, 2, 0, 0, -2),
    (-205, 0, 1, 0, -2),
    (-171, 1, 0, 0, 2),
    (-152, 1, 1, 0, -2),
)


def _centuries(when: datetime) -> float:
    return (when - _J2000).total_seconds() / 86400 / 36525


def _equatorial(longitude: float, latitude: float, distance: float, t: float) -> NDArray[np.float64]:
    """From the ecliptic to the equator."""
    tilt = np.radians(23.43929111 - 0.0130042 * t)
    x = np.cos(latitude) * np.cos(longitude)
    y = np.cos(latitude) * np.sin(longitude)
    z = np.sin(latitude)
    turned = (x, np.cos(tilt) * y - np.sin(tilt) * z, np.sin(tilt) * y + np.cos(tilt) * z)
    return distance * np.array(turned, np.float64)


def _to_earth(position: NDArray[np.float64], when: datetime) -> NDArray[np.float64]:
    """From the equinox to Greenwich, by mean sidereal time."""
    days = (when - _J2000).total_seconds() / 86400
    angle = np.radians((280.46061837 + 360.98564736629 * days) % 360)
    c, s = np.cos(angle), np.sin(angle)
    return np.array((c * position[0] + s * position[1], c * position[1] - s * position[0], position[2]))
