"""Area factors at the terrain's place in the image: what they improve at the rims of layover."""

import numpy as np
import pytest
from scipy import ndimage

from rtcflow_local.sample import SampleSpec, write_sample
from rtcflow_local.sample.expected import UNKNOWN, gamma0_of_classes
from tests.support.native_case import BurstCase

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def errors(tmp_path_factory):
    """Absolute errors in dB by alignment, of pixels within 6 pixels of layover or shadow and of clear ones."""
    spec = SampleSpec(lines=300, samples=5000, bursts=1, speckle=False)
    sample = write_sample(tmp_path_factory.mktemp("scene"), spec)
    case = BurstCase(sample, sample.bursts["iw2"][0], tmp_path_factory.mktemp("dem"))
    cover = case.land_cover()
    pure = ndimage.maximum_filter(cover, size=7) == ndimage.minimum_filter(cover, size=7)
    pure &= (cover != UNKNOWN) & ~case.near_targets(12)
    expected = np.full(256, np.nan)
    for number, level in gamma0_of_classes(sample, "VV").items():
        expected[number] = level
    found = {}
    for aligned in (False, True):
        arrays = case.compute(layers=("mask",), align_area_factors=aligned).arrays
        with np.errstate(divide="ignore", invalid="ignore"):
            error = np.abs(10 * np.log10(arrays["VV"]) - expected[cover])
        mask = arrays["mask"]
        around = ndimage.binary_dilation((mask != 0) & (mask != 255), iterations=6)
        usable = pure & (mask == 0) & np.isfinite(error)
        edge = ndimage.binary_dilation(mask == 255, iterations=6)
        found[aligned] = error[usable & around], error[usable & ~around & ~edge]
    return found


def test_errors_of_decibels_at_the_rims_of_layover_disappear(errors):
    as_opera, aligned = errors[False][0], errors[True][0]
    assert aligned.size > 1000
    assert np.percentile(as_opera, 99) > 4.0
    assert np.percentile(aligned, 99) < 2.0
    assert aligned.max() < 4.0


def test_clear_slopes_improve_too(errors):
    as_opera, aligned = errors[False][1], errors[True][1]
    assert np.percentile(aligned, 99) < 0.5 * np.percentile(as_opera, 99)
