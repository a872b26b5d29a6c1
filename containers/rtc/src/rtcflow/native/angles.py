"""Incidence angles and heights at the middle of each map pixel."""

import numba as nb
import numpy as np
from numpy.typing import NDArray

from rtcflow.native.bands import BandInputs
from rtcflow.native.lattice import CHANNELS, NX
from rtcflow.native.points import NODE, PH, PR, PT, PX, PY, PZ, lattice_row, satellite_position
from rtcflow.native.rows import lattice_at, terrain_row
from rtcflow.native.simd import LANES
from rtcflow.threads import Pool

_ROWS_AT_ONCE = 64
# In the order of `angle_rows`.
ANGLES = ("incidence_angle", "local_incidence_angle", "interpolated_dem")


@nb.njit(inline="always")
def _degrees_of(cosine):
    """Angle in degrees of a cosine, which rounding may bring beyond 1."""
    return np.degrees(np.arccos(min(max(cosine, -1.0), 1.0)))


@nb.njit(nogil=True, cache=True, fastmath={"contract", "nsz"})
def angle_rows(
    nodes, step, origin_row, origin_col, row_first, row_last, heights, table, orbit, incidence, local, dem
):
    """Fill rows row_first to row_last - 1 of the layers, (rows, cols) float32; layers of size 0 are not wanted.

    `incidence` and `local` are in degrees: between the line of sight and the ellipsoid's normal, and the normal of the
    terrain, whose slopes are taken over one pixel. `dem` is in metres.
    """
    cols = max(incidence.shape[1], max(local.shape[1], dem.shape[1]))
    lattice = np.empty((nodes.shape[1], CHANNELS))
    middle = np.empty((NODE, cols + LANES))
    sides = np.empty((NODE, cols + 1 + LANES))
    above = np.empty((NODE, cols + LANES))
    below = np.empty((NODE, cols + LANES))
    if local.size > 0:
        lattice_row(nodes, float(row_first), step, origin_row, lattice)
        terrain_row(below, lattice, 0, cols, 0.5, 1, step, origin_col, heights, table, orbit)
    for i in range(row_first, row_last):
        if local.size > 0:
            above, below = below, above
            lattice_row(nodes, i + 1.0, step, origin_row, lattice)
            terrain_row(below, lattice, 0, cols, 0.5, 1, step, origin_col, heights, table, orbit)
        lattice_row(nodes, i + 0.5, step, origin_row, lattice)
        terrain_row(middle, lattice, 0, cols, 0.5, 1, step, origin_col, heights, table, orbit)
        if local.size > 0:
            terrain_row(sides, lattice, 0, cols + 1, 0.0, 1, step, origin_col, heights, table, orbit)
        for j in range(cols):
            if dem.size > 0:
                dem[i, j] = middle[PH, j]
            if incidence.size == 0 and local.size == 0:
                continue
            sx, sy, sz = satellite_position(orbit, middle[PT, j])
            r = middle[PR, j]
            lx, ly, lz = (sx - middle[PX, j]) / r, (sy - middle[PY, j]) / r, (sz - middle[PZ, j]) / r
            if incidence.size > 0:
                at = (j + 0.5 - origin_col) / step
                k = min(max(int(at), 0), lattice.shape[0] - 2)
                toward = lattice_at(lattice, k, at - k, NX) * lx
                toward += lattice_at(lattice, k, at - k, NX + 1) * ly
                toward += lattice_at(lattice, k, at - k, NX + 2) * lz
                incidence[i, j] = _degrees_of(toward)
            if local.size > 0:
                ex = sides[PX, j + 1] - sides[PX, j]
                ey = sides[PY, j + 1] - sides[PY, j]
                ez = sides[PZ, j + 1] - sides[PZ, j]
                dx = above[PX, j] - below[PX, j]
                dy = above[PY, j] - below[PY, j]
                dz = above[PZ, j] - below[PZ, j]
                nx, ny, nz = ey * dz - ez * dy, ez * dx - ex * dz, ex * dy - ey * dx
                local[i, j] = _degrees_of(
                    (nx * lx + ny * ly + nz * lz) / np.sqrt(nx * nx + ny * ny + nz * nz)
                )


def angle_layers(pool: Pool, inputs: BandInputs, wanted: frozenset[str]) -> dict[str, NDArray[np.float32]]:
    """Angles and heights by layer; of size 0 if they are not wanted. They take their memory after the bands."""
    shapes = {name: inputs.grid.shape if name in wanted else (0, 0) for name in ANGLES}
    layers = {name: np.full(shape, np.nan, np.float32) for name, shape in shapes.items()}
    if not wanted & set(ANGLES):
        return layers

    def rows(first: int) -> None:
        angle_rows(
            inputs.lattice.nodes,
            inputs.lattice.step,
            *inputs.lattice.origin,
            first,
            min(first + _ROWS_AT_ONCE, inputs.grid.rows),
            inputs.heights,
            inputs.table,
            inputs.orbit,
            *layers.values(),
        )

    list(pool.map(rows, range(0, inputs.grid.rows, _ROWS_AT_ONCE)))
    return layers
