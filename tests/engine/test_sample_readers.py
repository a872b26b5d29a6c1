import json
import math

import numpy as np
import pytest
import rasterio
import sarsen
import xarray as xr
import xarray_sentinel
from rasterio.transform import from_origin

from rtcflow_local.sample.acquisition import plan_acquisition
from rtcflow_local.sample.spec import SampleSpec
from rtcflow_local.sample.terrain import undulation
from rtcflow_local.sample.world import build_world

STEP = 5e-5  # degrees, about 5 m
SIZE = 301

GROUPS = [
    "",
    "/orbit",
    "/attitude",
    "/azimuth_fm_rate",
    "/dc_estimate",
    "/gcp",
    "/calibration",
    "/noise_range",
]
GROUPS += ["/noise_azimuth"]


def open_group(sample, group):
    return xr.open_dataset(sample.safe / "manifest.safe", engine="sentinel-1", group=group)


@pytest.mark.parametrize("group", GROUPS)
def test_xarray_sentinel_opens_the_group(tiny_sample, group):
    with open_group(tiny_sample, "IW2/VH" + group) as dataset:
        assert dataset.sizes


def test_xarray_sentinel_lists_all_images(tiny_sample):
    with open_group(tiny_sample, None) as root:
        assert {"IW1/VV", "IW1/VH", "IW2/VV", "IW2/VH"} <= set(root.attrs["subgroups"])
        assert root.attrs["relative_orbit_number"] == tiny_sample.track


def test_xarray_sentinel_finds_a_burst_by_its_id(tiny_sample):
    number = int(tiny_sample.bursts["iw2"][1].split("_")[1])
    with open_group(tiny_sample, "IW2/VV") as swath:
        burst = xarray_sentinel.crop_burst_dataset(swath, burst_id=number)
        assert burst.attrs["burst_index"] == 1
        assert burst.measurement.shape == (240, 1800)


def test_xarray_sentinel_calibrates_the_city_to_its_brightness(tiny_sample):
    with (
        open_group(tiny_sample, "IW2/VV") as swath,
        open_group(tiny_sample, "IW2/VV/calibration") as calibration,
    ):
        burst = xarray_sentinel.crop_burst_dataset(swath, burst_index=0)
        beta0 = xarray_sentinel.calibrate_intensity(burst.measurement, calibration.betaNought)
        # The city's gamma0 of -2 dB at 36 to 37 degrees of incidence is a beta0 of -0.7 dB.
        blocks = beta0.values[5:235, 40:1760].reshape(23, 10, 172, 10).mean(axis=(1, 3))
    assert 10 * np.log10(np.percentile(blocks, 95)) == pytest.approx(-0.5, abs=1.5)


@pytest.fixture
def reflector(tiny_sample):
    """The corner reflector nearest to the middle of the first burst of IW2: sarsen leaves 90 lines off each end."""
    targets = json.loads(tiny_sample.truth.read_text())["targets"]
    inside = [target for target in targets if target["burst_id"] == tiny_sample.bursts["iw2"][0]]
    return min(inside, key=lambda target: abs(target["line"] - 120))


@pytest.fixture
def dem_around_reflector(tiny_sample, reflector, tmp_path):
    """Ellipsoidal heights on a grid of 5 m with the reflector at its middle."""
    world = build_world(plan_acquisition(SampleSpec.tiny()))
    lats = reflector["latitude"] + (SIZE // 2 - np.arange(SIZE)) * STEP
    lons = reflector["longitude"] + (np.arange(SIZE) - SIZE // 2) * STEP
    heights, _ = world.grid(lats, lons)
    heights += undulation(math.radians(reflector["latitude"]), math.radians(reflector["longitude"]))
    path = tmp_path / "dem.tif"
    corner = from_origin(lons[0] - STEP / 2, lats[0] + STEP / 2, STEP, STEP)
    profile = {"driver": "GTiff", "height": SIZE, "width": SIZE, "count": 1, "dtype": "float32"}
    with rasterio.open(path, "w", crs="EPSG:4326", transform=corner, **profile) as out:
        out.write(heights, 1)
    return path


@pytest.mark.parametrize("radiometry", [None, "gamma_bilinear"])
def test_sarsen_puts_the_reflector_at_its_true_position(
    tiny_sample, reflector, dem_around_reflector, tmp_path, radiometry
):
    product = sarsen.Sentinel1SarProduct(str(tiny_sample.safe / "manifest.safe"), measurement_group="IW2/VV")
    corrected = sarsen.terrain_correction(
        product,
        str(dem_around_reflector),
        output_urlpath=str(tmp_path / "out.tif"),
        correct_radiometry=radiometry,
        chunks=1024,
    )
    row, col = np.unravel_index(np.nanargmax(corrected.values), corrected.shape)
    # sarsen corrects neither troposphere nor bistatic residual: some metres.
    assert abs(row - SIZE // 2) <= 3
    assert abs(col - SIZE // 2) <= 3
