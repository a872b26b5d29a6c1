"""Faults for tests: what is to happen to the next task, S3 request or function call."""

import json
import threading
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

Kind = Literal["throttle", "spot", "kill", "s3_unavailable", "s3_slow", "lambda_timeout"]
TASK_KINDS: frozenset[Kind] = frozenset({"throttle", "spot", "kill"})
S3_KINDS: frozenset[Kind] = frozenset({"s3_unavailable", "s3_slow"})
LAMBDA_KINDS: frozenset[Kind] = frozenset({"lambda_timeout"})


@dataclass(frozen=True)
class Fault:
    """A fault of what names `where`: a burst id, or a part of an S3 key; it happens `times` times.

    To tasks, by the location of their job: `throttle` refuses RunTask, `spot` interrupts the task, `kill` kills its
    process, the latter two `after_s` seconds into the task. To S3 requests, by method and path: `s3_unavailable`
    answers 503 SlowDown, `s3_slow` answers `after_s` seconds late. To functions, by their event: `lambda_timeout` lets
    the function work, and then says that it timed out.
    """

    where: str
    kind: Kind
    after_s: float = 0.0
    times: int = 1


class FaultFile:
    """Faults in a JSON file of the twin's state folder: tests write, the emulator takes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def put(self, *faults: Fault) -> None:
        """Replace what the file holds."""
        with self._lock:
            self._write(list(faults))

    def take(self, text: str, kinds: Iterable[Kind] = TASK_KINDS) -> Fault | None:
        """The next fault of those kinds of what a text names, used up; None when there is none."""
        with self._lock:
            faults = self._read()
            for index, fault in enumerate(faults):
                if text and fault.kind in kinds and fault.where in text and fault.times > 0:
                    faults[index] = replace(fault, times=fault.times - 1)
                    self._write(faults)
                    return fault
        return None

    def left(self) -> list[Fault]:
        """Every fault with the times it is still to happen."""
        with self._lock:
            return self._read()

    def _read(self) -> list[Fault]:
        if not self._path.is_file():
            return []
        return [Fault(**entry) for entry in json.loads(self._path.read_text())]

    def _write(self, faults: list[Fault]) -> None:
        partial = self._path.with_suffix(".part")
        partial.write_text(json.dumps([asdict(fault) for fault in faults]))
        partial.replace(self._path)
