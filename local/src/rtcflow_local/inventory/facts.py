"""Facts that an inventory adds to an item, from its manifest and location, as properties `rtcflow:*`."""

import re
from typing import Any
from urllib.parse import unquote

from rtcflow_contract.burst_id import normalize_burst_id
from rtcflow_contract.layers import Product
from rtcflow_contract.manifest import Manifest
from rtcflow_contract.naming import SCHEMES, is_item_name
from rtcflow_stac.context import local_uri

PREFIX = "rtcflow:"
_FACTS = (
    *("item", "tag", "burst_id", "engine", "execution", "seconds", "output_crs", "dem", "dem_datum"),
    *("linked_static", "static_id", "bytes", "files"),
)
_STATIC_LAYER = "number_of_looks"
_BURST_FOLDER = re.compile(
    r"(?:^|/)(t\d{3}_\d{6}_iw[123])(?:/\d{4}/\d{1,2}/\d{1,2}(?:/\d{8}T\d{6})?|/\d{8}/\w+)?/[^/]+$"
)


def is_item(name: str) -> bool:
    """Whether a file is a product's item: `{burst_id}/2022/1/1/metadata.json` or `{burst_id}/metadata.json`."""
    return is_item_name(name.rpartition("/")[2]) and burst_of_name(name) is not None


def burst_of_name(name: str) -> str | None:
    """Burst id of a file in a product's folder; None elsewhere."""
    match = _BURST_FOLDER.search(name)
    return normalize_burst_id(match[1]) if match else None


def with_facts(item: dict[str, Any], manifest: Manifest | None, href: str, tag: str) -> dict[str, Any]:
    """A copy of an item with facts for questions.

    Parameters
    ----------
    item : dict
        STAC item of a product.
    manifest : Manifest or None
        None if there is none beside the item, or it is of another product.
    href : str
        Where the item is.
    tag : str
        Changes with the content of the item and of its manifest.
    """
    static = next((ref.href for ref in manifest.inputs if ref.kind == "static"), None) if manifest else None
    facts = {
        "item": href,
        "tag": tag,
        "burst_id": manifest.burst_id if manifest else burst_of_name(href),
        "engine": manifest.engine.name if manifest else None,
        "execution": manifest.execution if manifest else None,
        "seconds": manifest.resources.seconds if manifest else None,
        "output_crs": manifest.parameters.get("output_crs") if manifest else None,
        "dem": manifest.parameters.get("dem") if manifest else None,
        "dem_datum": manifest.parameters.get("dem_datum") if manifest else None,
        "linked_static": static,
        "static_id": _static_id(item),
        "bytes": _own_bytes(item, manifest),
        "files": len(_own_assets(item, manifest)),
    }
    properties = {**item["properties"], **{PREFIX + name: facts[name] for name in _FACTS}}
    return {**item, "properties": properties, "links": _links(item, href)}


def _links(item: dict[str, Any], href: str) -> list[dict[str, Any]]:
    """Links with `self` at the item's location, since folders may have been moved or copied."""
    own = href if "://" in href else local_uri(href)
    return [{**link, "href": own} if link.get("rel") == "self" else link for link in item["links"]]


def without_facts(item: dict[str, Any]) -> dict[str, Any]:
    """The item without the facts of the inventory."""
    added = {PREFIX + name for name in _FACTS}
    # Keep the product's own properties with this prefix.
    kept = {name: value for name, value in item["properties"].items() if name not in added}
    return {**item, "properties": kept}


def _own_assets(item: dict[str, Any], manifest: Manifest | None = None) -> list[dict[str, Any]]:
    """Assets that are files of this product; those of linked static layers have another product's id."""
    prefix = manifest.product_id if manifest else item["id"]
    return [
        asset
        for asset in item["assets"].values()
        if unquote(asset["href"]).rpartition("/")[2].startswith(prefix)
    ]


def _static_id(item: dict[str, Any]) -> str | None:
    """Id of the static product that an item of backscatter links; None if it links none."""
    asset = item["assets"].get(_STATIC_LAYER)
    if asset is None or item["properties"].get("product:type") != Product.RTC_S1:
        return None
    name = unquote(asset["href"]).rpartition("/")[2]
    endings = [scheme.files[_STATIC_LAYER] for scheme in SCHEMES.values()]
    return next((name.removesuffix(ending) for ending in endings if name.endswith(ending)), name)


def _own_bytes(item: dict[str, Any], manifest: Manifest | None = None) -> int:
    """Size of the product's files."""
    return sum(int(asset.get("file:size") or 0) for asset in _own_assets(item, manifest))
