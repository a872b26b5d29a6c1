"""Whether a static product can be linked: a pure decision on its manifest and its folder's listing."""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from rtcflow_contract.layers import Product, layers_of
from rtcflow_contract.manifest import Manifest
from rtcflow_contract.request import SceneRequest
from rtcflow_contract.standing import other_dem

_ITEM_LAYER = "STAC item"


class StaticState(StrEnum):
    """`missing`: layers do not exist and can be made. `unfit`: they exist with another grid or version."""

    FIT = "fit"
    MISSING = "missing"
    UNFIT = "unfit"


class StaticFinding(NamedTuple):
    """Findings on a burst's static product; `damaged` if its manifest lists files that are gone."""

    burst_id: str
    state: StaticState
    layers: tuple[str, ...] = ()
    why: str = ""
    damaged: bool = False

    def __str__(self) -> str:
        return f"{self.burst_id}: {self.why or ', '.join(self.layers)}"


def examine(
    burst_id: str,
    manifest: Manifest | None,
    sizes: Mapping[str, int],
    request: SceneRequest,
    product_version: str,
) -> StaticFinding:
    """Compare a static product with what a scene request links to.

    Parameters
    ----------
    burst_id : str
    manifest : Manifest or None
        None if the folder has no manifest; other files in it are then ignored.
    sizes : mapping of str to int
        Size in bytes of every object in the product's folder, by name.
    request : SceneRequest
    product_version : str
        Version of the stack's products; its major version must be that of the static product.
    """
    required = layers_of(Product.RTC_S1_STATIC)
    if manifest is None:
        return StaticFinding(burst_id, StaticState.MISSING, tuple(layer.name for layer in required))
    unfit = _unfit(manifest, request, product_version)
    if unfit:
        return StaticFinding(burst_id, StaticState.UNFIT, why=unfit)
    missing = tuple(layer.name for layer in required if not _there(manifest, layer.name, sizes))
    if missing:
        return StaticFinding(burst_id, StaticState.MISSING, missing, damaged=True)
    if manifest.item not in sizes:
        return StaticFinding(burst_id, StaticState.MISSING, (_ITEM_LAYER,))
    return StaticFinding(burst_id, StaticState.FIT)


def _there(manifest: Manifest, layer: str, sizes: Mapping[str, int]) -> bool:
    file = manifest.file_of_layer(layer)
    return file is not None and sizes.get(file.name) == file.size


def _unfit(manifest: Manifest, request: SceneRequest, product_version: str) -> str:
    """Why an existing product cannot be linked; empty if it can."""
    grid, dem = manifest.grid, other_dem(manifest, request)
    checks = (
        (
            manifest.product is Product.RTC_S1_STATIC,
            f"the product there is {manifest.product}, not {Product.RTC_S1_STATIC}",
        ),
        (
            grid.spacing == request.resolution,
            f"its pixels are {grid.spacing:g} m, not {request.resolution} m",
        ),
        (
            request.output_crs in (None, grid.epsg),
            f"its CRS is EPSG:{grid.epsg}, not EPSG:{request.output_crs}",
        ),
        (not dem, f"it was made with {dem}"),
        (
            _major(manifest.product_version) == _major(product_version),
            f"its version is {manifest.product_version}, of another major version than {product_version}",
        ),
    )
    return next((why for good, why in checks if not good), "")


def _major(version: str) -> str:
    return version.removeprefix("v").split(".", 1)[0]
