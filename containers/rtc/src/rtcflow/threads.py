"""Thread pools that pass on a burst's log keys and meter to the threads that work for it."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import ParamSpec, TypeVar

from rtcflow.resources import counting

_P = ParamSpec("_P")
_T = TypeVar("_T")


class Pool(ThreadPoolExecutor):
    """A thread pool whose work runs in the context of the submitter."""

    def submit(self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]:
        """Run a function in a thread, with the log keys and CPU meter of the caller's burst."""
        context = copy_context()

        def counted() -> _T:
            with counting():
                return fn(*args, **kwargs)

        return super().submit(lambda: context.run(counted))
