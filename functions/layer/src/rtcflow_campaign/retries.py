"""Retry failed scenes of an area that may work later, within limits of time and attempts."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol

from rtcflow_campaign.scene_failure import SceneFailure, failure_of
from rtcflow_campaign.search_position import GivenUp, Watched
from rtcflow_cloud import executions
from rtcflow_contract.errors import NotFoundError
from rtcflow_contract.execution_name import attempt_name
from rtcflow_contract.keys import REPORT, execution_folder
from rtcflow_contract.report import SceneReport
from rtcflow_contract.stored import UnreadableError, read_stored
from rtcflow_files import storage

# An execution may wait for its orbit, and then for capacity.
LONGEST_EXECUTION = timedelta(days=34)
_FIRST_WAIT, _LONGEST_WAIT = timedelta(hours=1), timedelta(hours=24)
_MOST_ATTEMPTS = 6


class Failed(NamedTuple):
    """A failed execution: its failure and its payload."""

    failure: SceneFailure
    payload: dict[str, Any]


class Executions(Protocol):
    """Looks executions up and starts them."""

    def failed(self, name: str) -> Failed | None:
        """Why an execution failed; None if it no longer exists."""

    def start(self, name: str, payload: Mapping[str, Any]) -> bool:
        """Start an execution; False if the name is taken."""


class Tried(NamedTuple):
    """Result of retrying: scenes still watched, number started again, scenes given up."""

    watched: dict[str, Watched]
    retried: int
    given_up: list[GivenUp]


def _execution_of(name: str, attempt: int) -> str:
    """Name of an attempt at a found scene; the first has no number."""
    return name if attempt == 1 else attempt_name(name, attempt)


def _wait_after(attempt: int) -> timedelta:
    """Wait between a failed attempt and the next one."""
    return min(_FIRST_WAIT * 3 ** (attempt - 1), _LONGEST_WAIT)


def try_again(
    watched: Mapping[str, Watched],
    failed: Mapping[str, datetime],
    now: datetime,
    within: timedelta,
    states: Executions,
) -> Tried:
    """Start scenes again if their last attempt failed.

    Parameters
    ----------
    watched : mapping
        Scenes by the name of their first execution.
    failed : mapping
        Time of failure of executions, by name.
    now : datetime
    within : timedelta
        How long after its first start a scene is retried.
    states : Executions
    """
    kept: dict[str, Watched] = {}
    given_up: list[GivenUp] = []
    retried = 0
    for name, scene in watched.items():
        if now - scene.first > within + LONGEST_EXECUTION:
            continue
        kept[name] = scene
        execution = _execution_of(name, scene.attempt)
        ended = failed.get(execution)
        if ended is None:
            continue
        found = states.failed(execution)
        if found is None:
            del kept[name]
            continue
        if not found.failure.passes or scene.attempt >= _MOST_ATTEMPTS or now - scene.first > within:
            del kept[name]
            given_up.append(_given_up(name, scene, found.failure, now))
        elif now - ended >= _wait_after(scene.attempt):
            retried += states.start(_execution_of(name, scene.attempt + 1), found.payload)
            kept[name] = scene.model_copy(update={"attempt": scene.attempt + 1})
    return Tried(kept, retried, given_up)


def _given_up(name: str, scene: Watched, failure: SceneFailure, now: datetime) -> GivenUp:
    return GivenUp(
        name=name,
        scene=scene.scene,
        attempts=scene.attempt,
        at=now,
        error_class=failure.error_class,
        reason=failure.reason,
        message=failure.message,
    )


class SceneExecutions:
    """Executions of the scene state machine, with their reports in the work bucket."""

    def __init__(self, state_machine: str, work_bucket: str, states: Any = None, s3: Any = None) -> None:
        self.state_machine = state_machine
        self.work_bucket = work_bucket
        self.states = states
        self.s3 = s3

    def failed_since(self, since: datetime) -> dict[str, datetime]:
        """Executions started since a time that failed, by name, with the time of failure."""
        return executions.failed_since(self.state_machine, since, self.states)

    def failed(self, name: str) -> Failed | None:
        """Why an execution failed; None if it no longer exists."""
        execution = executions.describe(self.state_machine, name, self.states)
        return execution and Failed(failure_of(execution, self._report(name)), execution.payload)

    def start(self, name: str, payload: Mapping[str, Any]) -> bool:
        """Start an execution; False if the name is taken."""
        return executions.start_once(self.state_machine, name, payload, self.states)

    def _report(self, name: str) -> SceneReport | None:
        at = execution_folder(self.work_bucket, name).join(REPORT)
        try:
            return read_stored(SceneReport, storage.read_bytes(at, self.s3), at)
        except (NotFoundError, UnreadableError):
            return None
