"""Read the layers of two products on their common pixels."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import rasterio
from rasterio.errors import RasterioError
from rasterio.windows import Window, from_bounds

from rtcflow_contract.errors import RefusedError
from rtcflow_contract.layers import LAYERS

# In pixels: a larger shift is another grid, a smaller one is rounding of coordinates.
_ALIGNED = 1e-3


class Pair(NamedTuple):
    """A layer in two products where they overlap; arrays of shape (rows, cols)."""

    layer: str
    a: np.ndarray
    b: np.ndarray


def find_layers(folder: Path) -> dict[str, Path]:
    """Files of a product folder by layer, from the endings of their names.

    Accepts product folders of this project and of OPERA's RTC workflow, or the folder around one.

    Raises
    ------
    RefusedError
        When there is no layer, or several files of one.
    """
    if not folder.is_dir():
        raise RefusedError(f"{folder} is not a folder; give the folder of a product", reason="not-found")
    paths = sorted(folder.glob("*.tif")) or sorted(folder.rglob("*.tif"))
    found: dict[str, Path] = {}
    for path in paths:
        # Longest first: local_incidence_angle ends in incidence_angle.
        name = next((n for n in sorted(LAYERS, key=len, reverse=True) if path.stem.endswith(f"_{n}")), None)
        if name is None:
            continue
        if name in found:
            raise RefusedError(
                f"{folder} holds several products ({found[name].name} and {path.name}); give the folder of one",
                reason="several-products",
            )
        found[name] = path
    if not found:
        raise RefusedError(
            f"{folder} holds no layer of a product; give a folder with files like *_VV.tif",
            reason="layer-missing",
        )
    return {name: found[name] for name in LAYERS if name in found}


def common_layers(a: dict[str, Path], b: dict[str, Path], wanted: Iterable[str] = ()) -> list[str]:
    """Layers to compare: the named ones, or all of both products.

    Raises
    ------
    RefusedError
        When a product lacks one.
    """
    names = list(dict.fromkeys(wanted)) or [name for name in LAYERS if name in a or name in b]
    unknown = [name for name in names if name not in LAYERS]
    if unknown:
        raise RefusedError(
            f"there is no layer {', '.join(unknown)}; use some of {', '.join(LAYERS)}", reason="layer-name"
        )
    for title, have in (("first", a), ("second", b)):
        missing = [name for name in names if name not in have]
        if missing:
            raise RefusedError(
                f"the {title} product lacks {', '.join(missing)}; name the layers to compare with --layer",
                reason="layer-missing",
            )
    return names


def read_pair(layer: str, a: Path, b: Path) -> Pair:
    """Read the overlap of a layer of two products.

    Raises
    ------
    RefusedError
        When the grids have another CRS or spacing, are shifted by part of a pixel, or do not overlap.
    """
    try:
        with rasterio.open(a) as one, rasterio.open(b) as two:
            _check_grids(layer, one, two)
            bounds = (
                max(one.bounds.left, two.bounds.left),
                max(one.bounds.bottom, two.bounds.bottom),
                min(one.bounds.right, two.bounds.right),
                min(one.bounds.top, two.bounds.top),
            )
            if bounds[0] >= bounds[2] or bounds[1] >= bounds[3]:
                raise RefusedError(f"layer {layer}: the two products do not overlap", reason="other-grid")
            return Pair(layer, *(source.read(1, window=_window(source, bounds)) for source in (one, two)))
    except RasterioError as error:
        raise RefusedError(
            f"layer {layer} cannot be read ({error}); make or fetch it again", reason="layer-check"
        ) from error


def _check_grids(layer: str, one: rasterio.DatasetReader, two: rasterio.DatasetReader) -> None:
    if one.crs != two.crs or any(abs(p - q) > 1e-9 for p, q in zip(one.res, two.res, strict=True)):
        raise RefusedError(
            f"layer {layer} is on different grids: {_grid_text(one)} and {_grid_text(two)}; make both products on "
            "one grid",
            reason="other-grid",
        )
    shift = (
        (one.bounds.left - two.bounds.left) / one.res[0],
        (one.bounds.top - two.bounds.top) / one.res[1],
    )
    if any(abs(pixels - round(pixels)) > _ALIGNED for pixels in shift):
        raise RefusedError(
            f"layer {layer} is on grids shifted by part of a pixel; make both products on one grid",
            reason="other-grid",
        )


def _grid_text(source: rasterio.DatasetReader) -> str:
    epsg = source.crs.to_epsg() if source.crs else None
    return f"{f'EPSG:{epsg}' if epsg else 'an unnamed CRS'} at {source.res[0]:g} m"


def _window(source: rasterio.DatasetReader, bounds: tuple[float, float, float, float]) -> Window:
    window = from_bounds(*bounds, source.transform)
    return window.round_offsets().round_lengths()
