"""Collect the data of a run report from Step Functions and S3."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, TypeVar

from pydantic import BaseModel

from rtcflow_contract import keys
from rtcflow_contract.errors import NotFoundError, RefusedError
from rtcflow_contract.manifest import Manifest
from rtcflow_contract.plan import Plan
from rtcflow_contract.report import BurstOutcome, Outcome, SceneReport
from rtcflow_contract.stored import UnreadableError, read_stored
from rtcflow_files import storage
from rtcflow_local.report.burst_progress import BurstProgress, BurstRecords
from rtcflow_local.report.data import BurstDetail, ReportData
from rtcflow_local.report.execution import ExecutionState, read_execution

_FOLDER = re.compile(r"^(s3://.+/executions/[^/]+)/")
_READERS = 8
_Model = TypeVar("_Model", bound=BaseModel)


def collect(
    execution_arn: str, states: Any, s3: Any, *, products_href: str | None = None, now: datetime | None = None
) -> ReportData:
    """Collect everything about an execution; for a running one, everything so far.

    Parameters
    ----------
    execution_arn : str
    states, s3 : boto3 clients
        Of Step Functions and S3.
    products_href : str, optional
        Path or URL of a copy of the products bucket, relative to the report (`products`); by default links go to S3.
    now : datetime, optional
        Time of the report.

    Raises
    ------
    RefusedError, TransientError
        When the execution cannot be read. Objects that cannot be read are left out.
    """
    execution = read_execution(states, execution_arn)
    folder = work_folder(execution)
    plan = _read(folder, keys.PLAN, Plan, s3)
    report = _read(folder, keys.REPORT, SceneReport, s3)
    runs = {
        (run.product, run.burst_id): run
        for run in BurstRecords(s3).read(execution.passage.tasks, execution.ended)
    }
    records = _records(list(runs.values()), plan, report)
    with ThreadPoolExecutor(_READERS) as readers:
        bursts = list(
            readers.map(
                lambda record: detail_of(record, runs.get((record.product, record.burst_id)), s3), records
            )
        )
    return ReportData(
        execution=execution,
        made=now or datetime.now(UTC),
        bursts=tuple(bursts),
        plan=plan,
        scene_report=report,
        products_href=products_href,
    )


def work_folder(execution: ExecutionState) -> keys.Location | None:
    """The execution's folder in the work bucket, from its report or any of its tasks."""
    outputs = [state.output for state in execution.passage.states if isinstance(state.output, dict)]
    uris = [str(output["report"]) for output in outputs if output.get("report")]
    uris += list(execution.passage.tasks)
    match = next((match for match in map(_FOLDER.match, uris) if match), None)
    return keys.parse_s3_uri(match[1]) if match else None


def _records(runs: list[BurstProgress], plan: Plan | None, report: SceneReport | None) -> list[BurstOutcome]:
    """One record per burst: from the scene report if there is one, else from the tasks and the plan."""
    if report is not None:
        return [*report.static_bursts, *report.bursts]
    records = [_record_of(run) for run in runs]
    if plan is None:
        return records
    there = [
        BurstOutcome(
            burst_id=b.burst_id,
            product=plan.request.product,
            outcome=Outcome.SKIPPED,
            attempt=0,
            item=b.item,
        )
        for b in plan.existing
    ]
    return records + there


def _record_of(run: BurstProgress) -> BurstOutcome:
    if run.outcome is not None and run.record is not None:
        return run.record
    return BurstOutcome(
        burst_id=run.burst_id,
        product=run.product,
        outcome=Outcome.FAILED,
        attempt=run.attempts,
        message=run.message or None,
    )


def detail_of(record: BurstOutcome, run: BurstProgress | None, s3: Any = None) -> BurstDetail:
    """A burst with manifest and browse image, if it has a product."""
    there = record.manifest or record.item
    if there is None or record.outcome is Outcome.FAILED:
        return BurstDetail(record, run)
    folder = keys.parse_location(there.rpartition("/")[0])
    manifest = _read(folder, keys.MANIFEST, Manifest, s3)
    browse = next((file.name for file in manifest.files if file.kind == "browse"), None) if manifest else None
    return BurstDetail(record, run, folder, manifest, _bytes(folder, browse, s3) if browse else None)


def _read(folder: keys.Location | None, name: str, model: type[_Model], s3: Any) -> _Model | None:
    data = _bytes(folder, name, s3) if folder else None
    try:
        return read_stored(model, data, name) if data else None
    except UnreadableError:
        return None


def _bytes(folder: keys.Location, name: str, s3: Any) -> bytes | None:
    try:
        return storage.read_bytes(folder.join(name), s3)
    except (NotFoundError, RefusedError):
        return None
