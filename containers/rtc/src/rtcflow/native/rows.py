"""Terrain along a row of the map grid, four points at a time."""

import numba as nb

from rtcflow.native.height_spline import sample_four
from rtcflow.native.lattice import COL, NX, ROW, T0, T1, X
from rtcflow.native.points import PH, PR, PT, PX, PY, PZ, zero_doppler
from rtcflow.native.simd import LANES, pack, store


@nb.njit(inline="always")
def lattice_at(line, k, g, channel):
    """A channel of an interpolated lattice row at the fractions `g` of the way from node `k` to the next."""
    return (1.0 - g) * line[k, channel] + g * line[k + 1, channel]


@nb.njit(nogil=True, cache=True, fastmath={"contract", "nsz"})
def terrain_row(out, line, first, last, offset, scale, step, origin, heights, table, orbit):
    """Fill columns first to last - 1 of a row of terrain points, and up to LANES more on either side.

    Parameters
    ----------
    out : (NODE, columns + LANES) float64
        Position, height, zero-Doppler time and slant range.
    line : (lattice columns, CHANNELS) float64
        The lattice at this row, see `lattice_row`.
    first, last : int
        Column j lies at (j + offset) / scale pixels.
    offset : float
    scale, step, origin : int
        Columns per pixel; the lattice's step and first column, pixels.
    heights, table, orbit
        DEM, `spline_table`, orbit polynomials.
    """
    # Blocks begin at multiples of LANES whatever `first` is: results must not depend on how the image is cut.
    for j in range(first - first % LANES, last, LANES):
        at = (j + offset) / scale - origin
        k = min(max(int(at / step), 0), line.shape[0] - 2)
        g = (pack(0.0, 1.0, 2.0, 3.0) / scale + (at - k * step)) / step
        rows, cols = lattice_at(line, k, g, ROW), lattice_at(line, k, g, COL)
        h = sample_four(heights, table, rows, cols)
        x = lattice_at(line, k, g, X) + h * lattice_at(line, k, g, NX)
        y = lattice_at(line, k, g, X + 1) + h * lattice_at(line, k, g, NX + 1)
        z = lattice_at(line, k, g, X + 2) + h * lattice_at(line, k, g, NX + 2)
        guess = lattice_at(line, k, g, T0) + h * lattice_at(line, k, g, T1)
        t, r = zero_doppler(orbit, x, y, z, guess)
        store(out, PX, j, x)
        store(out, PY, j, y)
        store(out, PZ, j, z)
        store(out, PH, j, h)
        store(out, PT, j, t)
        store(out, PR, j, r)
