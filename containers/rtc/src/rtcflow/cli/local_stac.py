"""STAC beside local products: an item in each product's folder, a collection above them, hrefs relative."""

import json
from pathlib import Path

from rtcflow.settings import processor
from rtcflow_contract.keys import COLLECTION, ITEM, MANIFEST, Location, version_name
from rtcflow_contract.manifest import Manifest
from rtcflow_stac.collection import build_collection
from rtcflow_stac.context import HrefStyle, ItemContext, Processor
from rtcflow_stac.item import build_item

_ROOT = Location("local", "")


def write_stac(manifest: Manifest, folder: Path) -> None:
    """Write the item of a product in its folder, and `collection.json` above it where there is none.

    It is `metadata.json`, but of a version that is not in use `metadata.v0.2.json`.
    """
    who = processor()
    context = ItemContext(
        folder=_ROOT.join(folder.name),
        collection_folder=_ROOT,
        style=HrefStyle.RELATIVE,
        region="",
        processor=Processor(who.institution, who.url),
        license=who.license,
    )
    in_use = Manifest.model_validate_json((folder / MANIFEST).read_bytes())
    name = ITEM if in_use.product_id == manifest.product_id else version_name(ITEM, manifest.product_version)
    _write(folder / name, build_item(manifest, context))
    collection = folder.parent / COLLECTION
    if not collection.exists():
        _write(collection, build_collection(manifest, context))


def _write(path: Path, value: dict[str, object]) -> None:
    partial = path.with_name(f".{path.name}.part")
    partial.write_text(json.dumps(value, indent=2) + "\n")
    partial.replace(path)
