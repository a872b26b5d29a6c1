"""Convert the backscatter files of a product to another convention."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import rasterio
from rasterio.errors import RasterioError
from rasterio.windows import Window

from rtcflow.compare.pairs import find_layers
from rtcflow.conversion.factors import convert, layers_for
from rtcflow.product.cog import write_cog
from rtcflow_contract.backscatter import Backscatter, in_convention
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.grid import Grid
from rtcflow_contract.layers import LAYERS, POLARIZATION_LAYERS

_CONVENTION_TAG = "PROCESSING_INFORMATION_OUTPUT_BACKSCATTER_NORMALIZATION_CONVENTION"
_BURST_TAG = "BURST_ID"
# Of a pixel.
_ALIGNED = 1e-3


class _Source(NamedTuple):
    values: np.ndarray
    grid: Grid
    tags: dict[str, str]


def convert_product(product: Path, static: Path, target: Backscatter, out: Path) -> list[Path]:
    """Write the backscatter layers of a product in another convention.

    Parameters
    ----------
    product, static : Path
        Folders of an RTC_S1 product and of the burst's RTC_S1_STATIC product, which covers the product's grid.
    target : Backscatter
    out : Path
        Folder for `<name of the layer's file>-<convention>.tif`; made where missing.

    Raises
    ------
    RefusedError
        When a folder lacks the layers, bursts or grids differ, or the product is in the target convention already.
    """
    found, of_static = find_layers(product), find_layers(static)
    paths = {name: path for name, path in found.items() if name in POLARIZATION_LAYERS}
    if not paths:
        raise RefusedError(f"{product} has no layer of backscatter; give an RTC_S1 product", "layer-missing")
    written = []
    for name, path in paths.items():
        source = _read(path)
        convention = _convention(source, path)
        if convention is target:
            raise RefusedError(f"{path.name} is {target} already", "backscatter")
        layers = {
            layer: _beside(layer, of_static, static, source, path) for layer in layers_for(convention, target)
        }
        values = np.asarray(convert(source.values.astype(np.float64), convention, target, layers), np.float32)
        to = out / f"{path.stem}-{target.value}.tif"
        out.mkdir(parents=True, exist_ok=True)
        tags = {key: value for key, value in source.tags.items() if not key.startswith("LAYER_")}
        tags |= {_CONVENTION_TAG: target.value, "CONVERTED_FROM": convention.value}
        write_cog(to, values, in_convention(LAYERS[name], target), source.grid, tags)
        written.append(to)
    return written


def _convention(source: _Source, path: Path) -> Backscatter:
    text = source.tags.get(_CONVENTION_TAG, "")
    try:
        return Backscatter(text)
    except ValueError:
        raise RefusedError(
            f"{path.name} does not name its convention (tag {_CONVENTION_TAG} is '{text}'); give a product "
            "of rtcflow or OPERA",
            "backscatter",
        ) from None


def _beside(name: str, paths: dict[str, Path], folder: Path, source: _Source, path: Path) -> np.ndarray:
    """Read a static layer on the grid of a product's layer."""
    if name not in paths:
        raise RefusedError(
            f"{folder} has no layer {name}; give the burst's RTC_S1_STATIC product", "layer-missing"
        )
    static = _read(paths[name])
    bursts = [found.tags.get(_BURST_TAG, "").lower().replace("-", "_") for found in (source, static)]
    if all(bursts) and bursts[0] != bursts[1]:
        raise RefusedError(
            f"{path.name} is of burst {bursts[0]} and {paths[name].name} of {bursts[1]}; give static layers of the "
            "same burst",
            "burst-id",
        )
    window = _window(source.grid, static.grid)
    if window is None:
        raise RefusedError(
            f"{paths[name].name} is not on the grid of {path.name}, or does not cover it; make both with the same "
            "resolution and CRS",
            "grid",
        )
    rows, cols = window.toslices()
    return static.values[rows, cols].astype(np.float64)


def _window(inner: Grid, outer: Grid) -> Window | None:
    if (inner.epsg, inner.spacing) != (outer.epsg, outer.spacing):
        return None
    col, row = (inner.left - outer.left) / outer.spacing, (outer.top - inner.top) / outer.spacing
    first_col, first_row = round(col), round(row)
    aligned = abs(col - first_col) < _ALIGNED and abs(row - first_row) < _ALIGNED
    inside = (
        min(first_col, first_row) >= 0
        and first_col + inner.cols <= outer.cols
        and first_row + inner.rows <= outer.rows
    )
    return Window(first_col, first_row, inner.cols, inner.rows) if aligned and inside else None


def _read(path: Path) -> _Source:
    try:
        with rasterio.open(path) as source:
            transform, epsg = source.transform, source.crs.to_epsg() if source.crs else None
            if epsg is None:
                raise RefusedError(
                    f"{path.name} has no EPSG code; give a product of rtcflow or OPERA", "grid"
                )
            grid = Grid(
                epsg=epsg,
                left=transform.c,
                top=transform.f,
                spacing=transform.a,
                rows=source.height,
                cols=source.width,
            )
            return _Source(source.read(1), grid, source.tags())
    except RasterioError as error:
        raise RefusedError(
            f"{path.name} cannot be read ({error}); make or fetch it again", "layer"
        ) from error
