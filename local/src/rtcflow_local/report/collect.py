"""Gather what a run report is made of, from Step Functions and S3."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, TypeVar

from pydantic import BaseModel

from rtcflow_contract import keys
from rtcflow_contract.errors import NotFoundError, RefusedError
from rtcflow_contract.layers import Product
from rtcflow_contract.manifest import Manifest
from rtcflow_contract.plan import Plan
from rtcflow_contract.report import BurstOutcome, Outcome, SceneReport
from rtcflow_contract.stored import UnreadableError, read_stored
from rtcflow_files import storage
from rtcflow_local.report.data import BurstDetail, ReportData
from rtcflow_local.report.execution import Execution, read_definition, read_execution
from rtcflow_local.report.history import BurstRun

_JOB_FOLDER = re.compile(r"^(s3://.+/executions/[^/]+)/")
_READERS = 8
_Model = TypeVar("_Model", bound=BaseModel)


def collect(
    execution_arn: str, states: Any, s3: Any, *, products_href: str | None = None, now: datetime | None = None
) -> ReportData:
    """Gather all that is known of an execution; one that still runs gives what there is so far.

    Parameters
    ----------
    execution_arn : str
    states, s3 : boto3 clients
        Of Step Functions and S3.
    products_href : str, optional
        Where a copy of the products bucket is reachable from the report (`products`); links go to S3 else.
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
    records = _records(execution, plan, report)
    with ThreadPoolExecutor(_READERS) as readers:
        bursts = list(readers.map(lambda record: _detail(record, execution, s3), records))
    return ReportData(
        execution=execution,
        definition=read_definition(states, execution_arn),
        made=now or datetime.now(UTC),
        bursts=tuple(bursts),
        plan=plan,
        scene_report=report,
        products_href=products_href,
    )


def work_folder(execution: Execution) -> keys.Location | None:
    """The execution's folder in the work bucket, known from its report or any of its jobs."""
    outputs = [state.output for state in execution.passage.states if isinstance(state.output, dict)]
    uris = [str(output["report"]) for output in outputs if output.get("report")]
    uris += [run.job for run in execution.passage.bursts.values()]
    match = next((match for match in map(_JOB_FOLDER.match, uris) if match), None)
    return keys.parse_s3_uri(match[1]) if match else None


def _records(execution: Execution, plan: Plan | None, report: SceneReport | None) -> list[BurstOutcome]:
    """One record a burst: of the scene report where there is one, else of the history and the plan."""
    if report is not None:
        return [*report.static_bursts, *report.bursts]
    runs = [_record_of(run) for run in execution.passage.bursts.values()]
    if plan is None:
        return runs
    there = [
        BurstOutcome(
            burst_id=b.burst_id,
            product=plan.request.product,
            outcome=Outcome.SKIPPED,
            attempts=0,
            item=b.item,
        )
        for b in plan.existing
    ]
    return runs + there


def _record_of(run: BurstRun) -> BurstOutcome:
    return BurstOutcome(
        burst_id=run.burst_id,
        product=run.product,
        outcome=run.outcome or Outcome.FAILED,
        attempts=run.attempts if run.outcome else 0,
        error_class=run.error_class,
        message=run.message or None,
        item=run.result.get("item"),
    )


def _detail(record: BurstOutcome, execution: Execution, s3: Any) -> BurstDetail:
    run = execution.passage.bursts.get((Product(record.product), record.burst_id))
    there = record.manifest or record.item
    if there is None or record.outcome is Outcome.FAILED:
        return BurstDetail(record, run)
    folder = keys.parse_s3_uri(there.rpartition("/")[0])
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
