"""Choose the bursts of a scene to process: those that are requested and complete, and whose product does not exist."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from rtcflow_archives.archived_burst import ArchivedBurst
from rtcflow_contract import keys
from rtcflow_contract.errors import NotFoundError, RefusedError
from rtcflow_contract.item_check import is_item
from rtcflow_contract.job import BurstJob
from rtcflow_contract.manifest import Manifest
from rtcflow_contract.request import OnExisting
from rtcflow_contract.standing import Verdict, judge
from rtcflow_contract.stored import UnreadableError, read_stored
from rtcflow_files import storage
from rtcflow_safe.annotation import AnnotatedBurst
from rtcflow_stac.context import says_it_is_at


class SceneBurst(NamedTuple):
    """A burst of a scene in all its polarizations; `sensing_start` is UTC.

    `burst_index` is its position in the sub-swath, from 0, and `ipf_version` the processor's version, if the catalogue
    gives them.
    """

    burst_id: str
    sensing_start: datetime
    burst_index: int | None = None
    ipf_version: str = ""


def complete_bursts(
    listed: Iterable[AnnotatedBurst], polarizations: Sequence[str], wanted: Sequence[str] | None = None
) -> list[SceneBurst]:
    """Bursts in order of time, once each, after checking that the wanted ones, or all, have every polarization.

    Parameters
    ----------
    listed : iterable of AnnotatedBurst
        From all annotation files of the scene.
    polarizations : sequence of str
        Polarizations of the scene id; times are those of the first.
    wanted : sequence of str, optional
        Bursts that must be complete; others may lack polarizations.

    Raises
    ------
    RefusedError
        When the scene lacks a polarization of a burst, or has no bursts.
    """
    by_id: dict[str, dict[str, AnnotatedBurst]] = {}
    for burst in listed:
        by_id.setdefault(burst.burst_id, {})[burst.polarization] = burst
    if not by_id:
        raise RefusedError("the scene's annotation lists no burst; fetch the scene again", reason="no-bursts")
    incomplete = {
        burst_id: [name for name in polarizations if name not in found]
        for burst_id, found in by_id.items()
        if wanted is None or burst_id in wanted
    }
    lacking = [f"{burst_id} ({', '.join(names)})" for burst_id, names in sorted(incomplete.items()) if names]
    if lacking:
        raise RefusedError(
            f"the scene is incomplete, polarizations are missing: {_shorten(lacking)}; fetch the scene again",
            reason="incomplete-scene",
        )
    chosen = [
        SceneBurst(burst_id, found[names[0]].sensing_start)
        for burst_id, found in by_id.items()
        if (names := [name for name in polarizations if name in found])
    ]
    return sorted(chosen, key=lambda burst: (burst.sensing_start, burst.burst_id))


def bursts_of_listing(listed: Iterable[ArchivedBurst], polarizations: Sequence[str]) -> list[SceneBurst]:
    """Bursts of an archive's complete listing in order of time, once each, with times of the first polarization."""
    chosen = [
        SceneBurst(burst.burst_id, burst.sensing_start, burst.burst_index, burst.ipf_version)
        for burst in listed
        if burst.polarization == polarizations[0]
    ]
    return sorted(chosen, key=lambda burst: (burst.sensing_start, burst.burst_id))


def check_in_scene(wanted: Sequence[str], there: Sequence[str], scene: str) -> None:
    """Refuse burst ids that are not in a scene; the RefusedError names them and those that are."""
    if absent := [burst_id for burst_id in wanted if burst_id not in there]:
        raise RefusedError(
            f"burst {', '.join(absent)} is not in scene {scene}; it has {', '.join(sorted(there))}",
            reason="burst-not-in-scene",
        )


def wanted_bursts(
    available: Sequence[SceneBurst], wanted: Sequence[str] | None, scene: str
) -> list[SceneBurst]:
    """The requested bursts, or all if none are named.

    Raises
    ------
    RefusedError
        Names the requested bursts that are not in the scene, and those that are.
    """
    if wanted is None:
        return list(available)
    check_in_scene(wanted, [burst.burst_id for burst in available], scene)
    return [burst for burst in available if burst.burst_id in set(wanted)]


def _shorten(names: list[str], most: int = 6) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def existing_item(job: BurstJob) -> keys.Location | None:
    """The item of the existing product that stays; None if one is to be made.

    Also None if a different product is there: the task then fails this burst and makes the others.
    """
    if job.on_existing is OnExisting.REPLACE:
        return None
    standing = _manifest(job, keys.MANIFEST)
    at = job.destination.join(standing.item) if standing else job.item
    if (
        job.on_existing is OnExisting.BESIDE
        and standing is not None
        and standing.product_version != job.product_version
    ):
        standing = _manifest(job, keys.version_name(keys.MANIFEST, job.product_version))
        at = job.destination.join(keys.version_name(keys.ITEM, job.product_version))
    try:
        verdict = judge(standing, job, job.destination, lambda _: _is_item(at))
    except RefusedError:
        return None
    return at if verdict is Verdict.KEEP else None


def _manifest(job: BurstJob, name: str) -> Manifest | None:
    """A manifest in the job's folder; None if it is missing or unreadable, which the task reports."""
    at = job.destination.join(name)
    try:
        return read_stored(Manifest, storage.read_bytes(at), at)
    except (NotFoundError, UnreadableError):
        return None


def _is_item(at: keys.Location) -> bool:
    """Whether a valid item exists: not empty, cut off, damaged, or moved here from elsewhere on this machine."""
    try:
        data = storage.read_bytes(at)
    except NotFoundError:
        return False
    return is_item(data) and (not at.is_local or says_it_is_at(json.loads(data), at))
