"""Search the archive's catalogue for bursts of an area and a period, and group them by pass."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any, NamedTuple

import shapely
from shapely.geometry.base import BaseGeometry

from rtcflow_archives.archived_burst import burst_of_granule
from rtcflow_archives.cmr import Cmr
from rtcflow_archives.hosts import ArchiveHosts
from rtcflow_archives.scene_search import polygon_keywords
from rtcflow_contract.errors import DefectError, RefusedError
from rtcflow_contract.scene_id import SceneId, parse_scene_id
from rtcflow_contract.scene_rules import split_uncalibrated
from rtcflow_local.stack.aoi import AreaOfInterest

_SUFFIX = "-SLC"
# A full-size burst in one polarization, if the catalogue does not give the size.
_USUAL_BYTES = 150_000_000


class Filters(NamedTuple):
    """Filters of a search; None or empty keeps all.

    Attributes
    ----------
    orbit_direction : {'ascending', 'descending'} or None
    relative_orbits : tuple of int
    polarization : str or None
        One that a burst must have, such as `VV`.
    burst_ids : tuple of str
    platforms : tuple of str
    """

    orbit_direction: str | None = None
    relative_orbits: tuple[int, ...] = ()
    polarization: str | None = None
    burst_ids: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()


class FoundBurst(NamedTuple):
    """One burst of one pass.

    Attributes
    ----------
    burst_id : str
    scene : SceneId
        The scene of the burst; the newer of two processings.
    sensing_start : datetime
        UTC.
    polarizations : tuple of str
    relative_orbit : int
    orbit_direction : str
        `ascending` or `descending`; empty if not in the catalogue.
    size : int
        Size of its pixels in all polarizations, bytes.
    outline : shapely geometry or None
        Longitude and latitude, degrees.
    burst_index : int or None
        Position in its sub-swath of the scene, from 0.
    ipf_version : str
        Version of the processor; empty if not in the catalogue.
    """

    burst_id: str
    scene: SceneId
    sensing_start: datetime
    polarizations: tuple[str, ...]
    relative_orbit: int
    orbit_direction: str
    size: int
    outline: BaseGeometry | None
    burst_index: int | None = None
    ipf_version: str = ""

    @property
    def pass_id(self) -> str:
        """Id of the pass, from platform, absolute orbit and direction, such as `S1A_041267_D`."""
        return f"{self.scene.platform}_{self.scene.absolute_orbit:06d}_{(self.orbit_direction or '?')[0].upper()}"


class Pass(NamedTuple):
    """Bursts of an area from one overflight, in order of time."""

    pass_id: str
    bursts: tuple[FoundBurst, ...]

    @property
    def start(self) -> datetime:
        """Sensing start of its first burst, UTC."""
        return self.bursts[0].sensing_start

    @property
    def scenes(self) -> dict[str, list[str]]:
        """Burst ids by scene id."""
        found: dict[str, list[str]] = defaultdict(list)
        for burst in self.bursts:
            found[burst.scene.id].append(burst.burst_id)
        return dict(found)


class Found(NamedTuple):
    """Result of a search: passes in order of time, and reasons for scenes that cannot give a product."""

    area: AreaOfInterest
    passes: tuple[Pass, ...]
    left_out: dict[str, str]

    @property
    def bursts(self) -> list[FoundBurst]:
        """All bursts of all passes."""
        return [burst for one in self.passes for burst in one.bursts]


def find_acquisitions(
    area: AreaOfInterest,
    start: date,
    end: date,
    filters: Filters | None = None,
    hosts: ArchiveHosts | None = None,
) -> Found:
    """Find the bursts that touch an area in a period.

    Parameters
    ----------
    area : AreaOfInterest
    start, end : date
        Days of acquisition, UTC, both included.
    filters : Filters, optional
    hosts : ArchiveHosts, optional

    Raises
    ------
    RefusedError
        When the end is before the start, or the catalogue refuses the area.
    TransientError
        When the catalogue does not answer, or its listing is incomplete.
    """
    if end < start:
        raise RefusedError(f"the period ends on {end}, before it starts on {start}; swap them", "period")
    cmr = Cmr((hosts or ArchiveHosts.from_environment()).cmr_url)
    items = cmr.granules(
        dataset="SLC-BURST",
        start=datetime.combine(start, time.min, UTC),
        end=datetime.combine(end, time.max, UTC),
        cmr_keywords=polygon_keywords(area.rings),
    )
    try:
        listed = list(_newest(_merged(items)))
    except (KeyError, IndexError, ValueError) as error:
        raise DefectError(f"CMR lists a burst in an unknown form ({error!r})", "cmr-form") from error
    kept = [one for one in listed if _touches(one, area) and _passes(one, filters or Filters())]
    usable, left_out = split_uncalibrated(kept, lambda burst: burst.scene)
    return Found(area, tuple(_group_passes(usable)), left_out)


def _group_passes(bursts: Iterable[FoundBurst]) -> list[Pass]:
    """Group bursts by pass, both in order of time."""
    groups: dict[str, list[FoundBurst]] = defaultdict(list)
    for burst in bursts:
        groups[burst.pass_id].append(burst)
    passes = [
        Pass(pass_id, tuple(sorted(group, key=lambda one: (one.sensing_start, one.burst_id))))
        for pass_id, group in groups.items()
    ]
    return sorted(passes, key=lambda one: (one.start, one.pass_id))


def _merged(items: Iterable[Mapping[str, Any]]) -> list[tuple[FoundBurst, str]]:
    """One acquisition per burst and scene, from granules per polarization, with the scene's processing time."""
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for item in items:
        umm = item["umm"]
        burst = burst_of_granule(umm)
        groups[umm["InputGranules"][0].removesuffix(_SUFFIX), burst.burst_id].append(item)
    return [_acquisition(scene, group) for (scene, _), group in groups.items()]


