"""Outcomes of bursts: what was refused, what failed, and why.

They are collected from the reports of executions in the work bucket, which are deleted after 180 days, and from the
records of processed scenes beside the products, which are kept and exist for runs without a work bucket too.
"""

import io
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from rtcflow_contract.errors import NotFoundError, RefusedError
from rtcflow_contract.keys import REPORT
from rtcflow_contract.processed_scene import ProcessedBurst, ProcessedScene
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
    """Number of scene reports read, and a sentence for each that could not be read."""

    reports: int
    unread: tuple[str, ...] = ()


def collect_outcomes(work: Store, inventory: Store) -> Collected:
    """Add the outcomes of executions that ended since.

    Reports that the work bucket's lifecycle removed stay in the inventory; unreadable ones are reported and left out.
    """
    entries = work.entries(_EXECUTIONS, at_once=16)
    reports = [entry for entry in entries if entry.name.rpartition("/")[2] == REPORT]
    return _collect(work, inventory, reports, _rows)


def collect_processed(source: Store, inventory: Store, records: Sequence[Entry]) -> Collected:
    """Add the outcomes from records of processed scenes that are new or changed.

    Parameters
    ----------
    source : Store
        Folder of products.
    inventory : Store
    records : sequence of Entry
        The records in this folder.
    """
    return _collect(source, inventory, records, _processed_rows)


def _collect(
    store: Store,
    inventory: Store,
    entries: Sequence[Entry],
    rows_of: Callable[[Store, Entry], list[dict[str, Any]] | str],
) -> Collected:
    held = read_outcomes(inventory)
    # There are few new reports and many outcomes, so existing ones stay in Arrow.
    known = held.select(["report", "tag"]).group_by(["report", "tag"]).aggregate([])
    tags = dict(zip(known["report"].to_pylist(), known["tag"].to_pylist(), strict=True))
    new = [entry for entry in entries if tags.get(store.href(entry.name)) != entry.tag]
    if not new:
        return Collected(0)
    with ThreadPoolExecutor(_READERS) as pool:
        read = list(pool.map(lambda entry: rows_of(store, entry), new))
    unread = tuple(rows for rows in read if isinstance(rows, str))
    rows = [row for rows in read if not isinstance(rows, str) for row in rows]
    again = pa.array(sorted({row["report"] for row in rows} & tags.keys()), pa.string())
    if len(again):
        held = held.filter(pc.invert(pc.is_in(held["report"], value_set=again)))
    table = pa.concat_tables([held, pa.Table.from_pylist(rows, _SCHEMA)], promote_options="default")
    if rows:
        data = io.BytesIO()
        pq.write_table(table, data, compression="zstd")
        inventory.write(_OUTCOMES, data.getvalue())
    return Collected(len(new) - len(unread), unread)


def read_outcomes(inventory: Store) -> pa.Table:
    """Read the outcomes of an inventory.

    Columns that another release's inventory lacks are null; additional ones are kept.

    Raises
    ------
    RefusedError
        When the file is not a parquet file.
    """
    try:
        held = pq.read_table(io.BytesIO(inventory.read(_OUTCOMES)))
    except NotFoundError:
        return _SCHEMA.empty_table()
    except (pa.ArrowInvalid, OSError) as error:
        raise RefusedError(
            f"{inventory.href(_OUTCOMES)} is not a parquet file ({error}); delete it and collect the reports again",
            reason="inventory-part",
        ) from error
    return pa.concat_tables([_SCHEMA.empty_table(), held], promote_options="default")


def _rows(work: Store, entry: Entry) -> list[dict[str, Any]] | str:
    """Rows of a report, none if it was deleted meanwhile; a sentence if it cannot be read."""
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


def _processed_rows(source: Store, entry: Entry) -> list[dict[str, Any]] | str:
    """Rows of a record of a processed scene, none if it was deleted meanwhile; a sentence if it cannot be read."""
    href = source.href(entry.name)
    try:
        record = read_stored(ProcessedScene, source.read(entry.name), href)
    except NotFoundError:
        return []
    except UnreadableError as error:
        return error.message
    common = {"report": href, "tag": entry.tag, "scene": record.scene}
    return [{**common, **_processed(burst)} for burst in record.bursts]


def _processed(burst: ProcessedBurst) -> dict[str, Any]:
    names = ("collection", "burst_id", "execution", "finished", "message", "reason")
    return {
        **{name: getattr(burst, name) for name in names},
        "product": burst.product.value,
        "outcome": burst.outcome.value,
        "error_class": burst.error_class.value if burst.error_class else None,
    }


def _outcomes(report: SceneReport) -> Iterator[dict[str, Any]]:
    bursts = [*report.bursts, *report.static_bursts]
    yield from (_outcome(burst) for burst in bursts)
    if report.outcome is SceneOutcome.FAILED and not any(b.outcome is Outcome.FAILED for b in bursts):
        # The scene failed before its bursts.
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
