"""Measure the resources of a burst: seconds by stage, CPU time, peak memory, bytes in and out."""

import resource
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from rtcflow_contract.manifest import Resources

_working: "ContextVar[Meter | None]" = ContextVar("meter", default=None)


class Meter:
    """Measures the resources of one burst; thread-safe.

    A task works on several bursts at once, so wall and CPU time count only while the burst is worked on, and CPU time
    only for its threads and programs. Peak memory is that of the whole process. `details` are the engine's seconds for
    parts of the stage "compute", summed over threads.
    """

    def __init__(self) -> None:
        self.stages: dict[str, float] = {}
        self.details: dict[str, float] = {}
        self.bytes_fetched = 0
        self.bytes_written = 0
        self._seconds = 0.0
        self._cpu_seconds = 0.0
        self._working_since: float | None = None
        self._lock = threading.Lock()

    @contextmanager
    def working(self) -> Iterator[None]:
        """Count wall time, and CPU time of this thread and of `threads.Pool`, within the block."""
        token = _working.set(self)
        self._working_since = time.monotonic()
        try:
            with counting():
                yield
        finally:
            self._seconds, self._working_since = self.seconds, None
            _working.reset(token)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the wall time of the block to a stage."""
        started = time.monotonic()
        try:
            yield
        finally:
            self.stages[name] = self.stages.get(name, 0.0) + time.monotonic() - started

    @contextmanager
    def programs(self) -> Iterator[None]:
        """Count CPU time of programs that start and end within the block."""
        before = _cpu_seconds(resource.RUSAGE_CHILDREN)
        try:
            yield
        finally:
            self.add_cpu(_cpu_seconds(resource.RUSAGE_CHILDREN) - before)

    def fetched(self, size: int) -> None:
        """Count bytes received over the network."""
        with self._lock:
            self.bytes_fetched += size

    def add_cpu(self, seconds: float) -> None:
        """Count CPU time."""
        with self._lock:
            self._cpu_seconds += seconds

    @property
    def seconds(self) -> float:
        """Wall time so far."""
        since = self._working_since
        return self._seconds + (time.monotonic() - since if since is not None else 0.0)

    def measured(self) -> Resources:
        """Everything measured so far."""
        return Resources(
            seconds=round(self.seconds, 3),
            cpu_seconds=round(self._cpu_seconds, 3),
            peak_memory_bytes=peak_memory_bytes(),
            bytes_fetched=self.bytes_fetched,
            bytes_written=self.bytes_written,
            stages={name: round(seconds, 3) for name, seconds in self.stages.items()},
        )


@contextmanager
def counting() -> Iterator[None]:
    """Count this thread's CPU time within the block for the burst that it works for, if any."""
    meter, before = _working.get(), time.thread_time()
    try:
        yield
    finally:
        if meter is not None:
            meter.add_cpu(time.thread_time() - before)


def process_cpu_seconds() -> float:
    """CPU time of this process and of the programs that it ran."""
    return _cpu_seconds(resource.RUSAGE_SELF) + _cpu_seconds(resource.RUSAGE_CHILDREN)


def peak_memory_bytes() -> int:
    """Peak memory of this process or of a program that it ran."""
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return peak if sys.platform == "darwin" else peak * 1024


def _cpu_seconds(who: int) -> float:
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime
