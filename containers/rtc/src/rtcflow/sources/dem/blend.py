"""One DEM into another where the first ends: no step at the seam, and no slope that neither of them has.

The weight of the first is 0 on its voids and rises to 1 over the width of a window, in a straight line where the edge
is straight. From one posting to the next it changes by at most one part of the window's, so that where the two lie d
apart the seam adds at most sqrt(2) d / width to the steeper of their slopes.
"""

import math

import numpy as np
from numpy.typing import NDArray

from rtcflow_contract.dem import BLEND_WIDTH_M


def blend_postings(posting_m: float) -> int:
    """Half a window, in postings, so that it is at least as wide as `BLEND_WIDTH_M`."""
    return math.ceil(0.5 * (BLEND_WIDTH_M / posting_m - 1))


def weights(valid: NDArray[np.bool_], half: int) -> NDArray[np.float32]:
    """Weight of heights, (rows, cols) from 0 where they are void to 1 where no void is near.

    Parameters
    ----------
    valid : ndarray of bool, shape (rows, cols)
        Beyond the array it is taken to go on as at its edge.
    half : int
        Half a window; a void reaches as far as two of them.
    """
    clear = _window_sum(~valid, half) == 0
    return _window_sum(clear, half).astype(np.float32) / np.float32((2 * half + 1) ** 2)


def _window_sum(values: NDArray[np.bool_], half: int) -> NDArray[np.int32]:
    """Sum over the square window around each posting, (rows, cols)."""
    found = np.pad(values, half, mode="edge").astype(np.int32)
    for axis in (0, 1):
        total = np.cumsum(found, axis, dtype=np.int32)
        total = np.concatenate([np.zeros_like(total.take([0], axis)), total], axis)
        size = total.shape[axis]
        found = total.take(range(2 * half + 1, size), axis) - total.take(range(size - 2 * half - 1), axis)
    return found
