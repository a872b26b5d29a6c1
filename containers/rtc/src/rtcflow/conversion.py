"""Conversion of arrays and product files between gamma0, sigma0, beta0 and sigma0 on the ellipsoid.

With the layers of a static product: beta0 = gamma0 x rtc_anf_gamma0_to_beta0, sigma0 = gamma0 x
rtc_anf_gamma0_to_sigma0, and on the ellipsoid sigma0 = beta0 x sin(incidence_angle) (Small 2011, doi
10.1109/TGRS.2011.2120616). Values are linear power; arrays may be NumPy's or xarray's.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import rasterio
from rasterio.errors import RasterioError
from rasterio.windows import Window

from rtcflow.compare.pairs import find_layers
from rtcflow.product.cog import write_cog
from rtcflow.rasters import grid_of
from rtcflow_contract.backscatter import Backscatter, in_convention
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.grid import Grid
from rtcflow_contract.layers import LAYERS, POLARIZATION_LAYERS

_TO_BETA0, _TO_SIGMA0 = "rtc_anf_gamma0_to_beta0", "rtc_anf_gamma0_to_sigma0"
_INCIDENCE = "incidence_angle"
_LAYERS = {
    Backscatter.GAMMA0: frozenset[str](),
    Backscatter.SIGMA0: frozenset({_TO_SIGMA0}),
    Backscatter.BETA0: frozenset({_TO_BETA0}),
    Backscatter.SIGMA0_ELLIPSOID: frozenset({_TO_BETA0, _INCIDENCE}),
}
_CONVENTION_TAG = "PROCESSING_INFORMATION_OUTPUT_BACKSCATTER_NORMALIZATION_CONVENTION"
_BURST_TAG = "BURST_ID"
# Of a pixel.
_ALIGNED = 1e-3


def layers_for(source: Backscatter | str, target: Backscatter | str) -> frozenset[str]:
    """Names of the static layers that a conversion needs; none from a convention to itself."""
    source, target = Backscatter(source), Backscatter(target)
    if source is target:
        return frozenset()
    # Between beta0 and the ellipsoid the terrain does not matter.
    return (
        _LAYERS[source] ^ _LAYERS[target]
        if _TO_BETA0 in _LAYERS[source]
        else _LAYERS[source] | _LAYERS[target]
    )


def factor(source: Backscatter | str, target: Backscatter | str, layers: Mapping[str, Any]) -> Any:
    """Factor by which values of `source` are multiplied to give `target`.

    Parameters
    ----------
    source, target : Backscatter or str
    layers : mapping of str to array
        The static layers of `layers_for`, (rows, cols); angles in degrees.

    Returns
    -------
    array or float
        Float64; NaN where a layer has no value.
    """
    factors = {
        _TO_BETA0: lambda: np.asarray(1.0) * layers[_TO_BETA0],
        _TO_SIGMA0: lambda: np.asarray(1.0) * layers[_TO_SIGMA0],
        _INCIDENCE: lambda: np.sin(np.radians(np.asarray(1.0) * layers[_INCIDENCE])),
    }
    needed = layers_for(source, target)
    found: Any = 1.0
    for name in sorted(_LAYERS[Backscatter(target)] & needed):
        found = found * factors[name]()
    for name in sorted(_LAYERS[Backscatter(source)] & needed):
        found = found / factors[name]()
    return found


def convert(
    values: Any, source: Backscatter | str, target: Backscatter | str, layers: Mapping[str, Any]
) -> Any:
    """Convert backscatter, linear power, to another convention; parameters are those of `factor`."""
    return values * factor(source, target, layers)


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
            layer: _static_layer(layer, of_static, static, source, path)
            for layer in layers_for(convention, target)
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


def _static_layer(name: str, paths: dict[str, Path], folder: Path, source: _Source, path: Path) -> np.ndarray:
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
            try:
                grid = grid_of(source)
            except ValueError as error:
                raise RefusedError(f"{error}; give a product of rtcflow or OPERA", "grid") from error
            return _Source(source.read(1), grid, source.tags())
    except RasterioError as error:
        raise RefusedError(
            f"{path.name} cannot be read ({error}); make or fetch it again", "layer"
        ) from error
