"""Make the complex 16-bit pixels of a burst from expected power: reflectors, speckle, thermal noise, rounding."""

import numpy as np

from rtcflow_local.sample.acquisition import SimulatedAcquisition, SimulatedBurst, Swath
from rtcflow_local.sample.radiometry import NoiseTables
from rtcflow_local.sample.sensor import BETA_NOUGHT, SWATHS
from rtcflow_local.sample.targets import Target, add_target

# Rounding real and imaginary part to integers adds 1/12 DN squared each.
_ROUNDING_POWER = 1 / 6
_BLOCK = 256  # lines
_TURN = 2.399963  # golden angle, radians


def burst_pixels(
    acquisition: SimulatedAcquisition,
    swath: Swath,
    burst: SimulatedBurst,
    channel: int,
    beta0: np.ndarray,
    noise: NoiseTables,
    targets: list[Target],
) -> np.ndarray:
    """Pixels of a channel, int16, shape (lines, samples, 2); zero outside the valid lines and samples.

    Parameters
    ----------
    beta0 : ndarray, shape (lines, samples)
        Expected, without noise.
    """
    spec = acquisition.spec
    points = np.zeros(beta0.shape, np.float32)
    for target in targets:
        if target.burst_id == burst.burst_id:
            add_target(points, target, swath, target.rcs(spec.polarizations[channel]))
    key = [spec.seed, list(SWATHS).index(swath.name), burst.index, channel]
    source = np.random.Generator(np.random.Philox(np.random.SeedSequence(key)))
    pixels = np.zeros((*beta0.shape, 2), np.int16)
    noise_power = noise.power(burst.index * swath.lines, swath.lines, swath.samples)
    for top in range(0, swath.lines, _BLOCK):
        rows = slice(top, top + _BLOCK)
        variance = beta0[rows] * np.float32(BETA_NOUGHT**2)
        variance += noise_power[rows]
        variance -= np.float32(_ROUNDING_POWER)
        if not spec.clutter:
            variance[:] = 0.0
        values = np.sqrt(np.maximum(variance, 0, out=variance) / 2)[..., None]
        if spec.speckle:
            values = values * source.standard_normal((*values.shape[:2], 2), dtype=np.float32)
        else:
            # The phase rotates from pixel to pixel, so that rounding errors cancel in means, as with speckle.
            turn = _TURN * np.arange(values.size, dtype=np.float64).reshape(values.shape[:2])
            values = values * (np.sqrt(2) * np.stack((np.cos(turn), np.sin(turn)), axis=2)).astype(np.float32)
        values[..., 0] += np.float32(BETA_NOUGHT) * points[rows]
        pixels[rows] = np.clip(np.rint(values), -32768, 32767)
    (first_line, last_line), (first_sample, last_sample) = swath.valid_lines, swath.valid_samples
    pixels[:first_line] = pixels[last_line + 1 :] = 0
    pixels[:, :first_sample] = pixels[:, last_sample + 1 :] = 0
    return pixels
