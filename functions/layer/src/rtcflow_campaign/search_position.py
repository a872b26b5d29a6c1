"""How far the archive was searched for an area, remembered in the work bucket."""

from datetime import datetime
from typing import Any, NamedTuple

from pydantic import AwareDatetime, BaseModel, ConfigDict

from rtcflow_contract.keys import position_key
from rtcflow_files import compare_and_swap


class Position(BaseModel):
    """Searched up to `searched_until` (time of publication, UTC); `started` names the executions of the last search."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    searched_until: AwareDatetime
    started: tuple[str, ...] = ()


class Held(NamedTuple):
    """A position and what its object was when it was read."""

    position: Position
    read: compare_and_swap.Read


def read_position(work_bucket: str, area: str, first: datetime, client: Any = None) -> Held:
    """The remembered position of an area; `first` where there is none yet."""
    read = compare_and_swap.read(position_key(work_bucket, area), client)
    if read.data is None:
        return Held(Position(searched_until=first), read)
    return Held(Position.model_validate_json(read.data), read)


def remember(work_bucket: str, area: str, held: Held, position: Position, client: Any = None) -> bool:
    """Write the position unless another run wrote one meanwhile; False when one did."""
    data = position.model_dump_json(indent=1).encode()
    return compare_and_swap.write(position_key(work_bucket, area), data, held.read, client)
