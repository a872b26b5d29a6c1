"""Files of this machine under the calls that `storage` has for objects of S3."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from rtcflow_cloud.failures import NotFoundError


class StoredFile(NamedTuple):
    """A file of a listing; `name` is its path relative to the listed folder."""

    name: str
    size: int
    modified: datetime


def read(path: Path) -> bytes:
    """Whole file; raises NotFoundError where there is none."""
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotFoundError(f"{path} does not exist; correct the path", reason="not-found") from error


def read_range(path: Path, start: int, length: int) -> bytes:
    """`length` bytes of a file from byte `start`."""
    if not path.is_file():
        read(path)
    with path.open("rb") as file:
        file.seek(start)
        return file.read(length)


def size_of(path: Path) -> int:
    """Size in bytes; raises NotFoundError where there is no file."""
    if not path.is_file():
        raise NotFoundError(f"{path} does not exist; correct the path", reason="not-found")
    return path.stat().st_size


def write(path: Path, data: bytes) -> None:
    """Write a file at once, whole or not at all, replacing any."""
    with _arriving(path) as partial:
        partial.write_bytes(data)
        os.replace(partial, path)


def write_if_absent(path: Path, data: bytes) -> bool:
    """Write a file unless there is one, whole or not at all; false where there is."""
    with _arriving(path) as partial:
        partial.write_bytes(data)
        try:
            # A link fails where the name exists, which a rename does not.
            os.link(partial, path)
        except FileExistsError:
            return False
        except OSError:
            # Some disks have no links.
            if path.exists():
                return False
            os.replace(partial, path)
    return True


def listing(folder: Path) -> Iterator[StoredFile]:
    """Files below a folder, in the order of their names."""
    found = sorted(Path(parent) / name for parent, _, names in os.walk(folder) for name in names)
    for path in found:
        status = path.stat()
        modified = datetime.fromtimestamp(status.st_mtime, UTC)
        yield StoredFile(path.relative_to(folder).as_posix(), status.st_size, modified)


def copy(source: Path, path: Path) -> None:
    """Copy a file, whole or not at all, replacing any."""
    with _arriving(path) as partial:
        shutil.copyfile(source, partial)
        os.replace(partial, path)


@contextmanager
def _arriving(path: Path) -> Iterator[Path]:
    """A file beside a path, which is gone at the end of the block unless it was moved to its place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    os.close(handle)
    # As any new file of this user: a temporary one is its owner's alone.
    mask = os.umask(0)
    os.umask(mask)
    os.chmod(name, 0o666 & ~mask)
    try:
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)
