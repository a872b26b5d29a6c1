"""Files over HTTP: listings, ranges and retries, and errors that say what to do."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3
import numpy as np
import pytest
import rasterio

from rtcflow.resources import Meter
from rtcflow.sources.dem.geoid import geoid_heights
from rtcflow.sources.orbit.orbit_source import fetch_orbit
from rtcflow_contract.errors import NotFoundError, RefusedError, TransientError
from rtcflow_contract.keys import Location
from rtcflow_contract.request import OrbitChoice
from rtcflow_contract.scene_id import parse_scene_id
from rtcflow_files.http import HttpFiles
from rtcflow_files.retry import Retry
from rtcflow_files.s3 import S3Files as S3Files
from tests.support.archive_loopback import Answer, Asked, Fault, Loopback
from tests.support.burst_case import ORBIT, SCENE, orbit_text

CONTENT = bytes(range(256)) * 1000


class Server:
    """Serves `files` by path; `failures` gives the statuses to answer first."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.failures: list[int] = []
        self.sent = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer.answer(self)

            do_HEAD = do_GET

            def log_message(self, *args: object) -> None:
                """Keep quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        body = self.files.get(request.path)
        status = 200 if body is not None else 404
        if self.failures:
            status = self.failures.pop(0)
        body = (body or b"") if status == 200 else b""
        asked = request.headers.get("Range")
        if asked and status == 200:
            first, last = asked.removeprefix("bytes=").split("-")
            status, body = 206, body[int(first) : int(last) + 1]
        request.send_response(status)
        request.send_header("Content-Length", str(len(body)))
        request.send_header("Accept-Ranges", "bytes")
        request.end_headers()
        if request.command == "GET":
            self.sent += len(body)
            request.wfile.write(body)


def opened(root: str, meter: Meter) -> HttpFiles:
    return HttpFiles(root, meter.fetched, Retry(attempts=3, sleep=lambda seconds: None))


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    running.files["/a/x.bin"] = CONTENT
    yield running
    running.close()


def test_a_file_is_read_whole_and_in_ranges(server, tmp_path):
    meter = Meter()
    place = opened(f"{server.url}/a/", meter)
    assert place.read("x.bin") == CONTENT
    assert place.fetch("x.bin", tmp_path).read_bytes() == CONTENT
    assert meter.bytes_fetched == 2 * len(CONTENT)
    with place.open("x.bin") as file:
        file.seek(100_000)
        assert file.read(10) == CONTENT[100_000:100_010]
    assert meter.bytes_fetched - 2 * len(CONTENT) <= 65536


def test_a_passing_failure_is_retried(server):
    server.failures = [503, 429]
    assert opened(f"{server.url}/a", Meter()).read("x.bin") == CONTENT


@pytest.mark.parametrize(
    ("statuses", "error"),
    [([503] * 9, TransientError), ([403], RefusedError), ([404], NotFoundError), ([302], RefusedError)],
)
def test_a_lasting_failure_says_what_to_do(server, statuses, error):
    server.failures = statuses
    with pytest.raises(error, match=r"/a/x\.bin") as caught:
        opened(f"{server.url}/a", Meter()).read("x.bin")
    assert type(caught.value) is error


def test_a_server_that_is_not_there_is_transient(server):
    server.close()
    with pytest.raises(TransientError, match="could not be reached"):
        opened(f"{server.url}/a", Meter()).read("x.bin")


def test_names_come_from_a_directory_index(server):
    server.files["/o/AUX_POEORB/"] = f'<a href="../">up</a> <a href="{ORBIT}">{ORBIT}</a>'.encode()
    assert opened(f"{server.url}/o", Meter()).names("AUX_POEORB") == [f"AUX_POEORB/{ORBIT}"]


def test_names_come_from_a_bucket_listing_over_all_pages(server):
    first = (
        "<Contents><Key>AUX_POEORB/a.EOF</Key></Contents><NextContinuationToken>t=1</NextContinuationToken>"
    )
    listing = "/?list-type=2&prefix=AUX_POEORB/"
    server.files[listing] = first.encode()
    server.files[f"{listing}&continuation-token=t%3D1"] = b"<Contents><Key>AUX_POEORB/b.EOF</Key></Contents>"
    assert opened(server.url, Meter()).names("AUX_POEORB") == ["AUX_POEORB/a.EOF", "AUX_POEORB/b.EOF"]


def test_an_orbit_comes_over_http(server, tmp_path):
    server.files["/AUX_POEORB/"] = f'<a href="{ORBIT}">x</a>'.encode()
    server.files[f"/AUX_POEORB/{ORBIT}"] = orbit_text().encode()
    orbit = fetch_orbit(server.url, parse_scene_id(SCENE), OrbitChoice.PRECISE, tmp_path, Meter())
    assert orbit.path.read_text() == orbit_text()


def write_geoid(path):
    profile = {
        "driver": "GTiff",
        "width": 3600,
        "height": 1800,
        "count": 1,
        "dtype": "float32",
        "tiled": True,
    }
    lats = np.broadcast_to(90 - 0.05 - 0.1 * np.arange(1800)[:, None], (1800, 3600))
    transform = rasterio.Affine(0.1, 0, -180, 0, -0.1, 90)
    with rasterio.open(path, "w", crs="EPSG:4326", transform=transform, **profile) as out:
        out.write(lats.astype(np.float32), 1)
    return path.read_bytes()


@pytest.mark.parametrize("where", ["http", "s3"])
def test_only_a_window_of_a_remote_geoid_is_fetched(server, aws, tmp_path, where):
    content = write_geoid(tmp_path / "geoid.tif")
    server.files["/geoid.tif"] = content
    boto3.client("s3").put_object(Bucket="scenes", Key="geoid.tif", Body=content)
    meter = Meter()
    place = (
        opened(server.url, meter) if where == "http" else S3Files(Location("scenes", ""), count=meter.fetched)
    )
    latitudes, longitudes = np.linspace(-34.2, -35.3, 40), np.linspace(148.1, 149.4, 50)
    heights = geoid_heights(place, "geoid.tif", latitudes, longitudes)
    assert heights == pytest.approx(np.broadcast_to(latitudes[:, None], (40, 50)), abs=1e-4)
    assert 0 < meter.bytes_fetched < 0.05 * len(content)


class Files(Loopback):
    def answer(self, asked: Asked) -> Answer:
        return Answer(200, CONTENT)


@pytest.fixture
def files():
    served = Files()
    yield served
    served.close()


def test_a_body_that_breaks_off_is_requested_again(files, tmp_path):
    files.faults = [Fault("a.bin", cut_after=1000), Fault("b.bin", cut_after=1000)]
    place = opened(files.url, Meter())
    assert place.fetch("a.bin", tmp_path).read_bytes() == CONTENT
    assert place.read("b.bin") == CONTENT


def test_a_body_that_breaks_off_for_ever_is_transient_and_leaves_no_file(files, tmp_path):
    files.faults = [Fault("a.bin", cut_after=1000, lasting=True)]
    with pytest.raises(TransientError, match="try again"):
        opened(files.url, Meter()).fetch("a.bin", tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert len(files.asked) == 3


def test_a_body_that_trickles_is_requested_again(files, tmp_path, monkeypatch):
    monkeypatch.setattr("rtcflow_files.pace._WINDOW_S", 0.1)
    files.faults = [Fault("a.bin", trickle_s=0.01)]
    assert opened(files.url, Meter()).fetch("a.bin", tmp_path).read_bytes() == CONTENT
    assert len(files.asked) == 2


def test_a_body_that_trickles_for_ever_is_transient(files, monkeypatch):
    monkeypatch.setattr("rtcflow_files.pace._WINDOW_S", 0.1)
    files.faults = [Fault("b.bin", trickle_s=0.01, lasting=True)]
    with pytest.raises(TransientError, match="TrickleError"):
        opened(files.url, Meter()).read("b.bin")
