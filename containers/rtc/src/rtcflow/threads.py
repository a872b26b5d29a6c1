"""Threads that work for a burst: its log keys and its meter go with the work, whatever thread does it."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import ParamSpec, TypeVar

from rtcflow.resources import counting

_P = ParamSpec("_P")
_T = TypeVar("_T")


class Pool(ThreadPoolExecutor):
    """A thread pool whose work runs in the context of who submitted it."""

    def submit(self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]:
        """Run a function in a thread, with log keys and processor time those of the caller's burst."""
        context = copy_context()

        def counted() -> _T:
            with counting():
                return fn(*args, **kwargs)

        return super().submit(lambda: context.run(counted))
