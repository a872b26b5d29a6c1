"""List the bursts of a scene at its source, without reading pixels."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from rtcflow_archives.archived_burst import ArchivedBurst
from rtcflow_archives.asf import list_asf_bursts
from rtcflow_archives.cdse import list_cdse_bursts
from rtcflow_contract.burst_id import parse_burst_id
from rtcflow_contract.scene_id import SceneId
from rtcflow_safe.annotation import AnnotatedBurst

ARCHIVES = ("asf", "cdse")

Found = AnnotatedBurst | ArchivedBurst


class OutlinedBurst(NamedTuple):
    """A burst of a scene; `sensing_start` is UTC, `polarizations` are those that the source has.

    `outline` is a ring of longitudes and latitudes, degrees; empty if the source does not give it.
    """

    burst_id: str
    sensing_start: datetime
    swath: str
    polarizations: tuple[str, ...]
    outline: tuple[tuple[float, float], ...] = ()


def list_archived(archive: str, scene: SceneId, wanted: Collection[str] | None = None) -> list[ArchivedBurst]:
    """List every burst of a scene in every polarization at one of `ARCHIVES`.

    If some bursts are wanted, the listing may lack others.

    Raises
    ------
    RefusedError
        When the archive does not have the scene, or does not list its bursts.
    TransientError
        When its catalogue does not answer, or the listing stays incomplete.
    """
    if archive == "asf":
        return list_asf_bursts(scene, wanted=wanted)
    return [entry.burst for entry in list_cdse_bursts(scene, wanted=wanted)]


def by_swath_and_time(listed: Iterable[Found], polarizations: Sequence[str]) -> list[OutlinedBurst]:
    """Bursts once each, by sub-swath and time.

    Parameters
    ----------
    listed : iterable of AnnotatedBurst or ArchivedBurst
        One entry per burst and polarization.
    polarizations : sequence of str
        Those of the scene, in order; times are those of the first that a burst has.
    """
    found: dict[str, dict[str, Found]] = {}
    for burst in listed:
        found.setdefault(burst.burst_id, {})[burst.polarization] = burst
    bursts = [
        OutlinedBurst(
            burst_id,
            entries[names[0]].sensing_start,
            parse_burst_id(burst_id).swath,
            names,
            entries[names[0]].outline,
        )
        for burst_id, entries in found.items()
        if (names := tuple(name for name in polarizations if name in entries))
    ]
    return sorted(bursts, key=lambda burst: (burst.swath, burst.sensing_start))
