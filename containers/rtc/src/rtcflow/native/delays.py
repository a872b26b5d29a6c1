"""Move points of the terrain to their place in the image: solid earth tide, bistatic delay, static troposphere.

The processor removed half the two-way delay of mid IW2 as a bulk; the remaining bistatic delay depends on range
(Gisinger et al. 2021, IEEE TGRS 59(2), doi 10.1109/TGRS.2019.2961248, equation 21).
"""

import numba as nb
import numpy as np

from rtcflow.native.lattice import NX
from rtcflow.native.points import PH, PR, PT, PX, PY, PZ, satellite, satellite_position
from rtcflow.native.rows import lattice_at
from rtcflow_safe.annotation import SPEED_OF_LIGHT

# Zenith delay (m) and scale height (m) of the static troposphere: Breit et al. (2010), doi 10.1109/TGRS.2009.2035497.
ZENITH_DELAY_M, SCALE_HEIGHT_M = 2.3, 6000.0


@nb.njit(inline="always")
def correct_row(row, line, first, last, offset, scale, step, origin, orbit, timing):
    """Move a row of points (NODE, columns) to their times and ranges in the image, delays included.

    `line` is the lattice at the row; `offset` and `scale` place the columns as in `terrain_row`; `timing` is (bistatic
    on, tau_mid / 2 - tau0, troposphere on, tide in metres along x, y, z).
    """
    moved = timing[3] != 0.0 or timing[4] != 0.0 or timing[5] != 0.0
    for j in range(first, last):
        if moved:
            sx, sy, sz, vx, vy, vz, ax, ay, az = satellite(orbit, row[PT, j])
            lx, ly, lz = row[PX, j] - sx, row[PY, j] - sy, row[PZ, j] - sz
            along = timing[3] * vx + timing[4] * vy + timing[5] * vz
            row[PT, j] += along / (vx * vx + vy * vy + vz * vz - lx * ax - ly * ay - lz * az)
            row[PR, j] += (timing[3] * lx + timing[4] * ly + timing[5] * lz) / row[PR, j]
        t, r = row[PT, j], row[PR, j]
        if timing[0] > 0.0:
            row[PT, j] = t - (timing[1] + r / SPEED_OF_LIGHT)
        if timing[2] > 0.0:
            at = ((j + offset) / scale - origin) / step
            k = min(max(int(at), 0), line.shape[0] - 2)
            g = at - k
            sx, sy, sz = satellite_position(orbit, t)
            toward = lattice_at(line, k, g, NX) * (sx - row[PX, j])
            toward += lattice_at(line, k, g, NX + 1) * (sy - row[PY, j])
            toward += lattice_at(line, k, g, NX + 2) * (sz - row[PZ, j])
            row[PR, j] = r + ZENITH_DELAY_M * r / toward * np.exp(-row[PH, j] / SCALE_HEIGHT_M)
