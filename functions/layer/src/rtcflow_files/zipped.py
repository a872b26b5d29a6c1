"""Files in a zip: stored members are read in place, compressed ones are unpacked.

A member's checksum is compared whenever it is read to its end. `verify` reads it for this purpose, once per process.
"""

import shutil
import struct
import threading
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from rtcflow_contract.errors import NotFoundError, RefusedError
from rtcflow_files.files import Files
from rtcflow_files.ranges import open_ranges

# Size of a member's local header, which ends in the lengths of name and extra field.
_LOCAL_HEADER = 30
# A sub-swath's measurement has 1.4 GB; files of up to 100 MB are read into memory as a whole.
_MOST_BYTES, _MOST_READ = 8 * 1024**3, 100 * 1024**2
_RASTERS = (".tif", ".tiff")
_PIECE = 4 * 1024 * 1024
# Raised by zipfile for members that are damaged, encrypted or compressed in an unknown way.
_FAULTS = (
    zipfile.BadZipFile,
    EOFError,
    zlib.error,
    RuntimeError,
    NotImplementedError,
    OverflowError,
    ValueError,
)

_ENCRYPTED = 1
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
# Members checked in this process: (zip, name, checksum, size).
_verified: set[tuple[str, str, int, int]] = set()


class ZipFiles:
    """A folder inside a zip file, which may be remote.

    Parameters
    ----------
    outer : Files
        Where the zip is.
    zip_name : str
    folder : str
        The folder in the zip.
    needed : str
        A file that the folder must hold.
    """

    def __init__(self, outer: Files, zip_name: str, folder: str, needed: str = "manifest.safe") -> None:
        self._href = outer.href(zip_name)
        self._folder = folder
        self._outer, self._zip_name = outer, zip_name
        try:
            self._zip = zipfile.ZipFile(outer.open(zip_name))
        except _FAULTS as error:
            raise RefusedError(
                f"{self._href} is not a readable zip ({error}); fetch it again", reason="corrupt-zip"
            ) from error
        if self._member(needed) not in self._zip.NameToInfo:
            raise RefusedError(
                f"{self._href} holds no {folder}/{needed}; give the zip of the whole SAFE", reason="zip"
            )

    def _member(self, name: str) -> str:
        return f"{self._folder}/{name}"

    def href(self, name: str) -> str:
        """Path of the zip and of the member in it."""
        return f"{self._href}/{self._member(name)}"

    def path(self, name: str) -> None:
        """None: members are not files of their own."""

    def size(self, name: str) -> int:
        """Size of a member, bytes."""
        return self._info(name).file_size

    def names(self, folder: str = "") -> list[str]:
        """Names below a folder."""
        prefix = self._member(f"{folder}/" if folder else "")
        return [
            name.removeprefix(f"{self._folder}/")
            for name in self._zip.namelist()
            if name.startswith(prefix) and not name.endswith("/") and ".." not in name.split("/")
        ]

    def open(self, name: str) -> BinaryIO:
        """Open a member; seeking in a compressed one reads everything before."""
        member = self._info(name)
        with self._reading(name):
            if member.compress_type == zipfile.ZIP_STORED and not member.flag_bits & 1:
                return self._open_stored(member)
            return cast(
                BinaryIO, _Member(cast(BinaryIO, self._zip.open(member)), lambda: self._reading(name))
            )

    @contextmanager
    def _reading(self, name: str) -> Iterator[None]:
        """Within the block, turn errors of a damaged member into refusals."""
        try:
            yield
        except _FAULTS as error:
            raise RefusedError(
                f"{self.href(name)} is damaged ({error}); fetch the zip again", reason="corrupt-zip"
            ) from error

    def verify(self, name: str) -> bool:
        """Compare a member's checksum, once per process, by reading it whole; False if that would fetch too much.

        A stored member of a remote zip is read in parts, and would have to be fetched whole for this.

        Raises
        ------
        RefusedError
            When the checksum does not match.
        """
        member = self._info(name)
        if member.compress_type == zipfile.ZIP_STORED and self._outer.path(self._zip_name) is None:
            return False
        key = (self._href, member.filename, member.CRC, member.file_size)
        if key not in _verified:
            with self._reading(name), self._zip.open(member) as file:
                while file.read(_PIECE):
                    pass
            _verified.add(key)
        return True

    def _info(self, name: str) -> zipfile.ZipInfo:
        try:
            member = self._zip.getinfo(self._member(name))
        except KeyError as error:
            raise NotFoundError(
                f"{self.href(name)} does not exist; correct the path", reason="not-found"
            ) from error
        if member.flag_bits & _ENCRYPTED or member.compress_type not in _METHODS:
            how = "encrypted" if member.flag_bits & _ENCRYPTED else f"packed by method {member.compress_type}"
            raise RefusedError(
                f"{self.href(name)} is {how}, which cannot be read here; unpack the zip and give the folder",
                reason="zip-method",
            )
        if member.file_size > _MOST_BYTES:
            raise self._too_large(name, member.file_size)
        return member

    def _too_large(self, name: str, size: int) -> RefusedError:
        return RefusedError(
            f"{self.href(name)} unpacks to {size / 1e6:,.0f} MB, more than any file of its kind has; fetch the zip "
            "again",
            reason="zip-member-size",
        )

    def _open_stored(self, member: zipfile.ZipInfo) -> BinaryIO:
        """Open a stored member in place, since zipfile seeks by reading everything before."""
        file, lock = self._outer.open(self._zip_name), threading.Lock()
        file.seek(member.header_offset + _LOCAL_HEADER - 4)
        lengths = file.read(4)
        if len(lengths) < 4:
            raise zipfile.BadZipFile("the header of the member is cut off")
        first = member.header_offset + _LOCAL_HEADER + sum(struct.unpack("<HH", lengths))

        def read_range(start: int, length: int) -> bytes:
            with lock:
                file.seek(first + start)
                return file.read(length)

        return open_ranges(read_range, member.file_size)

    def read(self, name: str) -> bytes:
        """Whole member; refused when it is damaged, or too large to be read whole."""
        member = self._info(name)
        if member.file_size > _MOST_READ:
            raise self._too_large(name, member.file_size)
        with self._reading(name), self._zip.open(member) as file:
            # The stated size may be wrong.
            data = file.read(_MOST_READ + 1)
        if len(data) > _MOST_READ:
            raise self._too_large(name, len(data))
        return data

    def fetch(self, name: str, into: Path) -> Path:
        """Unpack a member; refused, and nothing left, when it is damaged."""
        size = self._info(name).file_size
        if size > _MOST_READ and not name.endswith(_RASTERS):
            raise self._too_large(name, size)
        path = into / name
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with self._reading(name), self._zip.open(self._info(name)) as source, path.open("wb") as target:
                shutil.copyfileobj(source, target, _PIECE)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return path


class _Member:
    """A compressed member whose errors while reading are refusals."""

    def __init__(self, file: BinaryIO, reading: Callable[[], AbstractContextManager[None]]) -> None:
        self._file, self._reading = file, reading

    def read(self, size: int = -1) -> bytes:
        with self._reading():
            return self._file.read(size)

    def seek(self, offset: int, whence: int = 0) -> int:
        with self._reading():
            return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> "_Member":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
