"""Write a product's STAC item, its last file, from its job and manifest."""

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

from rtcflow_contract.errors import DefectError, NotFoundError, RefusedError
from rtcflow_contract.job import BurstJob
from rtcflow_contract.keys import COLLECTION, ITEM, MANIFEST, Location, version_name
from rtcflow_contract.manifest import Manifest
from rtcflow_contract.request import OnExisting
from rtcflow_files.storage import (
    exists,
    list_objects,
    read_bytes,
    read_json,
    size_of,
    write_bytes,
    write_if_absent,
)
from rtcflow_stac.collection import build_collection
from rtcflow_stac.context import HrefStyle, ItemContext, LinkedStatic, Processor, says_it_is_at, uri_of
from rtcflow_stac.item import build_item


class StacSettings(NamedTuple):
    """Settings of the stack."""

    style: HrefStyle
    region: str
    processor: Processor
    license: str


class Assembled(NamedTuple):
    """An item and its manifest, with the URIs of both; `in_use` is False if another version is in use."""

    manifest: Manifest
    item: dict[str, Any]
    item_uri: str
    manifest_uri: str
    in_use: bool = True


def _tell_no_one(collection: dict[str, Any]) -> None:
    """For collections that are not published."""


def assemble_stac(
    job: BurstJob,
    settings: StacSettings,
    tell_new_collection: Callable[[dict[str, Any]], None] = _tell_no_one,
) -> Assembled:
    """Check a product's files against its manifest, then write its item, and the collection if there is none.

    Writing the same item again changes nothing.

    Parameters
    ----------
    job : BurstJob
    settings : StacSettings
    tell_new_collection : callable
        Called with a new collection before it is written; if it fails, the next attempt calls it again.

    Raises
    ------
    DefectError
        When the product has no manifest, or a file is missing or has another size.
    RefusedError
        When linked static layers are missing or on another grid.
    """
    manifest, record = _read_manifest(job)
    _check_files(manifest, job.destination)
    context = ItemContext(
        folder=uri_of(job.destination),
        collection_folder=uri_of(job.collection_folder),
        style=settings.style,
        region=settings.region,
        processor=settings.processor,
        license=settings.license,
        static=_linked_static(job),
    )
    item = build_item(manifest, context)
    _make_collection(job, build_collection(manifest, context), tell_new_collection)
    in_use = record == MANIFEST
    at = job.destination.join(manifest.item if in_use else version_name(ITEM, manifest.product_version))
    write_bytes(at, _json(item))
    return Assembled(manifest, item, str(at), str(job.destination.join(record)), in_use)


def _make_collection(
    job: BurstJob, collection: dict[str, Any], tell: Callable[[dict[str, Any]], None]
) -> None:
    at = job.collection_folder.join(COLLECTION)
    if not exists(at):
        tell(collection)
        write_if_absent(at, _json(collection))
    elif at.is_local and not says_it_is_at(read_json(at), at):
        write_bytes(at, _json(collection))


def _check_files(manifest: Manifest, folder: Location) -> None:
    """Check a product's files against its manifest; files missing in a listing are looked up again by name.

    Raises
    ------
    DefectError
        When a file is missing or has another size.
    """
    sizes = {entry.name: entry.size for entry in list_objects(folder)}
    for file in manifest.files:
        if sizes.get(file.name) != file.size:
            with suppress(NotFoundError):
                sizes[file.name] = size_of(folder.join(file.name))
    wrong = [file.name for file in manifest.files if sizes.get(file.name) != file.size]
    if wrong:
        raise DefectError(
            f"product {manifest.product_id} is not whole: {', '.join(wrong)} missing or of another size; "
            "start the scene again with on_existing replace",
            reason="files-missing",
        )


def _read_manifest(job: BurstJob) -> tuple[Manifest, str]:
    """The manifest of the job's product and its file name, which differs if another version is in use."""
    name = MANIFEST
    try:
        manifest = Manifest.model_validate_json(read_bytes(job.destination.join(name)))
        if job.on_existing is OnExisting.BESIDE and manifest.product_version != job.product_version:
            name = version_name(MANIFEST, job.product_version)
            manifest = Manifest.model_validate_json(read_bytes(job.destination.join(name)))
    except NotFoundError as error:
        raise DefectError(
            f"the task of {job.burst_id} left no manifest at {job.destination.join(name)}", "manifest-missing"
        ) from error
    return manifest, name


def _linked_static(job: BurstJob) -> LinkedStatic | None:
    folder: Location | None = job.linked_static
    if folder is None:
        return None
    try:
        return LinkedStatic(Manifest.model_validate_json(read_bytes(folder.join(MANIFEST))), uri_of(folder))
    except NotFoundError as error:
        raise RefusedError(
            f"there are no static layers of {job.burst_id} at {folder}; make RTC_S1_STATIC first",
            "static-missing",
        ) from error


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, indent=1, allow_nan=False).encode()
