"""Assets of an item: the product's files, and the layers of the linked static product."""

import math
from typing import Any, NamedTuple

from pystac import Asset

from rtcflow_contract.backscatter import in_convention
from rtcflow_contract.grid import Grid
from rtcflow_contract.layers import LAYERS, MASK_CLASSES, POLARIZATION_LAYERS
from rtcflow_contract.manifest import Manifest, ProductFile, Statistics
from rtcflow_contract.naming import SCHEMES
from rtcflow_stac.context import ItemContext
from rtcflow_stac.properties import convention_of, storage_ref

_IN_STATISTICS = ("minimum", "maximum", "mean", "stddev", "valid_percent")
COG_TYPE = "image/tiff; application=geotiff; profile=cloud-optimized"
# odc-stac and rio-tiler open `application/x-hdf5` as a raster, and then every band by default fails.
_HDF5_TYPE = "application/vnd.hdfgroup.hdf5"


class _Other(NamedTuple):
    key: str
    title: str
    roles: tuple[str, ...]
    media_type: str


OTHERS = {
    "browse": _Other("thumbnail", "Browse image", ("thumbnail", "overview"), "image/png"),
    "metadata": _Other("metadata", "Metadata in the OPERA RTC-S1 group layout", ("metadata",), _HDF5_TYPE),
    "configuration": _Other("proc_config", "Parameters of the processing", ("metadata",), "application/yaml"),
    "checksum": _Other("checksum", "SHA-1 of every file", ("metadata",), "text/plain"),
    "style": _Other("style", "QGIS style", ("metadata",), "application/xml"),
}


def product_assets(manifest: Manifest, context: ItemContext) -> dict[str, Asset]:
    """Assets of the product's own files by key: layers by their name, `thumbnail`, `metadata`."""
    return dict(_asset(file, manifest, context) for file in manifest.files if file.kind != "style")


def static_assets(context: ItemContext) -> dict[str, Asset]:
    """Layers of the linked static product with its hrefs; the mask is that of the backscatter product."""
    if context.static is None:
        return {}
    linked, folder = context.static
    layers = (file for file in linked.files if file.kind == "layer" and file.layer != "mask")
    found = dict(_asset(file, linked, context._replace(folder=folder)) for file in layers)
    for file in linked.files:
        # The static product does not move with the item.
        if file.layer is not None and file.layer != "mask":
            key = SCHEMES[linked.naming].assets[file.layer]
            found[key].href = context.absolute(f"{folder}/{file.name}")
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
        **({"file:header_size": file.header_size} if file.header_size else {}),
        # A multihash: 0x12 is SHA-256, 0x20 its length in bytes.
        "file:checksum": f"1220{file.sha256}",
    }
    if context.names_storage:
        fields["storage:refs"] = [storage_ref(context.folder)]
    if file.layer is None:
        other = OTHERS[file.kind]
        asset = Asset(context.href(file.name), other.title, None, other.media_type, list(other.roles), fields)
        return other.key, asset
    layer = in_convention(LAYERS[file.layer], convention_of(manifest))
    fields |= layer_fields(file.layer, manifest.grid)
    fields |= {
        "proj:code": f"EPSG:{manifest.grid.epsg}",
        "proj:shape": list(manifest.grid.shape),
        "proj:transform": list(manifest.grid.transform),
    }
    if file.statistics is not None:
        fields["statistics"] = _statistics(file.statistics)
    return SCHEMES[manifest.naming].assets[layer.name], Asset(
        context.href(file.name), layer.title, layer.description, COG_TYPE, list(layer.roles), fields
    )


def _statistics(found: Statistics) -> dict[str, float]:
    return {name: value for name in _IN_STATISTICS if (value := getattr(found, name)) is not None}
