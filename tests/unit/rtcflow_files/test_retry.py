from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from rtcflow_archives.hosts import ArchiveHosts
from rtcflow_contract.errors import RefusedError, TransientError
from rtcflow_files.retry import Attempts, Retry, seconds_left, seconds_of, time_limit
from tests.support.archive_clock import Clock


def test_waits_double_up_to_a_limit():
    clock = Clock()
    failures = Attempts(clock.retry(first_s=2.0, most_s=10.0))
    for _ in range(4):
        failures.again(TransientError("no"))
    assert clock.slept == [2.0, 4.0, 8.0, 10.0]


def test_waits_have_full_jitter():
    drawn = []
    retry = Retry(sleep=lambda s: None, uniform=lambda low, high: drawn.append((low, high)) or high)
    Attempts(retry, failed=2).again(TransientError("no"))
    assert drawn == [(0.0, 4.0)]


def test_a_server_is_given_the_time_it_asks_for_up_to_a_limit():
    clock = Clock()
    Attempts(clock.retry()).again(TransientError("no", retry_after_s=17.0))
    Attempts(clock.retry(longest_asked_s=60.0)).again(TransientError("no", retry_after_s=3600.0))
    assert clock.slept == [17.0, 60.0]


@pytest.mark.parametrize(
    ("text", "seconds"), [(None, None), ("", None), ("soon", None), ("-3", 0.0), ("1.5", 1.5)]
)
def test_what_retry_after_asks_for(text, seconds):
    assert seconds_of(text) == seconds


def test_retry_after_may_be_a_date():
    text = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    assert seconds_of(text) == pytest.approx(100, abs=5)


def test_hosts_are_the_public_ones_unless_the_environment_says_otherwise():
    hosts = ArchiveHosts.from_environment({"RTCFLOW_CMR_URL": "http://here/", "RTCFLOW_ASF_BURST_URL": ""})
    assert hosts == ArchiveHosts(cmr_url="http://here")
    assert all(url.startswith("https://") for url in ArchiveHosts())


class Call:
    """Fails so many times, then gives 7."""

    def __init__(self, failures, error=TransientError):
        self.left, self.error, self.times = failures, error, 0

    def __call__(self):
        self.times += 1
        if self.times <= self.left:
            raise self.error(f"failure {self.times}")
        return 7


def test_a_call_is_tried_as_often_as_the_policy_says():
    clock, call = Clock(), Call(4)
    assert clock.retry(attempts=5).call(call) == 7
    assert len(clock.slept) == 4


def test_the_last_failure_is_the_callers():
    call = Call(9)
    with pytest.raises(TransientError, match="failure 3"):
        Clock().retry(attempts=3).call(call)
    assert call.times == 3


def test_a_refusal_is_not_retried():
    call = Call(1, RefusedError)
    with pytest.raises(RefusedError):
        Clock().retry().call(call)
    assert call.times == 1


def test_no_wait_reaches_beyond_the_callers_deadline():
    clock, call = Clock(), Call(9)
    with time_limit(3.0), pytest.raises(TransientError, match="failure 3"):
        clock.retry(first_s=1.0).call(call)
    assert clock.slept == [1.0, 2.0]
    assert seconds_left() == float("inf")
