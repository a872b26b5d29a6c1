"""The same burst by sarsen: gamma_bilinear terrain correction of one polarization onto the same map grid."""

import json
import sys
import tempfile
import time
import warnings
from pathlib import Path

import rasterio
import sarsen
from rasterio.transform import Affine
from rasterio.warp import Resampling, reproject

from benchmarks.scene import BenchBurst
from rtcflow.native.burst_grid import burst_grid
from rtcflow.resources import Meter
from rtcflow.sentinel1.burst_metadata import BurstFiles
from rtcflow.sources.dem.dem_source import fetch_dem
from rtcflow_contract.grid import Grid


def main() -> None:
    """Arguments: the burst and unused settings as JSON; prints seconds by stage as JSON."""
    warnings.simplefilter("ignore")
    burst = BenchBurst.from_json(sys.argv[1])
    safe = Path(burst.safe)
    (annotation,) = (safe / "annotation").glob("s1?-iw2-slc-vv-*.xml")
    files = BurstFiles(annotation, annotation, annotation, "")
    grid = burst_grid(files, burst.burst_id, Path(burst.orbit), 20)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        dem = fetch_dem(burst.dem, burst.geoid, "cop_glo30", grid, folder, Meter(), lambda stage, done: None)
        on_grid = folder / "dem-on-grid.tif"
        _warp(dem.path, on_grid, grid)
        started = time.perf_counter()
        product = sarsen.Sentinel1SarProduct(str(safe), measurement_group="IW2/VV")
        sarsen.terrain_correction(
            product,
            dem_urlpath=str(on_grid),
            correct_radiometry="gamma_bilinear",
            # Facets of 20 m must be gathered over as many samples, or most samples have none.
            grouping_area_factor=(3.0, 13.0),
            output_urlpath=str(folder / "gamma.tif"),
        )
        sys.stdout.write(json.dumps({"terrain correction": time.perf_counter() - started}) + "\n")


def _warp(dem: Path, path: Path, grid: Grid) -> None:
    """Write the DEM on the product's grid: sarsen's output has the grid of its DEM."""
    profile = {
        "driver": "GTiff",
        "height": grid.rows,
        "width": grid.cols,
        "count": 1,
        "dtype": "float32",
        "crs": f"EPSG:{grid.epsg}",
        "transform": Affine(*grid.transform),
    }
    with rasterio.open(dem) as source, rasterio.open(path, "w", **profile) as out:
        reproject(rasterio.band(source, 1), rasterio.band(out, 1), resampling=Resampling.cubic)


if __name__ == "__main__":
    main()
