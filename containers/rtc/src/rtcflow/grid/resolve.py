"""Choose the grid of a burst, so that passes and static layers line up pixel for pixel."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any

from pyproj import CRS
from pyproj.exceptions import CRSError

from rtcflow_contract.errors import NotFoundError, RefusedError
from rtcflow_contract.grid import Grid
from rtcflow_contract.job import BurstJob
from rtcflow_contract.keys import MANIFEST, Location
from rtcflow_contract.manifest import Manifest
from rtcflow_contract.stored import NewerFormatError, UnreadableError, read_stored
from rtcflow_files import storage


class StoreOutcome(StrEnum):
    """Outcome of storing a grid: stored, or the same or another one existed."""

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


def write_grid(at: Location, grid: Grid, client: Any = None) -> StoreOutcome:
    """Store a grid unless one exists."""
    if storage.write_if_absent(at, grid.model_dump_json().encode(), client):
        return StoreOutcome.NEW
    return StoreOutcome.SAME if read_grid(at, client) == grid else StoreOutcome.OTHER


def check_crs(epsg: int | None) -> None:
    """Refuse an output CRS that is unknown or not projected in metres.

    Raises
    ------
    RefusedError
    """
    if epsg is None:
        return
    try:
        crs = CRS.from_epsg(epsg)
    except CRSError as error:
        raise RefusedError(
            f"output_crs {epsg} is not a known EPSG code; give one like 3031 or 32755", reason="crs"
        ) from error
    if not crs.is_projected or any(axis.unit_name != "metre" for axis in crs.axis_info[:2]):
        raise RefusedError(
            f"output_crs {epsg} ({crs.name}) is not a projected CRS in metres; give one like 3031 or 32755",
            reason="crs",
        )


def resolve_grid(job: BurstJob, own_grid: Callable[[], Grid], client: Any = None) -> tuple[Grid, str]:
    """The grid of a job's burst, and its origin.

    In order: the job's grid, that of the linked static product, the stored one, the burst's own footprint. The last is
    stored for later products; if another process stored one first, that is used.

    Parameters
    ----------
    job : BurstJob
    own_grid : callable
        Makes the grid from the burst's footprint.
    client
        S3 client, for tests.

    Returns
    -------
    grid : Grid
    origin : str
        `linked static product`, `job`, `grid store` or `burst footprint`.

    Raises
    ------
    RefusedError
        When the CRS is invalid, or the grid does not have the job's resolution or CRS.
    """
    check_crs(job.output_crs)
    if job.grid is not None:
        return _fitting(job.grid, job, "job" if job.linked_static is None else "linked static product")
    if job.linked_static is not None:
        return _fitting(_linked_grid(job.linked_static, client), job, "linked static product")
    if job.grid_store is None:
        return own_grid(), "burst footprint"
    stored = read_grid(job.grid_store, client)
    if stored is not None:
        return _fitting(stored, job, "grid store")
    own = own_grid()
    if write_grid(job.grid_store, own, client) is StoreOutcome.NEW:
        return own, "burst footprint"
    return _fitting(read_grid(job.grid_store, client) or own, job, "grid store")


def _linked_grid(folder: Location, client: Any) -> Grid:
    at = folder.join(MANIFEST)
    try:
        return read_stored(Manifest, storage.read_bytes(at, client), at).grid
    except NotFoundError as error:
        raise RefusedError(
            f"there are no static layers at {folder}; make them first, or run without link_static_layers",
            reason="static-missing",
        ) from error
    except NewerFormatError:
        raise
    except UnreadableError as error:
        raise RefusedError(
            f"{error.message}; make the static layers again", reason="static-missing"
        ) from error


def _fitting(grid: Grid, job: BurstJob, origin: str) -> tuple[Grid, str]:
    if grid.spacing != job.resolution:
        raise RefusedError(
            f"the {origin} has pixels of {grid.spacing:g} m and the job asks for {job.resolution} m; ask for "
            f"resolution {grid.spacing:g}",
            reason="grid",
        )
    if job.output_crs is not None and grid.epsg != job.output_crs:
        raise RefusedError(
            f"the {origin} is in EPSG:{grid.epsg} and the job asks for {job.output_crs}; leave output_crs out or "
            f"ask for {grid.epsg}",
            reason="grid",
        )
    check_crs(grid.epsg)
    return grid, origin
