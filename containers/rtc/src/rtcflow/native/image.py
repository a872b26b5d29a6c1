"""The radar image of a burst: its grid, and beta0 of some of its lines."""

from dataclasses import dataclass

import numba as nb
import numpy as np
from numpy.typing import NDArray

from rtcflow.native.options import STATIC_AZIMUTH_MARGIN, STATIC_RANGE_MARGIN
from rtcflow.sentinel1.burst_metadata import Burst
from rtcflow_contract.layers import Product


@dataclass(frozen=True)
class RadarGrid:
    """Lines and samples of a radar image; times are seconds since the middle of the burst.

    `first_time_s` and `first_range_m` are those of the centre of the first line and sample.
    """

    lines: int
    samples: int
    first_time_s: float
    interval_s: float
    first_range_m: float
    spacing_m: float

    @property
    def edges(self) -> NDArray[np.float64]:
        """Time of the outer edge of line 0, line interval, range of the outer edge of sample 0, spacing, (4,)."""
        return np.array(
            [
                self.first_time_s - 0.5 * self.interval_s,
                self.interval_s,
                self.first_range_m - 0.5 * self.spacing_m,
                self.spacing_m,
            ]
        )

    @property
    def last_time_s(self) -> float:
        """Time of the last line."""
        return self.first_time_s + (self.lines - 1) * self.interval_s

    @property
    def last_range_m(self) -> float:
        """Slant range of the last sample."""
        return self.first_range_m + (self.samples - 1) * self.spacing_m


def radar_grid(burst: Burst, product: Product) -> RadarGrid:
    """The burst's own radar grid, or for static layers one that covers every pass."""
    before = after = near = far = 0
    if product is Product.RTC_S1_STATIC:
        before = int(STATIC_AZIMUTH_MARGIN * burst.lines)
        after = int((1 + 2 * STATIC_AZIMUTH_MARGIN) * burst.lines) - burst.lines - before
        near = int(STATIC_RANGE_MARGIN * burst.samples)
        far = int((1 + 2 * STATIC_RANGE_MARGIN) * burst.samples) - burst.samples - near
    middle = 0.5 * (burst.lines - 1) * burst.azimuth_interval_s
    return RadarGrid(
        lines=burst.lines + before + after,
        samples=burst.samples + near + far,
        first_time_s=-middle - before * burst.azimuth_interval_s,
        interval_s=burst.azimuth_interval_s,
        first_range_m=burst.starting_range_m - near * burst.range_spacing_m,
        spacing_m=burst.range_spacing_m,
    )


def valid_samples(burst: Burst, product: Product, grid: RadarGrid) -> NDArray[np.int64]:
    """First and last + 1 of valid lines and of valid samples, (4,); for static layers all but the last are valid."""
    if product is Product.RTC_S1_STATIC:
        return np.array([0, grid.lines - 1, 0, grid.samples - 1])
    return np.array(
        [
            burst.first_valid_line,
            burst.last_valid_line,
            burst.first_valid_sample,
            min(burst.last_valid_sample + 1, burst.samples - 1),
        ]
    )


@nb.njit(nogil=True, cache=True, fastmath={"contract", "nsz"})
def gamma0_lines(pixels, azimuth_noise, range_noise, inverse_calibration, floor, factor, out):
    """gamma0 in radar geometry from digital numbers, (lines, samples) float32.

    gamma0 = max(|DN|^2 - azimuth noise x range noise, floor) x inverse calibration / area factor, where
    `inverse_calibration` (samples,) is one over the squared beta nought factor and `floor` 0 or minus infinity.
    """
    for i in range(out.shape[0]):
        noise = azimuth_noise[i]
        for j in range(out.shape[1]):
            re, im = float(pixels[i, j, 0]), float(pixels[i, j, 1])
            power = max(re * re + im * im - noise * range_noise[j], floor)
            out[i, j] = power * inverse_calibration[j] / factor[i, j]
