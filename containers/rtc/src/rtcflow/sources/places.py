"""Folders that inputs come from: local, in S3, behind HTTPS, or inside a zip, all read the same way."""

import io
import os
import shutil
import struct
import threading
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

from rtcflow.resources import Meter
from rtcflow.sources.http import HttpPlace
from rtcflow.sources.ranges import open_ranges
from rtcflow_cloud import storage
from rtcflow_contract.errors import NotFoundError, RefusedError
from rtcflow_contract.keys import Location, parse_s3_uri

# Bytes of a zip member's own header; the lengths of the name and of the extra field that follow end it.
_LOCAL_HEADER = 30


class Place(Protocol):
    """A folder that files are read from; `name` is a path relative to it, with slashes.

    Every method raises NotFoundError for a missing file and TransientError for network trouble.
    """

    def href(self, name: str) -> str:
        """Where the file is, for people and for provenance."""

    def names(self, folder: str = "") -> Iterable[str]:
        """Names of the files below a folder, relative to this place."""

    def open(self, name: str) -> BinaryIO:
        """Open a file for reading and seeking."""

    def read(self, name: str) -> bytes:
        """Whole file."""

    def fetch(self, name: str, into: Path) -> Path:
        """A local path of the file: its own if it is local, else a copy at `into`/`name`."""


