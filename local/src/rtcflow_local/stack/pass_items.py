"""STAC items of products, by pass."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pystac

from rtcflow_contract.errors import RefusedError
from rtcflow_contract.layers import Product


class PassItems(NamedTuple):
    """Items of one pass in order of time; `pass_id` is like `S1A_041267_D`."""

    pass_id: str
    items: tuple[pystac.Item, ...]

    @property
    def coordinates(self) -> dict[str, Any]:
        """Coordinates of the time step."""
        first = self.items[0].properties
        scenes = dict.fromkeys(str(item.properties.get("s1:product_identifier", "")) for item in self.items)
        return {
            "pass_id": self.pass_id,
            "scene": " ".join(scenes),
            "platform": str(first["platform"]),
            "absolute_orbit": int(first["sat:absolute_orbit"]),
            "relative_orbit": int(first["sat:relative_orbit"]),
            "orbit_state": str(first["sat:orbit_state"]),
        }


def read_items(source: str | Path | Iterable[pystac.Item | Mapping[str, Any]]) -> list[pystac.Item]:
    """Backscatter items of a folder of products, a collection or item file, or an iterable of items.

    Raises
    ------
    RefusedError
        When there are none.
    """
    if isinstance(source, str | Path):
        found = list(_items_at(source))
    else:
        found = [one if isinstance(one, pystac.Item) else pystac.Item.from_dict(dict(one)) for one in source]
    kept = [item for item in found if item.properties.get("product:type") != Product.RTC_S1_STATIC]
    if not kept:
        raise RefusedError(
            f"{_named(source)} has no item of backscatter; make products there first", "no-items"
        )
    return kept


def group_items(items: Iterable[pystac.Item]) -> list[PassItems]:
    """Items by pass, passes by time."""
    groups: dict[str, list[pystac.Item]] = defaultdict(list)
    for item in items:
        groups[pass_id_of(item)].append(item)
    passes = [
        PassItems(pass_id, tuple(sorted(group, key=lambda item: (item.properties["datetime"], item.id))))
        for pass_id, group in groups.items()
    ]
    return sorted(passes, key=lambda one: (one.items[0].properties["datetime"], one.pass_id))


def pass_id_of(item: pystac.Item) -> str:
    """Id of an item's pass, from platform, absolute orbit and direction, such as `S1A_041267_D`."""
    p = item.properties
    platform = str(p["platform"]).replace("sentinel-", "S").upper()
    return f"{platform}_{int(p['sat:absolute_orbit']):06d}_{str(p['sat:orbit_state'])[0].upper()}"


def _items_at(source: str | Path) -> Iterable[pystac.Item]:
    path = Path(source)
    if path.is_dir():
        return [pystac.Item.from_file(str(item)) for item in sorted(path.rglob("metadata.json"))]
    found = pystac.read_file(str(source))
    return (
        found.get_items(recursive=True)
        if isinstance(found, pystac.Catalog)
        else [pystac.Item.from_file(str(source))]
    )


def _named(source: Any) -> str:
    return str(source) if isinstance(source, str | Path) else "the list"
