"""Where grids of bursts are stored: below a project folder on S3 or on disk, the first one to come counts."""

import os
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from pydantic import ValidationError

from rtcflow_cloud import storage
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.grid import Grid
from rtcflow_contract.keys import LOCAL_BUCKET, Location, grid_index_key, grid_key, parse_s3_uri


class StoredHow(StrEnum):
    """What became of a grid that was put: stored, or the same or another one was there."""

    NEW = "new"
    SAME = "same"
    OTHER = "other"


class GridStore(Protocol):
    """Grids by burst, CRS and pixel size."""

    def put(self, burst_id: str, epsg: int | None, resolution: int, grid: Grid) -> StoredHow:
        """Store a grid unless there is one."""
        ...

    def write_index(self, text: str, epsg: int | None, resolution: int) -> str:
        """Write the list of an import; gives where it is."""
        ...


def open_store(where: str) -> GridStore:
    """The store of a project folder, `s3://bucket/folder` or a local one."""
    if where.startswith("s3://"):
        return S3GridStore(parse_s3_uri(where))
    return LocalGridStore(Path(where))


class S3GridStore:
    """In a bucket, by conditional writes."""

    def __init__(self, project: Location, client: Any = None) -> None:
        self._project = project
        self._client = client or storage.s3_client()

    def put(self, burst_id: str, epsg: int | None, resolution: int, grid: Grid) -> StoredHow:
        """Store a grid unless there is one."""
        at = grid_key(self._project.bucket, self._project.key, burst_id, epsg, resolution)
        if storage.write_if_absent(at, grid.model_dump_json().encode(), self._client):
            return StoredHow.NEW
        return _how(storage.read_bytes(at, self._client), grid, str(at))

    def write_index(self, text: str, epsg: int | None, resolution: int) -> str:
        """Write the list of an import; gives where it is."""
        at = grid_index_key(self._project.bucket, self._project.key, epsg, resolution)
        storage.write_bytes(at, text.encode(), self._client)
        return str(at)


class LocalGridStore:
    """In a folder of this machine."""

    def __init__(self, project: Path) -> None:
        self._project = project

    def get(self, burst_id: str, epsg: int | None, resolution: int) -> Grid | None:
        """The stored grid of a burst, or None."""
        path = self._project / grid_key(LOCAL_BUCKET, "", burst_id, epsg, resolution).key
        try:
            return Grid.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError) as error:
            raise RefusedError(f"{path} is no grid; import the grids again", reason="grid") from error

    def put(self, burst_id: str, epsg: int | None, resolution: int, grid: Grid) -> StoredHow:
        """Store a grid unless there is one."""
        path = self._project / grid_key(LOCAL_BUCKET, "", burst_id, epsg, resolution).key
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(f".{os.getpid()}.part")
        partial.write_text(grid.model_dump_json())
        try:
            # A link fails where the name exists, which a rename does not.
            os.link(partial, path)
        except FileExistsError:
            return _how(path.read_bytes(), grid, str(path))
        finally:
            partial.unlink()
        return StoredHow.NEW

    def write_index(self, text: str, epsg: int | None, resolution: int) -> str:
        """Write the list of an import; gives where it is."""
        path = self._project / grid_index_key(LOCAL_BUCKET, "", epsg, resolution).key
        path.write_text(text)
        return str(path)


def _how(stored: bytes, grid: Grid, where: str) -> StoredHow:
    try:
        return StoredHow.SAME if Grid.model_validate_json(stored) == grid else StoredHow.OTHER
    except ValidationError as error:
        raise RefusedError(f"{where} is no grid; delete it and start again", reason="grid") from error
