"""Build or update an inventory; only items are read that are new, or that changed with or in their manifest."""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any, NamedTuple

from rtcflow_contract.errors import NotFoundError, RefusedError
from rtcflow_contract.item_check import check_item
from rtcflow_contract.keys import COLLECTION, MANIFEST, is_processed_scene
from rtcflow_contract.manifest import Manifest
from rtcflow_contract.stored import UnreadableError, read_stored
from rtcflow_files.files import Entry, Store
from rtcflow_local.inventory.facts import PREFIX, is_item, with_facts
from rtcflow_local.inventory.parts import Known, merge_part, part_of, read_known
from rtcflow_local.inventory.static_catalogue import COLLECTIONS

_READERS = 32
# Items in memory at once; an item has some 15 kB.
_BATCH = 4000
_COLLECTION_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.=-]*")


class Built(NamedTuple):
    """Result of a build; `total` is the number of items of this source in the inventory.

    `troubles` has a sentence for each file that was left out or is incomplete; `records` are the records of processed
    scenes that are among the products.
    """

    total: int
    added: int
    changed: int
    removed: int
    troubles: tuple[str, ...] = ()
    records: tuple[Entry, ...] = ()


class _Listed(NamedTuple):
    """Files below a folder: items by location, names of collections, records of processed scenes.

    An item's tag also changes with its manifest.
    """

    items: dict[str, Entry]
    collections: list[str]
    records: list[Entry]


class _Read(NamedTuple):
    """An item with its facts, or None if it was deleted meanwhile or is invalid; and what was wrong with it."""

    item: dict[str, Any] | None
    trouble: str = ""


def build(source: Store, inventory: Store, say: Callable[[str], None] = lambda text: None) -> Built:
    """Update an inventory with the products below a folder.

    Products of other folders in the inventory are not changed. A build that was killed continues where it was. A file
    that is not an item is reported and left out.

    Parameters
    ----------
    source : Store
        Project folder or collection.
    inventory : Store
    say : callable
        Called with a line on progress.

    Raises
    ------
    RefusedError
        When the folder is empty, or the bucket cannot be read.
    """
    listed, collections, records = _list(source)
    known = {href: found for href, found in read_known(inventory).items() if href.startswith(source.href(""))}
    gone = known.keys() - listed.keys()
    wanted = [
        entry
        for href, entry in sorted(listed.items(), key=_by_month)
        if href not in known or known[href].tag != entry.tag
    ]
    say(f"{len(listed)} products, {len(wanted)} to read")
    _remove(inventory, known, gone)
    added = changed = spoilt = 0
    troubles: list[str] = []
    with ThreadPoolExecutor(_READERS) as pool:
        for batch in _batches(wanted):
            read = list(pool.map(lambda entry: _read(source, entry), batch))
            troubles += [one.trouble for one in read if one.trouble]
            items = [one.item for one in read if one.item]
            left_out = _put(inventory, known, items)
            troubles += [f"{href} does not fit the other items: {why}" for href, why in left_out.items()]
            taken = {item["properties"][f"{PREFIX}item"] for item in items} - left_out.keys()
            # Facts of an item must not outlive the item.
            stale = {source.href(entry.name) for entry in batch} & known.keys() - taken
            _remove(inventory, known, stale)
            spoilt += len(stale)
            changed += len(taken & known.keys())
            added += len(taken - known.keys())
            say(f"{added + changed} of {len(wanted)} read")
    if wanted or gone:
        troubles += _take_collections(source, inventory, collections)
    lost = len(wanted) - added - changed
    return Built(len(listed) - lost, added, changed, len(gone) + spoilt, tuple(troubles), tuple(records))


