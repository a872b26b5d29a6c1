"""No kernel reads or writes outside of its arrays, on a scene with a void of the DEM, filled lines and a cut grid."""

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.engine

RUN = """
import sys
from pathlib import Path
import numpy as np
import rasterio
from rtcflow.native.engine import compute_layers
from rtcflow.native.burst_grid import burst_grid
from rtcflow.sentinel1.burst_metadata import BurstFiles
from rtcflow_contract.layers import Product

safe, burst_id, orbit, dem, measured = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]), sys.argv[5]
(annotation,) = (safe / "annotation").glob("s1?-iw2-slc-vv-*.xml")
luts = annotation.parent / "calibration"
files = BurstFiles(annotation, luts / f"calibration-{annotation.name}", luts / f"noise-{annotation.name}", measured)
grid = burst_grid(files, burst_id, orbit, 40.0)
for product in (Product.RTC_S1, Product.RTC_S1_STATIC):
    layers = compute_layers({"VV": files}, burst_id, orbit, dem, grid, product).arrays
    mask = layers["mask"]
    assert (mask != 255).any()
    if "VV" in layers:
        value = np.isfinite(layers["VV"])
        assert value.any() and not (mask[value] == 255).any() and not (mask[~value] == 0).any()
print("inside")
"""


@pytest.fixture
def damaged(tiny_sample, tmp_path):
    """A DEM with voids, as one raster, and a measurement with filled lines."""
    import numpy as np
    import rasterio
    from rasterio.merge import merge

    heights, transform = merge([str(path) for path in sorted(tiny_sample.dem.glob("*/*.tif"))])
    heights[0, ::97, ::5] = np.nan
    dem = tmp_path / "dem.tif"
    with rasterio.open(
        dem, "w", driver="GTiff", height=heights.shape[1], width=heights.shape[2], count=1, dtype="float32",
        crs="EPSG:4326", transform=transform,
    ) as out:  # fmt: skip
        out.write(heights[0], 1)
    (source,) = (tiny_sample.safe / "measurement").glob("s1?-iw2-slc-vv-*.tiff")
    measured = tmp_path / source.name
    measured.write_bytes(source.read_bytes())
    with rasterio.open(measured, "r+") as out:
        pixels = out.read(1)
        pixels[40:60] = 0
        out.write(pixels, 1)
    return dem, measured


def test_every_index_is_inside_its_array(tiny_sample, damaged, tmp_path):
    environment = os.environ | {
        "NUMBA_BOUNDSCHECK": "1",
        "RTCFLOW_CHECK_INDICES": "1",
        "NUMBA_CACHE_DIR": str(tmp_path / "compiled"),
    }
    dem, measured = damaged
    words = (tiny_sample.safe, tiny_sample.bursts["iw2"][0], tiny_sample.orbit, dem, measured)
    done = subprocess.run(
        [sys.executable, "-c", RUN, *map(str, words)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip() == "inside"
