"""Whether a file is the STAC item of a product, for plan, campaign and inventory alike.

People edit items by hand, so every field is checked; a file that is not an item counts as no product.
"""

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

_COLLECTION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.=-]*")
# The id becomes a file name in a static catalogue.
_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:+-]*")
_GEOMETRIES = {"Point", "LineString", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon"}


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _time(value: Any) -> bool:
    try:
        return (
            isinstance(value, str) and datetime.fromisoformat(value.replace("Z", "+00:00")).tzinfo is not None
        )
    except ValueError:
        return False


def _links(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(link, dict) and _text(link.get("rel")) and _text(link.get("href")) for link in value
    )


def _assets(value: Any) -> bool:
    return isinstance(value, dict) and all(
        isinstance(asset, dict) and _text(asset.get("href")) and isinstance(asset.get("file:size", 0), int)
        for asset in value.values()
    )


def _geometry(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and value.get("type") in _GEOMETRIES
        and isinstance(value.get("coordinates"), list)
        and _positions(value["coordinates"])
    )


def _positions(value: Any) -> bool:
    """Nested lists that end in two or three numbers."""
    if not isinstance(value, list) or not value:
        return False
    if all(_number(part) for part in value):
        return len(value) in (2, 3)
    return all(_positions(part) for part in value)


# By field: what it must be, and the check.
_FIELDS: Mapping[str, tuple[str, Callable[[Any], bool]]] = {
    "type": ("Feature", lambda value: value == "Feature"),
    "id": ("a name", lambda value: _text(value) and bool(_ID.fullmatch(value))),
    "collection": ("a collection's name", lambda value: _text(value) and bool(_COLLECTION.fullmatch(value))),
    "geometry": ("a GeoJSON geometry", _geometry),
    "bbox": (
        "four numbers",
        lambda value: isinstance(value, list) and len(value) in (4, 6) and all(_number(v) for v in value),
    ),
    "links": ("a list of links", _links),
    "assets": ("a table of assets with href", _assets),
}
_PROPERTIES: Mapping[str, tuple[str, Callable[[Any], bool]]] = {
    "datetime": ("a time like 2022-01-01T12:47:52Z", _time),
    "created": ("a time like 2022-01-01T12:47:52Z", _time),
    **dict.fromkeys(
        (
            "product:type",
            "platform",
            "sat:orbit_state",
            "s1:orbit_source",
            "processing:version",
            "s1:product_identifier",
            "proj:code",
        ),
        ("a text", _text),
    ),
    "gsd": ("a number", _number),
}
_NEEDED = ("datetime",)


def check_item(item: Any) -> None:
    """Refuse what is not an item of a product.

    Raises
    ------
    ValueError
        Names the first field that is wrong.
    """
    if not isinstance(item, dict):
        raise ValueError("it is not a JSON object")
    for name, (wanted, good) in _FIELDS.items():
        if not good(item.get(name)):
            raise ValueError(f"{name} is not {wanted}")
    properties = item.get("properties")
    if not isinstance(properties, dict):
        raise ValueError("properties is not a table")
    for name, (wanted, good) in _PROPERTIES.items():
        if (name in properties or name in _NEEDED) and not good(properties.get(name)):
            raise ValueError(f"properties.{name} is not {wanted}")


def is_item(data: bytes) -> bool:
    """Whether a file is an item of a product."""
    try:
        check_item(json.loads(data))
    except (ValueError, RecursionError):
        return False
    return True
