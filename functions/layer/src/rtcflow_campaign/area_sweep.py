"""Read the areas of interest, search the archive for their new scenes, and start these.

How far an area was searched is stored only after its scenes were started.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from rtcflow_archives.area import Area, parse_areas
from rtcflow_archives.cmr import Cmr
from rtcflow_archives.granule import SceneGranule, newest_processings
from rtcflow_archives.scene_search import Window, find_scenes, processings_of
from rtcflow_campaign.destinations import conflicts_of_areas
from rtcflow_campaign.retries import SceneExecutions, try_again
from rtcflow_campaign.scene_start import SceneStarter, Start
from rtcflow_campaign.search_position import Position, Watched, read_position, remember
from rtcflow_contract.errors import RefusedError, RtcflowError
from rtcflow_contract.keys import AREAS, Location
from rtcflow_contract.scene_rules import refuse_uncalibrated
from rtcflow_files import storage

# Only the last scenes given up are kept for people to read.
_MOST_GIVEN_UP = 200
_AT_ONCE = 8


class AreaFiles(NamedTuple):
    """Areas to search, and a sentence for each file or area that is not usable."""

    areas: list[Area]
    refusals: list[str]


def read_areas(work_bucket: str, products_bucket: str, client: Any = None) -> AreaFiles:
    """Read every `.geojson` and `.json` below `areas/`, without areas that are switched off.

    Areas that could write different products to the same place are refused.
    """
    folder = Location(work_bucket, AREAS)
    areas: dict[str, Area] = {}
    refusals: list[str] = []
    for entry in sorted(storage.list_objects(folder, client), key=lambda entry: entry.name):
        if not entry.name.endswith((".geojson", ".json")):
            continue
        try:
            text = storage.read_bytes(folder.join(entry.name), client).decode("utf-8-sig", errors="replace")
            for area in parse_areas(text, entry.name):
                if area.name in areas:
                    raise RefusedError(
                        f"area {entry.name} is named {area.name} like another; give it a name", reason="area"
                    )
                areas[area.name] = area
        except RtcflowError as error:
            refusals.append(error.message)
    enabled = [area for area in areas.values() if area.enabled]
    conflicts = conflicts_of_areas(enabled, products_bucket)
    return AreaFiles(
        [area for area in enabled if area.name not in conflicts],
        [*refusals, *dict.fromkeys(conflicts.values())],
    )


class SweepLimits(NamedTuple):
    """Limits of a search.

    Attributes
    ----------
    overlap : timedelta
        Time before the stored position that is searched again, since scenes may appear in the catalogue late.
    first_search : timedelta
        How far back the first search of an area goes.
    starts : int
        Most scenes started for an area per run; the rest follow in the next run.
    retry : timedelta
        How long after its first start a failed scene is retried.
    """

    overlap: timedelta
    first_search: timedelta
    starts: int
    retry: timedelta = timedelta(days=7)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "SweepLimits":
        """Read the values that the template sets."""
        return cls(
            timedelta(hours=float(environment["OVERLAP_HOURS"])),
            timedelta(days=float(environment["FIRST_SEARCH_DAYS"])),
            int(environment["STARTS_PER_RUN"]),
            timedelta(days=float(environment.get("RETRY_DAYS") or 7)),
        )


class Swept(NamedTuple):
    """Result of a run for an area.

    Attributes
    ----------
    area : str
    found : int
        Scenes found that the area wants.
    started : int
    before : int
        Of these, scenes that were started before by anyone.
    left : int
        Scenes left for the next run.
    unusable : int
        Scenes that can never give a product.
    retried : int
        Scenes started again after a failure.
    given_up : tuple of str
        Scenes that are not retried, with the reason.
    """

    area: str
    found: int
    started: int
    before: int
    left: int
    unusable: int
    retried: int
    given_up: tuple[str, ...]


class SweepServices(NamedTuple):
    """What a sweep needs: the catalogue, the starter of scenes, and the failed executions."""

    cmr: Cmr
    starter: SceneStarter
    executions: SceneExecutions
    failed: Mapping[str, datetime] = {}


def sweep(
    area: Area,
    now: datetime,
    limits: SweepLimits,
    archive: SweepServices,
    work_bucket: str,
    client: Any = None,
) -> Swept:
    """Start an area's scenes published since the last search, and retry those that failed.

    The position moves once every scene of the search was started. A run that stops earlier starts the same execution
    names again, which starts nothing twice.

    Parameters
    ----------
    area : Area
    now : datetime
        End of the search, UTC.
    limits : SweepLimits
    archive : SweepServices
    work_bucket : str
    client : optional
        S3 client, the default one when None.

    Raises
    ------
    TransientError, RefusedError, DefectError
        When the search or a start failed; the position stays.
    """
    cmr, starter = archive.cmr, archive.starter
    held = read_position(work_bucket, area.name, now - limits.first_search + limits.overlap, client)
    window = Window(held.position.searched_until - limits.overlap, now)
    granules = newest_processings(find_scenes(cmr, area.rings, published=window))
    wanted = [granule for granule in granules if area.wants(granule)]
    named = {starter.name(area, granule): granule for granule in wanted if _usable(granule)}
    known = set(held.position.started)
    fresh = [name for name in named if name not in known]
    begun = fresh[: limits.starts]
    watched = dict(held.position.watched)
    starts = []
    for name in begun:
        granule = named[name]
        done = starter.start(area, granule, lambda scene: processings_of(cmr, scene))
        starts.append(done.start)
        if done.start is not Start.OLDER:
            watched.setdefault(done.name, Watched(scene=granule.scene.id, first=now))
    tried = try_again(watched, archive.failed, now, limits.retry, archive.executions)
    left = len(fresh) - len(begun)
    position = Position(
        searched_until=held.position.searched_until if left else now,
        started=tuple(name for name in named if name in known or name in begun),
        watched=tried.watched,
        given_up=(*held.position.given_up, *tried.given_up)[-_MOST_GIVEN_UP:],
    )
    remember(work_bucket, area.name, held, position, client)
    started = starts.count(Start.STARTED)
    return Swept(
        area=area.name,
        found=len(wanted),
        started=started,
        before=len(named) - left - started,
        left=left,
        unusable=len(wanted) - len(named),
        retried=tried.retried,
        given_up=tuple(f"{one.scene} after {one.attempts} attempts: {one.message}" for one in tried.given_up),
    )


def _usable(granule: SceneGranule) -> bool:
    try:
        refuse_uncalibrated(granule.scene)
    except RefusedError:
        return False
    return True


def sweep_all(
    areas: Sequence[Area],
    sweep_one: Callable[[Area], Swept | Exception],
    searched_until: Callable[[Area], datetime],
    time_is_left: Callable[[], bool],
) -> tuple[list[tuple[Area, Swept | Exception]], list[Area]]:
    """Sweep areas in parallel, those searched longest ago first; returns results and the areas not reached.

    Parameters
    ----------
    areas : sequence of Area
    sweep_one : callable
        Sweeps an area; returns its result or its error.
    searched_until : callable
        How far an area has been searched.
    time_is_left : callable
        Called before each area; the next run begins with those that this one did not reach.
    """
    order = sorted(areas, key=lambda area: (searched_until(area), area.name))

    def in_time(area: Area) -> Swept | Exception | None:
        return sweep_one(area) if time_is_left() else None

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        results = list(zip(order, pool.map(in_time, order), strict=True))
    done = [(area, result) for area, result in results if result is not None]
    return done, [area for area, result in results if result is None]
