"""Find samples that are not measurements: lines, or parts of lines, filled with zeros where nothing was received.

A single zero is a measurement, for instance of a calm sea. Noise with an rms of one digital number is zero in both
parts in a quarter of the samples, but never in 64 samples in a row.
"""

from collections.abc import Mapping

import numba as nb
import numpy as np
from numpy.typing import NDArray

from rtcflow.native.simd import with_room
from rtcflow.sentinel1.measurement import Lines
from rtcflow_contract.errors import RefusedError

LEAST_RUN = 64
# Share of the valid samples; a burst with more of them filled is refused.
_MOST_FILLED = 0.98
# Samples are probed at this distance, so that no run of the least length is missed.
_PROBE = LEAST_RUN // 2
_LINES_AT_ONCE = 256
# Columns of a run: line, first sample, last sample + 1.
_LINE, _FIRST, _STOP = 0, 1, 2


@nb.njit(nogil=True, cache=True)
def _zero_runs(pixels, first_line, stop_line, first, stop, runs):
    """Find the runs of zeros among the valid samples of lines (lines, samples, 2).

    Fills `runs` (n, 3) and returns the number of runs, which may be more than `runs` has room for.
    """
    count = 0
    for i in range(first_line, stop_line):
        j = first
        while j < stop:
            if pixels[i, j, 0] != 0 or pixels[i, j, 1] != 0:
                j += _PROBE
                continue
            start = j
            while start > first and pixels[i, start - 1, 0] == 0 and pixels[i, start - 1, 1] == 0:
                start -= 1
            end = j + 1
            while end < stop and pixels[i, end, 0] == 0 and pixels[i, end, 1] == 0:
                end += 1
            # A line with fewer valid samples counts if all of them are zero.
            if end - start >= LEAST_RUN or (start == first and end == stop):
                if count < runs.shape[0]:
                    runs[count, 0] = i
                    runs[count, 1] = start
                    runs[count, 2] = end
                count += 1
            j = end + 1
    return count


def find_fill(pixels: Lines, valid: NDArray[np.int64]) -> NDArray[np.int64]:
    """Runs of filled samples of a burst, (runs, 3): line, first sample, last sample + 1; only among valid samples.

    Parameters
    ----------
    pixels : (lines, samples, 2) int16, or lines that are read when they are asked for
    valid : (4,) int
        First and last + 1 of valid lines, and of valid samples.
    """
    first, stop = int(valid[0]), int(valid[1])
    found = [
        _runs_of(pixels[at : min(at + _LINES_AT_ONCE, stop)], at, int(valid[2]), int(valid[3]))
        for at in range(first, stop, _LINES_AT_ONCE)
    ]
    return np.concatenate([np.zeros((0, 3), np.int64), *found])


def _runs_of(pixels: NDArray[np.int16], line: int, first: int, stop: int) -> NDArray[np.int64]:
    """Runs of some lines, of which the first has number `line` in the burst."""
    runs = np.zeros((_LINES_AT_ONCE, 3), np.int64)
    count = _zero_runs(pixels, 0, len(pixels), first, stop, runs)
    if count > len(runs):
        runs = np.zeros((count, 3), np.int64)
        _zero_runs(pixels, 0, len(pixels), first, stop, runs)
    runs[:, _LINE] += line
    return runs[:count]


def filled_share(runs: NDArray[np.int64], valid: NDArray[np.int64]) -> float:
    """Share of the valid samples that are filled, 0 to 1."""
    samples = int((valid[1] - valid[0]) * (valid[3] - valid[2]))
    return float((runs[:, _STOP] - runs[:, _FIRST]).sum()) / samples if samples > 0 else 0.0


def without_fill(
    factor: NDArray[np.float32], runs: NDArray[np.int64], first_line: int
) -> NDArray[np.float32]:
    """Area factors (lines, samples) from a line of the burst on, NaN for filled samples; unchanged if none is."""
    inside = runs[(runs[:, _LINE] >= first_line) & (runs[:, _LINE] < first_line + len(factor))]
    if len(inside) == 0:
        return factor
    kept: NDArray[np.float32] = with_room(factor.shape, np.float32)
    kept[:] = factor
    for line, first, stop in inside:
        kept[line - first_line, first:stop] = np.nan
    return kept


def refuse_empty(filled: Mapping[str, float], burst_id: str) -> None:
    """Refuse a burst with hardly any received sample, given the filled shares by polarization.

    Raises
    ------
    RefusedError
    """
    empty = [polarization for polarization, share in filled.items() if share > _MOST_FILLED]
    if empty:
        raise RefusedError(
            f"the measurement of {burst_id} in {' and '.join(empty)} is filled with zeros, "
            f"{100 * max(filled.values()):.0f} % of it: nothing was received, or the file was never written; fetch "
            "the scene again",
            "measurement-empty",
        )
