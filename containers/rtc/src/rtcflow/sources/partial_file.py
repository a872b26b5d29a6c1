"""An unfinished download: the bytes received and the server's facts on the file, which survive a kill."""

import base64
import fcntl
import hashlib
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

from rtcflow_contract.errors import TransientError

# Older files are removed.
_STALE_S = 3 * 86400.0
_CHECKSUMS = {"md5": "Content-MD5", "sha256": "x-amz-checksum-sha256"}


class Extent(NamedTuple):
    """A piece of a file: `length` bytes from byte `start` on."""

    start: int
    length: int


class PartialFile:
    """An unfinished download; open it with `open_partial`.

    Parameters
    ----------
    file : BinaryIO
        Open for appending.
    path : Path
    extent : Extent or None
        The piece of the server's file; None for all of it.
    """

    def __init__(self, file: BinaryIO, path: Path, extent: Extent | None) -> None:
        self._file = file
        self._path = path
        self._extent = extent
        self._notes_path = path.with_name(f"{path.name}.json")
        self._notes: dict[str, str] = {}
        if self.size:
            try:
                self._notes = json.loads(self._notes_path.read_text())
            except (OSError, ValueError):
                self.forget()

    @property
    def size(self) -> int:
        """Number of bytes received."""
        return self._file.seek(0, os.SEEK_END)

    @property
    def at(self) -> int:
        """Position of the next byte in the server's file."""
        return self.size + (self._extent.start if self._extent else 0)

    def headers(self) -> dict[str, str]:
        """Request headers: for everything, or for the rest if the file has not changed."""
        if not self.size and self._extent is None:
            return {}
        end = str(self._extent.start + self._extent.length - 1) if self._extent else ""
        same = (self._notes.get("etag") or self._notes.get("last-modified")) if self.size else None
        return {"Range": f"bytes={self.at}-{end}", **({"If-Range": same} if same else {})}

    def begin(self, start: int, total: int | None, headers: Mapping[str, str]) -> None:
        """Prepare for a body that begins at byte `start` of the server's file of `total` bytes.

        Raises
        ------
        TransientError
            When the body does not continue where this ends, or the file changed; the download then starts over.
        """
        if start == 0 and self._extent is None:
            self.forget()
        if start != self.at or (total is not None and self._notes.get("total") not in (None, str(total))):
            self.forget()
            raise TransientError("the file changed while it was fetched", reason="changed")
        known = {"etag": headers.get("ETag"), "last-modified": headers.get("Last-Modified")}
        if self._extent is None:
            known |= {name: headers.get(header) for name, header in _CHECKSUMS.items()}
        # Weak tags do not guarantee equal bytes; a checksum with a dash is a checksum of checksums.
        kept = {
            k: v
            for k, v in known.items()
            if v and not v.startswith("W/") and not (k in _CHECKSUMS and "-" in v)
        }
        self._notes |= kept
        if total is not None:
            self._notes["total"] = str(total)
        self._notes_path.write_text(json.dumps(self._notes))

    def write(self, piece: bytes) -> None:
        """Add bytes at the end."""
        self._file.write(piece)
        self._file.flush()

    def check(self) -> None:
        """Check the file against the server's size and checksums.

        Raises
        ------
        TransientError
            When bytes are missing or wrong; wrong ones are discarded.
        """
        total = self._extent.length if self._extent else int(self._notes.get("total", self.size))
        if self.size != total:
            if self.size > total:
                self.forget()
            raise TransientError(f"it broke off after {self.size} of {total} bytes", reason="truncated")
        for algorithm in _CHECKSUMS.keys() & self._notes.keys():
            with self._path.open("rb") as file:
                found = hashlib.file_digest(file, algorithm).digest()
            if base64.b64encode(found).decode() != self._notes[algorithm]:
                self.forget()
                raise TransientError(f"it came with a wrong {algorithm} checksum", reason="checksum")

    def forget(self) -> None:
        """Start over."""
        self._file.truncate(0)
        self._notes = {}
        self._notes_path.unlink(missing_ok=True)

    def finish(self, path: Path) -> None:
        """Move the file to its place."""
        self._path.replace(path)
        self._notes_path.unlink(missing_ok=True)


@contextmanager
def open_partial(name: str, folder: Path, extent: Extent | None = None) -> Iterator[PartialFile]:
    """Open the unfinished download of a name, or a new one if another process uses it.

    Parameters
    ----------
    name : str
        The URL without secrets.
    folder : Path
        Folder of unfinished downloads; old ones are removed.
    extent : Extent, optional
    """
    folder.mkdir(parents=True, exist_ok=True)
    _sweep(folder)
    key = hashlib.sha256(f"{name} {extent}".encode()).hexdigest()[:16]
    number = 0
    while True:
        path = folder / f"{key}-{number}.part"
        file = path.open("a+b")
        if _lock(file) and _is_at(file, path):
            break
        file.close()
        number += 1
    try:
        yield PartialFile(file, path, extent)
    finally:
        if _is_at(file, path) and path.stat().st_size == 0:
            path.unlink()
        file.close()


def _lock(file: BinaryIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _is_at(file: BinaryIO, path: Path) -> bool:
    """Whether the open file still has the name; its previous holder may have moved it."""
    return path.exists() and path.stat().st_ino == os.fstat(file.fileno()).st_ino


def _sweep(folder: Path) -> None:
    oldest = time.time() - _STALE_S
    for path in folder.glob("*.part*"):
        try:
            if path.stat().st_mtime < oldest:
                path.unlink()
        except FileNotFoundError:
            continue
