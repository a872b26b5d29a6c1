"""List the files of products not in use that may be removed, with reasons, before removing any.

A file is removed only if it is proven unused: it belongs to a version below the one in use, or a named version. Files
of static layers are removed only if no item of backscatter links them; all items are read for that.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from urllib.parse import unquote

from rtcflow_contract.errors import NotFoundError, RefusedError
from rtcflow_contract.keys import ITEM, MANIFEST, version_name, version_of_name
from rtcflow_contract.layers import Product
from rtcflow_contract.naming import is_item_name
from rtcflow_files.files import Store
from rtcflow_local.inventory.facts import burst_of_name
from rtcflow_local.inventory.versions import PRODUCT_FILE, Folder, manifest_at

_READERS = 32
# An execution may take 33 days, so files of a younger one may still be committed.
_OLDEST_EXECUTION = timedelta(days=40)


class Removal(NamedTuple):
    """A file to remove, its size in bytes, and why."""

    name: str
    size: int
    why: str


class Pruning(NamedTuple):
    """Files to remove, in a safe order; what stays and why; and what could not be checked."""

    removals: tuple[Removal, ...]
    kept: tuple[str, ...] = ()
    troubles: tuple[str, ...] = ()


class _Links(NamedTuple):
    """File names that items of a burst link; `known` is False if an item could not be read or none was found."""

    names: frozenset[str]
    items: int
    unread: tuple[str, ...] = ()


def plan_pruning(
    store: Store,
    folders: Iterable[Folder],
    versions: Sequence[str] | None,
    linking: Sequence[Store],
    now: datetime,
) -> Pruning:
    """List what may be removed.

    Parameters
    ----------
    store : Store
        Folder of products.
    folders : iterable of Folder
        Product folders of the store.
    versions : sequence of str or None
        Versions to remove; None means those below the one in use.
    linking : sequence of Store
        Other folders whose items may link static layers of this one.
    now : datetime
        Current time, UTC.
    """
    folders = list(folders)
    static = {burst for folder in folders if _has_static(folder) and (burst := _burst(store, folder))}
    links = _links([store, *linking], static) if static else {}
    removals: list[Removal] = []
    kept: list[str] = []
    troubles: list[str] = []
    for folder in folders:
        try:
            found = _prune(
                store, folder, versions, links.get(_burst(store, folder) or ""), bool(linking), now
            )
        except RefusedError as error:
            troubles.append(error.message)
            continue
        removals += found.removals
        kept += found.kept
    return Pruning(tuple(removals), tuple(kept), tuple(troubles))


def _burst(store: Store, folder: Folder) -> str | None:
    return burst_of_name(store.href(folder.at(MANIFEST)))


def _has_static(folder: Folder) -> bool:
    return any(name.startswith("OPERA_L2_RTC-S1-STATIC_") for name in folder.sizes)


def _prune(
    store: Store,
    folder: Folder,
    versions: Sequence[str] | None,
    links: _Links | None,
    declared: bool,
    now: datetime,
) -> Pruning:
    in_use = manifest_at(store, folder, MANIFEST)
    beside = {
        version: manifest_at(store, folder, version_name(MANIFEST, version)) for version in folder.versions
    }
    named = {file.name for manifest in (in_use, *beside.values()) for file in manifest.files}
    removals: list[Removal] = []
    kept: list[str] = []
    where = store.href(folder.name)
    for version, manifest in beside.items():
        why = _why(version, in_use.product_version, versions)
        if why is None:
            if versions is None:
                kept.append(
                    f"{where}: version {version} is not below {in_use.product_version}, which is in use"
                )
            continue
        files = [file.name for file in manifest.files if file.name not in {f.name for f in in_use.files}]
        if manifest.product_id == in_use.product_id:
            # A promotion was killed before it cleaned up.
            files = []
        elif manifest.product is Product.RTC_S1_STATIC and (
            named_by := _linked(files, links, declared, where)
        ):
            kept.append(f"{where}: version {version} stays, {named_by}")
            continue
        # The manifest last, so that a prune that was killed can continue.
        gone = [*files, version_name(ITEM, version), version_name(MANIFEST, version)]
        removals += [Removal(folder.at(n), folder.sizes[n], why) for n in gone if n in folder.sizes]
    for product_id, files in _unnamed(folder, named, now).items():
        static = in_use.product is Product.RTC_S1_STATIC
        if static and (named_by := _linked(files, links, declared, where)):
            kept.append(f"{where}: files of {product_id} stay, {named_by}")
            continue
        why = f"no manifest names {product_id}, nor does an item"
        removals += [Removal(folder.at(name), folder.sizes[name], why) for name in files]
    return Pruning(tuple(removals), tuple(kept))


def _why(version: str, in_use: str, versions: Sequence[str] | None) -> str | None:
    """Why a version is removed; None if it stays."""
    if versions is not None:
        return f"version {version} was named" if version in versions else None
    return (
        f"version {version} is below {in_use}, which is in use" if _parts(version) < _parts(in_use) else None
    )


def _parts(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _linked(files: Sequence[str], links: _Links | None, declared: bool, where: str) -> str:
    """Why files of static layers must stay; empty if it is proven that no item links them.

    Raises
    ------
    RefusedError
        When that cannot be proven.
    """
    if links is None or links.unread:
        unread = "; ".join(links.unread if links else ())
        raise RefusedError(
            f"{where}: it is not known whether items link these static layers ({unread}); they stay",
            "links-unknown",
        )
    if not links.items and not declared:
        raise RefusedError(
            f"{where}: no backscatter item of this burst was read, so its layers may be in use; give --linked-from "
            "with each folder whose items may link them",
            reason="static-links-unknown",
        )
    number = sum(name in links.names for name in files)
    return f"items link {number} of its files" if number else ""


def _unnamed(folder: Folder, named: set[str], now: datetime) -> dict[str, list[str]]:
    """Files of products that no manifest lists, by product, from executions that have certainly ended."""
    found: dict[str, list[str]] = defaultdict(list)
    for name in folder.sizes:
        match = PRODUCT_FILE.match(name)
        if match and name not in named:
            made = datetime.strptime(match["time"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
            if now - made > _OLDEST_EXECUTION:
                found[match["id"]].append(name)
    return found


def _links(stores: Sequence[Store], bursts: set[str]) -> Mapping[str, _Links]:
    """Files that items of backscatter of some bursts link, including items of versions not in use."""
    wanted = [
        (store, entry.name, burst)
        for store in stores
        for entry in store.entries()
        if (burst := burst_of_name(store.href(entry.name))) in bursts and _is_any_item(entry.name)
    ]
    names: dict[str, set[str]] = defaultdict(set)
    items: dict[str, int] = defaultdict(int)
    unread: dict[str, list[str]] = defaultdict(list)
    with ThreadPoolExecutor(_READERS) as pool:
        for (_, _, burst), found in zip(wanted, pool.map(lambda one: _named(*one[:2]), wanted), strict=True):
            if burst is None or found is None:
                continue
            if isinstance(found, str):
                unread[burst].append(found)
            else:
                items[burst] += 1
                names[burst] |= found
    return {burst: _Links(frozenset(names[burst]), items[burst], tuple(unread[burst])) for burst in bursts}


def _is_any_item(name: str) -> bool:
    file = name.rpartition("/")[2]
    return is_item_name(file) or (file.startswith("metadata.") and version_of_name(file) is not None)


def _named(store: Store, name: str) -> set[str] | str | None:
    """Names of the asset files of an item of backscatter; None for other items, a sentence if it is not an item."""
    try:
        item = json.loads(store.read(name))
        if item["properties"].get("product:type") == Product.RTC_S1_STATIC:
            return None
        return {unquote(str(asset["href"])).rpartition("/")[2] for asset in item["assets"].values()}
    except NotFoundError:
        return None
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
        return f"{store.href(name)} cannot be read: {error}"


def prune(store: Store, removals: Iterable[Removal]) -> Iterator[Removal]:
    """Remove the files one after the other."""
    for removal in removals:
        store.delete(removal.name)
        yield removal
