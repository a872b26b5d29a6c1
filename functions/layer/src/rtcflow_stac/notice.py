"""The notice of an item for catalogues: what stac-server and the loaders of eoAPI take from a topic."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

# SNS takes no more, message and attributes together.
LARGEST_BYTES = 256 * 1024
# Attribute: property of the item, and its type in SNS. Raw delivery to SQS carries ten attributes at most.
_ATTRIBUTES = {
    "product": ("product:type", "String"),
    "platform": ("platform", "String"),
    "orbit_state": ("sat:orbit_state", "String"),
    "relative_orbit": ("sat:relative_orbit", "Number"),
    "version": ("processing:version", "String"),
    "datetime": ("datetime", "String"),
}


class Notice(NamedTuple):
    """A message, and attributes by which subscribers filter: type and value by name."""

    message: str
    attributes: dict[str, tuple[str, str]]


def notice_of(item: Mapping[str, Any], href: str, burst_id: str, replaces: str = "") -> Notice:
    """The item itself as message, or, where that is too large, `{"href": ...}`, which says where it is.

    Parameters
    ----------
    item : mapping
        STAC item.
    href : str
        S3 URI of the item.
    burst_id : str
    replaces : str
        Id of an item whose place this one takes, where that is another.
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
    if len(message.encode()) + around > LARGEST_BYTES:
        message = json.dumps({"href": href})
    return Notice(message, attributes)
