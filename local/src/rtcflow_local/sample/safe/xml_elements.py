"""XML in the style of ESA's annotation, from nested mappings, with counts and indentation."""

import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, TypeAlias

import numpy as np


class Listing(NamedTuple):
    """Elements of one name under a parent that counts them."""

    tag: str
    items: Sequence["Content"]


class Vector(NamedTuple):
    """Numbers in one element that counts them; `per_item` numbers count as one."""

    values: Iterable[float]
    form: str = "e"
    per_item: int = 1


class Attributed(NamedTuple):
    """Content with attributes."""

    content: "Content"
    attributes: Mapping[str, str]


class Single(NamedTuple):
    """A number of single precision."""

    value: float


Content: TypeAlias = (
    str | int | bool | float | datetime | Single | Vector | Listing | Attributed | Mapping[str, "Content"]
)


def element(tag: str, content: Content) -> ET.Element:
    """Element of a name with content; mappings become children in their order."""
    if isinstance(content, Attributed):
        made = element(tag, content.content)
        made.attrib.update(content.attributes)
        return made
    made = ET.Element(tag)
    if isinstance(content, Listing):
        made.set("count", str(len(content.items)))
        made.extend(element(content.tag, item) for item in content.items)
    elif isinstance(content, Vector):
        numbers = [format(value, content.form) for value in content.values]
        made.set("count", str(len(numbers) // content.per_item))
        made.text = " ".join(numbers)
    elif isinstance(content, Mapping):
        made.extend(element(name, inner) for name, inner in content.items())
    else:
        made.text = _text(content)
    return made


def document(root: ET.Element) -> bytes:
    """The bytes of a document."""
    ET.indent(root)
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="utf-8") + b"\n"


def timestamp(utc: datetime) -> str:
    """`2020-05-11T13:51:19.418774`."""
    return f"{utc:%Y-%m-%dT%H:%M:%S.%f}"


def _text(content: str | int | bool | float | datetime | Single) -> str:
    if isinstance(content, bool):
        return "true" if content else "false"
    if isinstance(content, Single):
        return f"{content.value:.6e}"
    if isinstance(content, datetime):
        return timestamp(content)
    if isinstance(content, float | np.floating):
        return f"{content:.15e}"
    return str(content)
