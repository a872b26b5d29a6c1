"""What the bursts of one task have in common, fetched once: orbit, annotation, DEM tiles, geoid."""

import os
import shutil
import threading
from collections.abc import Callable, Hashable, Iterable
from pathlib import Path
from typing import Any, BinaryIO, TypeVar, cast

from rtcflow.sources.blocks import KeptBlocks
from rtcflow.sources.places import LocalPlace, Place
from rtcflow.sources.ranges import open_ranges
from rtcflow_cloud.failures import NotFoundError

_T = TypeVar("_T")


class Shared:
    """Results by key, and files in a folder, for all bursts of a task; safe in several threads.

    Parameters
    ----------
    folder : Path
        Where shared files are kept; the caller removes it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._results: dict[Hashable, Any] = {}
        self._locks: dict[Hashable, threading.Lock] = {}
        self._lock = threading.Lock()

    def once(self, key: Hashable, get: Callable[[], _T]) -> _T:
        """The result of `get` by whoever asked first; the others wait for it. An error is raised, and not kept."""
        with self._lock:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            if key not in self._results:
                self._results[key] = get()
            return cast(_T, self._results[key])

    def place(self, place: Place) -> Place:
        """A place whose files are fetched once; a folder of this machine as it is."""
        return place if isinstance(place, LocalPlace | SharedPlace) else SharedPlace(place, self)


class SharedPlace:
    """A place whose files are fetched once for all bursts of a task."""

    def __init__(self, place: Place, shared: Shared) -> None:
        self._place, self._shared = place, shared

    def href(self, name: str) -> str:
        """Address of a file."""
        return self._place.href(name)

    def names(self, folder: str = "") -> Iterable[str]:
        """Names of files below a folder."""
        return self._once("names", folder, lambda: tuple(self._place.names(folder)))

    def open(self, name: str) -> BinaryIO:
        """Open a file; what is read of it is not kept."""
        return self._place.open(name)

    def open_kept(self, name: str) -> BinaryIO:
        """Open a file of which the bursts of a task read much the same parts."""
        blocks = self._once("blocks", name, lambda: self._blocks(name))
        return open_ranges(blocks.read_range, blocks.size)

    def read(self, name: str) -> bytes:
        """Whole file."""
        return self._once("read", name, lambda: self._place.read(name))

    def fetch(self, name: str, into: Path) -> Path:
        """A local path of a file, below `into`."""
        found = self._once("fetch", name, lambda: self._fetch(name))
        if isinstance(found, NotFoundError):
            raise found
        target = into / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        try:
            os.link(found, target)
        except OSError:
            # Some disks have no links.
            shutil.copyfile(found, target)
        return target

    def _fetch(self, name: str) -> Path | NotFoundError:
        # That there is no such file is worth knowing too: DEM archives have no tiles of the sea.
        try:
            return self._place.fetch(name, self._shared.folder / "files" / self._id)
        except NotFoundError as error:
            return error

    def _blocks(self, name: str) -> KeptBlocks:
        folder = self._shared.folder / "blocks" / self._id / name

        def recall(part: str, path: Path) -> bool:
            kept = folder / part
            if kept.is_file():
                shutil.copyfile(kept, path)
            return kept.is_file()

        def keep(part: str, path: Path) -> None:
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, folder / f".{part}")
            os.replace(folder / f".{part}", folder / part)

        return KeptBlocks(lambda: self._place.open(name), recall, keep)

    @property
    def _id(self) -> str:
        return str(self._shared.once(("place", self.href("")), lambda: len(self._shared._results)))

    def _once(self, what: str, name: str, get: Callable[[], _T]) -> _T:
        return self._shared.once((what, self.href(name)), get)
