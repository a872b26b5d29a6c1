"""Read the XML of a SAFE with limits on size and nesting."""

import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rtcflow_contract.errors import RefusedError

# Annotation files of IW scenes have up to 2 MB, the burst extractor's file for a whole scene some 20 MB.
_MOST_BYTES = 64 * 1024 * 1024
# Elements of a SAFE are nested some ten levels deep.
_DEEPEST = 64


def parse_xml(data: str | bytes, name: str, reason: str = "annotation") -> ET.Element:
    """Root of an XML file.

    Parameters
    ----------
    data : str or bytes
    name : str
        The file in messages.
    reason : str
        Of the refusal.

    Raises
    ------
    RefusedError
        When it is too large, nested too deep, declares a document type, or is not XML.
    """
    if len(data) > _MOST_BYTES:
        raise _too_large(name, len(data), reason)
    target = _Shallow()
    parser = ET.XMLParser(target=target)
    try:
        # In pieces, so that too deep nesting or a document type is found early.
        step = 1024 * 1024
        for start in range(0, len(data), step):
            parser.feed(data[start : start + step])
        root = parser.close()
    except (ET.ParseError, ValueError, LookupError) as error:
        raise RefusedError(
            f"{name} cannot be read ({error}); fetch the scene again", reason=reason
        ) from error
    if not isinstance(root, ET.Element):
        raise RefusedError(f"{name} cannot be read (it is empty); fetch the scene again", reason=reason)
    return root


class _Shallow(ET.TreeBuilder):
    """Builds the tree up to a depth."""

    def __init__(self) -> None:
        super().__init__()
        self._depth = 0

    def start(self, tag: Any, attrs: Any, /) -> ET.Element:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise ValueError(f"elements nested deeper than {_DEEPEST}")
        return super().start(tag, attrs)

    def end(self, tag: Any, /) -> ET.Element:
        self._depth -= 1
        return super().end(tag)

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise ValueError("it declares a document type")


def read_xml(path: Path, name: str = "", reason: str = "annotation") -> bytes:
    """Read an XML file; raises RefusedError if it is unreadable or too large."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise _too_large(name or path.name, path.stat().st_size, reason)
        return path.read_bytes()
    except OSError as error:
        raise RefusedError(
            f"{name or path.name} cannot be read ({error.strerror}); fetch the scene again", reason=reason
        ) from error


def _too_large(name: str, size: int, reason: str = "annotation") -> RefusedError:
    """The refusal of a file that is too large."""
    return RefusedError(
        f"{name} has {size / 1e6:.0f} MB, more than the {_MOST_BYTES / 1e6:.0f} MB that are allowed; fetch the scene "
        "again",
        reason=reason,
    )


def text_of(element: ET.Element, path: str) -> str:
    """Text of the element at a path; raises ValueError if there is none."""
    text = element.findtext(path)
    if text is None or not text.strip():
        raise ValueError(f"<{path}> is missing or empty")
    return text.strip()


def time_of(text: str) -> datetime:
    """Parse a time, which is UTC unless it says otherwise; raises ValueError if it is not one."""
    if len(text) > 40:
        raise ValueError(f"'{text[:40]}…' is not a time")
    read = datetime.fromisoformat(text.strip())
    return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
