"""How far the archive was searched for an area and what happened to its scenes, stored in the work bucket."""

from datetime import datetime
from typing import Any, NamedTuple

from pydantic import AwareDatetime, Field

from rtcflow_contract.errors import ErrorClass, RefusedError
from rtcflow_contract.keys import position_key
from rtcflow_contract.model import FrozenModel
from rtcflow_contract.stored import NewerFormatError, UnreadableError, read_stored
from rtcflow_files import compare_and_swap


class Watched(FrozenModel):
    """A started scene, which is retried if it fails and may work later."""

    scene: str
    first: AwareDatetime
    attempt: int = 1


class GivenUp(FrozenModel):
    """A scene that is not retried any more, and why."""

    name: str
    scene: str
    attempts: int
    at: AwareDatetime
    error_class: ErrorClass
    reason: str
    message: str


class Position(FrozenModel):
    """Stored state of the search for an area.

    Attributes
    ----------
    searched_until : datetime
        Time of publication, UTC.
    started : tuple of str
        Names of the executions of the last search.
    watched : dict
        Scenes by the name of their first execution.
    given_up : tuple of GivenUp
        The last ones, newest at the end.
    """

    version: int = 1
    searched_until: AwareDatetime
    started: tuple[str, ...] = ()
    watched: dict[str, Watched] = Field(default_factory=dict)
    given_up: tuple[GivenUp, ...] = ()


class Held(NamedTuple):
    """A position with the version of its object when it was read."""

    position: Position
    read: compare_and_swap.Read


def read_position(work_bucket: str, area: str, first: datetime, client: Any = None) -> Held:
    """Read the position of an area; `first` if there is none yet.

    Raises
    ------
    RefusedError
        When the file cannot be read; other areas are still searched.
    """
    at = position_key(work_bucket, area)
    read = compare_and_swap.read(at, client)
    if read.data is None:
        return Held(Position(searched_until=first), read)
    try:
        return Held(read_stored(Position, read.data, at), read)
    except NewerFormatError:
        raise
    except UnreadableError as error:
        raise RefusedError(
            f"{error.message}; delete it, and the area is searched again without starting anything twice",
            reason="position",
        ) from error


def remember(work_bucket: str, area: str, held: Held, position: Position, client: Any = None) -> bool:
    """Write the position unless another run wrote one meanwhile; returns False if one did."""
    data = position.model_dump_json(indent=1, exclude_defaults=True).encode()
    return compare_and_swap.write(position_key(work_bucket, area), data, held.read, client)
