"""The cache of orbits and DEM tiles: good copies are used, bad ones are not, two writers leave one whole file."""

import io
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from rtcflow.resources import Meter
from rtcflow.sources import blocks
from rtcflow.sources.blocks import KeptBlocks
from rtcflow.sources.cache import open_cache, open_shared_files
from rtcflow.sources.orbit.orbit_source import fetch_orbit
from rtcflow_contract.request import OrbitChoice
from rtcflow_contract.scene_id import parse_scene_id
from rtcflow_files.s3_clients import s3_client
from tests.support.burst_case import ORBIT, SCENE, orbit_text

BODY = b"heights" * 1000
NAME = "tiles/T/T.tif"


class Archive(BaseHTTPRequestHandler):
    asked: ClassVar[list[str]] = []

    def do_GET(self):
        type(self).asked.append(self.path)
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        body = BODY[int(wanted[1]) : int(wanted[2]) + 1] if wanted else BODY
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Accept-Ranges", "bytes")
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET

    def log_message(self, *arguments):
        pass


@pytest.fixture
def archive():
    Archive.asked = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Archive) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/dem"
        server.shutdown()


@pytest.fixture(params=["disk", "s3"])
def setting(request, tmp_path, aws):
    return str(tmp_path / "cache") if request.param == "disk" else "s3://work/cache"


def fetch(archive, folder, cache="off"):
    return open_shared_files(archive, Meter(), cache).fetch(NAME, folder).read_bytes()


def spoil(setting, aws, tmp_path):
    if setting.startswith("s3://"):
        (key,) = [entry["Key"] for entry in aws.list_objects_v2(Bucket="work", Prefix="cache/")["Contents"]]
        kept = aws.get_object(Bucket="work", Key=key)["Body"].read()
        aws.put_object(Bucket="work", Key=key, Body=kept[:-3])
    else:
        (kept,) = (tmp_path / "cache").rglob("T.tif")
        kept.write_bytes(kept.read_bytes()[:-3])


def test_the_second_burst_asks_the_archive_for_nothing(archive, setting, tmp_path):
    assert fetch(archive, tmp_path / "a", setting) == BODY
    assert fetch(archive, tmp_path / "b", setting) == BODY
    assert len(Archive.asked) == 1


def test_a_damaged_copy_is_fetched_again(archive, setting, aws, tmp_path):
    fetch(archive, tmp_path / "a", setting)
    spoil(setting, aws, tmp_path)
    assert fetch(archive, tmp_path / "b", setting) == BODY
    assert len(Archive.asked) == 2
    assert fetch(archive, tmp_path / "c", setting) == BODY
    assert len(Archive.asked) == 2


def test_parts_read_of_a_large_file_are_not_requested_again(archive, setting, tmp_path):
    def read(start, length):
        with open_shared_files(archive, Meter(), setting).open(NAME) as file:
            file.seek(start)
            return file.read(length)

    assert read(2500, 1000) == BODY[2500:3500]
    asked = Archive.asked.copy()
    assert read(2000, 9000) == BODY[2000:]
    assert Archive.asked == asked


def test_only_blocks_that_are_not_cached_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK", 3000)
    read, kept = [], {}

    class File(io.BytesIO):
        def read(self, size):
            read.append((self.tell(), size))
            return super().read(size)

    def keep(part, get):
        if part not in kept:
            kept[part] = get()
        return kept[part]

    def range_of(start, length):
        opened = KeptBlocks(lambda: File(BODY), keep)
        return opened.read_range(start, length)

    assert range_of(2500, 1000) == BODY[2500:3500]
    assert range_of(100, 5900) == BODY[100:6000]
    assert read == [(0, 3000), (3000, 3000)]
    assert range_of(5999, 5000) == BODY[5999:]
    assert read[2:] == [(6000, 3000)]
    assert kept["size"] == b"7000"


def test_a_users_own_files_are_not_copied(setting, aws, tmp_path):
    aws.put_object(Bucket="scenes", Key=f"dem/{NAME}", Body=BODY)
    assert fetch("s3://scenes/dem", tmp_path / "a", setting) == BODY
    assert not (tmp_path / "cache").exists()
    assert "Contents" not in aws.list_objects_v2(Bucket="work", Prefix="cache/")


def test_many_writers_at_once_leave_one_whole_file(setting, tmp_path):
    cache = open_cache(setting, Meter())
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: cache.put(NAME, BODY), range(16)))
    assert cache.get(NAME) == BODY
    if not setting.startswith("s3://"):
        assert [path.name for path in (tmp_path / "cache/tiles/T").iterdir()] == ["T.tif"]


@pytest.mark.parametrize("where", ["s3://no-such-bucket/cache", "/proc/no-such-place"])
def test_an_unusable_cache_fails_no_burst(archive, where, aws, tmp_path, caplog):
    assert fetch(archive, tmp_path, where) == BODY
    assert "cache not used" in caplog.text


def test_off_means_no_cache(archive, tmp_path):
    fetch(archive, tmp_path / "a")
    fetch(archive, tmp_path / "b")
    assert len(Archive.asked) == 2


def test_orbits_of_the_public_bucket_are_cached(aws, tmp_path, monkeypatch):
    monkeypatch.setattr("rtcflow_files.s3.client_for", lambda bucket: s3_client())
    aws.create_bucket(Bucket="s1-orbits")
    aws.put_object(Bucket="s1-orbits", Key=f"AUX_POEORB/{ORBIT}", Body=orbit_text().encode())
    fetch_orbit(
        "s3://s1-orbits",
        parse_scene_id(SCENE),
        OrbitChoice.PRECISE,
        tmp_path,
        Meter(),
        cache="s3://work/cache",
    )
    cache = open_cache("s3://work/cache", Meter())
    assert cache.get(f"s1-orbits/AUX_POEORB/{ORBIT}") == orbit_text().encode()
