"""Downloads that survive kills, run in parallel, or fetch pieces; and old unfinished ones."""

import multiprocessing
import os
import time

import pytest
import urllib3

from rtcflow.resources import Meter
from rtcflow.sources.download import download
from rtcflow.sources.partial_file import Extent, open_partial
from rtcflow_contract.errors import RefusedError, TransientError
from tests.support.archive_clock import Clock
from tests.support.archive_loopback import Answer, Fault, Loopback

CONTENT = bytes(range(256)) * 2000


class Server(Loopback):
    ranged = True

    def answer(self, asked):
        return Answer(200, CONTENT, {"ETag": '"1"'}, ranged=self.ranged)


@pytest.fixture
def server():
    running = Server()
    yield running
    running.close()


def get(url, headers):
    return urllib3.request("GET", url, headers=headers, preload_content=False, retries=False, timeout=5)


def hasty(url, headers):
    return urllib3.request("GET", url, headers=headers, preload_content=False, retries=False, timeout=0.2)


def run(server, folder, get=get, **changes):
    given = {"meter": Meter(), "retry": Clock().retry(), "parts": folder / "parts"} | changes
    return download(f"{server.url}/x", folder / "x", get, **given)


def test_bytes_that_a_killed_process_fetched_are_not_fetched_again(server, tmp_path):
    server.faults = [Fault("/x", stall_after=300_000)]
    process = multiprocessing.get_context("fork").Process(target=run, args=(server, tmp_path))
    process.start()
    deadline = time.monotonic() + 20
    while sum(path.stat().st_size for path in tmp_path.glob("parts/*.part")) < 300_000:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.kill()
    process.join()
    meter = Meter()
    assert run(server, tmp_path, meter=meter).read_bytes() == CONTENT
    assert meter.bytes_fetched == len(CONTENT) - 300_000


def test_a_server_without_ranges_sends_everything_again(server, tmp_path):
    server.ranged = False
    server.faults = [Fault("/x", cut_after=1000)]
    meter = Meter()
    assert run(server, tmp_path, meter=meter).read_bytes() == CONTENT
    assert meter.bytes_fetched == len(CONTENT) + 1000


def test_a_piece_resumes(server, tmp_path):
    server.faults = [Fault("/x", cut_after=1000)]
    piece = run(server, tmp_path, extent=Extent(5000, 20_000))
    assert piece.read_bytes() == CONTENT[5000:25_000]
    assert [asked.headers["Range"] for asked in server.asked] == ["bytes=5000-24999", "bytes=6000-24999"]


def test_two_at_once_do_not_share_an_unfinished_file(server, tmp_path):
    with open_partial(f"{server.url}/x", tmp_path / "parts") as other:
        other.write(b"another process is at it")
        assert run(server, tmp_path).read_bytes() == CONTENT


def test_an_endless_stall_is_reported_and_received_bytes_are_kept(server, tmp_path):
    server.faults = [Fault("/x", stall_after=1000, lasting=True)]
    with pytest.raises(TransientError, match="broke off"):
        run(server, tmp_path, hasty)
    server.faults = []
    meter = Meter()
    assert run(server, tmp_path, meter=meter).read_bytes() == CONTENT
    assert meter.bytes_fetched == len(CONTENT) - 5 * 1000


def test_a_trickle_is_cut_off_and_the_rest_requested_again(server, tmp_path, monkeypatch):
    monkeypatch.setattr("rtcflow_files.pace._WINDOW_S", 0.2)
    server.faults = [Fault("/x", trickle_s=0.01)]
    assert run(server, tmp_path).read_bytes() == CONTENT
    first, second = server.asked
    assert "Range" not in first.headers
    assert 0 < int(second.headers["Range"].removeprefix("bytes=").rstrip("-")) < 2000


def test_an_endless_trickle_is_reported(server, tmp_path, monkeypatch):
    monkeypatch.setattr("rtcflow_files.pace._WINDOW_S", 0.1)
    server.faults = [Fault("/x", trickle_s=0.01, lasting=True)]
    with pytest.raises(TransientError, match="TrickleError"):
        run(server, tmp_path)
    assert len(server.asked) == 5


def test_progress_gives_new_attempts(server, tmp_path, monkeypatch):
    monkeypatch.setattr("rtcflow.sources.download._MUCH", 10_000)
    server.faults = [Fault("/x", cut_after=40_000) for _ in range(12)]
    assert run(server, tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("answers", "error", "told"),
    [
        ({"status": 503}, TransientError, "503"),
        ({"status": 403}, RefusedError, "403"),
        ({"status": 404}, RefusedError, "does not exist"),
        ({"status": 200, "headers": {"Content-Type": "text/html"}}, RefusedError, "web page"),
    ],
)
def test_a_lasting_fault_is_reported(server, tmp_path, answers, error, told):
    server.faults = [Fault("/x", lasting=True, **answers)]
    with pytest.raises(error, match=told):
        run(server, tmp_path)
    assert not (tmp_path / "x").exists()


def test_old_unfinished_downloads_are_removed(server, tmp_path):
    (tmp_path / "parts").mkdir()
    old, new = tmp_path / "parts/a.part", tmp_path / "parts/b.part"
    for path in (old, new):
        path.write_bytes(b"x")
    os.utime(old, (0, 0))
    run(server, tmp_path)
    assert not old.exists()
    assert new.exists()
