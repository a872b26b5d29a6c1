"""Static layers against area factors known by construction, also in layover and shadow."""

import numpy as np
import pytest
from pyproj import Transformer
from scipy import ndimage

from rtcflow.native.engine import NativeOptions, compute_layers
from rtcflow.native.image import radar_grid
from rtcflow.sentinel1.burst_metadata import read_burst
from rtcflow.sentinel1.orbit import fit_orbit
from rtcflow_contract.layers import Product
from rtcflow_local.sample import SampleSpec, write_sample
from tests.support.area_truth import Window, on_pixels, true_factors
from tests.support.native_case import BurstCase
from tests.support.terrain_truth import Hills, pixel_lonlat

pytestmark = pytest.mark.engine

LAYOVER, SHADOW = 2, 1


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    """Static layers over hills in a strip of the burst, and the true factor of each pixel (NaN beside the strip)."""
    folder = tmp_path_factory.mktemp("hills")
    sample = write_sample(folder, SampleSpec(lines=300, samples=6000, bursts=1))
    burst = BurstCase(sample, sample.bursts["iw2"][0], folder)
    files, grid = burst.files["VV"], burst.grid
    middle = (0.5 * (grid.left + grid.right), 0.5 * (grid.top + grid.bottom))
    hills = Hills(*Transformer.from_crs(grid.epsg, 4326, always_xy=True).transform(*middle), axis_deg=-10.0)
    lons, lats = pixel_lonlat(grid)
    dem = hills.write_dem(
        folder / "hills.tif", (lons.min() - 0.05, lats.min() - 0.05, lons.max() + 0.05, lats.max() + 0.05)
    )
    product = Product.RTC_S1_STATIC
    computed = compute_layers(
        {"VV": files}, burst.burst_id, sample.orbit, dem, grid, product, NativeOptions()
    )
    radar = radar_grid(read_burst(files.annotation, burst.burst_id), product)
    orbit = fit_orbit(computed.vectors, radar.first_time_s, radar.last_time_s)
    line, sample_at = radar.lines // 2, radar.samples // 2
    window = Window((line - 60, line + 60), (sample_at - 1900, sample_at + 1900))
    factors = true_factors(hills, orbit, radar, window)
    return computed.arrays, on_pixels(factors, window, hills, orbit, radar, grid)


def decibels(case, chosen):
    arrays, truth = case
    factor = arrays["rtc_anf_gamma0_to_beta0"]
    with np.errstate(divide="ignore", invalid="ignore"):
        difference = 10 * np.log10(factor / truth)
    return difference[chosen & np.isfinite(difference)]


def test_no_pixel_in_layover_lacks_a_factor_or_looks(case):
    arrays, truth = case
    layover = (arrays["mask"] == LAYOVER) & np.isfinite(truth)
    assert layover.sum() > 1500
    for layer in ("rtc_anf_gamma0_to_beta0", "rtc_anf_gamma0_to_sigma0", "number_of_looks"):
        assert np.isfinite(arrays[layer][layover]).mean() > 0.999, layer


def test_factors_in_layover_are_those_of_all_ground_in_the_sample(case):
    difference = decibels(case, case[0]["mask"] == LAYOVER)
    assert abs(difference.mean()) < 0.06
    assert np.percentile(np.abs(difference), 50) < 0.02
    assert np.percentile(np.abs(difference), 95) < 0.6


def test_in_layover_and_shadow_at_once_only_lit_ground_counts(case):
    arrays, truth = case
    both = (arrays["mask"] == (LAYOVER | SHADOW)) & np.isfinite(truth)
    assert both.sum() > 20
    assert np.isfinite(arrays["rtc_anf_gamma0_to_beta0"][both]).mean() > 0.9
    assert np.percentile(np.abs(decibels(case, both)), 50) < 0.05


def test_clear_slopes_are_exact(case):
    clear = ~ndimage.binary_dilation(case[0]["mask"] != 0, iterations=6)
    difference = decibels(case, clear)
    assert difference.size > 20_000
    assert np.percentile(np.abs(difference), 99) < 0.01
