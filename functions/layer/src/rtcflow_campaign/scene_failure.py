"""Why an execution of a scene failed, from Step Functions and its report: pure functions."""

from collections.abc import Sequence
from typing import NamedTuple

from rtcflow_cloud.executions import Execution
from rtcflow_contract.errors import ErrorClass, error_class_of_name
from rtcflow_contract.report import BurstOutcome, Outcome, SceneReport

# Which class is reported if bursts of a scene failed for several reasons.
_GRAVEST = (ErrorClass.DEFECT, ErrorClass.REFUSED, ErrorClass.TRANSIENT)
# Refusals that may be resolved by tomorrow.
_NOT_YET = {"StaticLayersMissing", "static-missing", "no-bursts-yet"}
_LONGEST = 500


class SceneFailure(NamedTuple):
    """Class, reason and message of a failed scene."""

    error_class: ErrorClass
    reason: str
    message: str

    @property
    def passes(self) -> bool:
        """Whether the same payload may work later."""
        return self.error_class is ErrorClass.TRANSIENT or self.reason in _NOT_YET


def failed_bursts(report: SceneReport | None) -> list[BurstOutcome]:
    """Bursts that failed, static layers among them."""
    bursts = [*report.bursts, *report.static_bursts] if report else []
    return [burst for burst in bursts if burst.outcome is Outcome.FAILED]


def failure_of(execution: Execution | None, report: SceneReport | None, problem: str = "") -> SceneFailure:
    """Why an execution failed.

    Parameters
    ----------
    execution : Execution or None
        None if it could not be started.
    report : SceneReport or None
        None if it left none.
    problem : str
        Why it could not be started, if it could not.
    """
    gravest = _gravest(failed_bursts(report))
    if gravest is not None:
        return SceneFailure(
            gravest.error_class or ErrorClass.DEFECT,
            gravest.reason or "burst-failed",
            (gravest.message or "")[:_LONGEST],
        )
    if execution is None:
        return SceneFailure(
            ErrorClass.TRANSIENT, "not-started", f"the execution could not be started: {problem}"[:_LONGEST]
        )
    if report is None and execution.status != "FAILED":
        return SceneFailure(
            ErrorClass.TRANSIENT,
            execution.status.lower().replace("_", "-"),
            f"the execution ended as {execution.status} and left no report",
        )
    return SceneFailure(
        error_class_of_name(execution.error),
        execution.error,
        (report.message if report else execution.cause)[:_LONGEST],
    )


def _gravest(failed: Sequence[BurstOutcome]) -> BurstOutcome | None:
    return min(failed, key=lambda burst: _GRAVEST.index(burst.error_class or ErrorClass.DEFECT), default=None)
