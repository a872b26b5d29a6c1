"""Listings of the archive's scenes of bursts, to find missing dates: made from NASA's CMR, or read from a file."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time
from typing import Any, NamedTuple, Protocol

import pyarrow as pa

from rtcflow_archives.archived_burst import bursts_of_granules
from rtcflow_contract.burst_id import normalize_burst_id, parse_burst_id
from rtcflow_contract.errors import DefectError, RefusedError

# Columns of a listing as a table.
LISTING = pa.schema([("burst_id", pa.string()), ("scene", pa.string()), ("date", pa.date32())])
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


def read_archive(name: str, data: bytes) -> pa.Table:
    """Read a listing of the archive, CSV or JSON lines with `burst_id`, `scene` and `date` or `sensing_start`.

    Raises
    ------
    RefusedError
        When it is neither, or a column is missing.
    """
    from pyarrow import csv, json

    try:
        text = io.BytesIO(data)
        table = csv.read_csv(text) if name.endswith(".csv") else json.read_json(text)
        time = table["date"] if "date" in table.column_names else table["sensing_start"]
        scene = table["scene"] if "scene" in table.column_names else pa.nulls(len(table), pa.string())
        day = time if pa.types.is_date(time.type) else _day(time)
        bursts = pa.array([normalize_burst_id(text) for text in table["burst_id"].to_pylist()], pa.string())
        scenes = pa.array([_scene(text) for text in scene.to_pylist()], pa.string())
        return pa.table([bursts, scenes, day.cast(pa.date32())], schema=LISTING)
    except (pa.ArrowException, KeyError, ValueError, AttributeError) as error:
        raise RefusedError(
            f"{name} is not a listing of the archive ({error}); give CSV or JSON lines with burst_id, scene and date",
            reason="archive-listing",
        ) from error


def _scene(text: str | None) -> str | None:
    """A scene's id without the suffixes of listings."""
    return text.strip().removesuffix(".zip").removesuffix(".SAFE").removesuffix("-SLC") if text else None


def _day(time: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_string(time.type):
        # Both 2022-01-01T12:47:52Z and 2022-01-01.
        return pa.chunked_array([pa.array([t[:10] for t in time.to_pylist()])]).cast(pa.date32())
    return time
