"""The STAC collection that items of one product belong to."""

from datetime import UTC, datetime
from typing import Any

from pystac import Collection, Extent, Link, SpatialExtent, TemporalExtent
from pystac.provider import Provider

from rtcflow_contract.layers import LAYERS, Product
from rtcflow_contract.manifest import Manifest
from rtcflow_stac.assets import COG_TYPE, layer_fields
from rtcflow_stac.context import HrefStyle, ItemContext
from rtcflow_stac.extensions import item_extensions
from rtcflow_stac.properties import providers

# Sentinel-1A's first data; the end stays open.
_SINCE = datetime(2014, 10, 3, tzinfo=UTC)
_DESCRIPTIONS = {
    Product.RTC_S1: (
        "Sentinel-1 IW bursts as radiometrically terrain corrected gamma0 backscatter, linear power, with a layover "
        "and shadow mask, on a grid fixed per burst."
    ),
    Product.RTC_S1_STATIC: (
        "Layers of Sentinel-1 IW bursts that stay the same from pass to pass: incidence angles, DEM, area factors, "
        "number of looks and mask, on the grid of the burst's backscatter."
    ),
}
_TITLES = {Product.RTC_S1: "Sentinel-1 RTC gamma0", Product.RTC_S1_STATIC: "Sentinel-1 RTC static layers"}


def build_collection(manifest: Manifest, context: ItemContext) -> dict[str, Any]:
    """The collection of a product's items as a JSON object, for its first item; extents cover all to come."""
    product = manifest.product
    collection = Collection(
        id=manifest.collection,
        title=_TITLES[product],
        description=_DESCRIPTIONS[product],
        extent=Extent(SpatialExtent([[-180.0, -90.0, 180.0, 90.0]]), TemporalExtent([[_SINCE, None]])),
        license=context.license,
        keywords=["Sentinel-1", "SAR", "C-band", "RTC", "gamma0", "analysis-ready"],
        providers=[Provider.from_dict(entry) for entry in providers(context)],
        stac_extensions=[],
    )
    collection.summaries.add("constellation", ["sentinel-1"])
    collection.summaries.add("product:type", [product.value])
    collection.summaries.add("gsd", [manifest.grid.spacing])
    collection.extra_fields["item_assets"] = item_assets(product)
    collection.stac_extensions = [
        uri
        for uri in item_extensions(product, stored_in_s3=False)
        if "/classification/" in uri or "/raster/" in uri
    ]
    found = collection.to_dict(include_self_link=False, transform_hrefs=False)
    href = (
        "./collection.json"
        if context.style is HrefStyle.RELATIVE
        else context.absolute(context.collection_folder.join("collection.json"))
    )
    found["links"] = [
        Link(rel, href, "application/json").to_dict(transform_href=False) for rel in ("self", "root")
    ]
    return found


def item_assets(product: Product) -> dict[str, Any]:
    """What assets an item of the collection has."""
    layers = [layer for layer in LAYERS.values() if product in layer.products]
    found: dict[str, Any] = {}
    for layer in layers:
        fields = {key: value for key, value in layer_fields(layer.name).items() if key != "sar:polarizations"}
        found[layer.name] = {
            "title": layer.title,
            "description": layer.description,
            "type": COG_TYPE,
            "roles": list(layer.roles),
            **fields,
        }
    found["thumbnail"] = {"title": "Browse image", "type": "image/png", "roles": ["thumbnail", "overview"]}
    found["metadata"] = {"title": "Metadata", "type": "application/x-hdf5", "roles": ["metadata"]}
    return found
