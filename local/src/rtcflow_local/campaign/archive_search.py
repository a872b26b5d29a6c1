"""Search scenes of a period and their bursts in the archive's catalogue."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta

from rtcflow_archives.area import Area
from rtcflow_archives.asf import list_asf_bursts
from rtcflow_archives.cmr import Cmr
from rtcflow_archives.granule import SceneGranule, newest_processings
from rtcflow_archives.hosts import ArchiveHosts
from rtcflow_archives.scene_search import Window, find_scenes
from rtcflow_contract.errors import RefusedError, TransientError
from rtcflow_contract.scene_id import SceneId

# Limit of parallel requests to the catalogue.
_LISTERS = 4

# Transient errors that concern a single scene and need not stop a plan.
_OF_ONE_SCENE = ("listing-incomplete", "no-bursts-yet")

Say = Callable[[str], None]


def months(start: date, end: date) -> Iterator[Window]:
    """Split a period of whole days into windows of at most a month."""
    day = start
    while day <= end:
        following = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
        last = min(following - timedelta(days=1), end)
        yield Window(
            datetime.combine(day, time.min, UTC),
            datetime.combine(last, time.max, UTC).replace(microsecond=0),
        )
        day = following


def scenes_of(area: Area, start: date, end: date, hosts: ArchiveHosts, say: Say) -> list[SceneGranule]:
    """Scenes that an area wants, the newest processing of each acquisition, in order of time.

    Parameters
    ----------
    area : Area
    start, end : date
        Days of acquisition, both included.
    hosts : ArchiveHosts
    say : callable
        Called with a line on progress.
    """
    cmr = Cmr(hosts.cmr_url)
    found: dict[str, SceneGranule] = {}
    for window in months(start, end):
        say(f"searching {window.start:%Y-%m}, {len(found)} scenes so far")
        for granule in find_scenes(cmr, area.rings, acquired=window):
            if area.wants(granule) and start <= granule.scene.start.date() <= end:
                found[granule.scene.id] = granule
    return sorted(newest_processings(found.values()), key=lambda granule: granule.scene.start)


def bursts_of(
    scenes: Sequence[SceneId], hosts: ArchiveHosts, say: Say
) -> tuple[dict[str, list[str]], dict[str, str]]:
    """Burst ids by scene, and why some scenes have none.

    Raises
    ------
    TransientError
        When the catalogue does not answer.
    """
    bursts: dict[str, list[str]] = {}
    refusals: dict[str, str] = {}

    def lists(scene: SceneId) -> list[str]:
        try:
            return sorted({burst.burst_id for burst in list_asf_bursts(scene, hosts)})
        except (RefusedError, TransientError) as error:
            if isinstance(error, TransientError) and error.reason not in _OF_ONE_SCENE:
                raise
            refusals[scene.id] = error.message
            return []

    with ThreadPoolExecutor(_LISTERS) as pool:
        for number, (scene, ids) in enumerate(zip(scenes, pool.map(lists, scenes), strict=True), start=1):
            say(f"listing bursts, {number} of {len(scenes)}")
            if ids:
                bursts[scene.id] = ids
    return bursts, refusals