class LocalPlace:
    """A folder of this machine."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def href(self, name: str) -> str:
        """Path of the file."""
        return str(self.root / name)

    def names(self, folder: str = "") -> list[str]:
        """Names below a folder, sorted."""
        top = self.root / folder
        found = (Path(parent) / name for parent, _, names in os.walk(top) for name in names)
        return sorted(path.relative_to(self.root).as_posix() for path in found)

    def open(self, name: str) -> BinaryIO:
        """Open the file."""
        try:
            return (self.root / name).open("rb")
        except (FileNotFoundError, NotADirectoryError) as error:
            raise NotFoundError(
                f"{self.href(name)} does not exist; correct the path", reason="not-found"
            ) from error

    def read(self, name: str) -> bytes:
        """Whole file."""
        with self.open(name) as file:
            return file.read()

    def fetch(self, name: str, into: Path) -> Path:
        """Path of the file itself."""
        self.open(name).close()
        return self.root / name


class S3Place:
    """A prefix of a bucket; known public buckets are read unsigned, `client` is for one at another service."""

    def __init__(self, root: Location, meter: Meter, client: Any = None) -> None:
        self.root = root
        self._meter = meter
        self._client: Any = client or storage.client_for(root.bucket)

    def href(self, name: str) -> str:
        """URI of the object."""
        return str(self.root.join(name))

    def names(self, folder: str = "") -> list[str]:
        """Names below a folder, in the order of keys."""
        top = self.root.join(folder) if folder else self.root
        prefix = f"{folder}/" if folder else ""
        return [prefix + entry.name for entry in storage.list_objects(top, self._client)]

    def open(self, name: str) -> BinaryIO:
        """Open the object; only what is read is fetched."""
        at = self.root.join(name)

        def read_range(start: int, length: int) -> bytes:
            data = storage.read_range(at, start, length, self._client)
            self._meter.fetched(len(data))
            return data

        return open_ranges(read_range, storage.size_of(at, self._client))

    def read(self, name: str) -> bytes:
        """Whole object."""
        data = storage.read_bytes(self.root.join(name), self._client)
        self._meter.fetched(len(data))
        return data

    def fetch(self, name: str, into: Path) -> Path:
        """Download the object."""
        path = into / name
        self._meter.fetched(storage.download(self.root.join(name), path, self._client))
        return path


class ZipPlace:
    """A folder inside a zip file that stands in another place."""

    def __init__(self, outer: Place, zip_name: str, folder: str) -> None:
        self._href = outer.href(zip_name)
        self._folder = folder
        self._outer, self._zip_name = outer, zip_name
        try:
            self._zip = zipfile.ZipFile(outer.open(zip_name))
            self._zip.getinfo(self._member("manifest.safe"))
        except (zipfile.BadZipFile, EOFError) as error:
            raise RefusedError(
                f"{self._href} is not a readable zip ({error}); fetch it again", reason="corrupt-zip"
            ) from error
        except KeyError as error:
            raise RefusedError(
                f"{self._href} holds no {folder}/manifest.safe; give the zip of the whole SAFE", reason="zip"
            ) from error

    def _member(self, name: str) -> str:
        return f"{self._folder}/{name}"

    def href(self, name: str) -> str:
        """Path of the zip and of the member in it."""
        return f"{self._href}/{self._member(name)}"

    def names(self, folder: str = "") -> list[str]:
        """Names below a folder."""
        prefix = self._member(f"{folder}/" if folder else "")
        return [
            name.removeprefix(f"{self._folder}/")
            for name in self._zip.namelist()
            if name.startswith(prefix) and not name.endswith("/")
        ]

    def open(self, name: str) -> BinaryIO:
        """Open a member; of a compressed one everything before the place read is read too."""
        member = self._info(name)
        if member.compress_type == zipfile.ZIP_STORED:
            return self._open_stored(member)
        return cast(BinaryIO, self._zip.open(member))

    def _info(self, name: str) -> zipfile.ZipInfo:
        try:
            return self._zip.getinfo(self._member(name))
        except KeyError as error:
            raise NotFoundError(
                f"{self.href(name)} does not exist; correct the path", reason="not-found"
            ) from error

    def _open_stored(self, member: zipfile.ZipInfo) -> BinaryIO:
        """A member as it lies in the zip: zipfile seeks by reading all that is before."""
        file, lock = self._outer.open(self._zip_name), threading.Lock()
        file.seek(member.header_offset + _LOCAL_HEADER - 4)
        name_length, extra_length = struct.unpack("<HH", file.read(4))
        first = member.header_offset + _LOCAL_HEADER + name_length + extra_length

        def read_range(start: int, length: int) -> bytes:
            with lock:
                file.seek(first + start)
                return file.read(length)

        return open_ranges(read_range, member.file_size)

    def read(self, name: str) -> bytes:
        """Whole member."""
        with self._zip.open(self._info(name)) as file:
            try:
                return file.read()
            except (zipfile.BadZipFile, EOFError, io.UnsupportedOperation) as error:
                raise RefusedError(
                    f"{self.href(name)} is corrupt ({error}); fetch the zip again", reason="corrupt-zip"
                ) from error

    def fetch(self, name: str, into: Path) -> Path:
        """Unpack a member."""
        path = into / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._zip.open(self._info(name)) as source, path.open("wb") as target:
            shutil.copyfileobj(source, target)
        return path


def open_place(where: str, meter: Meter) -> Place:
    """The place that a text names: `s3://bucket/prefix`, `https://host/prefix` or a local folder.

    Raises
    ------
    RefusedError
        When a local folder does not exist.
    """
    if where.startswith("s3://"):
        return S3Place(parse_s3_uri(where), meter)
    if where.startswith(("https://", "http://")):
        return HttpPlace(where, meter)
    folder = Path(where).expanduser()
    if not folder.is_dir():
        raise RefusedError(f"folder {folder} does not exist; correct the path", reason="no-such-folder")
    return LocalPlace(folder)


def open_file(where: str, meter: Meter) -> tuple[Place, str]:
    """The place of a single file and its name there."""
    head, _, name = where.rstrip("/").rpartition("/")
    return open_place(head or ".", meter), name


def fetch_file(where: str, into: Path, meter: Meter) -> Path:
    """A local path of a single file: its own if it is local, else a copy in a folder.

    Raises
    ------
    NotFoundError
        When there is no such file.
    """
    if where.startswith(("s3://", "https://", "http://")):
        place, name = open_file(where, meter)
        return place.fetch(name, into)
    path = Path(where).expanduser()
    if not path.is_file():
        raise NotFoundError(f"{path} does not exist; correct the path", reason="not-found")
    return path
