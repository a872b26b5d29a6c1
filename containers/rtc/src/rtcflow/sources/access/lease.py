"""Slots for the connections that an archive's quota allows, shared by all tasks of a stack.

A slot is an object in the work bucket. The task that writes it first holds it until it is deleted, or expires and
another task overwrites it. Both writes are conditional, so no two tasks hold the same slot.
"""

import json
import logging
import random
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from rtcflow_contract.errors import RtcflowError, TransientError
from rtcflow_contract.keys import Location
from rtcflow_files import compare_and_swap, storage
from rtcflow_files.retry import Retry

# A burst takes less than a minute at full speed, and six minutes beyond the monthly quota.
HELD_S = 1800.0
LONGEST_WAIT_S = 3600.0
_LOOK_AGAIN_S = 15.0
# Allowed difference between the clocks of two tasks.
_SKEW_S = 300.0

Hold = Callable[[], AbstractContextManager[None]]

_log = logging.getLogger("rtcflow-burst.lease")


def no_slots() -> AbstractContextManager[None]:
    """No slots, for a single process, which keeps the quota by itself."""
    return nullcontext()


def _note(data: bytes) -> dict[str, Any]:
    """Content of a slot; empty if it is damaged."""
    try:
        note = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return note if isinstance(note, dict) else {}


class Slots:
    """The slots of an archive's quota.

    Parameters
    ----------
    folder : Location
        Where the slots are.
    count : int
    retry : Retry
        Provides clock and random numbers.
    client : optional
        S3 client.
    clock : callable
        Seconds since 1970, the same for all tasks.
    """

    def __init__(
        self,
        folder: Location,
        count: int,
        retry: Retry | None = None,
        client: Any = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._slots = [folder.join(f"{number}.json") for number in range(count)]
        self._backoff = retry or Retry()
        self._client = client
        self._clock = clock
        self._holder = uuid.uuid4().hex

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Hold a slot within the block, after waiting for one.

        Raises
        ------
        TransientError
            When none became free in an hour.
        """
        slot = self._wait_for_slot()
        try:
            yield
        finally:
            self._release(slot)

    def _wait_for_slot(self) -> Location:
        began = self._clock()
        waited = 0.0
        while max(waited, self._clock() - began) < LONGEST_WAIT_S:
            for slot in random.sample(self._slots, len(self._slots)):
                if self._take(slot):
                    return slot
            self._backoff.sleep(self._backoff.uniform(_LOOK_AGAIN_S / 2, _LOOK_AGAIN_S))
            waited += _LOOK_AGAIN_S / 2
        raise TransientError(
            f"all {len(self._slots)} slots of {self._slots[0].key.rsplit('/', 1)[0]} were in use for "
            f"{LONGEST_WAIT_S / 60:.0f} minutes; try again later, or lower max_concurrency",
            reason="quota-wait",
        )

    def _take(self, slot: Location) -> bool:
        before = compare_and_swap.read(slot, self._client)
        if before.data is not None and self._until(before.data) > self._clock():
            return False
        note = {"holder": self._holder, "until": self._clock() + HELD_S}
        return compare_and_swap.write(slot, json.dumps(note).encode(), before, self._client)

    def _until(self, data: bytes) -> float:
        """When a slot expires; an invalid note, or one beyond the longest time, counts as expired."""
        note = _note(data)
        try:
            until = float(note["until"])
        except (ValueError, KeyError, TypeError, OverflowError):
            return 0.0
        return until if until <= self._clock() + HELD_S + _SKEW_S else 0.0

    def _release(self, slot: Location) -> None:
        try:
            held = compare_and_swap.read(slot, self._client)
            # After it expired, the slot may belong to another task.
            if held.data is not None and _note(held.data).get("holder") == self._holder:
                storage.delete(slot, self._client)
        except RtcflowError as error:
            _log.warning("slot %s was not released (%s); it expires in %d s", slot, error, HELD_S)
