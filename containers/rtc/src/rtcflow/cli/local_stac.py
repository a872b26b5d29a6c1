"""STAC beside local products: an item in each product's folder, one collection above them.

`self` is where a file stands, `file://...`; other hrefs are relative.
"""

import json
from pathlib import Path

from rtcflow.settings import processor
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.job import BurstJob
from rtcflow_contract.keys import COLLECTION, ITEM, MANIFEST, version_name
from rtcflow_contract.manifest import Manifest
from rtcflow_contract.stored import read_stored
from rtcflow_stac.collection import build_collection
from rtcflow_stac.context import HrefStyle, ItemContext, LinkedStatic, Processor, local_uri
from rtcflow_stac.item import build_item


def check_collection(job: BurstJob, out: Path) -> None:
    """Refuse a folder whose `collection.json` is of another collection than the job's."""
    path = out / job.collection_folder.key / COLLECTION
    if not path.is_file():
        return
    try:
        found = json.loads(path.read_bytes()).get("id")
    except (ValueError, AttributeError) as error:
        raise RefusedError(f"{path} is no collection; delete it and start again", "collection") from error
    if found != job.collection:
        raise RefusedError(
            f"{out} holds products of collection {found}; give {job.product} another folder", "other-product"
        )


def write_stac(manifest: Manifest, job: BurstJob, out: Path, static: LinkedStatic | None = None) -> None:
    """Write the item of a product in its folder, and `collection.json` where there is none.

    The item is `metadata.json`, but of a version that is not in use `metadata.v0.2.json`.

    Parameters
    ----------
    manifest : Manifest
        Of the product that stands in the job's place.
    job : BurstJob
        Its locations are relative to `out`.
    out : Path
        Folder for the products.
    static : LinkedStatic, optional
        The static product to link to.
    """
    folder = out / job.destination.key
    who = processor()
    context = ItemContext(
        folder=local_uri(folder),
        collection_folder=local_uri(out / job.collection_folder.key),
        style=HrefStyle.RELATIVE,
        region="",
        processor=Processor(who.institution, who.url),
        license=who.license,
        static=static,
    )
    in_use = read_stored(Manifest, (folder / MANIFEST).read_bytes(), folder / MANIFEST)
    # As it was committed: the item may keep the id of the one that it takes the place of.
    manifest = in_use if in_use.product_id == manifest.product_id else manifest
    name = manifest.item if manifest is in_use else version_name(ITEM, manifest.product_version)
    _write(folder / name, build_item(manifest, context))
    collection = out / job.collection_folder.key / COLLECTION
    if not _stands_at(collection):
        _write(collection, build_collection(manifest, context))


def item_stands(manifest: Manifest, folder: Path) -> bool:
    """Whether a product has its item, and that was written where it is now: a folder may have been moved."""
    return _stands_at(folder / manifest.item)


def _stands_at(path: Path) -> bool:
    try:
        links = json.loads(path.read_bytes())["links"]
    except (OSError, ValueError, KeyError):
        return False
    return any(link["rel"] == "self" and link["href"] == local_uri(path) for link in links)


def _write(path: Path, value: dict[str, object]) -> None:
    partial = path.with_name(f".{path.name}.part")
    partial.write_text(json.dumps(value, indent=2) + "\n")
    partial.replace(path)
