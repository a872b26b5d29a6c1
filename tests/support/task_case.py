"""A task of nine bursts in a process of its own, on files of this machine; its third burst may go wrong.

Run as a program: `python task_case.py FOLDER KIND` makes the task that `write_task` wrote with an engine that draws.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

from rtcflow_contract.job import BurstJob
from rtcflow_contract.keys import BEGUN, MANIFEST, OUTCOME, Location
from rtcflow_contract.report import BurstOutcome
from rtcflow_contract.task import Begun, Task
from tests.support.burst_case import START, DrawingEngine, make_job, write_case

NINE = tuple(f"t070_{148570 + number}_iw1" for number in range(9))
THIRD = NINE[2]


def nine_jobs(folder: Path) -> list[BurstJob]:
    return [
        make_job(
            folder,
            burst_id=burst_id,
            sensing_start=START + timedelta(seconds=2.75 * number),
            product_id=f"OPERA_L2_RTC-S1_{burst_id[1:].upper()}",
            destination=Location.local(folder / "out" / burst_id),
            work=Location.local(folder / "execution" / burst_id),
            # Each has a footprint of its own.
            grid=None,
        )
        for number, burst_id in enumerate(NINE)
    ]


def write_task(folder: Path, **changes) -> Task:
    write_case(folder, bursts=9)
    task = Task(execution="execution-1", number=0, jobs=tuple(nine_jobs(folder)), **changes)
    (folder / "task.json").write_text(task.model_dump_json())
    return task


def start(folder: Path, kind: str = "well", attempt: int = 1, **environment: str) -> subprocess.Popen:
    (folder / "scratch").mkdir(exist_ok=True)
    given = {
        "RTCFLOW_TASK": (folder / "task.json").read_text(),
        "RTCFLOW_ATTEMPT": str(attempt),
        "RTCFLOW_WORK_DIR": str(folder / "scratch"),
        "RTCFLOW_CACHE": "off",
    }
    return subprocess.Popen(
        [sys.executable, "-m", "tests.support.task_case", str(folder), kind],
        env=os.environ | given | environment,
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def run(folder: Path, kind: str = "well", attempt: int = 1, **environment: str) -> tuple[int, str]:
    """Exit code, negative for a signal, and output."""
    process = start(folder, kind, attempt, **environment)
    output = process.communicate(timeout=120)[0]
    return process.returncode, output


def made(folder: Path) -> list[str]:
    """Bursts with a product, in the order in which they were committed."""
    found = sorted((folder / "out").glob(f"*/{MANIFEST}"), key=lambda path: path.stat().st_mtime_ns)
    return [path.parent.name for path in found]


def outcome_of(folder: Path, burst_id: str) -> BurstOutcome | None:
    path = folder / "execution" / burst_id / OUTCOME
    return BurstOutcome.model_validate_json(path.read_bytes()) if path.exists() else None


def begun_of(folder: Path, burst_id: str) -> Begun | None:
    path = folder / "execution" / burst_id / BEGUN
    return Begun.model_validate_json(path.read_bytes()) if path.exists() else None


def _hang() -> None:
    # Compiled code that keeps the interpreter's lock: no handler of a signal runs meanwhile.
    ctypes.PyDLL(None).sleep(600)


_FAULTS = {
    "segfault": lambda: ctypes.string_at(0),
    "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "hang": _hang,
    "error": lambda: 1 / 0,
    "slow": lambda: time.sleep(2),
    "very slow": lambda: time.sleep(60),
}


class _Engine(DrawingEngine):
    def compute(self, job, inputs, grid, folder, meter, progress):
        progress("compute", 0.0)
        if job.burst_id == THIRD and sys.argv[2] in _FAULTS:
            sys.stdout.flush()
            _FAULTS[sys.argv[2]]()
        return super().compute(job, inputs, grid, folder, meter, progress)


if __name__ == "__main__":
    import rtcflow.burst_run
    from rtcflow import container_task

    rtcflow.burst_run.choose_engine = lambda choice: _Engine()
    sys.exit(container_task.main())
