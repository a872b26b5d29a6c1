"""Where grids of bursts are stored: below a project folder on S3 or on disk, the first one to come counts."""

import os
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from pydantic import ValidationError

from rtcflow_cloud import storage
from rtcflow_contract.errors import NotFoundError, RefusedError
from rtcflow_contract.grid import Grid
from rtcflow_contract.keys import LOCAL_BUCKET, Location, grid_index_key, grid_key, parse_s3_uri


class StoredHow(StrEnum):
    """What became of a grid that was put: stored, or the same or another one was there."""

    NEW = "new"
    SAME = "same"
    OTHER = "other"


class GridPlace(Protocol):
    """Where the grid of one burst, CRS and pixel size is stored."""

    def read(self) -> Grid | None:
        """The stored grid, or None; RefusedError when there is something else."""
        ...

    def write(self, grid: Grid) -> bool:
        """Store a grid unless there is one; gives whether it was stored."""
        ...


class GridStore(Protocol):
    """Grids by burst, CRS and pixel size."""

    def place(self, burst_id: str, epsg: int | None, resolution: int) -> GridPlace:
        """Where a grid is."""
        ...

    def write_index(self, text: str, epsg: int | None, resolution: int) -> str:
        """Write the list of an import; gives where it is."""
        ...


def open_store(where: str) -> GridStore:
    """The store of a project folder, `s3://bucket/folder` or a local one."""
    if where.startswith("s3://"):
        return S3GridStore(parse_s3_uri(where))
    return LocalGridStore(Path(where))


def put(place: GridPlace, grid: Grid) -> StoredHow:
    """Store a grid unless there is one."""
    if place.write(grid):
        return StoredHow.NEW
    return StoredHow.SAME if place.read() == grid else StoredHow.OTHER


class S3GridPlace:
    """An object, written by a conditional write."""

    def __init__(self, at: Location, client: Any = None) -> None:
        self._at = at
        self._client = client

    def read(self) -> Grid | None:
        """The stored grid, or None."""
        try:
            return _parsed(storage.read_bytes(self._at, self._client), str(self._at))
        except NotFoundError:
            return None

    def write(self, grid: Grid) -> bool:
        """Store a grid unless there is one."""
        return storage.write_if_absent(self._at, grid.model_dump_json().encode(), self._client)


class S3GridStore:
    """In a bucket."""

    def __init__(self, project: Location, client: Any = None) -> None:
        self._project = project
        self._client = client or storage.s3_client()

    def place(self, burst_id: str, epsg: int | None, resolution: int) -> S3GridPlace:
        """Where a grid is."""
        at = grid_key(self._project.bucket, self._project.key, burst_id, epsg, resolution)
        return S3GridPlace(at, self._client)

    def write_index(self, text: str, epsg: int | None, resolution: int) -> str:
        """Write the list of an import; gives where it is."""
        at = grid_index_key(self._project.bucket, self._project.key, epsg, resolution)
        storage.write_bytes(at, text.encode(), self._client)
        return str(at)


class LocalGridPlace:
    """A file of this machine."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> Grid | None:
        """The stored grid, or None."""
        try:
            return _parsed(self._path.read_bytes(), str(self._path))
        except FileNotFoundError:
            return None

    def write(self, grid: Grid) -> bool:
        """Store a grid unless there is one."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        partial = self._path.with_suffix(f".{os.getpid()}.part")
        partial.write_text(grid.model_dump_json())
        try:
            # A link fails where the name exists, which a rename does not.
            os.link(partial, self._path)
        except FileExistsError:
            return False
        except OSError:
            # Some disks have no links.
            if self._path.exists():
                return False
            os.replace(partial, self._path)
        finally:
            partial.unlink(missing_ok=True)
        return True


class LocalGridStore:
    """In a folder of this machine."""

    def __init__(self, project: Path) -> None:
        self._project = project

    def place(self, burst_id: str, epsg: int | None, resolution: int) -> LocalGridPlace:
        """Where a grid is."""
        return LocalGridPlace(self._project / grid_key(LOCAL_BUCKET, "", burst_id, epsg, resolution).key)

    def write_index(self, text: str, epsg: int | None, resolution: int) -> str:
        """Write the list of an import; gives where it is."""
        path = self._project / grid_index_key(LOCAL_BUCKET, "", epsg, resolution).key
        path.write_text(text)
        return str(path)


def _parsed(stored: bytes, where: str) -> Grid:
    try:
        return Grid.model_validate_json(stored)
    except ValidationError as error:
        raise RefusedError(f"{where} is no grid; delete it and start again", reason="grid") from error
