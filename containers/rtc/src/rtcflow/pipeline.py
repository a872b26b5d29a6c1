"""A pipeline of steps that items pass through in order, each step working on a different item.

A step holds at most `at_once` items, including those that wait for the next step. So with steps of 3, 1, 1, 1 there are
never more than six items in the pipeline, and one that computes.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Generic, NamedTuple, Protocol, TypeVar

from rtcflow.threads import Pool


class PipelineItem(Protocol):
    """An item of the pipeline; `alone` if no other may be in the pipeline with it."""

    @property
    def alone(self) -> bool:
        """Whether all items before it must end first, and all items after it wait for its end."""


_I = TypeVar("_I", bound=PipelineItem)


class Step(NamedTuple, Generic[_I]):
    """A step; `work` is called for each item, and returns whether the item continues to the next step.

    Items in `interruptible` steps are given up when the pipeline is stopped; items in other steps continue to the end.
    """

    name: str
    work: Callable[[_I], bool]
    at_once: int
    interruptible: bool = False


class Line(Generic[_I]):
    """Runs items through steps.

    Parameters
    ----------
    steps : sequence of Step
    """

    def __init__(self, steps: Sequence[Step[_I]]) -> None:
        self._steps = steps
        self._changed = threading.Condition()
        self._free = [step.at_once for step in steps]
        self._next = [0 for _ in steps]
        self._at: dict[int, int] = {}
        self._out: set[int] = set()
        self._stopped = False

    def run(self, items: Iterable[_I]) -> None:
        """Run all items, to their end or, after `stop`, until no item is in a step that goes on.

        Raises
        ------
        BaseException
            Raised by a step for a reason that does not concern an item.
        """
        pool = Pool(sum(step.at_once for step in self._steps) + 1, thread_name_prefix="burst")
        started = []
        try:
            for number, item in enumerate(items):
                if not self._may_start(number, item):
                    break
                started.append(pool.submit(self._pass_through, number, item))
                if item.alone:
                    self._wait(lambda: self._stopped or len(self._out) == len(started))
            self._wait(lambda: len(self._out) == len(started) or (self._stopped and self._none_goes_on()))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
        for future in started:
            if future.done() and not future.cancelled():
                future.result()

    def stop(self) -> None:
        """Start no more items, and give up those in interruptible steps."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def settle(self, seconds: float) -> bool:
        """Wait until no item is in an uninterruptible step; returns False if the time runs out."""
        with self._changed:
            return self._changed.wait_for(self._none_goes_on, seconds)

    @property
    def stopped(self) -> bool:
        """Whether the line was stopped."""
        return self._stopped

    def _may_start(self, number: int, item: _I) -> bool:
        def may() -> bool:
            waiting = self._next[0] == number and self._free[0] > 0
            return self._stopped or (waiting and (not item.alone or len(self._out) == number))

        self._wait(may)
        return not self._stopped

    def _pass_through(self, number: int, item: _I) -> None:
        try:
            for index, step in enumerate(self._steps):
                if not self._enter(index, number) or not step.work(item):
                    return
        finally:
            with self._changed:
                self._out.add(number)
                at = self._at.pop(number, None)
                if at is not None:
                    self._free[at] += 1
                self._advance()

    def _enter(self, index: int, number: int) -> bool:
        """Wait for the item's turn in a step and free its place in the one before; False if it was stopped."""
        with self._changed:
            leaves = index > 0 and self._steps[index - 1].interruptible
            while not (self._next[index] == number and self._free[index] > 0):
                if self._stopped and (leaves or index == 0):
                    return False
                self._changed.wait()
            if self._stopped and leaves:
                return False
            if index > 0:
                self._free[index - 1] += 1
            self._free[index] -= 1
            self._at[number] = index
            self._next[index] += 1
            self._advance()
            return True

    def _advance(self) -> None:
        """Pass over items that have ended, in every step; the caller holds the lock."""
        for index in range(len(self._steps)):
            while self._next[index] in self._out:
                self._next[index] += 1
        self._changed.notify_all()

    def _none_goes_on(self) -> bool:
        return all(self._steps[at].interruptible for at in self._at.values())

    def _wait(self, until: Callable[[], bool]) -> None:
        with self._changed:
            self._changed.wait_for(until)
