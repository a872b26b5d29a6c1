"""Tasks whose container ended: their jobs, the records of each, and the input of AssembleStac."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from rtcflow_contract.job import BurstJob
from rtcflow_contract.keys import BEGUN, MANIFEST, OUTCOME
from rtcflow_contract.report import BurstOutcome
from rtcflow_contract.request import Compute
from rtcflow_contract.task import Begun, Task
from rtcflow_files import storage
from rtcflow_scene.records import write_task
from rtcflow_scene.task_run import StackSettings, first_run
from tests.support.inventory_case import Spec, put_files

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
MILLISECONDS = int(NOW.timestamp() * 1000)


def ended(
    exit_code: int | None = 0, stop_code: str = "EssentialContainerExited", **fields: Any
) -> dict[str, Any]:
    """A stopped task as Step Functions returns it."""
    container = {"Name": "burst"} if exit_code is None else {"Name": "burst", "ExitCode": exit_code}
    return {
        "TaskArn": "arn:aws:ecs:us-west-2:123456789012:task/rtcflow/0123abc",
        "StopCode": stop_code,
        "StoppedReason": "Essential container in task exited",
        "PullStartedAt": MILLISECONDS - 120_000,
        "StoppedAt": MILLISECONDS,
        "HealthStatus": "UNKNOWN",
        "Containers": [container],
        **fields,
    }


def failed(
    exit_code: int | None, stop_code: str = "EssentialContainerExited", **fields: Any
) -> dict[str, Any]:
    """The same as an error."""
    return {"Error": "States.TaskFailed", "Cause": json.dumps(ended(exit_code, stop_code, **fields))}


def made(spec: Spec = Spec(), attempt: int = 1, manifest: bool = True) -> BurstJob:  # noqa: B008
    """A job whose product is committed, with its outcome."""
    job, record = put_files(spec)
    if manifest:
        storage.write_bytes(job.destination.join(MANIFEST), record.model_dump_json().encode())
    outcome(job, "made", attempt, manifest=str(job.destination.join(MANIFEST)), seconds=60.0)
    return job


def outcome(job: BurstJob, outcome: str, attempt: int = 1, **fields: Any) -> BurstJob:
    record = BurstOutcome(
        burst_id=job.burst_id,
        product=job.product,
        outcome=outcome,
        attempt=attempt,
        started=NOW - timedelta(seconds=90),
        finished=NOW - timedelta(seconds=30),
        **fields,
    )
    storage.write_bytes(job.work.join(OUTCOME), record.model_dump_json().encode())
    return job


def begun(job: BurstJob, attempt: int = 1, times: int = 1) -> BurstJob:
    record = Begun(attempt=attempt, started=NOW - timedelta(seconds=20), times=times)
    storage.write_bytes(job.work.join(BEGUN), record.model_dump_json().encode())
    return job


def read_outcome(job: BurstJob) -> BurstOutcome:
    return BurstOutcome.model_validate_json(storage.read_bytes(job.work.join(OUTCOME)))


def event(*jobs: BurstJob, end: Any = None, tasks: int = 1, **changes: Any) -> dict[str, Any]:
    """The input of AssembleStac."""
    task = Task(execution=jobs[0].execution, number=0, jobs=jobs)
    at = write_task(task, "work")
    run = first_run(
        str(at),
        [job.burst_id for job in jobs],
        stack=StackSettings(cluster="c", task_definition="t", subnets="a,b", security_group="sg"),
        compute=Compute.SPOT,
        tasks=tasks,
        timeout_s=2700,
        scene=jobs[0].scene,
        collection=jobs[0].collection,
    )
    return {
        **run.model_copy(update=changes).model_dump(mode="json"),
        "ended": ended() if end is None else end,
    }
