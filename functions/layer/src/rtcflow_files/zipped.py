"""Files inside a zip that is among other files: stored members are read in place, compressed ones unpacked."""

import io
import shutil
import struct
import threading
import zipfile
from pathlib import Path
from typing import BinaryIO, cast

from rtcflow_contract.errors import NotFoundError, RefusedError
from rtcflow_files.files import Files
from rtcflow_files.ranges import open_ranges

# Bytes of a zip member's own header; the lengths of the name and of the extra field that follow end it.
_LOCAL_HEADER = 30


class ZipFiles:
    """A folder inside a zip file that stands in another place."""

    def __init__(self, outer: Files, zip_name: str, folder: str) -> None:
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

    def path(self, name: str) -> None:
        """None: no member is a file of its own."""

    def size(self, name: str) -> int:
        """Size of a member, bytes."""
        return self._info(name).file_size

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
