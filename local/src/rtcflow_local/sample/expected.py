"""Expected content of a sample scene's product: land cover and gamma0, pixel by pixel on the product's grid."""

import json

import numpy as np
import rasterio
from rasterio.transform import Affine
from rasterio.warp import Resampling, reproject, transform
from scipy import ndimage

from rtcflow_contract.grid import Grid
from rtcflow_local.sample.write import Sample

UNKNOWN = 255


def land_cover_on(sample: Sample, grid: Grid) -> np.ndarray:
    """Land cover classes on a grid, shape (rows, cols) uint8, 255 where unknown."""
    classes = np.full(grid.shape, UNKNOWN, np.uint8)
    with rasterio.open(sample.land_cover) as source:
        reproject(
            source.read(1),
            classes,
            src_transform=source.transform,
            src_crs=source.crs,
            dst_transform=Affine(*grid.transform),
            dst_crs=f"EPSG:{grid.epsg}",
            resampling=Resampling.nearest,
            src_nodata=UNKNOWN,
            dst_nodata=UNKNOWN,
        )
    return classes


def near_targets(sample: Sample, grid: Grid, pixels: int) -> np.ndarray:
    """Pixels within some pixels of a point target, which outshines its surroundings, shape (rows, cols)."""
    near = np.zeros(grid.shape, bool)
    for target in json.loads(sample.truth.read_text())["targets"]:
        xs, ys = transform("EPSG:4326", f"EPSG:{grid.epsg}", [target["longitude"]], [target["latitude"]])
        row, col = int((grid.top - ys[0]) / grid.spacing), int((xs[0] - grid.left) / grid.spacing)
        if 0 <= row < grid.rows and 0 <= col < grid.cols:
            near[row, col] = True
    return np.asarray(ndimage.binary_dilation(near, iterations=pixels))


def gamma0_of_classes(sample: Sample, polarization: str) -> dict[int, float]:
    """Simulated gamma0 by land cover class, dB."""
    classes = json.loads(sample.truth.read_text())["classes"]
    return {entry["number"]: entry["gamma0_db"][polarization] for entry in classes}
