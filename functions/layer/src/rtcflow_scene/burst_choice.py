"""Choose the bursts of a scene to process: pure decisions on its listing."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from rtcflow_archives.archived_burst import ArchivedBurst
from rtcflow_contract.errors import RefusedError
from rtcflow_safe.annotation import AnnotatedBurst


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
