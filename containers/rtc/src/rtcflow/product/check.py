"""Check written layers of any engine: readable, a COG, on the planned grid, not empty."""

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
import rasterio
from rasterio.errors import RasterioError
from rio_cogeo.cogeo import cog_validate

from rtcflow.rasters import grid_of
from rtcflow_contract.errors import DefectError
from rtcflow_contract.grid import Grid
from rtcflow_contract.layers import MASK_CLASSES, POLARIZATION_LAYERS, Layer
from rtcflow_contract.manifest import Statistics

_TOLERANCE_M = 1e-6
_PIECE = 1 << 16


class CheckedLayer(NamedTuple):
    """Facts read back from a layer's file; `valid` has shape (rows, cols)."""

    grid: Grid
    statistics: Statistics
    class_counts: dict[str, int] | None
    valid: np.ndarray
    header_size: int


def check_layer(path: Path, layer: Layer, planned: Grid) -> CheckedLayer:
    """Read a layer back and check it.

    Raises
    ------
    DefectError
        When it differs from the product specification or the plan; names the layer and the difference.
    """
    try:
        is_valid, errors, _ = cog_validate(path, quiet=True)
        with rasterio.open(path) as source:
            grid = grid_of(source)
            problems = [] if is_valid else [f"it is not a valid COG ({'; '.join(errors)})"]
            if source.dtypes[0] != layer.dtype or source.count != 1:
                problems.append(f"it holds {source.count} x {source.dtypes[0]}, not 1 x {layer.dtype}")
            if not _same_grid(grid, planned):
                problems.append(f"its grid is {grid}, the planned one {planned}")
            values = source.read(1)
            header_size = _header_size(source)
    except (RasterioError, ValueError) as error:
        raise DefectError(f"layer {layer.name} cannot be read back: {error}", reason="layer-check") from error
    if problems:
        raise DefectError(
            f"layer {layer.name} fails its check: {', and '.join(problems)}", reason="layer-check"
        )
    valid = values != layer.nodata if layer.dtype == "uint8" else np.isfinite(values)
    if not valid.any():
        raise DefectError(
            f"layer {layer.name} has no valid pixel; check that the DEM and the burst overlap",
            reason="layer-empty",
        )
    counts = _class_counts(values) if layer.dtype == "uint8" else None
    clipped = layer.name in POLARIZATION_LAYERS
    inside = values.ravel() if valid.all() else values[valid]
    return CheckedLayer(grid, layer_statistics(inside, values.size, clipped), counts, valid, header_size)


def _header_size(source: rasterio.DatasetReader) -> int:
    """Size of the header, up to the first tile of any overview or of the layer; readers fetch it first."""
    levels = range(-1, len(source.overviews(1)))
    offsets = (
        source.get_tag_item(f"BLOCK_OFFSET_{col}_{row}", "TIFF", bidx=1, ovr=None if level < 0 else level)
        for level in levels
        for col, row in ((0, 0),)
    )
    return min((int(offset) for offset in offsets if offset), default=0)


def _same_grid(one: Grid, other: Grid) -> bool:
    return (one.epsg, one.shape) == (other.epsg, other.shape) and all(
        abs(a - b) < _TOLERANCE_M for a, b in zip(one.bounds, other.bounds, strict=True)
    )


def layer_statistics(values: np.ndarray, of_all: int, clipped: bool) -> Statistics:
    """Statistics of valid values.

    Parameters
    ----------
    values : ndarray, shape (n,)
    of_all : int
        Pixels of the grid.
    clipped : bool
        Use only values between the 2nd and 98th percentile, for backscatter: a display that stretches from minimum to
        maximum would show a scene with one bright target as black.
    """
    lowest, highest, count = float(values.min()), float(values.max()), values.size
    if clipped:
        # Every n-th value suffices for percentiles.
        low, high = np.percentile(values[:: max(1, values.size // 1_000_000)], (2, 98))
        inside = values[(values >= low) & (values <= high)]
        values = inside if inside.size else values
        extremes = {"lowest": lowest, "highest": highest}
    else:
        extremes = {}
    mean = float(values.mean(dtype=np.float64))
    return Statistics(
        minimum=float(values.min()),
        maximum=float(values.max()),
        mean=mean,
        stddev=_deviation(values, mean),
        valid_percent=round(100.0 * count / of_all, 3),
        **extremes,
    )


def _deviation(values: np.ndarray, mean: float) -> float:
    """Standard deviation in float64, piece by piece: one array of all squares would take as long as everything else."""
    pieces = (values[at : at + _PIECE].astype(np.float64) - mean for at in range(0, values.size, _PIECE))
    return math.sqrt(sum(float(np.square(piece).sum()) for piece in pieces) / values.size)


def _class_counts(values: np.ndarray) -> dict[str, int]:
    return {entry.name: int(np.count_nonzero(values == entry.value)) for entry in MASK_CLASSES}
