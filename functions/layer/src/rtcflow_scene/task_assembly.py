"""After a container: write the items of its bursts, and decide what comes next for its task."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Protocol

from rtcflow_contract.errors import ErrorClass, RtcflowError, TransientError
from rtcflow_contract.layers import Product
from rtcflow_contract.report import BurstOutcome, Outcome
from rtcflow_scene.assembly import Assembled, StacSettings, assemble_stac
from rtcflow_scene.records import JobRecord, read_records, read_task, write_outcome
from rtcflow_scene.task_decision import NextRun, decide
from rtcflow_scene.task_end import EndKind, TaskEnd, read_end
from rtcflow_scene.task_run import TaskRun

AGAIN, DONE = "again", "done"
_LONGEST = 300


class Publisher(Protocol):
    """Publishes new products."""

    def collection(self, collection: dict[str, Any]) -> None:
        """Publish a collection, before its first item is written."""

    def product(self, made: Assembled) -> None:
        """Publish a product after its item is written; may be called twice for the same one."""


class Silent:
    """Publishes nothing."""

    def collection(self, collection: dict[str, Any]) -> None:
        """Nothing."""

    def product(self, made: Assembled) -> None:
        """Nothing."""


def after_task(
    event: Mapping[str, Any],
    settings: StacSettings,
    publisher: Publisher,
    *,
    now: datetime,
    share: float,
) -> dict[str, Any]:
    """Write the items of a container's products, and decide what comes next.

    Parameters
    ----------
    event : mapping
        The TaskRun as JSON, and `ended`: the result or error of RunTask.
    settings : StacSettings
    publisher : Publisher
    now : datetime
        UTC.
    share : float
        Random number from 0 to 1, for the length of the pause.

    Returns
    -------
    dict
        `next` is `again` with the TaskRun to run after `wait_s` seconds, or `done` with `task`, `number`, `bursts`,
        `capacity` and `usage`. `items` counts those written now.

    Raises
    ------
    TransientError
        When an item could not be written for now; all others were.
    """
    run = TaskRun.model_validate(event)
    end = read_end(event.get("ended"))
    task = read_task(run.task)
    records = [_settle(record, end, run.attempt, now) for record in read_records(task.jobs)]
    before = _items(records)
    records = assemble(records, settings, publisher)
    items = _items(records) - before
    verdict = decide(
        run,
        end,
        left=sum(record.left for record in records),
        begun=any(record.begun and record.begun.attempt >= run.attempt for record in records)
        or any(record.outcome and record.outcome.attempt >= run.attempt for record in records),
        now=now,
        share=share,
    )
    if verdict.run is not None:
        again = verdict.run.model_dump(mode="json", exclude_defaults=True)
        return {"next": AGAIN, "wait_s": verdict.wait_s, "items": items, **again}
    _give_up(records, verdict, run.attempt, now)
    return {
        "next": DONE,
        "items": items,
        "task": run.task,
        "number": task.number,
        "bursts": list(run.bursts),
        "capacity": run.compute.value,
        "usage": verdict.usage.model_dump(mode="json"),
    }


def assemble(records: Iterable[JobRecord], settings: StacSettings, publisher: Publisher) -> list[JobRecord]:
    """Write missing items of products, static layers first.

    An item that cannot be written fails only its burst.

    Raises
    ------
    TransientError
        When an item could not be written for now, after all others.
    """
    assembled: list[JobRecord] = []
    passing: list[TransientError] = []
    for record in records:
        try:
            assembled.append(_assembled(record, assembled, settings, publisher))
        except TransientError as error:
            passing.append(error)
            assembled.append(record)
    if passing:
        raise passing[0]
    return assembled


def _assembled(
    record: JobRecord, before: Iterable[JobRecord], settings: StacSettings, publisher: Publisher
) -> JobRecord:
    job, outcome = record.job, record.outcome
    if record.in_hand or outcome is None or outcome.outcome is Outcome.FAILED or outcome.item:
        return record
    try:
        if job.linked_static is not None and any(_is_failed_static(other, job.burst_id) for other in before):
            return _fail(record, ErrorClass.DEFECT, "static-item", "its static layers have no STAC item")
        made = assemble_stac(job, settings, publisher.collection)
        publisher.product(made)
    except TransientError:
        raise
    except RtcflowError as error:
        return _fail(record, error.error_class, error.reason, f"STAC item: {error.message}")
    except Exception as error:
        return _fail(record, ErrorClass.DEFECT, "item", f"STAC item: {type(error).__name__}: {error}")
    return write_outcome(
        job, outcome.model_copy(update={"item": made.item_uri, "manifest": made.manifest_uri})
    )._replace(begun=record.begun)


def _is_failed_static(record: JobRecord, burst_id: str) -> bool:
    return (
        record.job.burst_id == burst_id
        and record.job.product is Product.RTC_S1_STATIC
        and record.outcome is not None
        and record.outcome.outcome is Outcome.FAILED
    )


def _settle(record: JobRecord, end: TaskEnd, attempt: int, now: datetime) -> JobRecord:
    """Record, for a burst in progress when its container ended, what that means for the next attempt."""
    if not record.in_hand or record.begun is None:
        return record
    if end.kind is EndKind.INTERRUPTED:
        return _end(record, ErrorClass.TRANSIENT, "left", end.why, attempt, now)
    if record.is_given_up:
        why = f"took its task down twice ({end.why}); read the task's log"
        return _end(record, ErrorClass.DEFECT, "took-task-down", why, attempt, now)
    return record


def _items(records: Iterable[JobRecord]) -> int:
    return sum(record.outcome is not None and record.outcome.item is not None for record in records)


def _give_up(records: Iterable[JobRecord], verdict: NextRun, attempt: int, now: datetime) -> None:
    """Record why the remaining bursts are not made, unless their last container gave a reason."""
    for record in records:
        own = record.outcome is not None and not record.in_hand and record.outcome.attempt == attempt
        if record.left and not (own and verdict.error_class is ErrorClass.TRANSIENT):
            _end(record, verdict.error_class, verdict.reason, verdict.message, verdict.usage.attempts, now)


def _end(
    record: JobRecord, error_class: ErrorClass, reason: str, message: str, attempt: int, now: datetime
) -> JobRecord:
    """Record the end of a burst that its container did not record; outcomes of earlier attempts are ignored."""
    job, begun = record.job, record.begun
    outcome = BurstOutcome(
        burst_id=job.burst_id,
        product=job.product,
        outcome=Outcome.FAILED,
        attempt=attempt,
        started=begun.started if begun else None,
        finished=now if begun else None,
        error_class=error_class,
        reason=reason,
        message=message[:_LONGEST],
    )
    return write_outcome(job, outcome)._replace(begun=begun)


def _fail(record: JobRecord, error_class: ErrorClass, reason: str, message: str) -> JobRecord:
    """Fail a burst whose item could not be written."""
    assert record.outcome is not None
    changes = {
        "outcome": Outcome.FAILED,
        "error_class": error_class,
        "reason": reason,
        "message": message[:_LONGEST],
    }
    outcome = record.outcome.model_copy(update=changes)
    return write_outcome(record.job, outcome)._replace(begun=record.begun)
