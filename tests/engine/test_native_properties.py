"""Laws that hold for every scene: closed forms, conservation, invariance."""

import re
from datetime import datetime, timedelta

import numpy as np
import pytest
import rasterio
from rasterio.transform import Affine
from scipy import ndimage

from rtcflow_contract.errors import RefusedError
from rtcflow_contract.layers import Product
from tests.support.native_case import BurstCase

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def case(tiny_sample, tmp_path_factory):
    return BurstCase(tiny_sample, tiny_sample.bursts["iw2"][0], tmp_path_factory.mktemp("dem"))


@pytest.fixture(scope="module")
def flat_dem(case, tmp_path_factory):
    """A DEM of constant height over the grid."""
    path = tmp_path_factory.mktemp("flat") / "flat.tif"
    with rasterio.open(case.dem) as source:
        profile = source.profile
    profile.update(width=profile["width"], dtype="float32")
    with rasterio.open(path, "w", **profile) as out:
        out.write(np.full((profile["height"], profile["width"]), 120.0, np.float32), 1)
    return path


@pytest.fixture(scope="module")
def flat(case, flat_dem):
    return case.compute(dem=flat_dem, bistatic_correction=False, troposphere_correction=False).arrays


def test_flat_earth_gives_the_closed_form_of_the_incidence_angle(flat):
    incidence = np.radians(flat["incidence_angle"])
    factor = flat["rtc_anf_gamma0_to_beta0"]
    inner = np.isfinite(factor)
    # A_gamma / A_beta of a plane is cot(incidence), A_gamma / A_sigma is cos(incidence).
    assert np.abs(factor * np.tan(incidence) - 1)[inner].max() < 2e-3
    sigma = flat["rtc_anf_gamma0_to_sigma0"]
    assert np.abs(sigma / np.cos(incidence) - 1)[inner].max() < 2e-3


def test_on_flat_earth_both_incidence_angles_agree(flat):
    difference = flat["local_incidence_angle"] - flat["incidence_angle"]
    assert np.nanmax(np.abs(difference)) < 0.05


def test_flat_earth_has_neither_layover_nor_shadow(flat):
    assert set(np.unique(flat["mask"])) <= {0, 255}


def test_geocoding_conserves_energy(case, flat):
    # Footprints tile the image: looks add up to the valid samples, but for pixels lost along the border.
    burst = case.burst
    looks = np.nansum(flat["number_of_looks"], dtype=float)
    assert looks == pytest.approx(burst.lines * burst.samples, rel=0.12)
    inner = flat["number_of_looks"][np.isfinite(flat["number_of_looks"])]
    pixel = case.grid.spacing**2
    sample = burst.range_spacing_m / np.sin(np.radians(burst.incidence_angle_deg))
    assert np.median(inner) == pytest.approx(pixel / (sample * burst.azimuth_spacing_m), rel=0.1)


def test_results_do_not_depend_on_threads_or_runs(case):
    one, two, again = (case.compute(threads=threads).arrays for threads in (1, 2, 2))
    for name, array in one.items():
        np.testing.assert_array_equal(array, two[name])
        np.testing.assert_array_equal(two[name], again[name])


def test_a_window_of_the_grid_gives_the_same_pixels(case):
    whole = case.compute().arrays
    step = 100 * case.grid.spacing
    window = case.grid.model_copy(
        update={"left": case.grid.left + step, "top": case.grid.top - step, "rows": 200, "cols": 300}
    )
    part = case.compute(grid=window).arrays["VV"]
    # Terrain outside the window causes no layover inside, so only clear pixels are the same.
    clear = clear_of(whole["mask"])[100:300, 100:400] & np.isfinite(part)
    assert clear.sum() > 5000
    np.testing.assert_allclose(part[clear], whole["VV"][100:300, 100:400][clear], rtol=5e-3)


def clear_of(mask, pixels=8):
    return ~ndimage.binary_dilation(mask != 0, iterations=pixels)


def test_a_later_orbit_shifts_the_image_along_the_track(case, tmp_path, flat_dem):
    lines = 15
    shifted = shift_orbit(case.sample.orbit, lines * case.burst.azimuth_interval_s, tmp_path)
    before = np.nan_to_num(case.compute(dem=flat_dem).arrays["VV"])
    after = np.nan_to_num(case.compute(dem=flat_dem, orbit=shifted).arrays["VV"])
    spectrum = np.fft.rfft2(before) * np.conj(np.fft.rfft2(after))
    correlation = np.fft.irfft2(spectrum, s=before.shape)
    row, col = np.unravel_index(correlation.argmax(), correlation.shape)
    rows = (row + before.shape[0] // 2) % before.shape[0] - before.shape[0] // 2
    cols = (col + before.shape[1] // 2) % before.shape[1] - before.shape[1] // 2
    moved = np.hypot(rows, cols) * case.grid.spacing
    assert moved == pytest.approx(lines * case.burst.azimuth_spacing_m, abs=1.5 * case.grid.spacing)


def shift_orbit(orbit, seconds, folder):
    def later(match):
        time = datetime.fromisoformat(match[1]) + timedelta(seconds=seconds)
        return f"<UTC>UTC={time.isoformat(timespec='microseconds')}</UTC>"

    path = folder / orbit.name
    path.write_text(re.sub(r"<UTC>UTC=([^<]+)</UTC>", later, orbit.read_text()))
    return path


def test_coarser_pixels_keep_the_mean(case):
    arrays = case.compute().arrays
    fine = np.where(clear_of(arrays["mask"], 4), arrays["VV"], np.nan)
    grid = case.grid.model_copy(
        update={"spacing": 40.0, "rows": case.grid.rows // 2, "cols": case.grid.cols // 2}
    )
    coarse = case.compute(grid=grid).arrays["VV"]
    rows, cols = coarse.shape
    blocks = fine[: 2 * rows, : 2 * cols].reshape(rows, 2, cols, 2).mean(axis=(1, 3))
    both = np.isfinite(blocks) & np.isfinite(coarse)
    assert np.mean(coarse[both]) == pytest.approx(np.mean(blocks[both]), rel=0.01)


def test_static_layers_need_no_pixels_and_cover_more(case):
    static = case.compute(Product.RTC_S1_STATIC).arrays
    backscatter = case.compute().arrays
    assert "VV" not in static
    valid = np.isfinite(static["rtc_anf_gamma0_to_beta0"])
    # Without the delays, the rim of a shadow differs by up to a sample.
    assert np.mean(~valid[np.isfinite(backscatter["VV"])]) < 1e-4
    assert valid.sum() > 1.2 * np.isfinite(backscatter["VV"]).sum()


def test_a_dem_that_does_not_reach_the_grid_is_refused(case, tmp_path):
    with rasterio.open(case.dem) as source:
        profile, a = source.profile, source.transform
    profile.update(width=50, height=50, transform=Affine(a.a, 0, a.c, 0, a.e, a.f))
    path = tmp_path / "small.tif"
    with rasterio.open(path, "w", **profile) as out:
        out.write(np.zeros((50, 50), np.float32), 1)
    with pytest.raises(RefusedError, match="does not cover"):
        case.compute(dem=path)


def test_an_orbit_of_another_day_is_refused(case, tmp_path):
    with pytest.raises(RefusedError, match="does not cover"):
        case.compute(orbit=shift_orbit(case.sample.orbit, 40 * 86400.0, tmp_path))
