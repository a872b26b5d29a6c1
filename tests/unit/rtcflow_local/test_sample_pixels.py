import json
import math

import numpy as np
import pytest

from rtcflow_local.sample.acquisition import plan_acquisition
from rtcflow_local.sample.pixels import burst_pixels, noise_tables
from rtcflow_local.sample.reflectors import place_targets
from rtcflow_local.sample.sensor import BETA_NOUGHT, LINE_INTERVAL, RANGE_SPACING
from rtcflow_local.sample.spec import SampleSpec
from rtcflow_local.sample.world import build_world

SPEC = SampleSpec.tiny()


@pytest.fixture(scope="module")
def acquisition():
    return plan_acquisition(SPEC)


def power(pixels: np.ndarray) -> np.ndarray:
    return np.square(pixels.astype(np.float64)).sum(axis=-1)


@pytest.mark.parametrize("beta0_db", [-8.0, -22.0, -30.0])
def test_noise_removal_and_calibration_give_back_beta0(acquisition, beta0_db):
    swath = acquisition.swaths[0]
    burst = swath.bursts[1]
    noise = noise_tables(swath, "VV")
    beta0 = np.full((swath.lines, swath.samples), 10 ** (beta0_db / 10), np.float32)
    pixels = burst_pixels(acquisition, swath, burst, 0, beta0, noise, [])
    signal = power(pixels) - noise.power(burst.index * swath.lines, swath.lines, swath.samples)
    (top, bottom), (left, right) = swath.valid_lines, swath.valid_samples
    found = signal[top : bottom + 1, left : right + 1].mean() / BETA_NOUGHT**2
    looks = (bottom + 1 - top) * (right + 1 - left)
    total = 10 ** (beta0_db / 10) + noise.range_lut.mean() * noise.azimuth_lut.mean() / BETA_NOUGHT**2
    assert found == pytest.approx(10 ** (beta0_db / 10), abs=4 * total / math.sqrt(looks))


def test_speckle_is_exponential_in_power_and_independent_between_channels(acquisition):
    swath = acquisition.swaths[0]
    beta0 = np.full((swath.lines, swath.samples), 0.2, np.float32)
    channels = [
        burst_pixels(acquisition, swath, swath.bursts[0], channel, beta0, noise_tables(swath, "VV"), [])
        for channel in (0, 1)
    ]
    (top, bottom), (left, right) = swath.valid_lines, swath.valid_samples
    co, cross = (power(pixels[top:bottom, left:right]) for pixels in channels)
    assert co.std() / co.mean() == pytest.approx(1.0, abs=0.03)
    assert np.corrcoef(co.ravel(), cross.ravel())[0, 1] == pytest.approx(0.0, abs=0.01)


def test_cross_polarized_noise_is_higher(acquisition):
    swath = acquisition.swaths[0]
    assert (noise_tables(swath, "VH").range_lut > noise_tables(swath, "VV").range_lut).all()


def test_noise_tables_are_linear_between_their_vectors(acquisition):
    swath = acquisition.swaths[1]
    noise = noise_tables(swath, "VV")
    grid = noise.power(0, swath.lines * 2, swath.samples)
    expected = noise.azimuth_lut[3] * (noise.range_lut[2] + noise.range_lut[3]) / 2
    assert grid[noise.lines[3], (noise.pixels[2] + noise.pixels[3]) // 2] == pytest.approx(expected, rel=1e-6)


def test_a_reflector_peaks_where_the_truth_says_and_holds_its_cross_section(acquisition):
    quiet = plan_acquisition(SampleSpec.tiny(speckle=False))
    swath = quiet.swaths[1]
    burst = swath.bursts[0]
    targets = place_targets(quiet, build_world(quiet))
    target = next(target for target in targets if target.burst_id == burst.burst_id)
    dark = np.zeros((swath.lines, swath.samples), np.float32)
    noise = noise_tables(swath, "VV")
    silent = noise._replace(range_lut=noise.range_lut * 0)
    pixels = power(burst_pixels(quiet, swath, burst, 0, dark, silent, [target]))
    peak = np.unravel_index(np.argmax(pixels), pixels.shape)
    assert abs(peak[0] - target.line) <= 0.5
    assert abs(peak[1] - target.sample) <= 0.5
    held = pixels.sum() / BETA_NOUGHT**2 * RANGE_SPACING * LINE_INTERVAL * target.ground_speed
    assert 10 * math.log10(held / target.rcs("VV")) == pytest.approx(0.0, abs=0.05)


def test_no_pixel_of_the_scene_clips(tiny_sample):
    import rasterio

    for path in tiny_sample.safe.glob("measurement/*-vv-*.tiff"):
        with rasterio.open(path) as tiff:
            values = tiff.read(1)
        assert max(np.abs(values.real).max(), np.abs(values.imag).max()) < 32767


def test_truth_names_gamma0_of_every_class_and_polarization(tiny_sample):
    truth = json.loads(tiny_sample.truth.read_text())
    assert [set(entry["gamma0_db"]) for entry in truth["classes"]] == [{"VV", "VH"}] * 9
