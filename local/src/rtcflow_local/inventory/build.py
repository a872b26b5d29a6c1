"""Build an inventory, or bring it up to date: only items that are new or changed are read."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any, NamedTuple

from pydantic import ValidationError

from rtcflow_contract.errors import NotFoundError, RefusedError
from rtcflow_contract.keys import COLLECTION, MANIFEST
from rtcflow_contract.manifest import Manifest
from rtcflow_local.inventory.facts import PREFIX, is_item, with_facts
from rtcflow_local.inventory.parts import Known, merge_part, part_of, read_known
from rtcflow_local.inventory.static_catalogue import COLLECTIONS
from rtcflow_local.inventory.store import Entry, Store

_READERS = 32
# Items in memory at once; an item is some 15 kB.
_BATCH = 4000


class Built(NamedTuple):
    """What a build did; `total` is the number of items of this source."""

    total: int
    added: int
    changed: int
    removed: int


def build(source: Store, inventory: Store, say: Callable[[str], None] = lambda text: None) -> Built:
    """Bring an inventory up to date with the products below a folder.

    Products of other folders that the inventory holds stay as they are. A build that is killed goes on where it was.

    Parameters
    ----------
    source : Store
        Project folder or collection.
    inventory : Store
    say : callable
        Gets a line on how far it is.

    Raises
    ------
    RefusedError
        When the folder is empty, an item is none, or the bucket cannot be read.
    """
    listed, collections = _list(source)
    known = {href: found for href, found in read_known(inventory).items() if href.startswith(source.href(""))}
    gone = known.keys() - listed.keys()
    wanted = [
        entry
        for href, entry in sorted(listed.items(), key=_by_month)
        if href not in known or known[href].tag != entry.tag
    ]
    say(f"{len(listed)} products, {len(wanted)} to read")
    _remove(inventory, known, gone)
    added = changed = 0
    with ThreadPoolExecutor(_READERS) as pool:
        for batch in _batches(wanted):
            items = [item for item in pool.map(lambda entry: _read(source, entry), batch) if item]
            _put(inventory, known, items)
            hrefs = [item["properties"][f"{PREFIX}item"] for item in items]
            changed += sum(href in known for href in hrefs)
            added += sum(href not in known for href in hrefs)
            say(f"{added + changed} of {len(wanted)} read")
    if wanted or gone:
        _take_collections(source, inventory, collections)
    vanished = len(wanted) - added - changed
    return Built(len(listed) - vanished, added, changed, len(gone))


def _list(source: Store) -> tuple[dict[str, Entry], list[str]]:
    """Items below a folder by where they are, and names of collections."""
    listed: dict[str, Entry] = {}
    collections: list[str] = []
    empty = True
    for entry in source.entries():
        empty = False
        if is_item(entry.name):
            listed[source.href(entry.name)] = entry
        elif entry.name.rpartition("/")[2] == COLLECTION:
            collections.append(entry.name)
    if empty:
        # An unmounted disk must not empty the inventory.
        raise RefusedError(
            f"there is nothing at all in {source.href('')}; correct the folder", reason="empty-source"
        )
    return listed, collections


def _by_month(found: tuple[str, Entry]) -> tuple[str, ...]:
    """Items of a month follow each other, so that its file is written seldom."""
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


def _put(inventory: Store, known: dict[str, Known], items: list[dict[str, Any]]) -> None:
    by_part: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for item in items:
        by_part[part_of(item)].append(item)
    hrefs = {item["properties"][f"{PREFIX}item"] for item in items}
    # An item that was made anew from another date leaves the file of the date before.
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
    for part, inside in by_part.items():
        merge_part(inventory, part, hrefs, inside)


def _take_collections(source: Store, inventory: Store, names: list[str]) -> None:
    """Keep the collections beside their items, for catalogues."""
    for name in names:
        data = source.read(name)
        inventory.write(f"{COLLECTIONS}/{json.loads(data)['id']}.json", data)


def _read(source: Store, entry: Entry) -> dict[str, Any] | None:
    """An item with its facts; None when it went away meanwhile."""
    try:
        data = source.read(entry.name)
    except NotFoundError:
        return None
    href = source.href(entry.name)
    try:
        item = json.loads(data)
        manifest = _manifest(source, entry.name.rpartition("/")[0], item["id"])
        return with_facts(item, manifest, href, entry.tag)
    except (ValueError, KeyError, TypeError) as error:
        raise RefusedError(
            f"{href} is no STAC item of a product ({error}); make the product anew or remove the file",
            reason="item",
        ) from error


def _manifest(source: Store, folder: str, product_id: str) -> Manifest | None:
    try:
        manifest = Manifest.model_validate_json(source.read(f"{folder}/{MANIFEST}"))
    except (NotFoundError, ValidationError):
        return None
    return manifest if manifest.product_id == product_id else None