def _list(source: Store) -> _Listed:
    listed: dict[str, Entry] = {}
    manifests: dict[str, str] = {}
    collections: list[str] = []
    records: list[Entry] = []
    empty = True
    for entry in source.entries(at_once=16):
        empty = False
        if is_item(entry.name):
            listed[source.href(entry.name)] = entry
            continue
        folder, _, name = entry.name.rpartition("/")
        if name == MANIFEST:
            manifests[source.href(folder)] = entry.tag
        elif name == COLLECTION:
            collections.append(entry.name)
        elif is_processed_scene(entry.name):
            records.append(entry)
    if empty:
        # An unmounted disk must not empty the inventory.
        raise RefusedError(
            f"{source.href('')} is empty or does not exist; correct the folder", reason="empty-source"
        )
    # A manifest may be damaged or replaced while its item does not change.
    tagged = {
        href: entry._replace(tag=f"{entry.tag} {manifests.get(href.rpartition('/')[0], '')}".strip())
        for href, entry in listed.items()
    }
    return _Listed(tagged, collections, records)


def _by_month(found: tuple[str, Entry]) -> tuple[str, ...]:
    """Group items by month, so that a month's file is written rarely."""
    parts = found[0].split("/")
    return (*parts[-4:-2], found[0])


def _batches(entries: list[Entry]) -> Iterator[list[Entry]]:
    rest = iter(entries)
    while batch := list(islice(rest, _BATCH)):
        yield batch


def _remove(inventory: Store, known: dict[str, Known], gone: Iterable[str]) -> None:
    by_part: dict[str, list[str]] = defaultdict(list)
    for href in gone:
        by_part[known[href].part].append(href)
    for part, hrefs in by_part.items():
        merge_part(inventory, part, hrefs, [])


def _put(inventory: Store, known: dict[str, Known], items: list[dict[str, Any]]) -> dict[str, str]:
    """Put items into their files; returns reasons for those that do not fit, by location."""
    by_part: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for item in items:
        by_part[part_of(item)].append(item)
    hrefs = {item["properties"][f"{PREFIX}item"] for item in items}
    # An item that was made again with another date is removed from its former file.
    _remove(
        inventory,
        known,
        [
            item["properties"][f"{PREFIX}item"]
            for part, inside in by_part.items()
            for item in inside
            if (found := known.get(item["properties"][f"{PREFIX}item"])) and found.part != part
        ],
    )
    left_out: dict[str, str] = {}
    for part, inside in by_part.items():
        left_out |= merge_part(inventory, part, hrefs, inside)
    return left_out


def _take_collections(source: Store, inventory: Store, names: list[str]) -> list[str]:
    """Store the collections beside their items, for catalogues; returns a sentence for each invalid one."""
    troubles = []
    for name in names:
        try:
            data = source.read(name)
            found = json.loads(data)["id"]
            if not isinstance(found, str) or not _COLLECTION_ID.fullmatch(found):
                raise ValueError("id is no name")
            inventory.write(f"{COLLECTIONS}/{found}.json", data)
        except NotFoundError:
            continue
        except (ValueError, RecursionError, KeyError, TypeError) as error:
            troubles.append(f"{source.href(name)} is not a STAC collection: {error}")
    return troubles


def _read(source: Store, entry: Entry) -> _Read:
    """Read an item with its facts, or what is wrong with it."""
    href = source.href(entry.name)
    try:
        data = source.read(entry.name)
        if not data.strip():
            return _Read(None, f"{href} is empty, so there is no product; make it again")
        item = json.loads(data)
        check_item(item)
    except NotFoundError:
        return _Read(None)
    except (ValueError, RecursionError) as error:
        return _Read(
            None,
            f"{href} is not a STAC item of a product: {error}; make the product again or remove the file",
        )
    manifest, trouble = _manifest(source, entry.name.rpartition("/")[0], item["id"])
    # Without a tag, every build reads and reports the item until its manifest is repaired.
    return _Read(with_facts(item, manifest, href, "" if trouble else entry.tag), trouble)


def _manifest(source: Store, folder: str, item_id: str) -> tuple[Manifest | None, str]:
    """The manifest beside an item, if it is of the same product; or why it cannot be read."""
    name = f"{folder}/{MANIFEST}"
    try:
        manifest = read_stored(Manifest, source.read(name), source.href(name))
    except NotFoundError:
        return None, ""
    except UnreadableError as error:
        return None, f"{error.message}; the inventory has its product without engine and static layers"
    return (manifest if item_id in (manifest.product_id, manifest.item_id) else None), ""