def _acquisition(scene: str, group: Sequence[Mapping[str, Any]]) -> tuple[FoundBurst, str]:
    parsed = parse_scene_id(scene)
    bursts = [burst_of_granule(item["umm"]) for item in group]
    there = {burst.polarization for burst in bursts}
    values = _values(group[0]["umm"])
    found = FoundBurst(
        burst_id=bursts[0].burst_id,
        scene=parsed,
        sensing_start=bursts[0].sensing_start,
        polarizations=tuple(name for name in parsed.polarizations if name in there),
        relative_orbit=int(float(values["PATH_NUMBER"])),
        orbit_direction=str(values.get("ASCENDING_DESCENDING", "")).lower(),
        size=sum(int(float(_values(item["umm"]).get("BYTE_LENGTH", _USUAL_BYTES))) for item in group),
        outline=shapely.Polygon(bursts[0].outline) if bursts[0].outline else None,
        burst_index=bursts[0].burst_index,
        ipf_version=bursts[0].ipf_version,
    )
    changed = max(
        str(
            item["umm"].get("DataGranule", {}).get("ProductionDateTime")
            or item["meta"].get("revision-date", "")
        )
        for item in group
    )
    return found, changed


def _newest(merged: Iterable[tuple[FoundBurst, str]]) -> Iterable[FoundBurst]:
    """Keep the newer of two processings of the same data."""
    newest: dict[tuple[str, str], tuple[str, FoundBurst]] = {}
    for one, changed in merged:
        key = one.burst_id, one.scene.id[:-5]
        if key not in newest or newest[key][:1] < (changed,):
            newest[key] = changed, one
    return (one for _, one in newest.values())


def _touches(burst: FoundBurst, area: AreaOfInterest) -> bool:
    if burst.outline is None:
        return True
    shifted = [shapely.affinity.translate(burst.outline, turn) for turn in (-360, 0, 360)]
    return any(shape.intersects(area.geometry) for shape in shifted)


def _passes(burst: FoundBurst, filters: Filters) -> bool:
    return (
        filters.orbit_direction in (None, burst.orbit_direction)
        and (not filters.relative_orbits or burst.relative_orbit in filters.relative_orbits)
        and (filters.polarization is None or filters.polarization in burst.polarizations)
        and (not filters.burst_ids or burst.burst_id in filters.burst_ids)
        and (not filters.platforms or burst.scene.platform in filters.platforms)
    )


def _values(umm: Mapping[str, Any]) -> dict[str, Any]:
    return {entry["Name"]: entry["Values"][0] for entry in umm["AdditionalAttributes"] if entry.get("Values")}
