"""Zeros that were filled in are no data; measured zeros are measurements."""

import numpy as np
import pytest

from rtcflow.native.fill import LEAST_RUN, filled_share, find_fill, without_fill

VALID = np.array([2, 38, 20, 980])


def noise(rms, seed=1):
    rng = np.random.default_rng(seed)
    return np.rint(rng.normal(0, rms / np.sqrt(2), (40, 1000, 2))).astype(np.int16)


@pytest.mark.parametrize("rms", [1.0, 2.0, 30.0])
def test_no_sample_of_a_calm_sea_is_lost(rms):
    pixels = noise(rms)
    assert (rms > 1) or (pixels == 0).all(axis=2).mean() > 0.2
    assert len(find_fill(pixels, VALID)) == 0


@pytest.mark.parametrize("rms", [1.0, 30.0])
@pytest.mark.parametrize("first", [20, 21, 51, 52, 300, 980 - LEAST_RUN])
@pytest.mark.parametrize("length", [LEAST_RUN - 1, LEAST_RUN, 200])
def test_runs_of_the_least_length_are_found_wherever_they_begin(rms, first, length):
    pixels = noise(rms)
    stop = min(first + length, 980)
    pixels[7, first:stop] = 0
    pixels[7, [first - 1, min(stop, 999)]] = 5
    found = find_fill(pixels, VALID).tolist()
    assert found == ([[7, first, stop]] if stop - first >= LEAST_RUN else [])


def test_whole_lines_are_found_and_the_zeros_around_valid_samples_are_not():
    pixels = noise(30)
    pixels[:, :20], pixels[:, 980:], pixels[:2] = 0, 0, 0
    assert len(find_fill(pixels, VALID)) == 0
    pixels[10:15] = 0
    runs = find_fill(pixels, VALID)
    assert runs.tolist() == [[line, 20, 980] for line in range(10, 15)]
    assert filled_share(runs, VALID) == pytest.approx(5 / 36)


def test_more_runs_than_expected_are_all_found():
    pixels = np.zeros((3000, 300, 2), np.int16)
    pixels[:, 150] = 1
    assert len(find_fill(pixels, np.array([0, 3000, 0, 300]))) == 6000


def test_filled_samples_lose_their_factor_and_no_others():
    factor = np.ones((10, 1000), np.float32)
    seen = without_fill(factor, np.array([[12, 20, 980], [30, 20, 980]]), 5)
    assert np.isnan(seen).sum() == 960
    assert np.isnan(seen[7, 20:980]).all()
    assert without_fill(factor, np.array([[30, 20, 980]]), 5) is factor
