"""Orbits, DEM tiles and the geoid of public archives, kept for the next burst: below a prefix on S3, or in a folder.

Names in these archives never change what they stand for, so a copy is good for as long as its checksum holds. A cache
that cannot be read or written costs time, and never a burst.
"""

import contextlib
import hashlib
import logging
import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO, Protocol
from urllib.parse import urlsplit

from rtcflow.resources import Meter
from rtcflow.sources.blocks import KeptBlocks
from rtcflow.sources.places import LocalPlace, Place, open_place
from rtcflow.sources.ranges import open_ranges
from rtcflow_cloud import storage
from rtcflow_contract.errors import NotFoundError, RtcflowError
from rtcflow_contract.keys import Location, parse_s3_uri

SETTING = "RTCFLOW_CACHE"
OFF = "off"
_SHA256 = "sha256"

_log = logging.getLogger(__name__)


class Cache(Protocol):
    """Files by name, each with the checksum it was stored with."""

    def get(self, name: str, path: Path) -> int | None:
        """Write a file's copy to `path`; its size in bytes, or None where there is no good one."""
        ...

    def put(self, name: str, path: Path) -> None:
        """Keep a copy, whole or not at all; a good one of another process may stay."""
        ...


def open_cache() -> Cache | None:
    """The cache that RTCFLOW_CACHE names, `s3://bucket/prefix` or a folder; None where it is `off` or not set."""
    where = os.environ.get(SETTING, "").strip()
    if where in ("", OFF):
        return None
    return S3Cache(parse_s3_uri(where)) if where.startswith("s3://") else DiskCache(Path(where).expanduser())


def open_shared_place(where: str, meter: Meter) -> Place:
    """Open a place; files of a public archive come from the cache when they are in it."""
    place = open_place(where, meter)
    cache = open_cache() if _is_public(where) else None
    return place if cache is None else CachedPlace(place, cache, _name_of(where), meter)


def _is_public(where: str) -> bool:
    parts = urlsplit(where)
    return parts.scheme in ("http", "https") or (
        parts.scheme == "s3" and parts.netloc in storage.PUBLIC_BUCKETS
    )


def _name_of(where: str) -> str:
    parts = urlsplit(where)
    return f"{parts.netloc.replace(':', '_')}{parts.path}".rstrip("/")


class CachedPlace:
    """A place whose files are kept: whole those that are fetched, by blocks those that are read here and there."""

    def __init__(self, place: Place, cache: Cache, name: str, meter: Meter) -> None:
        self._place, self._cache, self._name, self._meter = place, cache, name, meter

    def href(self, name: str) -> str:
        """Address of a file in the archive."""
        return self._place.href(name)

    def names(self, folder: str = "") -> Iterable[str]:
        """Names in the archive below a folder."""
        return self._place.names(folder)

    def open(self, name: str) -> BinaryIO:
        """Open a file of the archive; what is read of it is kept."""
        blocks = KeptBlocks(
            lambda: self._place.open(name),
            lambda part, path: self._recall(f"{name}.blocks/{part}", path),
            lambda part, path: self._keep(f"{name}.blocks/{part}", path),
        )
        return open_ranges(blocks.read_range, blocks.size)

    def read(self, name: str) -> bytes:
        """Read a file of the archive."""
        return self._place.read(name)

    def fetch(self, name: str, into: Path) -> Path:
        """Fetch a file from the cache, else from the archive, and keep it."""
        path = into / name
        if self._recall(name, path):
            return path
        fetched = self._place.fetch(name, into)
        if not isinstance(self._place, LocalPlace):
            self._keep(name, fetched)
        return fetched

    def _recall(self, name: str, path: Path) -> bool:
        key = f"{self._name}/{name}"
        with _unharmed("read", key):
            size = self._cache.get(key, path)
            if size is not None:
                if not isinstance(self._cache, DiskCache):
                    self._meter.fetched(size)
                return True
        return False

    def _keep(self, name: str, path: Path) -> None:
        key = f"{self._name}/{name}"
        with _unharmed("write", key):
            self._cache.put(key, path)


@contextlib.contextmanager
def _unharmed(doing: str, key: str) -> Any:
    try:
        yield
    except (OSError, RtcflowError) as error:
        _log.warning("cache not used", extra={"doing": doing, "file": key, "error": str(error)})


class DiskCache:
    """In a folder of this machine, which processes may share."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def get(self, name: str, path: Path) -> int | None:
        """Copy a file; one whose checksum does not hold is removed."""
        kept = self.root / name
        try:
            expected = _beside(kept).read_text()
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(kept, path)
        except FileNotFoundError:
            return None
        if _checksum(path) == expected:
            return path.stat().st_size
        path.unlink()
        kept.unlink(missing_ok=True)
        return None

    def put(self, name: str, path: Path) -> None:
        """Copy a file in, whole or not at all."""
        kept = self.root / name
        kept.parent.mkdir(parents=True, exist_ok=True)
        # The checksum first: a file without one does not count.
        for target, write in (
            (_beside(kept), lambda to: to.write_text(_checksum(path))),
            (kept, lambda to: shutil.copyfile(path, to)),
        ):
            handle, partial = tempfile.mkstemp(dir=kept.parent, prefix=".", suffix=".part")
            os.close(handle)
            try:
                write(Path(partial))
                os.replace(partial, target)
            finally:
                Path(partial).unlink(missing_ok=True)


class S3Cache:
    """Below a prefix of a bucket, which the tasks of a stack share."""

    def __init__(self, root: Location, client: Any = None) -> None:
        self.root = root
        self._client = client
        self._spoilt: set[str] = set()

    def get(self, name: str, path: Path) -> int | None:
        """Download a file; one whose checksum does not hold is passed over."""
        try:
            data, metadata = storage.read_with_metadata(self.root.join(name), self._client)
        except NotFoundError:
            return None
        if hashlib.sha256(data).hexdigest() != metadata.get(_SHA256):
            self._spoilt.add(name)
            return None
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return len(data)

    def put(self, name: str, path: Path) -> None:
        """Upload a file unless it is there, or in place of one that was passed over."""
        data = path.read_bytes()
        told = {_SHA256: hashlib.sha256(data).hexdigest()}
        write = storage.write_bytes if name in self._spoilt else storage.write_if_absent
        write(self.root.join(name), data, self._client, told)


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.name}.{_SHA256}")


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
