"""Bring the inventory into catalogues: as files of a static STAC catalogue, or as notices on a topic.

The static catalogue has collections, a catalog per burst and items, with relative links.
"""

import json
import posixpath
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import urljoin, urlsplit

from rtcflow_cloud.catalogue_topic import publish
from rtcflow_contract.errors import NotFoundError
from rtcflow_files.files import Store
from rtcflow_local.inventory.facts import PREFIX, without_facts
from rtcflow_local.inventory.parts import FOLDER, items_of_part, part_names
from rtcflow_stac.context import local_uri
from rtcflow_stac.notice import notice_of

COLLECTIONS = "collections"
_CATALOG, _COLLECTION = "catalog.json", "collection.json"
_STAC = "1.1.0"
# Links of the product's own catalogue, which are replaced here.
_STRUCTURE = {"self", "root", "parent", "collection", "child", "item"}


class WrittenCatalogue(NamedTuple):
    """Numbers of collections and items in a catalogue."""

    collections: int
    items: int


def write_catalogue(inventory: Store, to: Store) -> WrittenCatalogue:
    """Write the catalogue; existing files are replaced, deleted items are no longer linked.

    Assets are not copied; their hrefs are absolute.
    """
    by_collection: dict[str, list[str]] = defaultdict(list)
    for part in part_names(inventory):
        by_collection[part.removeprefix(f"{FOLDER}/").rpartition("/")[0]].append(part)
    total = 0
    for name, parts in by_collection.items():
        total += _write_collection(inventory, to, name, parts)
    children = [_link("child", f"./{name}/{_COLLECTION}", name) for name in sorted(by_collection)]
    catalog = _catalog("rtcflow", "Products of rtcflow", [_link("root", f"./{_CATALOG}"), *children])
    _write(to, _CATALOG, catalog)
    return WrittenCatalogue(len(by_collection), total)


def _write_collection(inventory: Store, to: Store, name: str, parts: list[str]) -> int:
    items: dict[str, list[str]] = defaultdict(list)
    boxes: list[list[float]] = []
    times: list[str] = []
    for item in _items(inventory, parts):
        burst_id = item["properties"][f"{PREFIX}burst_id"]
        items[burst_id].append(item["id"])
        boxes.append([item["bbox"][0], item["bbox"][1], item["bbox"][-2], item["bbox"][-1]])
        times.append(item["properties"]["datetime"])
        _write(to, f"{name}/{burst_id}/{item['id']}.json", _item(item))
    for burst_id, ids in items.items():
        links = [
            _link("root", f"../../{_CATALOG}"),
            _link("parent", f"../{_COLLECTION}"),
            *(_link("item", f"./{item}.json", media="application/geo+json") for item in sorted(ids)),
        ]
        _write(
            to, f"{name}/{burst_id}/{_CATALOG}", _catalog(burst_id, f"Products of burst {burst_id}", links)
        )
    links = [
        _link("root", f"../{_CATALOG}"),
        _link("parent", f"../{_CATALOG}"),
        *(_link("child", f"./{burst_id}/{_CATALOG}", burst_id) for burst_id in sorted(items)),
    ]
    extent = {
        "spatial": {"bbox": [_around(boxes)]},
        "temporal": {"interval": [[min(times), max(times)]]},
    }
    collection = _collection(inventory, name)
    links += collection.pop("links", [])
    _write(to, f"{name}/{_COLLECTION}", {**collection, "extent": extent, "links": links})
    return len(times)


def _items(inventory: Store, parts: list[str]) -> Iterator[dict[str, Any]]:
    for part in parts:
        yield from items_of_part(inventory, part)


def _item(item: dict[str, Any]) -> dict[str, Any]:
    href = item["properties"][f"{PREFIX}item"]
    links = [
        {**link, "href": absolute(href, link["href"])}
        for link in item["links"]
        if link["rel"] not in _STRUCTURE
    ]
    links += [
        _link("root", f"../../{_CATALOG}"),
        _link("parent", f"./{_CATALOG}"),
        _link("collection", f"../{_COLLECTION}"),
        _link("canonical", href, media="application/geo+json"),
    ]
    assets = {key: {**asset, "href": absolute(href, asset["href"])} for key, asset in item["assets"].items()}
    return {**without_facts(item), "assets": assets, "links": links}


def absolute(base: str, href: str) -> str:
    """The absolute form of an href; relative ones are relative to the file `base`."""
    if urlsplit(href).scheme or href.startswith("/"):
        return href
    if urlsplit(base).scheme in ("", "file"):
        return local_uri(
            posixpath.normpath(posixpath.join(posixpath.dirname(base.removeprefix("file://")), href))
        )
    # urljoin does not know the s3 scheme.
    scheme, rest = base.split("://", 1)
    return f"{scheme}://{urljoin(f'http://{rest}', href).removeprefix('http://')}"


def _around(boxes: list[list[float]]) -> list[float]:
    """The common bounding box; around the globe if one crosses the antimeridian."""
    south, north = min(box[1] for box in boxes), max(box[3] for box in boxes)
    if any(box[0] > box[2] for box in boxes):
        return [-180.0, south, 180.0, north]
    return [min(box[0] for box in boxes), south, max(box[2] for box in boxes), north]


def _collection(inventory: Store, name: str) -> dict[str, Any]:
    """The collection of the products, else a minimal one."""
    try:
        found = dict(json.loads(inventory.read(f"{COLLECTIONS}/{name}.json")))
    except NotFoundError:
        return {
            "type": "Collection",
            "stac_version": _STAC,
            "id": name,
            "description": f"Products of collection {name}",
            "license": "other",
        }
    base = next((link["href"] for link in found["links"] if link["rel"] == "self"), "")
    links = [
        {**link, "href": absolute(base, link["href"])}
        for link in found["links"]
        if link["rel"] not in _STRUCTURE
    ]
    assets = {
        key: {**asset, "href": absolute(base, asset["href"])}
        for key, asset in found.get("assets", {}).items()
    }
    return {**found, "links": links, **({"assets": assets} if assets else {})}


def _catalog(name: str, text: str, links: list[dict[str, str]]) -> dict[str, Any]:
    return {"type": "Catalog", "stac_version": _STAC, "id": name, "description": text, "links": links}


def _link(rel: str, href: str, title: str | None = None, media: str = "application/json") -> dict[str, str]:
    return {"rel": rel, "href": href, "type": media, **({"title": title} if title else {})}


def _write(to: Store, name: str, value: dict[str, Any]) -> None:
    to.write(name, json.dumps(value, indent=1, default=str).encode())


def republish(inventory: Store, hrefs: frozenset[str], topic: str, client: Any = None) -> int:
    """Publish the items at `hrefs`, after every collection of the inventory; returns their number.

    Catalogues replace items that they have, so repeating it does no harm.
    """
    for entry in inventory.entries(COLLECTIONS):
        collection = json.loads(inventory.read(entry.name))
        publish(topic, json.dumps(collection), {"collection": ("String", collection["id"])}, client)
    count = 0
    for part in part_names(inventory):
        for item in items_of_part(inventory, part):
            properties = item["properties"]
            href = properties[f"{PREFIX}item"]
            if href in hrefs:
                notice = notice_of(without_facts(item), href, properties[f"{PREFIX}burst_id"])
                publish(topic, notice.message, notice.attributes, client)
                count += 1
    return count
