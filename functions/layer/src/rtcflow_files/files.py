"""The protocol of files: names below a root, whatever holds them.

`Files` are read; a `Store` is written too. Names are relative to the root, with slashes. A missing file is a
NotFoundError, a place that refuses is a RefusedError, and trouble that may pass is a TransientError, raised after the
call was tried as often as the policy of retries says.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, NamedTuple, Protocol

Count = Callable[[int], None]


def uncounted(size: int) -> None:
    """Count nothing: for callers that do not meter what they fetch."""


class Entry(NamedTuple):
    """A file of a listing: its name, its size in bytes, a tag that changes with its content, when it was written."""

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
        """A local path of the file: its own, or that of a copy at `into`/`name`, which is whole or not there."""

    def verify(self, name: str) -> bool:
        """Compare a file with the checksum that this place has of it; False where it has none, or only for all of it.

        RefusedError when the file is not what it was.
        """


class Store(Files, Protocol):
    """Files that can be written too."""

    def entries(self, folder: str = "", at_once: int = 1) -> Iterator[Entry]:
        """List every file below a folder; `at_once` folders at a time, and then in no order."""

    def read_range(self, name: str, start: int, length: int) -> bytes:
        """Read `length` bytes of a file from byte `start`."""

    def write(self, name: str, data: bytes) -> None:
        """Write a file, whole or not at all, replacing any."""

    def write_if_absent(self, name: str, data: bytes) -> bool:
        """Write a file unless it exists, atomically; False when it does."""

    def put(self, path: Path, name: str) -> None:
        """Copy a local file there, whole or not at all, replacing any."""

    def delete(self, name: str) -> None:
        """Delete a file; no error when there is none."""
