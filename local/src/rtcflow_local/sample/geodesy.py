"""WGS 84: between Earth-fixed and geodetic coordinates, point by point for compiled loops."""

import math

from numba import njit

SEMI_MAJOR = 6378137.0
_FLATTENING = 1 / 298.257223563
_SEMI_MINOR = SEMI_MAJOR * (1 - _FLATTENING)
E2 = _FLATTENING * (2 - _FLATTENING)
_EP2 = E2 / (1 - E2)


@njit(cache=True, nogil=True)
def to_geodetic(x: float, y: float, z: float) -> tuple[float, float, float]:
    """Latitude and longitude in radians and height in metres.

    Bowring (1976), one step: within 1e-11 rad below 10 km of height.
    """
    p = math.sqrt(x * x + y * y)
    tan_u = z * SEMI_MAJOR / (p * _SEMI_MINOR)
    cos_u = 1 / math.sqrt(1 + tan_u * tan_u)
    sin_u = tan_u * cos_u
    tan_lat = (z + _EP2 * _SEMI_MINOR * sin_u**3) / (p - E2 * SEMI_MAJOR * cos_u**3)
    cos_lat = 1 / math.sqrt(1 + tan_lat * tan_lat)
    sin_lat = tan_lat * cos_lat
    height = p * cos_lat + z * sin_lat - SEMI_MAJOR * math.sqrt(1 - E2 * sin_lat * sin_lat)
    return math.atan(tan_lat), math.atan2(y, x), height


@njit(cache=True, nogil=True)
def to_earth_fixed(lat: float, lon: float, height: float) -> tuple[float, float, float]:
    """Earth-fixed x, y, z in metres of latitude and longitude in radians and height in metres."""
    sin_lat, cos_lat = math.sin(lat), math.cos(lat)
    normal = SEMI_MAJOR / math.sqrt(1 - E2 * sin_lat * sin_lat)
    across = (normal + height) * cos_lat
    return across * math.cos(lon), across * math.sin(lon), (normal * (1 - E2) + height) * sin_lat
