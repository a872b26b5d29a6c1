"""The run report of scenes made on this machine: the page of an execution, without states."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from rtcflow_contract.errors import RefusedError
from rtcflow_contract.plan import Plan
from rtcflow_contract.report import SceneOutcome, SceneReport
from rtcflow_local.report.collect import detail_of
from rtcflow_local.report.data import ReportData
from rtcflow_local.report.execution import ExecutionState
from rtcflow_local.report.history import Passage
from rtcflow_local.report.page import build_report
from rtcflow_local.report.progress import BurstProgress


def write_local_report(path: Path, runs: Sequence[tuple[Plan | None, SceneReport]]) -> list[Path]:
    """Write a page for each scene to `path`; with several scenes, to `path` with the scene's id added.

    Raises
    ------
    RefusedError
        When the file cannot be written.
    """
    written = []
    for plan, report in runs:
        at = path if len(runs) == 1 else path.with_name(f"{path.stem}-{report.scene}{path.suffix}")
        try:
            at.parent.mkdir(parents=True, exist_ok=True)
            at.write_text(build_report(_data(plan, report)), encoding="utf-8")
        except OSError as error:
            raise RefusedError(
                f"report {at} cannot be written ({error.strerror})", reason="report"
            ) from error
        written.append(at)
    return written


def _data(plan: Plan | None, report: SceneReport) -> ReportData:
    made = report.outcome is SceneOutcome.SUCCEEDED
    execution = ExecutionState(
        arn=f"local:{report.execution}",
        name=report.execution,
        status="SUCCEEDED" if made else "FAILED",
        started=report.started,
        stopped=report.finished,
        payload={"scene": report.scene, "product": report.product.value},
        error="" if made else "BurstsFailed",
        cause="" if made else report.message,
        passage=Passage(),
    )
    return ReportData(
        execution=execution,
        made=datetime.now(UTC),
        bursts=tuple(
            detail_of(record, BurstProgress(record.burst_id, record.product, 0, record=record, ended=True))
            for record in (*report.static_bursts, *report.bursts)
        ),
        plan=plan,
        scene_report=report,
    )
