"""Incidence angles and heights at the middle of each map pixel."""

import numba as nb
import numpy as np

from rtcflow.native.dem import sample_height
from rtcflow.native.lattice import CHANNELS
from rtcflow.native.points import lattice_row, node_at, satellite_position


@nb.njit(inline="always")
def position(line, col, step, origin, heights, weights, out):
    """Earth-fixed position of the terrain at a fractional column of an interpolated lattice row."""
    at = (col - origin) / step
    k = min(max(int(np.floor(at)), 0), line.shape[0] - 2)
    g = at - k
    e = 1 - g
    h = sample_height(
        heights, weights, e * line[k, 6] + g * line[k + 1, 6], e * line[k, 7] + g * line[k + 1, 7]
    )
    for c in range(3):
        out[c] = e * line[k, c] + g * line[k + 1, c] + h * (e * line[k, 3 + c] + g * line[k + 1, 3 + c])


@nb.njit(nogil=True, cache=True, fastmath={"contract", "nsz"})
def angle_rows(
    nodes, step, origin_row, origin_col, row_first, row_last, heights, weights, orbit, incidence, local, dem
):
    """Fill rows row_first to row_last - 1 of the layers, (rows, cols) float32; layers of size 0 are not wanted.

    `incidence` and `local` are in degrees: between the line of sight and the ellipsoid's normal, and the normal of the
    terrain, whose slopes are taken over one pixel. `dem` is in metres.
    """
    cols = max(incidence.shape[1], max(local.shape[1], dem.shape[1]))
    middle = np.empty((nodes.shape[1], CHANNELS))
    above = np.empty((nodes.shape[1], CHANNELS))
    below = np.empty((nodes.shape[1], CHANNELS))
    left, right, up, down = np.empty(3), np.empty(3), np.empty(3), np.empty(3)
    for i in range(row_first, row_last):
        lattice_row(nodes, i + 0.5, step, origin_row, middle)
        if local.size > 0:
            lattice_row(nodes, float(i), step, origin_row, above)
            lattice_row(nodes, i + 1.0, step, origin_row, below)
        for j in range(cols):
            x, y, z, h, t, r = node_at(middle, j + 0.5, step, origin_col, heights, weights, orbit)
            if dem.size > 0:
                dem[i, j] = h
            if incidence.size == 0 and local.size == 0:
                continue
            sx, sy, sz = satellite_position(orbit, t)
            lx, ly, lz = (sx - x) / r, (sy - y) / r, (sz - z) / r
            if incidence.size > 0:
                k = min(max(int(np.floor((j + 0.5 - origin_col) / step)), 0), middle.shape[0] - 2)
                g = (j + 0.5 - origin_col) / step - k
                nx = (1 - g) * middle[k, 3] + g * middle[k + 1, 3]
                ny = (1 - g) * middle[k, 4] + g * middle[k + 1, 4]
                nz = (1 - g) * middle[k, 5] + g * middle[k + 1, 5]
                incidence[i, j] = np.degrees(np.arccos(min(max(nx * lx + ny * ly + nz * lz, -1.0), 1.0)))
            if local.size > 0:
                position(middle, float(j), step, origin_col, heights, weights, left)
                position(middle, j + 1.0, step, origin_col, heights, weights, right)
                position(above, j + 0.5, step, origin_col, heights, weights, up)
                position(below, j + 0.5, step, origin_col, heights, weights, down)
                ex, ey, ez = right[0] - left[0], right[1] - left[1], right[2] - left[2]
                dx, dy, dz = up[0] - down[0], up[1] - down[1], up[2] - down[2]
                nx, ny, nz = ey * dz - ez * dy, ez * dx - ex * dz, ex * dy - ey * dx
                cosine = (nx * lx + ny * ly + nz * lz) / np.sqrt(nx * nx + ny * ny + nz * nz)
                local[i, j] = np.degrees(np.arccos(min(max(cosine, -1.0), 1.0)))
