"""Assets of an item: the product's files, and the layers of the linked static product."""

import math
from typing import Any

from pystac import Asset

from rtcflow_contract.backscatter import in_convention
from rtcflow_contract.grid import Grid
from rtcflow_contract.layers import LAYERS, MASK_CLASSES, POLARIZATION_LAYERS
from rtcflow_contract.manifest import Manifest, ProductFile, Statistics
from rtcflow_stac.context import HrefStyle, ItemContext
from rtcflow_stac.properties import convention_of, storage_ref

COG_TYPE = "image/tiff; application=geotiff; profile=cloud-optimized"
_OTHERS = {
    "browse": ("thumbnail", "Browse image", ["thumbnail", "overview"]),
    "metadata": ("metadata", "Metadata in the OPERA RTC-S1 group layout", ["metadata"]),
}


def product_assets(manifest: Manifest, context: ItemContext) -> dict[str, Asset]:
    """Assets of the product's own files by key: layers by their name, `thumbnail`, `metadata`."""
    return dict(_asset(file, manifest, context) for file in manifest.files)


def static_assets(context: ItemContext) -> dict[str, Asset]:
    """Layers of the linked static product with its hrefs; the mask stays the backscatter product's own."""
    if context.static is None:
        return {}
    linked, folder = context.static
    there = context._replace(folder=folder, style=_absolute(context.style))
    layers = (file for file in linked.files if file.kind == "layer" and file.layer != "mask")
    found = dict(_asset(file, linked, there) for file in layers)
    if context.style is HrefStyle.RELATIVE:
        # Without storage:schemes in the item, references to one would point nowhere.
        for asset in found.values():
            asset.extra_fields.pop("storage:refs")
    return found


def classes() -> list[dict[str, Any]]:
    """Classes of the mask for the classification extension."""
    return [
        {
            "value": kind.value,
            "name": kind.name,
            "title": kind.description,
            "description": kind.description,
            "color_hint": kind.color,
            **({"nodata": True} if kind.name == "fill" else {}),
        }
        for kind in MASK_CLASSES
    ]


def layer_fields(name: str, grid: Grid | None = None) -> dict[str, Any]:
    """Fields of a layer that do not depend on the product: data type, nodata, unit, sampling, classes."""
    layer = LAYERS[name]
    fields: dict[str, Any] = {
        "data_type": layer.dtype,
        "nodata": "nan" if math.isnan(layer.nodata) else int(layer.nodata),
        "unit": layer.unit,
        "raster:sampling": "area",
    }
    if grid is not None:
        fields["raster:spatial_resolution"] = grid.spacing
    if name in POLARIZATION_LAYERS:
        fields["sar:polarizations"] = [name]
    if name == "mask":
        fields["classification:classes"] = classes()
    return fields


def _asset(file: ProductFile, manifest: Manifest, context: ItemContext) -> tuple[str, Asset]:
    fields: dict[str, Any] = {
        "file:size": file.size,
        # A multihash: 0x12 is SHA-256, 0x20 its length in bytes.
        "file:checksum": f"1220{file.sha256}",
    }
    if context.style is not HrefStyle.RELATIVE:
        fields["storage:refs"] = [storage_ref(context.folder)]
    if file.layer is None:
        key, title, roles = _OTHERS[file.kind]
        return key, Asset(context.href(file.name), title, None, file.media_type, roles, fields)
    layer = in_convention(LAYERS[file.layer], convention_of(manifest))
    fields |= layer_fields(file.layer, manifest.grid)
    fields |= {
        "proj:code": f"EPSG:{manifest.grid.epsg}",
        "proj:shape": list(manifest.grid.shape),
        "proj:transform": list(manifest.grid.transform),
    }
    if file.statistics is not None:
        fields["statistics"] = _statistics(file.statistics)
    return layer.name, Asset(
        context.href(file.name), layer.title, layer.description, COG_TYPE, list(layer.roles), fields
    )


def _statistics(found: Statistics) -> dict[str, float]:
    return {name: value for name, value in found.model_dump().items() if value is not None}


def _absolute(style: HrefStyle) -> HrefStyle:
    return HrefStyle.S3 if style is HrefStyle.RELATIVE else style
