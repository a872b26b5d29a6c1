"""Open files at a Location, in S3 or on this machine, or at an address given as text.

Errors are those of `rtcflow_files.files`, and in S3 RefusedError for a missing bucket, denied access or bad
credentials.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rtcflow_contract.errors import NotFoundError, RefusedError
from rtcflow_contract.keys import Location, parse_location
from rtcflow_files.files import Count, Entry, Files, Store, uncounted
from rtcflow_files.folder import FolderFiles
from rtcflow_files.http import HttpFiles
from rtcflow_files.s3 import S3Files

_REMOTE = ("s3://", "https://", "http://")


def open_files(where: str, count: Count = uncounted) -> Files:
    """Open the files below an address: `s3://bucket/prefix`, `https://host/prefix` or a local folder.

    Raises
    ------
    RefusedError
        When a local folder does not exist.
    """
    if where.startswith(("https://", "http://")):
        return HttpFiles(where, count)
    if where.startswith("s3://"):
        return S3Files(parse_location(where), count=count)
    folder = Path(where).expanduser()
    if not folder.is_dir():
        wrong = f"{folder} is a file, not a folder" if folder.exists() else f"folder {folder} does not exist"
        raise RefusedError(f"{wrong}; correct the path", reason="no-such-folder")
    return FolderFiles(folder)


def open_file(where: str, count: Count = uncounted) -> tuple[Files, str]:
    """Open the folder of a single file; returns the folder's files and the file's name."""
    head, _, name = where.rstrip("/").rpartition("/")
    return open_files(head or ".", count), name


def fetch_file(where: str, into: Path, count: Count = uncounted) -> Path:
    """A local path of a single file: its own if it is local, else that of a copy in a folder.

    Raises
    ------
    NotFoundError
        When there is no such file.
    """
    if where.startswith(_REMOTE):
        files, name = open_file(where, count)
        return files.fetch(name, into)
    path = Path(where).expanduser()
    if not path.is_file():
        raise NotFoundError(f"{path} does not exist; correct the path", reason="not-found")
    return path


def open_store(at: Location | str, client: Any = None, count: Count = uncounted) -> Store:
    """Open the files below a location, `s3://` or local, for reading and writing; a local folder need not exist yet."""
    at = parse_location(at) if isinstance(at, str) else at
    return FolderFiles(at.path) if at.is_local else S3Files(at, client, count)


def _among(at: Location, client: Any) -> tuple[Store, str]:
    if at.is_local:
        return FolderFiles(at.path.parent), at.path.name
    return S3Files(Location(at.bucket, ""), client), at.key


def read_bytes(at: Location, client: Any = None) -> bytes:
    """Read a whole file."""
    store, name = _among(at, client)
    return store.read(name)


def read_json(at: Location, client: Any = None) -> Any:
    """Read a whole file, parsed as JSON."""
    return json.loads(read_bytes(at, client))


def read_range(at: Location, start: int, length: int, client: Any = None) -> bytes:
    """Read `length` bytes of a file from byte `start`."""
    store, name = _among(at, client)
    return store.read_range(name, start, length)


def size_of(at: Location, client: Any = None) -> int:
    """Size of a file in bytes."""
    store, name = _among(at, client)
    return store.size(name)


def exists(at: Location, client: Any = None) -> bool:
    """Whether a file exists; a missing bucket is an error."""
    return at.path.is_file() if at.is_local else S3Files(Location(at.bucket, ""), client).exists(at.key)


def write_bytes(at: Location, data: bytes, client: Any = None) -> None:
    """Write a file atomically, replacing an existing one."""
    store, name = _among(at, client)
    store.write(name, data)


def write_if_absent(at: Location, data: bytes, client: Any = None) -> bool:
    """Write a file unless it exists, atomically; False when it does."""
    store, name = _among(at, client)
    return store.write_if_absent(name, data)


def list_objects(folder: Location, client: Any = None) -> Iterator[Entry]:
    """List the files below a folder, by names relative to it."""
    return open_store(folder, client).entries()


def upload(path: Path, at: Location, client: Any = None) -> None:
    """Copy a local file to a location atomically, replacing an existing one."""
    store, name = _among(at, client)
    store.put(path, name)


def fetch(at: Location, into: Path, client: Any = None) -> Path:
    """A local path of a file: its own, or that of a complete copy in a folder."""
    folder = Location(at.bucket, at.key.rpartition("/")[0])
    return open_store(folder, client).fetch(at.key.rpartition("/")[2], into)


def delete(at: Location, client: Any = None) -> None:
    """Delete a file; no error when there is none."""
    store, name = _among(at, client)
    store.delete(name)
