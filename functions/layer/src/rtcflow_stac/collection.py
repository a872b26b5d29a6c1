"""The STAC collection that items of one product belong to."""

from datetime import UTC, datetime
from typing import Any

from pystac import Collection, Extent, Link, SpatialExtent, TemporalExtent
from pystac.provider import Provider

from rtcflow_contract.layers import LAYERS, MASK_CLASSES, POLARIZATION_LAYERS, Layer, Product
from rtcflow_contract.manifest import Manifest
from rtcflow_contract.naming import SCHEMES, Naming
from rtcflow_stac.assets import COG_TYPE, OTHERS, layer_fields
from rtcflow_stac.context import HrefStyle, ItemContext
from rtcflow_stac.extensions import extension_uri
from rtcflow_stac.links import license_links
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
# All values that items may have; a collection may hold items of every track and platform.
_SUMMARIES: dict[str, Any] = {
    "platform": ["sentinel-1a", "sentinel-1b", "sentinel-1c", "sentinel-1d"],
    "constellation": ["sentinel-1"],
    "instruments": ["c-sar"],
    "sar:instrument_mode": ["IW"],
    "sar:frequency_band": ["C"],
    "sar:observation_direction": ["right"],
    "sar:polarizations": list(POLARIZATION_LAYERS),
    "sar:beam_ids": ["IW1", "IW2", "IW3"],
    "sat:orbit_state": ["ascending", "descending"],
    "sat:relative_orbit": {"minimum": 1, "maximum": 175},
    "s1:orbit_source": ["POEORB", "RESORB"],
}
_DECLARED = ("sar", "sat", "product", "raster", "classification", "render")
# Linear power displayed as black and white: -20 dB and -3 dB co-polarized, 7 dB lower cross-polarized.
_STRETCH = {"VV": [0.01, 0.5], "HH": [0.01, 0.5], "VH": [0.002, 0.1], "HV": [0.002, 0.1]}
# In dB, for viewers that compute an expression before stretching.
_STRETCH_DB = {"VV": [-20, 0], "HH": [-20, 0], "VH": [-27, -7], "HV": [-27, -7]}


def build_collection(manifest: Manifest, context: ItemContext) -> dict[str, Any]:
    """The collection of a product's items as a JSON object, made for its first item; extents cover all later ones."""
    product = manifest.product
    linked = context.static is not None
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
    found = collection.to_dict(include_self_link=False, transform_hrefs=False)
    found["summaries"] = {
        **_SUMMARIES,
        "product:type": [product.value],
        "gsd": [manifest.grid.spacing],
        "processing:software": [{"engine": name} for name in ("native", "isce3")],
    }
    polarizations = (
        manifest.acquisition.polarizations if manifest.naming is Naming.GA else POLARIZATION_LAYERS
    )
    if manifest.naming is Naming.GA and product is Product.RTC_S1:
        found["summaries"]["sar:polarizations"] = list(polarizations)
    found["item_assets"] = _item_assets(product, manifest.naming, polarizations, linked)
    found["renders"] = _renders(product, manifest.naming, polarizations)
    found["stac_extensions"] = [extension_uri(name) for name in _DECLARED]
    browse = next((file for file in manifest.files if file.kind == "browse"), None)
    if browse is not None:
        # The browse image of the first item, as the collection has none.
        found["assets"] = {
            "thumbnail": {
                "href": context.uri_of(browse.name),
                "title": f"Browse image of {manifest.burst_id}",
                "type": "image/png",
                "roles": ["thumbnail"],
            }
        }
    found["links"] = [link.to_dict(transform_href=False) for link in _links(manifest, context)]
    return found


def _links(manifest: Manifest, context: ItemContext) -> list[Link]:
    own = "./collection.json" if context.style is HrefStyle.RELATIVE else context.collection_uri
    item = context.uri_of(manifest.item)
    if context.style is HrefStyle.RELATIVE:
        item = "./" + item.removeprefix(f"{context.collection_folder}/")
    return [
        Link("self", context.collection_uri, "application/json"),
        Link("root", own, "application/json"),
        # Later items are not linked here: a catalogue or inventory lists them all.
        Link("item", item, "application/geo+json", manifest.product_id),
        *license_links(context),
    ]


def _item_assets(
    product: Product, naming: Naming, polarizations: tuple[str, ...], linked_static: bool
) -> dict[str, Any]:
    """Assets of the collection's items, including those of the linked static product."""
    assets = SCHEMES[naming].assets
    found = {
        assets[layer.name]: _layer_asset(layer) for layer in LAYERS.values() if product in layer.products
    }
    for name in set(POLARIZATION_LAYERS) - set(polarizations):
        found.pop(assets[name], None)
    if linked_static and product is Product.RTC_S1:
        static = (layer for layer in LAYERS.values() if Product.RTC_S1_STATIC in layer.products)
        found |= {assets[layer.name]: _layer_asset(layer) for layer in static if layer.name != "mask"}
    for kind in ("browse", "metadata", *SCHEMES[naming].extra):
        other = OTHERS[kind]
        found[other.key] = {"title": other.title, "type": other.media_type, "roles": list(other.roles)}
    return found


def _layer_asset(layer: Layer) -> dict[str, Any]:
    fields = {key: value for key, value in layer_fields(layer.name).items() if key != "sar:polarizations"}
    return {
        "title": layer.title,
        "description": layer.description,
        "type": COG_TYPE,
        "roles": list(layer.roles),
        **fields,
    }


def _renders(product: Product, naming: Naming, polarizations: tuple[str, ...]) -> dict[str, Any]:
    """Renders by name: backscatter in dB and in linear power, the mask by its classes, static layers in grey."""
    assets = SCHEMES[naming].assets
    found: dict[str, Any] = {
        "mask": {
            "title": "Layover and shadow by class",
            "assets": [assets["mask"]],
            "colormap": {
                str(kind.value): [
                    *(int(kind.color[at : at + 2], 16) for at in (0, 2, 4)),
                    0 if kind.name == "fill" else 255,
                ]
                for kind in MASK_CLASSES
            },
            "resampling": "nearest",
        }
    }
    if product is Product.RTC_S1_STATIC:
        return {
            "local_incidence_angle": {
                "title": "Local incidence angle",
                "assets": [assets["local_incidence_angle"]],
                "rescale": [[0, 90]],
                "resampling": "average",
            },
            **found,
        }
    for name in polarizations:
        key = assets[name]
        found[f"{name.lower()}_db"] = {
            "title": f"{name} gamma0 in dB",
            "assets": [key],
            "expression": f"10*log10({key})",
            "rescale": [_STRETCH_DB[name]],
            "resampling": "average",
        }
        found[name.lower()] = {
            "title": f"{name} gamma0",
            "assets": [key],
            "rescale": [_STRETCH[name]],
            "resampling": "average",
        }
    return found
