"""Search the archive for new scenes of an area, start them, and only then remember how far it was searched."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from rtcflow_archives.area import Area
from rtcflow_archives.cmr import Cmr
from rtcflow_archives.granule import newest_processings
from rtcflow_archives.scene_search import Window, find_scenes
from rtcflow_campaign.scene_start import SceneStarter
from rtcflow_campaign.search_position import Position, read_position, remember


class Limits(NamedTuple):
    """How the archive is searched.

    Attributes
    ----------
    overlap : timedelta
        Searched once more before the remembered position: scenes may show up in the catalogue after their date.
    first_search : timedelta
        How far back an area is searched that never was.
    starts : int
        Scenes started for an area in a run at most; the rest follow in the next.
    """

    overlap: timedelta
    first_search: timedelta
    starts: int

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Limits":
        """Read the values that the template sets."""
        return cls(
            timedelta(hours=float(environment["OVERLAP_HOURS"])),
            timedelta(days=float(environment["FIRST_SEARCH_DAYS"])),
            int(environment["STARTS_PER_RUN"]),
        )


class Swept(NamedTuple):
    """What a run did for an area: scenes that the area wants, those started now, those left for the next run."""

    area: str
    found: int
    started: int
    left: int


def sweep(
    area: Area,
    now: datetime,
    limits: Limits,
    cmr: Cmr,
    starter: SceneStarter,
    work_bucket: str,
    client: Any = None,
) -> Swept:
    """Start the scenes of an area that were published since the last search.

    The position moves when every scene of the search was started; a run that stops before starts the same names again,
    which starts nothing twice.

    Parameters
    ----------
    area : Area
    now : datetime
        End of the search, UTC.
    limits : Limits
    cmr : Cmr
    starter : SceneStarter
    work_bucket : str
    client : optional
        S3 client, the default one when None.

    Raises
    ------
    TransientError, RefusedError, DefectError
        When the search or a start failed; the position stays.
    """
    held = read_position(work_bucket, area.name, now - limits.first_search + limits.overlap, client)
    window = Window(held.position.searched_until - limits.overlap, now)
    granules = newest_processings(find_scenes(cmr, area.rings, published=window))
    named = {starter.name(area, granule): granule for granule in granules if area.wants(granule)}
    known = set(held.position.started)
    fresh = [name for name in named if name not in known]
    begun = fresh[: limits.starts]
    started = sum(starter.start(area, named[name]) for name in begun)
    left = len(fresh) - len(begun)
    position = Position(
        searched_until=held.position.searched_until if left else now,
        started=tuple(name for name in named if name in known or name in begun),
    )
    remember(work_bucket, area.name, held, position, client)
    return Swept(area.name, len(named), started, left)
