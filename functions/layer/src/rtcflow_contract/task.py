"""The task: the burst jobs that one container runs one after the other, and its records in the work bucket.

Work bucket, under `executions/{execution}`::

    tasks/{number}.json                        the task
    {product}/{burst_id}/begun.json            written before a burst starts
    {product}/{burst_id}/outcome.json          written when it has ended

Environment of the container: RTCFLOW_TASK is the task as JSON or its `s3://` location, RTCFLOW_ATTEMPT the number of
this attempt.
"""

from collections.abc import Iterable

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from rtcflow_contract.errors import EXIT_CODES, ErrorClass, RefusedError
from rtcflow_contract.job import BurstJob
from rtcflow_contract.model import describe
from rtcflow_contract.report import BurstOutcome, Outcome

TASK_VARIABLE = "RTCFLOW_TASK"
ATTEMPT_VARIABLE = "RTCFLOW_ATTEMPT"
# Increased when an older image would misunderstand a task.
_TASK_VERSION = 1

# A burst that was begun and has no outcome took its task down; after the second time it fails.
MOST_TAKEN_DOWN = 2


class Task(BaseModel):
    """Burst jobs of one execution, in the order in which they are made.

    A static job comes before the job of the burst that links to it. `burst_limit_s` is the time limit of one job, in
    seconds from start to outcome.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    version: int = _TASK_VERSION
    execution: str
    number: int = Field(ge=0)
    burst_limit_s: int = Field(default=13800, gt=0)
    jobs: tuple[BurstJob, ...] = Field(min_length=1)


class Begun(BaseModel):
    """A burst that an attempt began.

    `times` counts consecutive attempts that began it without leaving an outcome, including this one. `computing` is
    when it began to compute; before, its inputs were fetched while other bursts computed.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    attempt: int
    started: AwareDatetime
    times: int = 1
    computing: AwareDatetime | None = None


def parse_task(text: str | bytes) -> Task:
    """Parse a task.

    Raises
    ------
    RefusedError
        When it is not a task, or is for a newer image.
    """
    try:
        task = Task.model_validate_json(text)
    except ValidationError as error:
        raise RefusedError(f"the task was refused: {describe(error)}", reason="task") from error
    if task.version > _TASK_VERSION:
        raise RefusedError(
            f"this image reads tasks up to version {_TASK_VERSION} and the stack wrote version {task.version}; "
            "push the image of the stack's own version",
            reason="old-image",
        )
    return task


def is_of(outcome: BurstOutcome | None, begun: Begun | None) -> bool:
    """Whether an outcome is of the last attempt that began the burst, or of a later one."""
    if begun is None:
        return True
    if outcome is None or outcome.attempt < begun.attempt:
        return False
    return outcome.attempt > begun.attempt or outcome.finished is None or outcome.finished >= begun.started


def is_left(outcome: BurstOutcome | None) -> bool:
    """Whether the next attempt has to make a burst: it has no outcome or a transient one."""
    return outcome is None or outcome.error_class is ErrorClass.TRANSIENT


def exit_code(outcomes: Iterable[BurstOutcome | None]) -> int:
    """Exit code of a task: 75 if a burst is left, else 70 for a defect, 65 for a refusal, 0 for success."""
    outcomes = list(outcomes)
    if any(is_left(outcome) for outcome in outcomes):
        return EXIT_CODES[ErrorClass.TRANSIENT]
    failed = {o.error_class for o in outcomes if o is not None and o.outcome is Outcome.FAILED}
    worst = next((c for c in (ErrorClass.DEFECT, ErrorClass.REFUSED) if c in failed), None)
    return EXIT_CODES[worst] if worst else 0
