"""From a point of the map grid to its place in space and in the radar image: geo2rdr by zero-Doppler.

All other kernels use these. The orbit over the burst is a polynomial of degree 5 in the seconds since the burst's
middle: over the +-10 s that matter its remainder is below 0.01 mm.
"""

import numba as nb
import numpy as np
from numpy.typing import NDArray

from rtcflow.native.lattice import CHANNELS

ORBIT_TERMS = 6
# Columns of a node row: Earth-fixed position, height, zero-Doppler time (s), slant range (m).
PX, PY, PZ, PH, PT, PR, NODE = 0, 1, 2, 3, 4, 5, 6


@nb.njit(inline="always")
def satellite_position(orbit, t):
    """Position of the satellite at a time."""
    sx = orbit[0, 0] + t * (
        orbit[1, 0] + t * (orbit[2, 0] + t * (orbit[3, 0] + t * (orbit[4, 0] + t * orbit[5, 0])))
    )
    sy = orbit[0, 1] + t * (
        orbit[1, 1] + t * (orbit[2, 1] + t * (orbit[3, 1] + t * (orbit[4, 1] + t * orbit[5, 1])))
    )
    sz = orbit[0, 2] + t * (
        orbit[1, 2] + t * (orbit[2, 2] + t * (orbit[3, 2] + t * (orbit[4, 2] + t * orbit[5, 2])))
    )
    return sx, sy, sz


@nb.njit(inline="always")
def satellite(orbit, t):
    """Position, velocity and acceleration at a time; `orbit` is (ORBIT_TERMS, 3), lowest power first."""
    sx, sy, sz = satellite_position(orbit, t)
    vx = orbit[1, 0] + t * (
        2 * orbit[2, 0] + t * (3 * orbit[3, 0] + t * (4 * orbit[4, 0] + t * 5 * orbit[5, 0]))
    )
    vy = orbit[1, 1] + t * (
        2 * orbit[2, 1] + t * (3 * orbit[3, 1] + t * (4 * orbit[4, 1] + t * 5 * orbit[5, 1]))
    )
    vz = orbit[1, 2] + t * (
        2 * orbit[2, 2] + t * (3 * orbit[3, 2] + t * (4 * orbit[4, 2] + t * 5 * orbit[5, 2]))
    )
    ax = 2 * orbit[2, 0] + t * (6 * orbit[3, 0] + t * (12 * orbit[4, 0] + t * 20 * orbit[5, 0]))
    ay = 2 * orbit[2, 1] + t * (6 * orbit[3, 1] + t * (12 * orbit[4, 1] + t * 20 * orbit[5, 1]))
    az = 2 * orbit[2, 2] + t * (6 * orbit[3, 2] + t * (12 * orbit[4, 2] + t * 20 * orbit[5, 2]))
    return sx, sy, sz, vx, vy, vz, ax, ay, az


@nb.njit(inline="always")
def zero_doppler(orbit, x, y, z, t):
    """Zero-Doppler time and slant range of an Earth-fixed point, or of a vector of them; one Newton step from `t`.

    The guess is good to some 1e-4 s; the step leaves its square times |f''/2f'| of about 1e-3: below 1e-10 s.
    """
    sx, sy, sz, vx, vy, vz, ax, ay, az = satellite(orbit, t)
    dx, dy, dz = x - sx, y - sy, z - sz
    value = dx * vx + dy * vy + dz * vz
    slope = dx * ax + dy * ay + dz * az - (vx * vx + vy * vy + vz * vz)
    step = -value / slope
    half = 0.5 * step * step
    dx -= vx * step + ax * half
    dy -= vy * step + ay * half
    dz -= vz * step + az * half
    return t + step, np.sqrt(dx * dx + dy * dy + dz * dz)


@nb.njit(inline="always")
def lattice_row(nodes, row, step, origin, out):
    """Interpolate the lattice (rows, cols, CHANNELS) to a fractional grid row, into `out` (cols, CHANNELS)."""
    at = (row - origin) / step
    i = int(np.floor(at))
    i = min(max(i, 0), nodes.shape[0] - 2)
    f = at - i
    for k in range(nodes.shape[1]):
        for c in range(CHANNELS):
            out[k, c] = (1 - f) * nodes[i, k, c] + f * nodes[i + 1, k, c]


@nb.njit(inline="always")
def column_range(line, step, origin, cols, scale, t_first, t_last, height):
    """First and last + 1 of the columns whose time at `height` lies between two times; `scale` is columns per pixel.

    The range is widened by one column or more on each side: the terrain moves the time by less.
    """
    first, last = cols, 0
    for k in range(line.shape[0] - 1):
        a = line[k, 8] + height * line[k, 9]
        b = line[k + 1, 8] + height * line[k + 1, 9]
        low, high = min(a, b), max(a, b)
        if high < t_first or low > t_last:
            continue
        c0 = scale * (origin + k * step)
        width = scale * step
        left, right = 0.0, 1.0
        if a != b:
            u = (t_first - a) / (b - a)
            v = (t_last - a) / (b - a)
            left, right = max(0.0, min(u, v)), min(1.0, max(u, v))
        first = min(first, int(np.floor(c0 + left * width)) - 1)
        last = max(last, int(np.ceil(c0 + right * width)) + 2)
    return max(first, 0), min(last, cols)


def local_orbit(coefficients: NDArray[np.float64], half_window_s: float) -> NDArray[np.float64]:
    """Refit orbit polynomials to ORBIT_TERMS terms over +-half_window_s, (ORBIT_TERMS, 3)."""
    t = half_window_s * np.cos(np.pi * (np.arange(64) + 0.5) / 64)
    positions = np.polynomial.polynomial.polyval(t, coefficients).T
    fitted = np.polynomial.polynomial.polyfit(t / half_window_s, positions, ORBIT_TERMS - 1)
    return fitted / half_window_s ** np.arange(ORBIT_TERMS)[:, None]
