"""Cache of orbits, DEM tiles and the geoid of public archives, below an S3 prefix or in a folder.

Files in these archives never change under their name, so a copy is valid as long as its checksum matches. A cache that
cannot be read or written costs time, but never fails a burst.
"""

import contextlib
import hashlib
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

from rtcflow.resources import Meter
from rtcflow.sources.blocks import KeptBlocks
from rtcflow_contract.errors import NotFoundError, RtcflowError
from rtcflow_files.files import Files, Store
from rtcflow_files.ranges import open_ranges
from rtcflow_files.s3_clients import PUBLIC_BUCKETS
from rtcflow_files.storage import open_files, open_store

_OFF = "off"
_DIGEST = 32

_log = logging.getLogger(__name__)


class Cache:
    """Files by name, each stored after the SHA-256 of its content."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._spoilt: set[str] = set()

    def get(self, name: str) -> bytes | None:
        """Content of a file, or None if there is no valid copy."""
        try:
            kept = self._store.read(name)
        except NotFoundError:
            return None
        data = kept[_DIGEST:]
        if hashlib.sha256(data).digest() == kept[:_DIGEST]:
            return data
        self._spoilt.add(name)
        return None

    def put(self, name: str, data: bytes) -> None:
        """Store a copy atomically; an existing one is kept unless it was found invalid."""
        write = self._store.write if name in self._spoilt else self._store.write_if_absent
        write(name, hashlib.sha256(data).digest() + data)


def open_cache(where: str, meter: Meter) -> Cache | None:
    """Open the cache at `s3://bucket/prefix` or in a folder; None for `off` or an empty text."""
    where = where.strip()
    return (
        None
        if where in ("", _OFF)
        else Cache(open_store(where, count=lambda size: meter.fetched(size - _DIGEST)))
    )


def open_shared_files(where: str, meter: Meter, cache: str) -> Files:
    """Open files; those of a public archive come from the cache if it has them.

    Parameters
    ----------
    where : str
        See `rtcflow_files.storage.open_files`.
    meter : Meter
    cache : str
        See `open_cache`.
    """
    files = open_files(where, meter.fetched)
    kept = open_cache(cache, meter) if _is_public(where) else None
    return files if kept is None else _CachedFiles(files, kept, _name_of(where))


def _is_public(where: str) -> bool:
    parts = urlsplit(where)
    return parts.scheme in ("http", "https") or (parts.scheme == "s3" and parts.netloc in PUBLIC_BUCKETS)


def _name_of(where: str) -> str:
    parts = urlsplit(where)
    return f"{parts.netloc.replace(':', '_')}{parts.path}".rstrip("/")


class _CachedFiles:
    """Files with a cache: whole files if they are fetched, blocks if parts of them are read."""

    def __init__(self, files: Files, cache: Cache, name: str) -> None:
        self._files, self._cache, self._name = files, cache, name
        self.href, self.path, self.names = files.href, files.path, files.names
        self.size, self.read = files.size, files.read

    def open(self, name: str) -> BinaryIO:
        """Open a file of the archive; blocks that are read are cached."""
        blocks = KeptBlocks(
            lambda: self._files.open(name), lambda part, get: self._kept(f"{name}.blocks/{part}", get)
        )
        return open_ranges(blocks.read_range, blocks.size)

    def verify(self, name: str) -> bool:
        """Check a file against the archive's checksum."""
        return self._files.verify(name)

    def fetch(self, name: str, into: Path) -> Path:
        """Fetch a file from the cache, else from the archive into the cache."""
        path = into / name
        data = self._kept(name, lambda: self._files.fetch(name, into).read_bytes())
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_name(path.name + ".part")
            partial.write_bytes(data)
            partial.replace(path)
        return path

    def _kept(self, name: str, get: Callable[[], bytes]) -> bytes:
        """Content from the cache, else from `get`, which is then cached."""
        key = f"{self._name}/{name}"
        found = None
        with _unharmed("read", key):
            found = self._cache.get(key)
        if found is not None:
            return found
        data = get()
        with _unharmed("write", key):
            self._cache.put(key, data)
        return data


@contextlib.contextmanager
def _unharmed(doing: str, key: str) -> Iterator[None]:
    try:
        yield
    except (OSError, RtcflowError) as error:
        _log.warning("cache not used", extra={"doing": doing, "file": key, "error": str(error)})
