"""List the archive's scenes of bursts from NASA's CMR, to find missing dates."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time
from typing import Any, NamedTuple, Protocol

from rtcflow_archives.archived_burst import bursts_of_granules
from rtcflow_contract.burst_id import parse_burst_id
from rtcflow_contract.errors import DefectError

# Limit of parallel requests to the catalogue.
_ASKERS = 4


class Granules(Protocol):
    """Searches granules, like `rtcflow_archives.cmr.Cmr`."""

    def granules(self, **options: Any) -> list[dict[str, Any]]:
        """All granules found, in UMM-JSON."""


class ArchiveEntry(NamedTuple):
    """A burst of a scene in the archive; `sensing_start` is UTC."""

    burst_id: str
    scene: str
    sensing_start: datetime


def list_archive(
    burst_ids: Iterable[str], start: date, end: date, cmr: Granules, say: Callable[[str], None]
) -> Iterator[ArchiveEntry]:
    """List the scenes of each burst, once per date, in order of time.

    Parameters
    ----------
    burst_ids : iterable of str
    start, end : date
        Days of acquisition, both included.
    cmr : Granules
    say : callable
        Called with a line on progress.

    Raises
    ------
    TransientError, RefusedError
        See Cmr.granules.
    """
    wanted = sorted(set(burst_ids))
    with ThreadPoolExecutor(_ASKERS) as pool:
        for number, found in enumerate(
            pool.map(lambda burst_id: _of_burst(burst_id, start, end, cmr), wanted), start=1
        ):
            say(f"{number} of {len(wanted)} bursts listed")
            yield from found


def _of_burst(burst_id: str, start: date, end: date, cmr: Granules) -> list[ArchiveEntry]:
    parts = parse_burst_id(burst_id)
    name = f"{parts.track:03d}_{parts.number:06d}_{parts.swath.upper()}"
    items = cmr.granules(
        dataset="SLC-BURST",
        fullBurstID=name,
        start=datetime.combine(start, time.min, UTC),
        end=datetime.combine(end, time.max, UTC),
    )
    by_day: dict[date, ArchiveEntry] = {}
    for item in items:
        try:
            source = item["umm"]["InputGranules"][0]
            scene = source.removesuffix("-SLC")
            (burst,) = bursts_of_granules([item], scene)
        except (KeyError, IndexError, ValueError) as error:
            raise DefectError(
                f"CMR lists burst {burst_id} in an unknown form ({error!r})", reason="cmr-form"
            ) from error
        if burst.burst_id == burst_id and start <= burst.sensing_start.date() <= end:
            by_day.setdefault(burst.sensing_start.date(), ArchiveEntry(burst_id, scene, burst.sensing_start))
    return [listed for _, listed in sorted(by_day.items())]


def as_csv(rows: Iterable[ArchiveEntry]) -> str:
    """The listing as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(ArchiveEntry._fields)
    writer.writerows((row.burst_id, row.scene, f"{row.sensing_start:%Y-%m-%dT%H:%M:%SZ}") for row in rows)
    return text.getvalue()
