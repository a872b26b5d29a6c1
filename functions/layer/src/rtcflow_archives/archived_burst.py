"""Bursts as the catalogues of ASF and CDSE list them: one record per burst and polarization.

ASF: granules of collection SENTINEL-1_BURSTS in UMM-JSON. CDSE: entities of OData `Bursts`.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from rtcflow_archives.rings import Ring
from rtcflow_contract.burst_id import NUMBERS, BurstIdParts, normalize_burst_id, parse_burst_id
from rtcflow_contract.errors import RefusedError, RtcflowError, TransientError
from rtcflow_contract.scene_id import SceneId
from rtcflow_files.retry import Attempts

_SWATHS = ("iw1", "iw2", "iw3")
# A listing that is incomplete after this will not become complete.
_SETTLED = timedelta(days=30)


class ArchivedBurst(NamedTuple):
    """A burst in one polarization, as an archive lists it.

    Attributes
    ----------
    burst_id : str
        The archive's own id, in this project's spelling.
    burst_index : int or None
        Position in its sub-swath of the scene, from 0; None where the archive does not say.
    polarization : str
    sensing_start : datetime
        Zero-Doppler time of the first line, UTC.
    ipf_version : str
        Version of the processor, `002.91`; empty where the archive does not say.
    outline : tuple of (float, float)
        Ring of longitudes and latitudes, degrees; empty where the archive does not say.
    """

    burst_id: str
    burst_index: int | None
    polarization: str
    sensing_start: datetime
    ipf_version: str = ""
    outline: Ring = ()


class LocatedBurst(NamedTuple):
    """A burst and where its pixels are stored: in file `path` (`/eodata/...`), from byte `offset`."""

    burst: ArchivedBurst
    path: str
    offset: int
    lines: int
    samples: int


def bursts_of_granules(items: Iterable[Mapping[str, Any]], scene: str) -> list[ArchivedBurst]:
    """Pick a scene's bursts from granules in UMM-JSON, which may include bursts of neighbouring scenes.

    Raises
    ------
    KeyError, IndexError, ValueError
        When a granule has another form than those of the collection.
    """
    wanted = f"{scene}-SLC"
    return [burst_of_granule(item["umm"]) for item in items if wanted in item["umm"].get("InputGranules", ())]


def bursts_of_odata(values: Iterable[Mapping[str, Any]]) -> list[LocatedBurst]:
    """Bursts of OData entities; raises KeyError or ValueError when one has another form."""
    return [_of_odata(value) for value in values]


def what_is_missing(bursts: Sequence[ArchivedBurst], polarizations: Sequence[str]) -> str:
    """Describe what the listing of a whole scene lacks; empty when it is complete.

    Every burst must be listed in every polarization, and the bursts of a sub-swath must be consecutive. This catches
    short listings that the catalogue's own count does not reveal.
    """
    by_id: dict[str, set[str]] = {}
    for burst in bursts:
        by_id.setdefault(burst.burst_id, set()).add(burst.polarization)
    missing = [
        f"{burst_id} {name}"
        for burst_id, found in sorted(by_id.items())
        for name in polarizations
        if name not in found
    ]
    by_swath = _numbers(by_id)
    missing += [f"every burst of {swath.upper()}" for swath in _SWATHS if swath not in by_swath]
    most = max((len(numbers) for numbers in by_swath.values()), default=0)
    for swath, numbers in sorted(by_swath.items()):
        gaps = sorted(set(range(min(numbers), max(numbers) + 1)) - set(numbers))
        missing += [f"burst {(number - 1) % NUMBERS + 1} of {swath.upper()}" for number in gaps]
        # Sub-swaths begin and end at most one burst apart.
        if not gaps and len(numbers) < most - 2:
            missing.append(f"bursts at an end of {swath.upper()}")
    shown = ", ".join(missing[:4])
    return f"{shown} and {len(missing) - 4} more" if len(missing) > 4 else shown


def has_all(
    bursts: Iterable[ArchivedBurst], wanted: Collection[str] | None, polarizations: Sequence[str]
) -> bool:
    """Whether the named bursts are listed in every polarization; false if none are named."""
    listed = {(burst.burst_id, burst.polarization) for burst in bursts}
    return wanted is not None and all((name, p) in listed for name in wanted for p in polarizations)


def incomplete(
    archive: str, scene: SceneId, missing: str, other: str, wanted: Collection[str] | None
) -> RtcflowError:
    """The error for an incomplete listing: transient for a new scene, refused for an old one."""
    state = f"{archive} lists scene {scene.id} incompletely: {missing} missing"
    if datetime.now(UTC) - scene.stop < _SETTLED:
        return TransientError(f"{state}; try again later, or give scene_source {other}", "listing-incomplete")
    named = "" if wanted else ", or name the bursts that you want"
    days = (datetime.now(UTC) - scene.stop).days
    return RefusedError(
        f"{state}, {days} days after the pass; give scene_source {other} or the SAFE{named}",
        reason="listing-incomplete",
    )


def again_or_raise(attempts: Attempts, error: RtcflowError) -> None:
    """Wait before listing again, or raise the error when the policy allows no further attempt."""
    try:
        attempts.again(TransientError(error.message, error.reason))
    except TransientError:
        raise error from None


def _numbers(burst_ids: Iterable[str]) -> dict[str, list[int]]:
    """Burst numbers by sub-swath, continued past the end of the repeat cycle, where they start again at 1."""
    numbers: dict[str, list[int]] = {}
    for parts in map(parse_burst_id, burst_ids):
        numbers.setdefault(parts.swath, []).append(parts.number)
    return {
        swath: [n + NUMBERS if max(found) - n > NUMBERS // 2 else n for n in found]
        for swath, found in numbers.items()
    }


def burst_of_granule(umm: Mapping[str, Any]) -> ArchivedBurst:
    """The burst of a granule in UMM-JSON; KeyError, IndexError or ValueError when it has another form."""
    values = {
        entry["Name"]: entry["Values"][0] for entry in umm["AdditionalAttributes"] if entry.get("Values")
    }
    return ArchivedBurst(
        normalize_burst_id(values["BURST_ID_FULL"]),
        int(values["BURST_INDEX"]),
        str(values["POLARIZATION"]).upper(),
        _time(values["AZIMUTH_TIME"]),
        str(umm.get("PGEVersionClass", {}).get("PGEVersion", "")),
        _outline(umm),
    )


def _outline(umm: Mapping[str, Any]) -> Ring:
    domain = umm.get("SpatialExtent", {}).get("HorizontalSpatialDomain", {})
    polygons = domain.get("Geometry", {}).get("GPolygons", [])
    points = polygons[0]["Boundary"]["Points"] if polygons else []
    return tuple((float(point["Longitude"]), float(point["Latitude"])) for point in points)


def _of_odata(value: Mapping[str, Any]) -> LocatedBurst:
    swath = str(value["SwathIdentifier"]).lower()
    parts = BurstIdParts(int(value["RelativeOrbitNumber"]), int(value["BurstId"]), swath)
    burst = ArchivedBurst(
        normalize_burst_id(str(parts)),
        None,
        str(value["PolarisationChannels"]).upper(),
        _time(value["AzimuthTime"]),
        outline=_ring_of_footprint(value),
    )
    return LocatedBurst(
        burst,
        str(value["S3Path"]),
        int(value["ByteOffset"]),
        int(value["LinesPerBurst"]),
        int(value["SamplesPerBurst"]),
    )


def _ring_of_footprint(value: Mapping[str, Any]) -> Ring:
    shape = value.get("GeoFootprint") or {}
    rings = shape.get("coordinates") or [[]] if shape.get("type") == "Polygon" else [[]]
    return tuple((float(x), float(y)) for x, y, *_ in rings[0])


def _time(text: str) -> datetime:
    read = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return read if read.tzinfo else read.replace(tzinfo=UTC)
