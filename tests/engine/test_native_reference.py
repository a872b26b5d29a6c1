"""The engine against OPERA RTC on ISCE3, on a window of a full-size burst with real annotation."""

import subprocess
import sys

import numpy as np
import pytest
import rasterio
from rasterio.windows import Window

from rtcflow.native.engine import NativeOptions, compute_layers
from rtcflow.sentinel1.burst_metadata import BurstFiles
from rtcflow_contract.grid import Grid
from rtcflow_contract.layers import Product

pytestmark = pytest.mark.engine

BURST_ID = "t071_151203_iw2"
# Rows and columns of the reference rasters, which hold columns 2000 to 3000 of the grid.
ROWS, COLS = slice(700, 1000), slice(200, 600)
FIRST_COL = 2000
SECONDARY = (
    "mask",
    "number_of_looks",
    "rtc_anf_gamma0_to_beta0",
    "rtc_anf_gamma0_to_sigma0",
    "local_incidence_angle",
    "incidence_angle",
    "interpolated_dem",
)
# Bounds of the absolute difference: bias, median, 95 % and 99 %; dB, degrees, metres or ratio.
GOALS = {
    "VV": (0.005, 0.02, 0.15, 0.5),
    "VH": (0.005, 0.02, 0.15, 0.5),
    "rtc_anf_gamma0_to_beta0": (0.005, 0.02, 0.15, np.inf),
    "rtc_anf_gamma0_to_sigma0": (0.005, 0.02, 0.15, np.inf),
    "incidence_angle": (np.inf, np.inf, np.inf, 0.01),
    "local_incidence_angle": (np.inf, np.inf, np.inf, 0.5),
    "interpolated_dem": (np.inf, np.inf, np.inf, 0.5),
    "number_of_looks": (np.inf, 0.02, 0.10, np.inf),
}


@pytest.fixture(scope="module")
def case(tmp_path_factory, shared):
    maker = shared / "reference" / "make_case.py"
    folder = tmp_path_factory.mktemp("reference")
    subprocess.run([sys.executable, maker, folder], check=True, capture_output=True)
    return folder


def files_of(case, polarization):
    (safe,) = case.glob("*.SAFE")
    (annotation,) = (safe / "annotation").glob(f"s1a-iw2-slc-{polarization}-*.xml")
    beside = annotation.parent / "calibration"
    return BurstFiles(
        annotation,
        beside / f"calibration-{annotation.name}",
        beside / f"noise-{annotation.name}",
        safe / "measurement" / annotation.with_suffix(".tiff").name,
    )


def reference(shared, product, layer):
    """A layer of the reference in the window."""
    folder = shared / "reference" / ("isce3-rtc-s1" if product is Product.RTC_S1 else "isce3-rtc-s1-static")
    whole = layer in ("mask", "VV")
    cols = COLS.start + FIRST_COL if whole else COLS.start
    with rasterio.open(folder / f"reference_{layer}.tif") as source:
        window = Window(cols, ROWS.start, COLS.stop - COLS.start, ROWS.stop - ROWS.start)
        return source.read(1, window=window), source.window_transform(window)


@pytest.fixture(scope="module", params=list(Product))
def both(request, case, shared):
    """Our arrays and a function that gives the reference's, for one product."""
    product = request.param
    _, transform = reference(shared, product, "mask")
    grid = Grid(
        epsg=32611,
        left=transform.c,
        top=transform.f,
        spacing=20,
        rows=ROWS.stop - ROWS.start,
        cols=COLS.stop - COLS.start,
    )
    (orbit,) = case.glob("*.EOF")
    files = {"VV": files_of(case, "vv"), "VH": files_of(case, "vh")}
    options = NativeOptions(layers=SECONDARY)
    arrays = compute_layers(files, BURST_ID, orbit, case / "dem.tif", grid, product, options).arrays
    return arrays, lambda layer: reference(shared, product, layer)[0], product


@pytest.mark.parametrize("layer", GOALS)
def test_layer_agrees_with_isce3(both, layer):
    arrays, expected_of, product = both
    if layer not in arrays or (product is Product.RTC_S1_STATIC and layer == "interpolated_dem"):
        pytest.skip(f"{product.value} has no {layer} in the reference")
    ours, expected = arrays[layer].astype(float), expected_of(layer).astype(float)
    # Along the window's edge, terrain outside the grid is missing from layover.
    ours, expected = ours[40:-40, 40:-40], expected[40:-40, 40:-40]
    assert np.mean(np.isfinite(ours) == np.isfinite(expected)) >= 0.998
    valid = np.isfinite(ours) & np.isfinite(expected)
    ours, expected = ours[valid], expected[valid]
    if layer in ("VV", "VH") or layer.startswith("rtc_anf"):
        positive = (ours > 0) & (expected > 0)
        difference = 10 * np.log10(ours[positive] / expected[positive])
    elif layer == "number_of_looks":
        difference = ours / expected - 1
    else:
        difference = ours - expected
    bias, median, p95, p99 = GOALS[layer]
    assert abs(difference.mean()) <= bias
    assert np.all(np.percentile(np.abs(difference), [50, 95, 99]) <= (median, p95, p99))


def test_mask_agrees_with_isce3(both):
    arrays, expected_of, _ = both
    ours, expected = arrays["mask"][40:-40, 40:-40], expected_of("mask")[40:-40, 40:-40]
    assert np.mean((ours == 255) == (expected == 255)) >= 0.998
    valid = (ours != 255) & (expected != 255)
    assert np.mean(ours[valid] == expected[valid]) >= 0.995
    layover = [(mask == 2) & valid for mask in (ours, expected)]
    assert (layover[0] & layover[1]).sum() / (layover[0] | layover[1]).sum() >= 0.8
