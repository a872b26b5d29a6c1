"""What a burst costs: seconds by stage, processor time, peak memory, bytes in and out."""

import resource
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rtcflow_contract.manifest import Resources


class Meter:
    """Measures one burst from its construction on; safe to count from several threads.

    `details` are seconds of parts of the stage "compute", as the engine gives them: those of threads add up.
    """

    def __init__(self) -> None:
        self.stages: dict[str, float] = {}
        self.details: dict[str, float] = {}
        self.bytes_fetched = 0
        self.bytes_written = 0
        self._lock = threading.Lock()
        self._started = time.monotonic()
        self._cpu_before = _cpu_seconds()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the wall time of the block to a stage."""
        started = time.monotonic()
        try:
            yield
        finally:
            self.stages[name] = self.stages.get(name, 0.0) + time.monotonic() - started

    def fetched(self, size: int) -> None:
        """Count bytes that came over the network."""
        with self._lock:
            self.bytes_fetched += size

    @property
    def seconds(self) -> float:
        """Wall time so far."""
        return time.monotonic() - self._started

    def measured(self) -> Resources:
        """Everything measured so far."""
        return Resources(
            seconds=round(self.seconds, 3),
            cpu_seconds=round(_cpu_seconds() - self._cpu_before, 3),
            peak_memory_bytes=_peak_memory_bytes(),
            bytes_fetched=self.bytes_fetched,
            bytes_written=self.bytes_written,
            stages={name: round(seconds, 3) for name, seconds in self.stages.items()},
        )


def _cpu_seconds() -> float:
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    )


def _peak_memory_bytes() -> int:
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return peak if sys.platform == "darwin" else peak * 1024
