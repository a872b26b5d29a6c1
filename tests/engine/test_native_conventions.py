"""Conventions of backscatter by the engine, compared by the layers of the same computation."""

import numpy as np
import pytest
from scipy import ndimage

from rtcflow.conversion import convert
from rtcflow_contract.backscatter import Backscatter
from rtcflow_local.sample import SampleSpec, write_sample
from tests.support.native_case import BurstCase

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Layers of one burst in every convention."""
    spec = SampleSpec(lines=200, samples=3000, bursts=1, speckle=False)
    sample = write_sample(tmp_path_factory.mktemp("scene"), spec)
    case = BurstCase(sample, sample.bursts["iw2"][0], tmp_path_factory.mktemp("dem"))
    return {choice: case.compute(backscatter=choice).arrays for choice in Backscatter}


@pytest.mark.parametrize("choice", [c for c in Backscatter if c is not Backscatter.GAMMA0])
def test_a_convention_is_gamma0_converted_by_the_layers(made, choice):
    gamma0 = made[Backscatter.GAMMA0]
    expected = convert(gamma0["VV"].astype(float), Backscatter.GAMMA0, choice, gamma0)
    clear = ~ndimage.binary_dilation(gamma0["mask"] != 0, iterations=6)
    difference = 10 * np.log10(made[choice]["VV"] / expected)[clear]
    difference = difference[np.isfinite(difference)]
    assert difference.size > 20_000
    # A mean of products is not the product of means: they differ where the factor changes within a pixel.
    assert abs(difference.mean()) < 0.002
    assert np.percentile(np.abs(difference), 50) < 0.001
    assert np.percentile(np.abs(difference), 99) < 0.1


def test_sigma0_on_the_ellipsoid_is_beta0_times_the_sine_of_incidence(made):
    beta0 = made[Backscatter.BETA0]
    expected = beta0["VV"] * np.sin(np.radians(beta0["incidence_angle"]))
    np.testing.assert_allclose(made[Backscatter.SIGMA0_ELLIPSOID]["VV"], expected, rtol=1e-5)


def test_beta0_needs_no_area_factors(made, tmp_path):
    for choice in (Backscatter.BETA0, Backscatter.SIGMA0_ELLIPSOID):
        assert np.isfinite(made[choice]["VV"]).sum() >= np.isfinite(made[Backscatter.GAMMA0]["VV"]).sum()
