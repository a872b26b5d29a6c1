"""Outcomes of bursts, collected from the scene reports in the work bucket: what was refused, what failed, and why."""

import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from rtcflow_contract.errors import NotFoundError
from rtcflow_contract.keys import REPORT
from rtcflow_contract.report import BurstOutcome, Outcome, SceneOutcome, SceneReport
from rtcflow_local.inventory.store import Entry, Store

OUTCOMES = "outcomes.parquet"
EXECUTIONS = "executions"
_READERS = 32
_TIME = pa.timestamp("us", tz="UTC")
SCHEMA = pa.schema(
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


def collect_outcomes(work: Store, inventory: Store) -> int:
    """Add the outcomes of executions that ended since; gives how many reports were read.

    Reports that the work bucket's lifecycle removed stay in the inventory.
    """
    held = read_outcomes(inventory)
    tags = dict(zip(held["report"].to_pylist(), held["tag"].to_pylist(), strict=True))
    new = [
        entry
        for entry in work.entries(EXECUTIONS)
        if entry.name.rpartition("/")[2] == REPORT and tags.get(work.href(entry.name)) != entry.tag
    ]
    if not new:
        return 0
    replaced = {work.href(entry.name) for entry in new}
    with ThreadPoolExecutor(_READERS) as pool:
        rows = [row for rows in pool.map(lambda entry: _rows(work, entry), new) for row in rows]
    kept = [row for row in held.to_pylist() if row["report"] not in replaced]
    data = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([*kept, *rows], SCHEMA), data, compression="zstd")
    inventory.write(OUTCOMES, data.getvalue())
    return len(new)


def read_outcomes(inventory: Store) -> pa.Table:
    """Outcomes that an inventory holds."""
    try:
        return pq.read_table(io.BytesIO(inventory.read(OUTCOMES)))
    except NotFoundError:
        return SCHEMA.empty_table()


def _rows(work: Store, entry: Entry) -> list[dict[str, Any]]:
    try:
        report = SceneReport.model_validate_json(work.read(entry.name))
    except (NotFoundError, ValidationError):
        return []
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
    names = ("burst_id", "reason", "message", "attempts", "seconds", "cost_usd")
    return {
        **{name: getattr(burst, name) for name in names},
        "product": burst.product.value,
        "outcome": burst.outcome.value,
        "error_class": burst.error_class.value if burst.error_class else None,
    }
