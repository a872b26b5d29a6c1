"""Files below a folder on this machine."""

import errno
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from rtcflow_contract.errors import NotFoundError, RefusedError
from rtcflow_files.files import Entry

# Another folder on the same disk would not help.
DISK_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class FolderFiles:
    """A folder, made when the first file is written; hidden folders and files in it are not listed."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def href(self, name: str) -> str:
        """Path of a file."""
        return str(self._root / name)

    def path(self, name: str) -> Path:
        """Path of a file."""
        return self._root / name

    def names(self, folder: str = "") -> list[str]:
        """Names below a folder, sorted."""
        return sorted(entry.name for entry in self.entries(folder))

    def entries(self, folder: str = "", at_once: int = 1) -> Iterator[Entry]:
        """List files below a folder; none where there is no folder."""
        for at, folders, names in os.walk(self._root / folder):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(name for name in names if not name.startswith(".")):
                path = Path(at, name)
                try:
                    found = path.stat()
                except OSError:
                    # A link to nothing, or a file that went away meanwhile.
                    continue
                yield Entry(
                    path.relative_to(self._root).as_posix(),
                    found.st_size,
                    f"{found.st_mtime_ns}-{found.st_size}",
                    datetime.fromtimestamp(found.st_mtime, UTC),
                )

    def size(self, name: str) -> int:
        """Size of a file, bytes."""
        with self._reading(name):
            path = self._root / name
            if path.is_dir():
                raise IsADirectoryError(21, "it is a folder")
            return path.stat().st_size

    def open(self, name: str) -> BinaryIO:
        """Open a file."""
        with self._reading(name):
            return (self._root / name).open("rb")

    def read(self, name: str) -> bytes:
        """Read a whole file."""
        with self._reading(name):
            return (self._root / name).read_bytes()

    def read_range(self, name: str, start: int, length: int) -> bytes:
        """Read a part of a file."""
        with self.open(name) as file:
            file.seek(start)
            return file.read(length)

    def verify(self, name: str) -> bool:
        """False: folders have no checksums."""
        return False

    def fetch(self, name: str, into: Path) -> Path:
        """Return the file's own path."""
        self.size(name)
        return self._root / name

    def write(self, name: str, data: bytes) -> None:
        """Write a file."""
        self._arrive(name, lambda partial: partial.write_bytes(data), os.replace)

    def write_if_absent(self, name: str, data: bytes) -> bool:
        """Write a file unless it exists."""
        return self._arrive(name, lambda partial: partial.write_bytes(data), _link)

    def put(self, path: Path, name: str) -> None:
        """Copy a file; within one file system it is linked, which copies nothing."""

        def copy(partial: Path) -> None:
            try:
                os.link(path, partial)
            except OSError:
                shutil.copyfile(path, partial)

        self._arrive(name, copy, os.replace)

    def delete(self, name: str) -> None:
        """Delete a file."""
        with self._writing(name):
            (self._root / name).unlink(missing_ok=True)

    def _arrive(
        self, name: str, fill: Callable[[Path], object], take_place: Callable[[Path, Path], bool | None]
    ) -> bool:
        """Write under a temporary name, then rename; False if the name is taken and must stay."""
        target = self._root / name
        with self._writing(name):
            target.parent.mkdir(parents=True, exist_ok=True)
            partial = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.part")
            try:
                fill(partial)
                return take_place(partial, target) is not False
            finally:
                partial.unlink(missing_ok=True)

    @contextmanager
    def _reading(self, name: str) -> Iterator[None]:
        try:
            yield
        except (FileNotFoundError, NotADirectoryError) as error:
            raise NotFoundError(
                f"{self.href(name)} does not exist; correct the path", reason="not-found"
            ) from error
        except OSError as error:
            raise RefusedError(
                f"{self.href(name)} cannot be read ({error.strerror}); give another path", reason="folder"
            ) from error

    @contextmanager
    def _writing(self, name: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno in DISK_FULL:
                raise
            raise RefusedError(
                f"{self.href(name)} cannot be written ({error.strerror}); give another folder",
                reason="folder",
            ) from error


def _link(partial: Path, target: Path) -> bool:
    try:
        # A link fails where the name exists, which a rename does not.
        os.link(partial, target)
    except FileExistsError:
        return False
    except OSError:
        # Some file systems have no links.
        if target.exists():
            return False
        os.replace(partial, target)
    return True
