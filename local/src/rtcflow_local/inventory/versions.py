"""Versions of products beside each other: which there are, which is in use, putting another in use, removing old ones.

A folder's `manifest.json` and `metadata.json` are those of the version in use; each other version has a manifest and an
item of its own name, and files with ids of their own. Every step below can be killed and repeated.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any, NamedTuple

from pydantic import ValidationError

from rtcflow_contract.errors import NotFoundError, RefusedError
from rtcflow_contract.keys import ITEM, MANIFEST, version_name, version_of_name
from rtcflow_contract.layers import Product
from rtcflow_contract.manifest import Manifest
from rtcflow_local.inventory.facts import burst_of_name
from rtcflow_local.inventory.store import Entry, Store


class Folder(NamedTuple):
    """A product folder with a version that is not in use: its files' sizes by name, and those versions."""

    name: str
    sizes: dict[str, int]
    versions: tuple[str, ...]

    def at(self, file: str) -> str:
        """Name of a file in the store."""
        return f"{self.name}/{file}" if self.name else file


class Promoted(NamedTuple):
    """A folder in which another version came into use; `before` is the version that was, `item` the new one's."""

    folder: str
    before: str
    item: dict[str, Any]


def find_folders(store: Store) -> Iterator[Folder]:
    """Product folders below a store that hold more than one version."""
    files = (entry for entry in store.entries() if burst_of_name(store.href(entry.name)))
    # Files of a burst follow each other; a bucket's whole listing is not kept.
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
        if versions:
            yield Folder(name, sizes, tuple(sorted(versions)))


def promote(store: Store, folder: Folder, version: str) -> Promoted:
    """Put a version in use; the version that was stays beside it, and can be put in use again.

    The item comes last: until then the old item stands, and every file that it names.

    Raises
    ------
    RefusedError
        When the version is not whole: its item or a file is missing.
    """
    manifest = _read(store, folder, version_name(MANIFEST, version))
    in_use = _read(store, folder, MANIFEST)
    others_item = version_name(ITEM, version)
    if in_use.product_id != manifest.product_id:
        _check_whole(store, folder, manifest)
        _copy(store, folder, ITEM, version_name(ITEM, in_use.product_version))
        _copy(store, folder, MANIFEST, version_name(MANIFEST, in_use.product_version))
        _copy(store, folder, version_name(MANIFEST, version), MANIFEST)
    # Where the item is gone already, an earlier promotion was killed after its switch.
    if others_item in folder.sizes:
        _copy(store, folder, others_item, ITEM)
    for name in (others_item, version_name(MANIFEST, version)):
        store.delete(folder.at(name))
    return Promoted(folder.name, in_use.product_version, json.loads(store.read(folder.at(ITEM))))


def _check_whole(store: Store, folder: Folder, manifest: Manifest) -> None:
    version = manifest.product_version
    lacking = [file.name for file in manifest.files if folder.sizes.get(file.name) != file.size]
    if version_name(ITEM, version) not in folder.sizes:
        lacking.append(version_name(ITEM, version))
    if lacking:
        raise RefusedError(
            f"version {version} in {store.href(folder.name)} is not whole, {', '.join(lacking)} missing; "
            "make it again before it comes into use",
            reason="version-incomplete",
        )


def files_to_prune(
    store: Store, folder: Folder, versions: Iterable[str], linked: frozenset[str] | None
) -> list[str]:
    """Files of versions that are not in use, in the order in which they may go.

    Parameters
    ----------
    store : Store
    folder : Folder
    versions : iterable of str
    linked : frozenset of str or None
        Ids of static products whose files items of backscatter name: these stay.

    Raises
    ------
    RefusedError
        When the folder holds static layers, and `linked` is None.
    """
    in_use = _read(store, folder, MANIFEST)
    kept = {file.name for file in in_use.files}
    gone: list[str] = []
    for version in versions:
        manifest = _read(store, folder, version_name(MANIFEST, version))
        if manifest.product_id == in_use.product_id:
            # A promotion was killed before it tidied up.
            files = []
        elif manifest.product is Product.RTC_S1_STATIC and linked is None:
            raise RefusedError(
                f"{store.href(folder.name)} holds static layers that items of backscatter may name; give --inventory "
                "of the backscatter, so that those stay",
                reason="static-links-unknown",
            )
        elif linked and manifest.product_id in linked:
            continue
        else:
            files = [file.name for file in manifest.files if file.name not in kept]
        # The manifest last: with it, a prune that was killed can go on.
        gone += [*files, version_name(ITEM, version), version_name(MANIFEST, version)]
    return [folder.at(name) for name in gone if name in folder.sizes]


def _read(store: Store, folder: Folder, name: str) -> Manifest:
    at = folder.at(name)
    try:
        return Manifest.model_validate_json(store.read(at))
    except NotFoundError as error:
        raise RefusedError(
            f"{store.href(at)} does not exist; make the product again", reason="manifest-missing"
        ) from error
    except ValidationError as error:
        raise RefusedError(
            f"{store.href(at)} is no manifest; make the product again", reason=MANIFEST
        ) from error


def _copy(store: Store, folder: Folder, name: str, to: str) -> None:
    store.write(folder.at(to), store.read(folder.at(name)))
