"""A time limit for bursts that also works during compiled code, when no Python code runs."""

import faulthandler
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# The timer does not accept zero.
_LEAST_S = 0.001
_WARN_BEFORE_S = 0.5
_STDERR = 2


class Watchdog:
    """Ends the process when work takes too long, with the stacks of all threads on stderr.

    Uses faulthandler's timer, a C thread that does not need the interpreter lock. There is one per process, set to the
    earliest limit.
    """

    def __init__(self) -> None:
        self._deadlines: dict[int, float] = {}
        self._numbers = iter(range(sys.maxsize))
        self._lock = threading.Lock()

    @contextmanager
    def limit(self, seconds: float | None, warn: Callable[[], object] = lambda: None) -> Iterator[None]:
        """End the process unless the block ends within a number of seconds; None for no limit.

        `warn` is called just before, if the interpreter can still do that.
        """
        if seconds is None:
            yield
            return
        warning = threading.Timer(max(seconds / 2, seconds - _WARN_BEFORE_S), warn)
        warning.daemon = True
        warning.start()
        with self._lock:
            number = next(self._numbers)
            self._deadlines[number] = time.monotonic() + seconds
            self._set()
        try:
            yield
        finally:
            warning.cancel()
            with self._lock:
                del self._deadlines[number]
                self._set()

    def _set(self) -> None:
        if not self._deadlines:
            faulthandler.cancel_dump_traceback_later()
            return
        left = min(self._deadlines.values()) - time.monotonic()
        faulthandler.dump_traceback_later(max(left, _LEAST_S), exit=True, file=_STDERR)
