"""The pipeline: order of steps, bounds on items in progress, items that run alone, and stops."""

import threading
from dataclasses import dataclass, field

import pytest

from rtcflow.pipeline import Line, Step


@dataclass
class Thing:
    number: int
    alone: bool = False
    log: list[str] = field(default_factory=list)


class Diary:
    """Records which items are in which step, and the most at once."""

    def __init__(self):
        self.lock = threading.Lock()
        self.inside = {}
        self.most = {}
        self.most_under_way = 0
        self.order = {}

    def step(self, name, meet=None, fails=()):
        def work(thing):
            with self.lock:
                self.inside.setdefault(name, set()).add(thing.number)
                self.order.setdefault(name, []).append(thing.number)
                self.most[name] = max(self.most.get(name, 0), len(self.inside[name]))
                under_way = sum(len(numbers) for numbers in self.inside.values())
                self.most_under_way = max(self.most_under_way, under_way)
            if meet is not None:
                meet(thing)
            with self.lock:
                self.inside[name].discard(thing.number)
            return thing.number not in fails

        return work


def line(diary, ahead=3, **options):
    return Line(
        [
            Step("fetch", diary.step("fetch", **options), ahead, interruptible=True),
            Step("compute", diary.step("compute"), 1),
            Step("publish", diary.step("publish"), 1),
        ]
    )


def test_items_go_through_every_step_in_their_order():
    diary = Diary()
    line(diary).run([Thing(number) for number in range(27)])
    assert diary.order["compute"] == diary.order["publish"] == list(range(27))
    assert sorted(diary.order["fetch"]) == list(range(27))


def test_a_step_holds_no_more_items_than_allowed():
    diary = Diary()
    line(diary, ahead=3).run([Thing(number) for number in range(27)])
    assert diary.most["fetch"] <= 3
    assert diary.most["compute"] == diary.most["publish"] == 1
    assert diary.most_under_way <= 5


def test_steps_work_on_different_items_at_once():
    # Each waits for the other: items one after the other would never meet.
    both = threading.Barrier(2, timeout=20)

    def meet_ahead(thing):
        if thing.number == 1:
            both.wait()

    diary = Diary()

    def compute(thing):
        if thing.number == 0:
            both.wait()
        return True

    steps = [
        Step("fetch", diary.step("fetch", meet=meet_ahead), 2, interruptible=True),
        Step("compute", compute, 1),
    ]
    Line(steps).run([Thing(0), Thing(1)])
    assert not both.broken


def test_an_item_that_ends_early_delays_no_other():
    diary = Diary()
    line(diary, fails={0, 3, 4, 8}).run([Thing(number) for number in range(9)])
    assert diary.order["compute"] == [1, 2, 5, 6, 7]


def test_an_item_that_must_be_alone_has_no_other_beside_it():
    diary = Diary()
    seen = []

    def look(thing):
        with diary.lock:
            others = {number for numbers in diary.inside.values() for number in numbers} - {thing.number}
        if thing.alone:
            seen.append(others)

    steps = [
        Step("fetch", diary.step("fetch", meet=look), 3, interruptible=True),
        Step("compute", diary.step("compute", meet=look), 1),
    ]
    Line(steps).run([Thing(number, alone=number in (4, 5)) for number in range(7)])
    assert seen == [set()] * 4
    assert diary.order["compute"] == list(range(7))


def test_after_a_stop_computing_items_finish_and_no_others_start():
    diary = Diary()
    stopping = []

    def compute(thing):
        if thing.number == 2:
            stopping[0].stop()
        return diary.step("compute")(thing)

    steps = [
        Step("fetch", diary.step("fetch"), 3, interruptible=True),
        Step("compute", compute, 1),
        Step("publish", diary.step("publish"), 1),
    ]
    stopping.append(Line(steps))
    stopping[0].run([Thing(number) for number in range(9)])
    assert diary.order["publish"] == [0, 1, 2]


def test_after_a_stop_a_hanging_fetch_is_not_waited_for():
    hangs, hanging = threading.Event(), threading.Event()
    stopping = []

    def fetch(thing):
        if thing.number == 1:
            hanging.set()
            hangs.wait(30)
        return True

    def compute(thing):
        hanging.wait(30)
        stopping[0].stop()
        return True

    stopping.append(Line([Step("fetch", fetch, 2, interruptible=True), Step("compute", compute, 1)]))
    stopping[0].run([Thing(0), Thing(1), Thing(2)])
    assert not hangs.is_set()
    hangs.set()


def test_an_error_of_a_step_is_raised():
    def fails(thing):
        raise ValueError("a bug")

    with pytest.raises(ValueError, match="a bug"):
        Line([Step("only", fails, 1)]).run([Thing(0)])
