"""The protocol of files: names below a root, whatever holds them.

`Files` can be read, a `Store` written too. Names are relative to the root, with slashes. A missing file raises
NotFoundError, denied access RefusedError, and a failure that may pass TransientError, after retries.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, NamedTuple, Protocol

Count = Callable[[int], None]


def uncounted(size: int) -> None:
    """Count nothing: for callers that do not meter what they fetch."""


class Entry(NamedTuple):
    """A file of a listing: name, size in bytes, a tag that changes with the content, and time of writing."""

    name: str
    size: int
    tag: str
    modified: datetime


class Files(Protocol):
    """Files that can be read."""

    def href(self, name: str) -> str:
        """Where a file is: a URI or a path, for people and for provenance."""

    def path(self, name: str) -> Path | None:
        """The file's own path on this machine; None where it has none."""

    def names(self, folder: str = "") -> list[str]:
        """Names of all files below a folder."""

    def size(self, name: str) -> int:
        """Size of a file, bytes."""

    def open(self, name: str) -> BinaryIO:
        """Open a file for reading and seeking; only what is read is fetched."""

    def read(self, name: str) -> bytes:
        """Read a whole file."""

    def fetch(self, name: str, into: Path) -> Path:
        """A local path of the file: its own, or a complete copy at `into`/`name`."""

    def verify(self, name: str) -> bool:
        """Check a file against the checksum stored with it; False if there is none, or checking needs the whole file.

        Raises RefusedError when the checksum does not match.
        """


class Store(Files, Protocol):
    """Files that can be written too."""

    def entries(self, folder: str = "", at_once: int = 1) -> Iterator[Entry]:
        """List every file below a folder, `at_once` folders in parallel, then in any order."""

    def read_range(self, name: str, start: int, length: int) -> bytes:
        """Read `length` bytes of a file from byte `start`."""

    def write(self, name: str, data: bytes) -> None:
        """Write a file atomically, replacing an existing one."""

    def write_if_absent(self, name: str, data: bytes) -> bool:
        """Write a file atomically unless it exists; returns False if it does."""

    def put(self, path: Path, name: str) -> None:
        """Copy a local file there atomically, replacing an existing one."""

    def delete(self, name: str) -> None:
        """Delete a file if it exists."""
