"""Discrete events: processes are generators that yield seconds to wait, or a request for units of a pool."""

import heapq
import math
from collections import deque
from collections.abc import Generator
from typing import Any, NamedTuple

Process = Generator["float | Take", float, Any]


class Take(NamedTuple):
    """A request for units of a pool; the process goes on when it has them, and is told the seconds it waited."""

    pool: "Pool"
    units: float


class Simulation:
    """A clock in seconds, and the processes that are to go on at a time; at equal times, in the order of asking."""

    def __init__(self) -> None:
        self.now = 0.0
        self._due: list[tuple[float, int, Process, float]] = []
        self._asked = 0

    def start(self, process: Process) -> None:
        """Let a process begin now."""
        self.resume(process, 0.0, first=True)

    def resume(self, process: Process, waited: float, *, first: bool = False, after: float = 0.0) -> None:
        """Let a process go on, told how long it waited."""
        self._asked += 1
        # A generator takes nothing at its beginning.
        heapq.heappush(self._due, (self.now + after, self._asked, process, math.nan if first else waited))

    def run(self) -> None:
        """Until no process is left; a process that waits for units that never come is left behind."""
        due = self._due
        while due:
            self.now, _, process, told = heapq.heappop(due)
            try:
                wanted = next(process) if told != told else process.send(told)
            except StopIteration:
                continue
            if isinstance(wanted, Take):
                wanted.pool.ask(process, wanted.units)
            else:
                self.resume(process, 0.0, after=wanted)


class Pool:
    """Units that are taken and given back, first come, first served.

    Attributes
    ----------
    in_use, peak : float
        Units now, and at most.
    unit_seconds : float
        Units in use, summed over time, until the last change.
    waited : float
        Seconds that processes waited, all together.
    """

    def __init__(self, simulation: Simulation, size: float = math.inf) -> None:
        self.size = size
        self.in_use = self.peak = self.unit_seconds = self.waited = 0.0
        self._simulation = simulation
        self._queue: deque[tuple[Any, float, float]] = deque()
        self._changed = 0.0

    def take(self, units: float = 1.0) -> Take:
        """A request to yield."""
        return Take(self, units)

    def ask(self, process: Process, units: float) -> None:
        """Put a process in the queue; it goes on at once where there is room and none before it."""
        self._queue.append((process, units, self._simulation.now))
        self._serve()

    def give(self, units: float = 1.0) -> None:
        """Take units back."""
        self._count(-units)
        self._serve()

    def _serve(self) -> None:
        while self._queue and self.in_use + self._queue[0][1] <= self.size:
            process, units, since = self._queue.popleft()
            self._count(units)
            waited = self._simulation.now - since
            self.waited += waited
            self._simulation.resume(process, waited)

    def _count(self, units: float) -> None:
        now = self._simulation.now
        self.unit_seconds += self.in_use * (now - self._changed)
        self._changed = now
        self.in_use += units
        self.peak = max(self.peak, self.in_use)


class Rate:
    """Calls at so many a second and so many at once (a token bucket), first come, first served.

    Attributes
    ----------
    calls : float
    peak : float
        Most calls in a whole second of the clock.
    waited : float
        Seconds that calls were held back, all together.
    """

    def __init__(self, simulation: Simulation, per_second: float = math.inf, burst: float = 1.0) -> None:
        self.calls = self.peak = self.waited = 0.0
        self._simulation = simulation
        self._interval = 1.0 / per_second
        self._allowance = burst * self._interval
        # When the bucket would be full again, as the generic cell rate algorithm has it.
        self._full = 0.0
        self._second, self._in_second = -1, 0.0

    def wait(self, calls: float = 1.0) -> float:
        """Make calls; gives the seconds until they go through, for the process to wait."""
        now = self._simulation.now
        self._full = max(now, self._full) + calls * self._interval
        at = max(now, self._full - self._allowance) if self._interval else now
        self.calls += calls
        self.waited += at - now
        self._note(int(at), calls)
        return at - now

    def _note(self, second: int, calls: float) -> None:
        # Calls go through in order, so the seconds come in order too.
        self._in_second = self._in_second + calls if second == self._second else calls
        self._second = second
        self.peak = max(self.peak, self._in_second)
