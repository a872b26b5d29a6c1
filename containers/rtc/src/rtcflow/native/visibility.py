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

from rtcflow.native.height_spline import sample_four
from rtcflow.native.lattice import CHANNELS, COL, NX, ROW, X
from rtcflow.native.points import satellite_position
from rtcflow.native.simd import LANES, pack, store

SHADOW, LAYOVER = 1, 2
# Points of a profile for each lookup in the lattice; linear interpolation in between errs by millimetres.
_STRETCH = 16
# Rows of a profile: slant range in metres, and a measure of the look angle.
_RANGE, _LOOK = 0, 1


@nb.njit(inline="always")
def _lattice_point(nodes, step, origin_row, origin_col, row, col, out):
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
    # Tracks are nearly straight: the first guess is right or off by one.
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


@nb.njit(inline="always")
def _track_point(nodes, step, origin_row, origin_col, track, distance, out):
    """The lattice at a distance along a ground track, or straight on beyond its end; `out` is (CHANNELS,)."""
    last = track.shape[0] - 1
    k = max(min(int(distance / track[last, 2] * last), last - 1), 0)
    while k > 0 and track[k, 2] > distance:
        k -= 1
    while k < last - 1 and track[k + 1, 2] < distance:
        k += 1
    f = (distance - track[k, 2]) / (track[k + 1, 2] - track[k, 2])
    row = track[k, 0] + f * (track[k + 1, 0] - track[k, 0])
    col = track[k, 1] + f * (track[k + 1, 1] - track[k, 1])
    _lattice_point(nodes, step, origin_row, origin_col, row, col, out)


@nb.njit(inline="always")
def between(start, stop, f, channel):
    """A channel at the fractions `f` of a stretch."""
    return start[channel] + f * (stop[channel] - start[channel])


@nb.njit(nogil=True, cache=True, fastmath={"contract", "nsz"})
def _walk_profile(
    profile, points, nodes, step, origin_row, origin_col, heights, table, track, ground_step, satellite
):
    """Slant ranges and look angles of the terrain along a ground track.

    Parameters
    ----------
    profile : (2, points + _STRETCH) float64
        Filled: ranges, and cosines of the angle between line of sight and upward, which grow with the look angle.
    satellite : tuple of float
        Position, Earth-fixed, metres.
    """
    if points == 0:
        return
    start, stop = np.empty(CHANNELS), np.empty(CHANNELS)
    sx, sy, sz = satellite
    distance_m = np.sqrt(sx * sx + sy * sy + sz * sz)
    _track_point(nodes, step, origin_row, origin_col, track, 0.0, stop)
    for first in range(0, points, _STRETCH):
        start, stop = stop, start
        _track_point(nodes, step, origin_row, origin_col, track, (first + _STRETCH) * ground_step, stop)
        for k in range(0, _STRETCH, LANES):
            f = (pack(0.0, 1.0, 2.0, 3.0) + float(k)) * (1.0 / _STRETCH)
            rows, cols = between(start, stop, f, ROW), between(start, stop, f, COL)
            h = sample_four(heights, table, rows, cols)
            dx = between(start, stop, f, X) + h * between(start, stop, f, NX) - sx
            dy = between(start, stop, f, X + 1) + h * between(start, stop, f, NX + 1) - sy
            dz = between(start, stop, f, X + 2) + h * between(start, stop, f, NX + 2) - sz
            r = np.sqrt(dx * dx + dy * dy + dz * dz)
            store(profile, _RANGE, first + k, r)
            store(profile, _LOOK, first + k, (dx * sx + dy * sy + dz * sz) / (r * distance_m))


@nb.njit(nogil=True, cache=True, fastmath={"contract", "nsz"})
def mask_lines(
    mask,
    ground,
    nodes,
    step,
    origin_row,
    origin_col,
    heights,
    table,
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
    most_points = int(track[:, -1, 2].max() / ground_step) if band > 0 else 0
    profile = np.empty((2, most_points + _STRETCH))
    for i in range(band):
        n = int(track[i, -1, 2] / ground_step)
        flags = np.zeros(n, np.uint8)
        satellite = satellite_position(orbit, t0 + (first_line + i + 0.5) * dt)
        _walk_profile(
            profile, n, nodes, step, origin_row, origin_col, heights, table, track[i], ground_step, satellite
        )
        highest = -1.0
        farthest = -1.0
        for k in range(n):
            r, look = profile[_RANGE, k], profile[_LOOK, k]
            if not r > 0.0:
                continue
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
            r = profile[_RANGE, k]
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
            here, behind = profile[_RANGE, k], profile[_RANGE, k + 1]
            low, high = min(here, behind), max(here, behind)
            if not high > 0.0:
                continue
            first = int(np.floor(min(max((low - r0) / dr, 0.0), float(samples))))
            last = int(np.floor(min(max((high - r0) / dr, -1.0), samples - 1.0)))
            for s in range(first, last + 1):
                mask[i, s] |= both
