"""Inputs that the bursts of a task share and fetch once: orbit, annotation, DEM tiles, geoid."""

import threading
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any, BinaryIO, TypeVar, cast

from rtcflow.sources.blocks import KeptBlocks
from rtcflow_contract.errors import NotFoundError
from rtcflow_files.files import Files
from rtcflow_files.folder import FolderFiles
from rtcflow_files.ranges import open_ranges

_T = TypeVar("_T")


class Shared:
    """Results by key, and files in a folder, for all bursts of a task; thread-safe.

    Parameters
    ----------
    folder : Path
        Folder of shared files; the caller removes it.

    Attributes
    ----------
    alone : lock
        Held for work that only one burst does at a time.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.alone = threading.Lock()
        self._results: dict[Hashable, Any] = {}
        self._locks: dict[Hashable, threading.Lock] = {}
        self._lock = threading.Lock()

    def once(self, key: Hashable, get: Callable[[], _T]) -> _T:
        """The result of `get`, called once by the first caller while others wait. Errors are raised and not kept."""
        with self._lock:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            if key not in self._results:
                self._results[key] = get()
            return cast(_T, self._results[key])

    def files(self, files: Files, parts: bool = False) -> Files:
        """Wrap files so that they, or the `parts` read, are fetched once; local files are returned unchanged."""
        return files if files.path("") is not None else _SharedFiles(files, self, parts)


class _SharedFiles:
    """Files that are fetched once for all bursts of a task."""

    def __init__(self, files: Files, shared: Shared, parts: bool) -> None:
        self._files, self._shared, self._parts = files, shared, parts
        self.href, self.path, self.size = files.href, files.path, files.size

    def names(self, folder: str = "") -> list[str]:
        """Names of files below a folder."""
        return self._once("names", folder, lambda: self._files.names(folder))

    def open(self, name: str) -> BinaryIO:
        """Open a file; parts that several bursts read are fetched once."""
        if not self._parts:
            return self._files.open(name)
        blocks = self._once("blocks", name, lambda: self._blocks(name))
        return open_ranges(blocks.read_range, blocks.size)

    def read(self, name: str) -> bytes:
        """Read a whole file."""
        return self._once("read", name, lambda: self._files.read(name))

    def verify(self, name: str) -> bool:
        """Check a file against the source's checksum."""
        return self._once("verify", name, lambda: self._files.verify(name))

    def fetch(self, name: str, into: Path) -> Path:
        """A local path of a file, below `into`."""
        found = self._once("fetch", name, lambda: self._fetch(name))
        if isinstance(found, NotFoundError):
            raise found
        FolderFiles(into).put(found, name)
        return into / name

    def _fetch(self, name: str) -> Path | NotFoundError:
        # Missing files are remembered too: DEM archives have no tiles over sea.
        try:
            return self._files.fetch(name, self._shared.folder / "files" / self._id)
        except NotFoundError as error:
            return error

    def _blocks(self, name: str) -> KeptBlocks:
        kept = FolderFiles(self._shared.folder / "blocks" / self._id / name)

        def part_of(part: str, get: Callable[[], bytes]) -> bytes:
            try:
                return kept.read(part)
            except NotFoundError:
                data = get()
                kept.write(part, data)
                return data

        return KeptBlocks(lambda: self._files.open(name), part_of)

    @property
    def _id(self) -> str:
        return str(self._shared.once(("files", self.href("")), lambda: len(self._shared._results)))

    def _once(self, what: str, name: str, get: Callable[[], _T]) -> _T:
        return self._shared.once((what, self.href(name)), get)
