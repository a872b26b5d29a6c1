"""Cloud optimized GeoTIFFs of the layer table: compression, overviews, nodata, classes, tags."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import rasterio
from rasterio.enums import Resampling
from rasterio.io import DatasetWriter

from rtcflow.cpus import usable_cpus
from rtcflow.rasters import write_raster
from rtcflow_contract.errors import DefectError
from rtcflow_contract.grid import Grid
from rtcflow_contract.layers import MASK_CLASSES, Layer

BLOCK = 512
# Level 6 would be 2 % smaller and take half as long again.
_LEVEL = 4
_FLOAT_PREDICTOR, _INTEGER_PREDICTOR = 3, 2
_CLASSES_NODATA = 255


def write_cog(path: Path, values: np.ndarray, layer: Layer, grid: Grid, tags: Mapping[str, str]) -> None:
    """Write a layer.

    Parameters
    ----------
    path : Path
    values : ndarray, shape (rows, cols)
        In the layer's unit; NaN (or 255 in the mask) where there is nothing.
    layer : Layer
    grid : Grid
    tags : mapping
        Metadata of the product, written beside the layer's own.

    Raises
    ------
    DefectError
        When shape and grid differ.
    OSError
        When the disk is full, with its errno.
    """
    if values.shape != grid.shape:
        raise DefectError(
            f"layer {layer.name} has shape {values.shape}, its grid {grid.shape}", reason="grid"
        )
    is_mask = layer.dtype == "uint8"
    profile = {
        "driver": "COG",
        "height": grid.rows,
        "width": grid.cols,
        "count": 1,
        "dtype": layer.dtype,
        "crs": f"EPSG:{grid.epsg}",
        "transform": rasterio.Affine(*grid.transform),
        "nodata": layer.nodata,
        "compress": "DEFLATE",
        "level": _LEVEL,
        "predictor": _INTEGER_PREDICTOR if is_mask else _FLOAT_PREDICTOR,
        "blocksize": BLOCK,
        "num_threads": usable_cpus(),
        # Averages of linear power are powers; a class between two classes is none.
        "overview_resampling": (Resampling.mode if is_mask else Resampling.average).name,
        "overviews": "IGNORE_EXISTING",
    }

    def fill(out: DatasetWriter) -> None:
        out.write(values.astype(layer.dtype, copy=False), 1)
        out.set_band_description(1, layer.title)
        out.set_band_unit(1, layer.unit)
        out.update_tags(**tags, LAYER_NAME=layer.title, LAYER_DESCRIPTION=layer.description)
        if is_mask:
            out.write_colormap(1, _colormap())
            out.update_tags(1, **_class_tags())

    write_raster(path, profile, fill)


def _colormap() -> dict[int, tuple[int, int, int, int]]:
    return {
        entry.value: (
            int(entry.color[0:2], 16),
            int(entry.color[2:4], 16),
            int(entry.color[4:6], 16),
            0 if entry.value == _CLASSES_NODATA else 255,
        )
        for entry in MASK_CLASSES
    }


def _class_tags() -> dict[str, str]:
    return {f"CLASS_{entry.value}": f"{entry.name}: {entry.description}" for entry in MASK_CLASSES}
