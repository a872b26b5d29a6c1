"""Store grids of bursts below a project folder on S3 or on disk; the first one stored is kept."""

from enum import StrEnum
from typing import Any

from rtcflow_contract.errors import NotFoundError, RefusedError
from rtcflow_contract.grid import Grid
from rtcflow_contract.keys import Location
from rtcflow_contract.stored import NewerFormatError, UnreadableError, read_stored
from rtcflow_files import storage


class StoredHow(StrEnum):
    """Result of storing a grid: stored, or the same or another one existed."""

    NEW = "new"
    SAME = "same"
    OTHER = "other"


def read_grid(at: Location, client: Any = None) -> Grid | None:
    """Read the stored grid, or None; RefusedError if the file is not a grid."""
    try:
        return read_stored(Grid, storage.read_bytes(at, client), at)
    except NotFoundError:
        return None
    except NewerFormatError:
        raise
    except UnreadableError as error:
        raise RefusedError(f"{error.message}; delete it and start again", reason="grid") from error


def write_grid(at: Location, grid: Grid, client: Any = None) -> StoredHow:
    """Store a grid unless one exists."""
    if storage.write_if_absent(at, grid.model_dump_json().encode(), client):
        return StoredHow.NEW
    return StoredHow.SAME if read_grid(at, client) == grid else StoredHow.OTHER
