"""A folder of this machine or of a bucket, seen alike: list, read, write, delete."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from rtcflow_cloud import storage
from rtcflow_cloud.failures import translated
from rtcflow_contract.errors import NotFoundError, RefusedError
from rtcflow_contract.keys import Location, parse_s3_uri

_LISTERS = 16


class Entry(NamedTuple):
    """A file: its name relative to the store, size in bytes, and a tag that changes with its content."""

    name: str
    size: int
    tag: str


class Store(Protocol):
    """Files below a root."""

    def href(self, name: str) -> str:
        """Where a file is: an `s3://` URI or a path; without a name, what all of them begin with."""

    def entries(self, folder: str = "") -> Iterator[Entry]:
        """Every file below a folder."""

    def read(self, name: str) -> bytes:
        """A file; NotFoundError when there is none."""

    def write(self, name: str, data: bytes) -> None:
        """Write a file whole."""

    def delete(self, name: str) -> None:
        """Delete a file; no error when there is none."""


def open_store(text: str, client: Any = None) -> Store:
    """The store that an `s3://` URI or a path names.

    Parameters
    ----------
    text : str
    client : boto3 S3 client, optional
        For `s3://`; that of the environment when None.
    """
    return S3Store(parse_s3_uri(text), client) if text.startswith("s3://") else FolderStore(Path(text))


class _Branch(NamedTuple):
    """A folder to list: everything below it, or only what is directly in it."""

    folder: str
    whole: bool


class S3Store:
    """Objects below a location."""

    def __init__(self, root: Location, client: Any = None) -> None:
        self.root = root
        self._client = client

    def href(self, name: str) -> str:
        """URI of an object."""
        return str(self.root.join(name))

    def entries(self, folder: str = "") -> Iterator[Entry]:
        """Every object below a folder; folders beside each other are listed at once."""
        with ThreadPoolExecutor(_LISTERS) as pool:
            for found in pool.map(self._list, self._branches(folder)):
                yield from found

    def _branches(self, folder: str) -> list[_Branch]:
        """Branches that together hold everything, many enough to list at once."""
        branches = [_Branch(folder, whole=True)]
        # Project folder, collection, burst.
        for _ in range(3):
            if len(branches) >= _LISTERS:
                break
            branches = [inner for branch in branches for inner in self._divided(branch)]
        return branches

    def _divided(self, branch: _Branch) -> list[_Branch]:
        if not branch.whole:
            return [branch]
        found = [
            _Branch(self._name(entry["Prefix"]).rstrip("/"), whole=True)
            for page in self._pages(branch.folder, Delimiter="/")
            for entry in page.get("CommonPrefixes", [])
        ]
        return [_Branch(branch.folder, whole=False), *found]

    def _list(self, branch: _Branch) -> list[Entry]:
        directly = {} if branch.whole else {"Delimiter": "/"}
        return [
            Entry(self._name(entry["Key"]), int(entry["Size"]), entry["ETag"].strip('"'))
            for page in self._pages(branch.folder, **directly)
            for entry in page.get("Contents", [])
        ]

    def _pages(self, folder: str, **how: str) -> Iterator[dict[str, Any]]:
        client = self._client or storage.s3_client()
        prefix = self._prefix(folder)
        with translated(self.root):
            yield from client.get_paginator("list_objects_v2").paginate(
                Bucket=self.root.bucket, Prefix=prefix, **how
            )

    def _name(self, key: str) -> str:
        return key[len(self._prefix("")) :]

    def _prefix(self, folder: str) -> str:
        key = self.root.join(folder).key if folder else self.root.key
        return f"{key}/" if key else ""

    def read(self, name: str) -> bytes:
        """An object."""
        return storage.read_bytes(self.root.join(name), self._client)

    def write(self, name: str, data: bytes) -> None:
        """Write an object."""
        storage.write_bytes(self.root.join(name), data, self._client)

    def delete(self, name: str) -> None:
        """Delete an object."""
        storage.delete(self.root.join(name), self._client)


class FolderStore:
    """Files below a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root.expanduser().resolve()

    def href(self, name: str) -> str:
        """Path of a file."""
        return f"{self.root}/{name}"

    def entries(self, folder: str = "") -> Iterator[Entry]:
        """Every file below a folder."""
        for at, folders, names in os.walk(self.root / folder):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(names):
                path = Path(at, name)
                told = path.stat()
                yield Entry(
                    path.relative_to(self.root).as_posix(), told.st_size, f"{told.st_mtime_ns}-{told.st_size}"
                )

    def read(self, name: str) -> bytes:
        """A file."""
        try:
            return (self.root / name).read_bytes()
        except FileNotFoundError as error:
            raise NotFoundError(f"{self.root / name} does not exist", reason="not-found") from error
        except OSError as error:
            raise RefusedError(
                f"{self.root / name} cannot be read ({error.strerror}); give another folder", "folder"
            ) from error

    def write(self, name: str, data: bytes) -> None:
        """Write a file, whole or not at all."""
        path = self.root / name
        partial = path.with_name(f".{path.name}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            partial.write_bytes(data)
            partial.replace(path)
        except OSError as error:
            raise RefusedError(
                f"{path} cannot be written ({error.strerror}); give another folder", "folder"
            ) from error

    def delete(self, name: str) -> None:
        """Delete a file."""
        (self.root / name).unlink(missing_ok=True)
