"""Faults for tests: what is to happen to the next task of a burst."""

import json
import threading
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class Fault:
    """A fault of tasks whose job names `burst_id`.

    `throttle` refuses RunTask, `spot` interrupts the task, `kill` kills its process; the latter two `after_s` seconds
    into the task. It happens `times` times.
    """

    burst_id: str
    kind: Literal["throttle", "spot", "kill"]
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

    def take(self, job: str) -> Fault | None:
        """The next fault of a job, used up; None when there is none."""
        with self._lock:
            faults = self._read()
            for index, fault in enumerate(faults):
                if job and fault.burst_id in job and fault.times > 0:
                    faults[index] = replace(fault, times=fault.times - 1)
                    self._write(faults)
                    return fault
        return None

    def _read(self) -> list[Fault]:
        if not self._path.is_file():
            return []
        return [Fault(**entry) for entry in json.loads(self._path.read_text())]

    def _write(self, faults: list[Fault]) -> None:
        partial = self._path.with_suffix(".part")
        partial.write_text(json.dumps([asdict(fault) for fault in faults]))
        partial.replace(self._path)
