"""Outcomes of bursts, collected from the scene reports in the work bucket: what was refused, what failed, and why."""

import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from rtcflow_contract.errors import NotFoundError, RefusedError
from rtcflow_contract.keys import REPORT
from rtcflow_contract.report import BurstOutcome, Outcome, SceneOutcome, SceneReport
from rtcflow_contract.stored import UnreadableError, read_stored
from rtcflow_files.files import Entry, Store

_OUTCOMES = "outcomes.parquet"
_EXECUTIONS = "executions"
_READERS = 32
_TIME = pa.timestamp("us", tz="UTC")
_SCHEMA = pa.schema(
    [
        ("report", pa.string()),
        ("tag", pa.string()),
        ("execution", pa.string()),
        ("scene", pa.string()),
        ("collection", pa.string()),
        ("product", pa.string()),
        ("burst_id", pa.string()),
        ("outcome", pa.string()),
        ("error_class", pa.string()),
        ("reason", pa.string()),
        ("message", pa.string()),
        ("attempts", pa.int32()),
        ("seconds", pa.float64()),
        ("cost_usd", pa.float64()),
        ("started", _TIME),
        ("finished", _TIME),
    ]
)


class Collected(NamedTuple):
    """Scene reports that were read, and a sentence for each that could not be."""

    reports: int
    unread: tuple[str, ...] = ()


def collect_outcomes(work: Store, inventory: Store) -> Collected:
    """Add the outcomes of executions that ended since.

    Reports that the work bucket's lifecycle removed stay in the inventory; one that cannot be read is left out by name.
    """
    held = read_outcomes(inventory)
    # Few reports against many outcomes: what is held stays in Arrow.
    known = held.select(["report", "tag"]).group_by(["report", "tag"]).aggregate([])
    tags = dict(zip(known["report"].to_pylist(), known["tag"].to_pylist(), strict=True))
    new = [
        entry
        for entry in work.entries(_EXECUTIONS, at_once=16)
        if entry.name.rpartition("/")[2] == REPORT and tags.get(work.href(entry.name)) != entry.tag
    ]
    if not new:
        return Collected(0)
    with ThreadPoolExecutor(_READERS) as pool:
        read = list(pool.map(lambda entry: _rows(work, entry), new))
    unread = tuple(rows for rows in read if isinstance(rows, str))
    rows = [row for rows in read if not isinstance(rows, str) for row in rows]
    read_now = pa.array(sorted({row["report"] for row in rows}), pa.string())
    kept = held.filter(pc.invert(pc.is_in(held["report"], value_set=read_now)))
    table = pa.concat_tables([kept, pa.Table.from_pylist(rows, _SCHEMA)], promote_options="default")
    if rows:
        data = io.BytesIO()
        pq.write_table(table, data, compression="zstd")
        inventory.write(_OUTCOMES, data.getvalue())
    return Collected(len(new) - len(unread), unread)


def read_outcomes(inventory: Store) -> pa.Table:
    """Outcomes that an inventory holds.

    Columns that another release's inventory lacks are null here, and those that it has more stay.

    Raises
    ------
    RefusedError
        When the file is no parquet file.
    """
    try:
        held = pq.read_table(io.BytesIO(inventory.read(_OUTCOMES)))
    except NotFoundError:
        return _SCHEMA.empty_table()
    except (pa.ArrowInvalid, OSError) as error:
        raise RefusedError(
            f"{inventory.href(_OUTCOMES)} is no parquet file ({error}); delete it and collect the reports again",
            reason="inventory-part",
        ) from error
    return pa.concat_tables([_SCHEMA.empty_table(), held], promote_options="default")


def _rows(work: Store, entry: Entry) -> list[dict[str, Any]] | str:
    """Rows of a report, none where it went away meanwhile; a sentence where it cannot be read."""
    try:
        report = read_stored(SceneReport, work.read(entry.name), work.href(entry.name))
    except NotFoundError:
        return []
    except UnreadableError as error:
        return error.message
    common = {
        "report": work.href(entry.name),
        "tag": entry.tag,
        "execution": report.execution,
        "scene": report.scene,
        "collection": report.collection,
        "started": report.started,
        "finished": report.finished,
    }
    return [{**common, **values} for values in _outcomes(report)]


def _outcomes(report: SceneReport) -> Iterator[dict[str, Any]]:
    bursts = [*report.bursts, *report.static_bursts]
    yield from (_outcome(burst) for burst in bursts)
    if report.outcome is SceneOutcome.FAILED and not any(b.outcome is Outcome.FAILED for b in bursts):
        # The scene never got to its bursts.
        yield {
            "product": report.product.value,
            "outcome": Outcome.FAILED.value,
            "reason": "scene",
            "message": report.message,
        }


def _outcome(burst: BurstOutcome) -> dict[str, Any]:
    names = ("burst_id", "reason", "message", "seconds", "cost_usd")
    return {
        **{name: getattr(burst, name) for name in names},
        "attempts": burst.attempt,
        "product": burst.product.value,
        "outcome": burst.outcome.value,
        "error_class": burst.error_class.value if burst.error_class else None,
    }
