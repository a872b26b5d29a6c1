"""The notice of an item for catalogues, as stac-server and eoAPI's loaders read it from a topic."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

# Limit of SNS on message and attributes together.
_LARGEST_BYTES = 256 * 1024
# By attribute: property of the item, and type in SNS. Raw delivery to SQS allows ten attributes.
_ATTRIBUTES = {
    "product": ("product:type", "String"),
    "platform": ("platform", "String"),
    "orbit_state": ("sat:orbit_state", "String"),
    "relative_orbit": ("sat:relative_orbit", "Number"),
    "version": ("processing:version", "String"),
    "datetime": ("datetime", "String"),
}


class Notice(NamedTuple):
    """A message with attributes to filter by: type and value by name."""

    message: str
    attributes: dict[str, tuple[str, str]]


def notice_of(item: Mapping[str, Any], href: str, burst_id: str, replaces: str = "") -> Notice:
    """Make the notice: the item itself, or `{"href": ...}` if that is too large.

    Parameters
    ----------
    item : mapping
        STAC item.
    href : str
        S3 URI of the item.
    burst_id : str
    replaces : str
        Id of another item that this one replaces, or empty.
    """
    properties = item["properties"]
    attributes = {
        "collection": ("String", str(item["collection"])),
        "burst_id": ("String", burst_id),
        **({"replaces": ("String", replaces)} if replaces and replaces != item["id"] else {}),
        **{
            name: (kind, str(properties[key]))
            for name, (key, kind) in _ATTRIBUTES.items()
            if properties.get(key) is not None
        },
    }
    message = json.dumps(item, separators=(",", ":"), allow_nan=False)
    around = sum(len(name) + len(kind) + len(value) for name, (kind, value) in attributes.items())
    if len(message.encode()) + around > _LARGEST_BYTES:
        message = json.dumps({"href": href})
    return Notice(message, attributes)
