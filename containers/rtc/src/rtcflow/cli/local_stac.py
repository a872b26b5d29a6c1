"""STAC beside local products: an item in each product's folder, a collection above them, hrefs relative."""

import json
from pathlib import Path

from rtcflow.settings import processor
from rtcflow_contract.keys import COLLECTION, ITEM, Location
from rtcflow_contract.manifest import Manifest
from rtcflow_stac.collection import build_collection
from rtcflow_stac.context import HrefStyle, ItemContext, Processor
from rtcflow_stac.item import build_item

_ROOT = Location("local", "")


def write_stac(manifest: Manifest, folder: Path) -> None:
    """Write `metadata.json` of a product in its folder, and `collection.json` above it where there is none."""
    who = processor()
    context = ItemContext(
        folder=_ROOT.join(folder.name),
        collection_folder=_ROOT,
        style=HrefStyle.RELATIVE,
        region="",
        processor=Processor(who.institution, who.url),
        license=who.license,
    )
    _write(folder / ITEM, build_item(manifest, context))
    collection = folder.parent / COLLECTION
    if not collection.exists():
        _write(collection, build_collection(manifest, context))


def _write(path: Path, value: dict[str, object]) -> None:
    partial = path.with_name(f".{path.name}.part")
    partial.write_text(json.dumps(value, indent=2) + "\n")
    partial.replace(path)
