"""Layover and shadow by walking each radar line's ground track from near to far.

In the zero-Doppler plane of a line the terrain is a profile. A point of it is in layover when another point of the
profile has its slant range, and in shadow when a nearer point stands in its line of sight, that is, has a larger look
angle (Small 2011, doi 10.1109/TGRS.2011.2120616, section II; the classes are those of the product's mask layer).
Sweeping running extremes over the profile finds all such points exactly, active and passive ones alike, up to the
sampling of the profile. No iteration is involved that could fail to converge.

Layover is a property of a sample, in which the echoes of several places fall together; shadow is one of the ground.
"""

import numba as nb
import numpy as np

from rtcflow.native.dem import sample_height
from rtcflow.native.lattice import CHANNELS
from rtcflow.native.points import satellite_position

SHADOW, LAYOVER = 1, 2


@nb.njit(inline="always")
def lattice_point(nodes, step, origin_row, origin_col, row, col, out):
    """Interpolate the lattice bilinearly to a fractional grid row and column."""
    a = (row - origin_row) / step
    b = (col - origin_col) / step
    i = min(max(int(np.floor(a)), 0), nodes.shape[0] - 2)
    j = min(max(int(np.floor(b)), 0), nodes.shape[1] - 2)
    f, g = a - i, b - j
    for c in range(CHANNELS):
        out[c] = (1 - f) * ((1 - g) * nodes[i, j, c] + g * nodes[i, j + 1, c]) + f * (
            (1 - g) * nodes[i + 1, j, c] + g * nodes[i + 1, j + 1, c]
        )


@nb.njit(inline="always")
def along_track(track, row, col):
    """Distance in metres along a ground track (nodes, 3) of the point of it nearest to a grid row and column."""
    last = track.shape[0] - 1
    dr, dc = track[last, 0] - track[0, 0], track[last, 1] - track[0, 1]
    share = ((row - track[0, 0]) * dr + (col - track[0, 1]) * dc) / (dr * dr + dc * dc)
    k = min(max(int(share * last), 0), last - 1)
    u = 0.0
    # Tracks are all but straight: the first guess is right or next to it.
    for _ in range(last):
        dr, dc = track[k + 1, 0] - track[k, 0], track[k + 1, 1] - track[k, 1]
        u = ((row - track[k, 0]) * dr + (col - track[k, 1]) * dc) / (dr * dr + dc * dc)
        if u < 0.0 and k > 0:
            k -= 1
        elif u > 1.0 and k < last - 1:
            k += 1
        else:
            break
    return track[k, 2] + u * (track[k + 1, 2] - track[k, 2])


@nb.njit(nogil=True, cache=True, fastmath={"contract", "nsz"})
def mask_lines(
    mask,
    ground,
    nodes,
    step,
    origin_row,
    origin_col,
    heights,
    weights,
    orbit,
    radar,
    first_line,
    track,
    ground_step,
):
    """Layover and shadow of radar samples, and shadow of the ground.

    Parameters
    ----------
    mask : (band lines, samples) uint8
        Zeroed. A sample has the classes of all ground that falls in it.
    ground : (band lines, points) uint8
        Zeroed; becomes SHADOW. Point k is `k * ground_step` metres from the track's beginning.
    radar : (4,) float64
        Time of the outer edge of line 0, line interval (s), range of the outer edge of sample 0, spacing (m).
    track : (band lines, nodes, 3) float64
        Ground track of each line from near to far: grid row, column, and distance in metres.
    ground_step : float
        Sampling of the profile, metres.
    """
    band, samples = mask.shape
    t0, dt, r0, dr = radar[0], radar[1], radar[2], radar[3]
    point = np.empty(CHANNELS)
    for i in range(band):
        last_node = track.shape[1] - 1
        n = int(track[i, last_node, 2] / ground_step)
        node = 0
        ranges = np.empty(n)
        flags = np.zeros(n, np.uint8)
        t_line = t0 + (first_line + i + 0.5) * dt
        sx, sy, sz = satellite_position(orbit, t_line)
        s_norm = np.sqrt(sx * sx + sy * sy + sz * sz)
        highest = -1.0
        farthest = -1.0
        for k in range(n):
            distance = k * ground_step
            while node < last_node - 1 and track[i, node + 1, 2] < distance:
                node += 1
            f = (distance - track[i, node, 2]) / (track[i, node + 1, 2] - track[i, node, 2])
            row = track[i, node, 0] + f * (track[i, node + 1, 0] - track[i, node, 0])
            col = track[i, node, 1] + f * (track[i, node + 1, 1] - track[i, node, 1])
            lattice_point(nodes, step, origin_row, origin_col, row, col, point)
            h = sample_height(heights, weights, point[6], point[7])
            x, y, z = point[0] + h * point[3], point[1] + h * point[4], point[2] + h * point[5]
            dx, dy, dz = x - sx, y - sy, z - sz
            r = np.sqrt(dx * dx + dy * dy + dz * dz)
            ranges[k] = r
            if not r > 0.0:
                continue
            # Cosine of the angle between line of sight and upward: it grows with the look angle from nadir.
            look = (dx * sx + dy * sy + dz * sz) / (r * s_norm)
            if look < highest and highest > -1.0:
                flags[k] |= SHADOW
                ground[i, k] = SHADOW
            else:
                highest = look
            if r <= farthest:
                flags[k] |= LAYOVER
            else:
                farthest = r
        nearest = 1e12
        for k in range(n - 1, -1, -1):
            r = ranges[k]
            if not r > 0.0:
                continue
            if r >= nearest:
                flags[k] |= LAYOVER
            else:
                nearest = r
        for k in range(n - 1):
            both = flags[k] & flags[k + 1]
            if both == 0:
                continue
            low, high = min(ranges[k], ranges[k + 1]), max(ranges[k], ranges[k + 1])
            if not high > 0.0:
                continue
            first = max(int(np.floor((low - r0) / dr)), 0)
            last = min(int(np.floor((high - r0) / dr)), samples - 1)
            for s in range(first, last + 1):
                mask[i, s] |= both
