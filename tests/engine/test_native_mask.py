"""Layover and shadow against a truth known by construction."""

import numpy as np
import pytest
from pyproj import Transformer

from rtcflow.native.engine import NativeOptions, compute_layers
from rtcflow.sentinel1.orbit import fit_orbit
from rtcflow_contract.layers import Product
from rtcflow_local.sample import SampleSpec, write_sample
from tests.support.native_case import BurstCase
from tests.support.terrain_truth import Hills, pixel_lonlat, true_mask

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def masks(tmp_path_factory):
    """The engine's mask, the true one, and where the truth is not on an edge, for a sample of pixels."""
    folder = tmp_path_factory.mktemp("hills")
    sample = write_sample(folder, SampleSpec(lines=300, samples=6000, bursts=1, swaths=("iw1", "iw2")))
    case = BurstCase(sample, sample.bursts["iw2"][0], folder)
    grid, files = case.grid, case.files
    middle = (0.5 * (grid.left + grid.right), 0.5 * (grid.top + grid.bottom))
    lon, lat = Transformer.from_crs(grid.epsg, 4326, always_xy=True).transform(*middle)
    hills = Hills(lon, lat, axis_deg=-10.0)
    lons, lats = pixel_lonlat(grid)
    margin = 0.02
    dem = hills.write_dem(
        folder / "hills.tif",
        (lons.min() - margin, lats.min() - margin, lons.max() + margin, lats.max() + margin),
    )
    computed = compute_layers(
        files, case.burst_id, sample.orbit, dem, grid, Product.RTC_S1, NativeOptions(layers=("mask",))
    )
    mask = computed.arrays["mask"]
    orbit = fit_orbit(computed.vectors, -5.0, 5.0)
    inside = np.flatnonzero((mask != 255).ravel())
    steep = inside[hills.heights(lons, lats).ravel()[inside] > 105.0]
    chosen = np.random.default_rng(1).choice(steep, 6000, replace=False)
    truth, settled = true_mask(hills, orbit, lons.ravel()[chosen], lats.ravel()[chosen])
    return mask.ravel()[chosen], truth, settled


def overlap(found, real):
    return np.sum(found & real) / np.sum(found | real)


def test_the_case_contains_both_classes(masks):
    _, truth, _ = masks
    assert np.sum((truth & 2) > 0) > 500
    assert np.sum(truth == 1) > 100


def test_layover_and_shadow_are_where_the_truth_has_them(masks):
    mask, truth, _ = masks
    assert overlap((mask & 2) > 0, (truth & 2) > 0) > 0.95
    assert overlap((mask & 1) > 0, (truth & 1) > 0) > 0.95


def test_away_from_edges_the_class_is_right(masks):
    mask, truth, settled = masks
    assert np.mean((mask == truth)[settled]) > 0.995
