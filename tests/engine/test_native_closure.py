"""Radiometric closure: what went into a simulated scene as gamma0 comes out as gamma0.

The simulator shares no code with the engine. Noise removal keeps negative power here: setting it to zero, as products
do, raises the mean of land covers near the noise floor.
"""

import json

import numpy as np
import pytest
from scipy import ndimage

from rtcflow_local.sample import SampleSpec, write_sample
from tests.support.native_case import BurstCase

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    spec = SampleSpec(lines=500, samples=7000, bursts=1)
    sample = write_sample(tmp_path_factory.mktemp("closure"), spec)
    return BurstCase(sample, sample.bursts["iw2"][0], tmp_path_factory.mktemp("dem"))


@pytest.fixture(scope="module")
def errors(case):
    """Error in dB of the mean of each cover and polarization, whole and by local incidence."""
    arrays = case.compute(clip_negative=False).arrays
    unclear = ndimage.binary_dilation(arrays["mask"] != 0, iterations=6) | case.near_targets(12)
    cover, local = case.land_cover(), arrays["local_incidence_angle"]
    found = {}
    for entry in json.loads(case.sample.truth.read_text())["classes"]:
        inside = ndimage.binary_erosion(cover == entry["number"], iterations=3) & ~unclear
        for polarization, expected in entry["gamma0_db"].items():
            if inside.sum() < 4000:
                continue
            decibel = [mean_db(arrays[polarization][inside]) - expected]
            for low in range(20, 60, 10):
                slope = inside & (local >= low) & (local < low + 10)
                if slope.sum() > 4000:
                    decibel.append(mean_db(arrays[polarization][slope]) - expected)
            found[entry["name"], polarization] = decibel
    return found


def mean_db(values):
    return 10 * np.log10(np.mean(values, dtype=float))


def test_every_land_cover_is_retrieved_within_a_tenth_of_a_decibel(errors):
    assert len(errors) >= 8
    assert {key: error[0] for key, error in errors.items() if abs(error[0]) > 0.1} == {}


def test_there_is_no_trend_with_local_incidence(errors):
    sloping = {key: error[1:] for key, error in errors.items() if len(error) > 2}
    assert sloping
    assert {key: bins for key, bins in sloping.items() if max(bins) - min(bins) > 0.2} == {}


def test_slopes_of_one_cover_agree_to_hundredths_of_a_decibel(errors):
    bins = errors["forest", "VV"][1:]
    assert max(bins) - min(bins) < 0.05
