"""Closure and behaviour away from the default scene: sea, poles, map seams, ascending, voids, another program."""

import json
import warnings

import numpy as np
import pytest
import rasterio
import sarsen
from rasterio.transform import Affine
from rasterio.warp import Resampling, reproject
from scipy import ndimage

from rtcflow_local.sample import SampleSpec, write_sample
from tests.support.native_case import BurstCase

pytestmark = pytest.mark.engine

VARIANTS = {
    "sea": SampleSpec(variant="sea", lines=260, samples=3000, bursts=1),
    "antimeridian": SampleSpec(variant="antimeridian", lines=300, samples=5000, bursts=1),
    "polar": SampleSpec(variant="polar", lines=300, samples=5000, bursts=1, platform="S1C"),
    "equator": SampleSpec(variant="equator", lines=300, samples=5000, bursts=1),
    "south": SampleSpec(variant="south", lines=300, samples=5000, bursts=1),
    "ascending": SampleSpec(direction="ascending", lines=300, samples=5000, bursts=1, platform="S1B"),
}


@pytest.fixture(scope="module", params=VARIANTS)
def case(request, tmp_path_factory):
    sample = write_sample(tmp_path_factory.mktemp(request.param), VARIANTS[request.param])
    return BurstCase(sample, sample.bursts["iw2"][0], tmp_path_factory.mktemp("dem"))


def test_land_covers_are_retrieved_everywhere(case):
    arrays = case.compute(clip_negative=False).arrays
    unclear = ndimage.binary_dilation(arrays["mask"] != 0, iterations=6) | case.near_targets(12)
    cover = case.land_cover()
    checked = 0
    for entry in json.loads(case.sample.truth.read_text())["classes"]:
        inside = ndimage.binary_erosion(cover == entry["number"], iterations=3) & ~unclear
        if inside.sum() < 4000:
            continue
        for polarization, expected in entry["gamma0_db"].items():
            values = arrays[polarization][inside].astype(float)
            found = 10 * np.log10(values.mean())
            # Speckle and noise leave the mean this uncertain, in dB.
            spread = 10 / np.log(10) * values.std() / values.mean() / np.sqrt(values.size)
            assert abs(found - expected) < 0.1 + 3 * spread, (entry["name"], polarization)
            checked += 1
    assert checked >= 2


def test_grid_is_in_the_crs_of_its_place(case):
    expected = {
        "sea": 32757,
        "antimeridian": (32760, 32701),
        "polar": 3031,
        "equator": (32649, 32749),
        "south": 3031,
        "ascending": 32756,
    }
    allowed = expected[
        case.sample.parameters["variant"] if case.sample.parameters["direction"] is None else "ascending"
    ]
    assert case.grid.epsg in np.atleast_1d(allowed)


def test_a_grid_over_the_equator_is_one_piece(tmp_path):
    sample = write_sample(tmp_path, VARIANTS["equator"])
    grid = BurstCase(sample, sample.bursts["iw2"][0], tmp_path).grid
    northing_of_equator = 0.0 if grid.epsg < 32700 else 1e7
    assert grid.bottom < northing_of_equator < grid.top
    assert grid.rows < 1000


@pytest.fixture(scope="module")
def coast(tiny_sample, tmp_path_factory):
    return BurstCase(tiny_sample, tiny_sample.bursts["iw2"][0], tmp_path_factory.mktemp("dem"))


def test_a_void_of_the_dem_is_a_hole_in_the_layers_and_nothing_else(coast, tmp_path):
    whole = coast.compute().arrays
    path = tmp_path / "voids.tif"
    with rasterio.open(coast.dem) as source:
        heights = source.read(1)
        profile = source.profile | {"nodata": -9999.0}
    row, col = heights.shape[0] // 2, heights.shape[1] // 2
    heights[row - 3 : row + 3, col - 3 : col + 3] = -9999.0
    with rasterio.open(path, "w", **profile) as out:
        out.write(heights, 1)
    holed = coast.compute(dem=path).arrays
    hole = np.isnan(holed["interpolated_dem"])
    assert 50 < hole.sum() < 2000
    assert np.isnan(holed["VV"][hole]).all()
    far = ~ndimage.binary_dilation(hole | (whole["mask"] != 0), iterations=12) & np.isfinite(whole["VV"])
    np.testing.assert_allclose(holed["VV"][far], whole["VV"][far], rtol=5e-3)


@pytest.fixture(scope="module")
def single(tmp_path_factory):
    """A scene of one burst: sarsen needs a sub-swath as one image, which reduced bursts with gaps are not."""
    sample = write_sample(tmp_path_factory.mktemp("single"), SampleSpec(lines=300, samples=5000, bursts=1))
    return BurstCase(sample, sample.bursts["iw2"][0], tmp_path_factory.mktemp("dem"))


def test_sarsen_agrees_in_blocks(single, tmp_path):
    """An independent peer: it samples points where this engine averages areas, and leaves thermal noise in."""
    on_grid = tmp_path / "dem.tif"
    grid = single.grid
    profile = {
        "driver": "GTiff",
        "height": grid.rows,
        "width": grid.cols,
        "count": 1,
        "dtype": "float32",
        "crs": f"EPSG:{grid.epsg}",
        "transform": Affine(*grid.transform),
    }
    with rasterio.open(single.dem) as source, rasterio.open(on_grid, "w", **profile) as out:
        reproject(rasterio.band(source, 1), rasterio.band(out, 1), resampling=Resampling.cubic)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        product = sarsen.Sentinel1SarProduct(str(single.sample.safe), measurement_group="IW2/VV")
        peer = sarsen.terrain_correction(
            product,
            dem_urlpath=str(on_grid),
            correct_radiometry="gamma_bilinear",
            grouping_area_factor=(3.0, 13.0),
            output_urlpath=str(tmp_path / "gamma.tif"),
        )
    # sarsen's rows run from south to north.
    peer = peer.sortby("y", ascending=False).values
    arrays = single.compute(noise_removal=False).arrays
    clear = ~ndimage.binary_dilation(arrays["mask"] != 0, iterations=8) & np.isfinite(peer) & (peer > 0)
    ours = blocks(np.where(clear, arrays["VV"], np.nan))
    theirs = blocks(np.where(clear, peer, np.nan))
    both = np.isfinite(ours) & np.isfinite(theirs)
    difference = 10 * np.log10(ours[both] / theirs[both])
    assert both.sum() > 30
    assert abs(np.median(difference)) < 0.5
    assert np.percentile(np.abs(difference), 50) < 0.8


def blocks(array, size=16):
    """Means of size x size pixels; NaN where any is missing."""
    rows, cols = (n // size * size for n in array.shape)
    return array[:rows, :cols].reshape(rows // size, size, cols // size, size).mean(axis=(1, 3))
