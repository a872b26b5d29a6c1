"""A remote object as a file: the right bytes at any place, few requests, and retries of broken responses."""

import random

import pytest

from rtcflow_contract.errors import TransientError
from rtcflow_files.ranges import open_ranges
from rtcflow_files.retry import Retry

CONTENT = random.Random(0).randbytes(20_000_000)


class Remote:
    def __init__(self, broken: int = 0, short: int = 0) -> None:
        self.requests: list[tuple[int, int]] = []
        self.broken, self.short = broken, short

    def read_range(self, start: int, length: int) -> bytes:
        self.requests.append((start, length))
        if self.broken > 0:
            self.broken -= 1
            raise TransientError("the connection broke off")
        if self.short > 0:
            self.short -= 1
            return CONTENT[start : start + length // 2]
        return CONTENT[start : start + length]

    @property
    def fetched(self) -> int:
        return sum(length for _, length in self.requests)


def test_any_read_gives_the_bytes_of_the_object():
    file = open_ranges(Remote().read_range, len(CONTENT))
    chance = random.Random(1)
    for _ in range(200):
        start, length = chance.randrange(len(CONTENT)), chance.choice([1, 100, 70_000, 5_000_000])
        file.seek(start)
        assert file.read(length) == CONTENT[start : start + length]


def test_a_large_read_comes_in_parts_and_no_more_than_asked_for():
    remote = Remote()
    file = open_ranges(remote.read_range, len(CONTENT))
    file.seek(1_000_000)
    assert file.read(18_000_000) == CONTENT[1_000_000:19_000_000]
    assert len(remote.requests) == 4
    assert remote.fetched <= 18_000_000 + 65_536


def test_reads_that_follow_each_other_take_ever_larger_steps():
    remote = Remote()
    file = open_ranges(remote.read_range, len(CONTENT))
    assert b"".join(iter(lambda: file.read(4096), b"")) == CONTENT
    assert len(remote.requests) < 15
    assert remote.fetched == len(CONTENT)


def test_scattered_small_reads_fetch_little():
    remote = Remote()
    file = open_ranges(remote.read_range, len(CONTENT))
    for start in range(0, 20_000_000, 2_000_000):
        file.seek(start)
        file.read(100)
    assert remote.fetched == 10 * 65_536


@pytest.mark.parametrize("trouble", [{"broken": 3}, {"short": 3}])
def test_a_broken_response_is_requested_again(trouble):
    file = open_ranges(Remote(**trouble).read_range, len(CONTENT), Retry(sleep=lambda seconds: None))
    assert file.read(100) == CONTENT[:100]


@pytest.mark.parametrize("trouble", [{"broken": 9}, {"short": 9}])
def test_answers_that_stay_broken_are_transient(trouble):
    file = open_ranges(Remote(**trouble).read_range, len(CONTENT), Retry(sleep=lambda seconds: None))
    with pytest.raises(TransientError):
        file.read(100)
