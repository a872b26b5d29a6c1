"""Check by a listing whether a scene's orbit file is available, and decide how long to wait if not."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from rtcflow_archives.cdse_orbits import list_cdse_orbits
from rtcflow_contract.errors import RefusedError, RtcflowError, TransientError
from rtcflow_contract.keys import Location, parse_s3_uri
from rtcflow_contract.orbit_file import (
    CDSE_ORBITS,
    PRECISE_AT_LAST,
    PRECISE_DELAY,
    PUBLIC_ORBITS,
    choose_orbits,
    orbit_types,
    wanted_orbit,
)
from rtcflow_contract.request import OrbitChoice
from rtcflow_contract.scene_id import SceneId
from rtcflow_files.s3 import S3Files

# A RESORB is published within three hours; a POEORB on its day, at a varying hour.
_RESTITUTED_POLL = timedelta(minutes=30)
_PRECISE_POLL = timedelta(hours=6)
_LONGEST_WAIT = timedelta(days=1)
# If the bucket still lacks the file then, it lags behind CDSE or is down.
_OVERDUE = {OrbitChoice.BEST: timedelta(days=1), OrbitChoice.PRECISE: PRECISE_DELAY + timedelta(days=2)}
# Days after the pass on which its RESORB may be created.
_RESTITUTED_DAYS = 3


def shortest_wait(
    scene: SceneId,
    choice: OrbitChoice,
    sources: Sequence[str],
    *,
    started: datetime,
    now: datetime,
    limit: timedelta,
    client: Any = None,
) -> int:
    """Seconds until the next look for the orbit in several sources; 0 if one has it. See `_seconds_to_wait`.

    Raises
    ------
    RefusedError
        When no source has the orbit of an old scene, or the waiting limit is reached.
    TransientError
        When a source cannot be reached and no other has the orbit.
    """
    waits: list[int] = []
    failures: list[RtcflowError] = []
    for source in sources:
        try:
            waits.append(
                _seconds_to_wait(scene, choice, source, started=started, now=now, limit=limit, client=client)
            )
        except (RefusedError, TransientError) as error:
            failures.append(error)
        if waits and waits[-1] == 0:
            return 0
    if waits:
        return min(waits)
    raise next((error for error in failures if isinstance(error, TransientError)), failures[0])


def _seconds_to_wait(
    scene: SceneId,
    choice: OrbitChoice,
    source: str,
    *,
    started: datetime,
    now: datetime,
    limit: timedelta,
    client: Any = None,
) -> int:
    """Seconds until the next look for the orbit; 0 if it is available, or only the task can tell.

    Tasks with a CDSE login fetch from CDSE what the public bucket lacks. So if the bucket is down, or a file is overdue
    in it, CDSE's catalogue decides whether they start.

    Parameters
    ----------
    scene : SceneId
    choice : OrbitChoice
    source : str
        Where orbits are fetched from. Only an S3 prefix can be listed cheaply; others are left to the task.
    started, now : datetime
        Of the execution, UTC.
    limit : timedelta
        Longest total wait of an execution.
    client : optional
        S3 client; by default the one for the bucket.

    Raises
    ------
    RefusedError
        When an old scene has no orbit, or the waiting limit is reached.
    TransientError
        When neither archive can be reached.
    """
    if source == CDSE_ORBITS:
        found_there = _cdse_has(scene, choice)
        old = now - scene.stop >= PRECISE_AT_LAST or now - started >= limit
        return 0 if found_there or old else round(_wait(scene, choice, now, now - started).total_seconds())
    if not source.startswith("s3://") or source.rstrip("/").endswith(".EOF"):
        return 0
    mirrored = source.rstrip("/") == PUBLIC_ORBITS
    try:
        found = choose_orbits(_names(parse_s3_uri(source), scene, choice, client), scene)
    except RefusedError:
        # This function may not list the archive, but the task may be able to read it.
        return 0
    except TransientError:
        if mirrored and _cdse_has(scene, choice):
            return 0
        raise
    overdue = now - scene.stop >= _OVERDUE[choice]
    if found or (mirrored and overdue and _cdse_has(scene, choice)):
        return 0
    wanted = wanted_orbit(scene, choice)
    if now - scene.stop >= PRECISE_AT_LAST:
        raise RefusedError(f"{source} has no {wanted}; give another source of orbits", reason="orbit-missing")
    if now - started >= limit:
        raise RefusedError(
            f"{source} has no {wanted} after {(now - started).days} days of waiting; start the scene again later, or "
            "with orbit 'best'",
            reason="orbit-not-yet",
        )
    return round(_wait(scene, choice, now, now - started).total_seconds())


def _cdse_has(scene: SceneId, choice: OrbitChoice) -> bool:
    """Whether CDSE, the origin of the public bucket, lists a usable file; its catalogue needs no login."""
    try:
        names = [name for kind in orbit_types(choice) for name in list_cdse_orbits(scene, kind)]
    except (RefusedError, TransientError):
        return False
    return bool(choose_orbits(names, scene))


def _wait(scene: SceneId, choice: OrbitChoice, now: datetime, waited: timedelta) -> timedelta:
    if choice is OrbitChoice.BEST:
        # After a day without the file, look less often: each look adds nine events to the execution's history.
        return _RESTITUTED_POLL if waited < _LONGEST_WAIT else _PRECISE_POLL
    due = scene.stop + PRECISE_DELAY - now
    return min(max(due, _PRECISE_POLL), _LONGEST_WAIT)


def _names(root: Location, scene: SceneId, choice: OrbitChoice, client: Any) -> Iterator[str]:
    """Keys of candidate files, best type first: in the archive's folder of that type, else in the root."""
    files = S3Files(root, client)
    for kind in orbit_types(choice):
        inside = list(_created_since(files, f"AUX_{kind}/", scene, kind))
        yield from inside or _created_since(files, "", scene, kind)


def _created_since(files: S3Files, folder: str, scene: SceneId, kind: str) -> Iterator[str]:
    """Keys by the creation time in their name, which is after the pass."""
    stem = f"{folder}{scene.platform}_OPER_AUX_{kind}_OPOD_"
    if kind == "POEORB":
        yield from files.keys(stem, f"{stem}{scene.start:%Y%m%d}")
        return
    # There are fourteen a day, so listing all since an old scene would take long.
    for day in range(_RESTITUTED_DAYS):
        yield from files.keys(f"{stem}{scene.start + timedelta(days=day):%Y%m%d}")
