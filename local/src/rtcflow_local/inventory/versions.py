"""Versions of products beside each other: find them, and promote another version to be in use.

A folder's `manifest.json` and `metadata.json` belong to the version in use; every other version has a manifest and item
under names with its version, and files with ids of their own. Every step below can be killed and repeated.
"""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any, NamedTuple

from rtcflow_contract.errors import NotFoundError, RefusedError, TransientError
from rtcflow_contract.item_check import is_item
from rtcflow_contract.keys import ITEM, MANIFEST, version_name, version_of_name
from rtcflow_contract.manifest import Manifest
from rtcflow_contract.stored import read_stored
from rtcflow_files.files import Entry, Store
from rtcflow_local.inventory.facts import burst_of_name

# Matches a product's file by the product's id, which has the start time of its execution.
PRODUCT_FILE = re.compile(
    r"^(?P<id>OPERA_L2_RTC-S1(-STATIC)?_.+?_(?P<time>\d{8}T\d{6}Z)_S1[A-D]_\d+_v\d+(\.\d+)*)(_\w+)?\.[a-z0-9]+$"
)


class Folder(NamedTuple):
    """A product folder: sizes of its files by name, and the versions not in use."""

    name: str
    sizes: dict[str, int]
    versions: tuple[str, ...]

    def at(self, file: str) -> str:
        """Name of a file in the store."""
        return f"{self.name}/{file}" if self.name else file


class Promoted(NamedTuple):
    """A folder in which another version came into use: its item, and the id of the item that it replaces."""

    folder: str
    replaces: str
    item: dict[str, Any]


def find_folders(store: Store) -> Iterator[Folder]:
    """Product folders of a store with more than the files of the version in use."""
    files = (entry for entry in store.entries() if burst_of_name(store.href(entry.name)))
    # Files of a burst are listed together, so the whole listing need not be kept.
    for _, of_burst in groupby(files, key=lambda entry: burst_of_name(store.href(entry.name))):
        yield from _folders(of_burst)


def _folders(entries: Iterable[Entry]) -> Iterator[Folder]:
    inside: dict[str, dict[str, int]] = defaultdict(dict)
    for entry in entries:
        folder, _, file = entry.name.rpartition("/")
        inside[folder][file] = entry.size
    for name, sizes in inside.items():
        versions = {
            version
            for file in sizes
            if file.startswith("manifest.") and (version := version_of_name(file)) is not None
        }
        products = {match["id"] for file in sizes if (match := PRODUCT_FILE.match(file))}
        if versions or len(products) > 1:
            yield Folder(name, sizes, tuple(sorted(versions)))


def _tell_no_one(promoted: Promoted) -> None:
    """For promotions that are not published."""


def promote(
    store: Store, folder: Folder, version: str, tell: Callable[[Promoted], None] = _tell_no_one
) -> Promoted:
    """Put a version in use; the previous version stays beside it and can be put in use again.

    The item is written last; until then the old item and all its files remain. A promotion that is killed before its
    item is published is repeated and published by the next run.

    Parameters
    ----------
    store : Store
    folder : Folder
    version : str
    tell : callable
        Called with what came into use, to publish it.

    Raises
    ------
    RefusedError
        When the version is incomplete: its item or a file is missing.
    """
    manifest = manifest_at(store, folder, version_name(MANIFEST, version))
    in_use = manifest_at(store, folder, MANIFEST)
    others_item = version_name(ITEM, version)
    item = others_item if others_item in folder.sizes else ITEM
    if not is_item(store.read(folder.at(item))):
        raise RefusedError(
            f"{store.href(folder.at(item))} is not an item of a product; make version {version} again before it "
            "comes into use",
            reason="version-incomplete",
        )
    if in_use.product_id != manifest.product_id:
        _check_whole(store, folder, manifest)
        _copy(store, folder, ITEM, version_name(ITEM, in_use.product_version))
        _copy(store, folder, MANIFEST, version_name(MANIFEST, in_use.product_version))
        # The replaced id is stored for the message: a promotion may be killed before it is published.
        switched = manifest.model_copy(update={"replaces": in_use.item_id or in_use.product_id})
        store.write(folder.at(MANIFEST), switched.model_dump_json(indent=2).encode())
        in_use = switched
    # If the item is gone already, an earlier promotion was killed after switching.
    if others_item in folder.sizes:
        _copy(store, folder, others_item, ITEM)
    promoted = Promoted(folder.name, in_use.replaces or "", json.loads(store.read(folder.at(ITEM))))
    tell(promoted)
    for name in (others_item, version_name(MANIFEST, version)):
        store.delete(folder.at(name))
    return promoted


def _check_whole(store: Store, folder: Folder, manifest: Manifest) -> None:
    version = manifest.product_version
    lacking = _lacking(manifest, folder.sizes)
    if lacking and (lacking := _lacking(manifest, _sizes_now(store, folder))):
        raise RefusedError(
            f"version {version} in {store.href(folder.name)} is not whole, {', '.join(lacking)} missing; "
            "make it again before it comes into use",
            reason="version-incomplete",
        )


def _lacking(manifest: Manifest, sizes: Mapping[str, int]) -> list[str]:
    """Files of a version not in use, including its item, that are missing or have another size."""
    item = version_name(ITEM, manifest.product_version)
    files = [file.name for file in manifest.files if sizes.get(file.name) != file.size]
    return files if item in sizes else [*files, item]


def manifest_at(store: Store, folder: Folder, name: str) -> Manifest:
    """Read a manifest of a folder.

    Raises
    ------
    TransientError
        When it was deleted after the folder was listed.
    RefusedError
        When it is missing or cannot be read.
    """
    at = folder.at(name)
    try:
        return read_stored(Manifest, store.read(at), store.href(at))
    except NotFoundError as error:
        if name in folder.sizes:
            raise _changed(store, at) from error
        raise RefusedError(
            f"{store.href(at)} does not exist; make the product again", reason="manifest-missing"
        ) from error


def _copy(store: Store, folder: Folder, name: str, to: str) -> None:
    try:
        data = store.read(folder.at(name))
    except NotFoundError as error:
        raise _changed(store, folder.at(name)) from error
    store.write(folder.at(to), data)


def _changed(store: Store, name: str) -> TransientError:
    return TransientError(
        f"{store.href(name)} was deleted after the folder was listed; start the command again",
        reason="stale-listing",
    )


def _sizes_now(store: Store, folder: Folder) -> dict[str, int]:
    """Current files of a folder, as the earlier listing may be outdated."""
    return {entry.name.rpartition("/")[2]: entry.size for entry in store.entries(folder.name)}
