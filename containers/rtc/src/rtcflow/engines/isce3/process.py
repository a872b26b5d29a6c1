"""Run the workflow as a process, with its log, a time limit, and errors by how it ended."""

import contextlib
import errno
import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextvars import copy_context
from pathlib import Path

from rtcflow.cpus import usable_cpus
from rtcflow.machine_errors import as_contract_error
from rtcflow.process_group import signal_group
from rtcflow_contract.errors import DefectError, RefusedError, RtcflowError

_GRACE_S = 5.0
_LINES_KEPT = 200
_MARK_OF_STDERR = "[StdErr] "

_NO_SPACE = ("no space left on device", "disk quota exceeded", "file too large", "not enough disk space")
_NO_MEMORY = ("memoryerror", "std::bad_alloc", "cannot allocate memory")
_NO_COVERAGE = ("does not fully cover product geogrid",)
_NO_BURST = ("could not find any of the burst ids",)


def run_workflow(
    command: Sequence[str], folder: Path, seconds: float, on_line: Callable[[str], None]
) -> None:
    """Run the workflow to its end.

    Parameters
    ----------
    command : sequence of str
    folder : Path
        Working folder.
    seconds : float
        Time limit, wall time.
    on_line : callable
        Called with each line of its log, from another thread.

    Raises
    ------
    RefusedError
        When it did not accept its inputs.
    DefectError
        When it failed, with its last line; reason `time-limit`, `disk-full`, `out-of-memory` or `isce3-failed`.
    """
    lines: deque[str] = deque(maxlen=_LINES_KEPT)
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={"OMP_NUM_THREADS": str(usable_cpus()), **os.environ, "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        # Its own process group, so that its children end with it.
        start_new_session=True,
    )
    # Its lines are logged with the keys of the burst.
    in_context = copy_context().run
    reader = threading.Thread(target=in_context, args=(_read, process, lines, on_line), daemon=True)
    try:
        reader.start()
        code = process.wait(seconds)
    except subprocess.TimeoutExpired:
        _end(process, reader)
        raise _out_of_time(seconds, lines) from None
    except BaseException:
        _end(process, reader)
        raise
    reader.join(_GRACE_S)
    if code != 0:
        raise _failure(code, lines, folder)


def last_line(lines: Sequence[str]) -> str:
    """The last line that is not empty."""
    return next((line for line in reversed(lines) if line), "nothing")


def _read(process: "subprocess.Popen[str]", lines: deque[str], on_line: Callable[[str], None]) -> None:
    assert process.stdout is not None
    for raw in process.stdout:
        line = raw.strip().removeprefix(_MARK_OF_STDERR).strip()
        if line:
            lines.append(line)
            on_line(line)


def _end(process: "subprocess.Popen[str]", reader: threading.Thread) -> None:
    """Stop the process and its children, and wait until they are gone."""
    signal_group(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_GRACE_S)
    # Children may outlive the process, or ignore the first signal.
    signal_group(process.pid, signal.SIGKILL)
    process.wait(_GRACE_S)
    deadline = time.monotonic() + _GRACE_S
    while signal_group(process.pid, 0) and time.monotonic() < deadline:
        time.sleep(0.01)
    if reader.ident is not None:
        reader.join(_GRACE_S)


def _out_of_time(seconds: float, lines: Sequence[str]) -> RtcflowError:
    return DefectError(
        f"OPERA RTC was stopped after {seconds:g} s, the limit (RTCFLOW_ISCE3_TIME_LIMIT_S), its last line "
        f"'{last_line(lines)}'; raise the limit, or make the burst with engine native",
        reason="time-limit",
    )


def _failure(code: int, lines: Sequence[str], folder: Path) -> RtcflowError:
    text, said = "\n".join(lines).lower(), last_line(lines)
    if _has(text, _NO_SPACE):
        return as_contract_error(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder)))
    # Killed by a signal that we did not send: out of memory.
    if code == -signal.SIGKILL or _has(text, _NO_MEMORY):
        return as_contract_error(MemoryError())
    if _has(text, _NO_COVERAGE):
        return RefusedError(
            f"the DEM does not cover the burst's grid ({said}); give a larger DEM", reason="dem-coverage"
        )
    if _has(text, _NO_BURST):
        return DefectError(
            "s1-reader gives this burst another id than the archive, which happens near the equator crossing; make "
            "it with engine native",
            reason="burst-id",
        )
    ended = f"signal {-code}" if code < 0 else f"exit code {code}"
    return DefectError(f"OPERA RTC ended with {ended}, its last line '{said}'", reason="isce3-failed")


def _has(text: str, phrases: Sequence[str]) -> bool:
    return any(phrase in text for phrase in phrases)
