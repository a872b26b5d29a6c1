from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from archive_clock import Clock

from rtcflow_archives.hosts import ArchiveHosts
from rtcflow_cloud.backoff import Backoff, seconds_of


def test_waits_double_up_to_a_limit():
    clock = Clock()
    backoff = clock.backoff(first_s=2.0, most_s=10.0)
    for attempt in range(4):
        backoff.wait(attempt)
    assert clock.slept == [2.0, 4.0, 8.0, 10.0]


def test_waits_are_drawn_from_nothing_to_all():
    drawn = []
    Backoff(sleep=lambda s: None, uniform=lambda low, high: drawn.append((low, high)) or high).wait(2)
    assert drawn == [(0.0, 4.0)]


def test_a_server_is_given_the_time_it_asks_for_up_to_a_limit():
    clock = Clock()
    clock.backoff().wait(0, "17")
    clock.backoff(longest_asked_s=60.0).wait(0, "3600")
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
