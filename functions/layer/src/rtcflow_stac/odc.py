"""Open Data Cube: metadata type and product definitions of our collections, from the layer table.

A dataset must have every measurement of its product, and the tools name the product after the STAC collection. So each
set of polarizations has its own definition: VV and VH for the default collection, and one for each other set.
"""

import re
from typing import Any

from rtcflow_contract.layers import LAYERS, MASK_CLASSES, Layer, Product, layers_of
from rtcflow_contract.naming import SCHEMES, Naming, default_collection
from rtcflow_contract.scene_id import POLARIZATIONS
from rtcflow_stac.fields import SEARCH_FIELDS

METADATA_TYPE = "eo3_s1_rtc"
_DEFAULT = POLARIZATIONS["DV"]
# Properties that the translation from STAC renames.
_RENAMED = {"platform": "eo:platform"}
_UNITS = {"deg": "degrees"}
_ALIASES = {
    "number_of_looks": ["n_looks", "nlooks"],
    "local_incidence_angle": ["lia", "LIA"],
    "incidence_angle": ["ia", "IA"],
    "interpolated_dem": ["dem"],
}


def product_name(collection: str) -> str:
    """Name of the product definition of a collection's datasets, which is the collection's."""
    return re.sub(r"\W", "_", collection)


def metadata_type() -> dict[str, Any]:
    """The metadata type for `datacube metadata add`."""
    fields = {
        field.name: {
            "description": field.description,
            "offset": ["properties", _RENAMED.get(field.property, field.property)],
            "indexed": field.indexed,
            "type": field.kind,
        }
        for field in SEARCH_FIELDS
    }
    ranges: dict[str, Any] = {
        "time": {
            "description": "Acquisition time, or validity of static layers.",
            "type": "datetime-range",
            "min_offset": [["properties", "dtr:start_datetime"], ["properties", "datetime"]],
            "max_offset": [["properties", "dtr:end_datetime"], ["properties", "datetime"]],
        }
    }
    for axis, name in (("lon", "Longitude"), ("lat", "Latitude")):
        ranges[axis] = {
            "description": f"{name} range.",
            "type": "double-range",
            "min_offset": [["extent", axis, "begin"]],
            "max_offset": [["extent", axis, "end"]],
        }
    return {
        "name": METADATA_TYPE,
        "description": "EO3 for Sentinel-1 RTC bursts of rtcflow",
        "dataset": {
            "id": ["id"],
            "sources": ["lineage", "source_datasets"],
            "grid_spatial": ["grid_spatial", "projection"],
            "measurements": ["measurements"],
            "creation_dt": ["properties", "odc:processing_datetime"],
            "label": ["label"],
            "format": ["properties", "odc:file_format"],
            "search_fields": {**fields, **ranges},
        },
    }


def _product_definition(
    collection: str, product: Product, polarizations: tuple[str, ...] = ()
) -> dict[str, Any]:
    """A product definition for `datacube product add`."""
    name = product_name(collection)
    described = " and ".join(polarizations) if polarizations else "static layers"
    return {
        "name": name,
        "description": f"Sentinel-1 RTC bursts of rtcflow, {described}",
        "metadata_type": METADATA_TYPE,
        "license": "CC-BY-4.0",
        "metadata": {"product": {"name": name}, "properties": {"odc:product_family": "sar_ard"}},
        "measurements": [_measurement(layer) for layer in layers_of(product, polarizations)],
    }


def all_definitions() -> list[dict[str, Any]]:
    """Definitions for the default collections and for those of other polarizations."""
    default = default_collection(Naming.OPERA, Product.RTC_S1, ())
    static = default_collection(Naming.OPERA, Product.RTC_S1_STATIC, ())
    others = (names for names in POLARIZATIONS.values() if names != _DEFAULT)
    return [
        _product_definition(default, Product.RTC_S1, _DEFAULT),
        *(
            _product_definition("_".join((default, *(name.lower() for name in names))), Product.RTC_S1, names)
            for names in others
        ),
        _product_definition(static, Product.RTC_S1_STATIC),
    ]


def _measurement(layer: Layer) -> dict[str, Any]:
    name = SCHEMES[Naming.OPERA].assets[layer.name]
    found: dict[str, Any] = {
        "name": name,
        "dtype": layer.dtype,
        "nodata": int(layer.nodata) if layer.dtype == "uint8" else layer.nodata,
        "units": _UNITS.get(layer.unit, layer.unit),
    }
    aliases = _ALIASES.get(layer.name, [name.lower()] if name.lower() != name else [])
    if aliases:
        found["aliases"] = aliases
    if layer.name == "mask":
        found["flags_definition"] = {
            "mask": {
                "bits": list(range(8)),
                "description": LAYERS["mask"].description,
                "values": {kind.value: kind.name for kind in MASK_CLASSES},
            }
        }
    return found
