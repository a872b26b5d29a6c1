"""DEM, geoid and orbits from the open buckets: unsigned, with every fault that such a bucket may have."""

import time
from types import SimpleNamespace

import pytest

from rtcflow.progress import silent
from rtcflow.resources import Meter
from rtcflow.sources.dem.dem_area import area_of_grid
from rtcflow.sources.dem.dem_source import GLO_30, fetch_dem
from rtcflow.sources.dem.tiles import tiles_of
from rtcflow.sources.orbit.orbit_source import fetch_orbit
from rtcflow_contract.errors import RefusedError, TransientError
from rtcflow_contract.orbit_file import PUBLIC_ORBITS
from rtcflow_contract.request import OrbitChoice
from rtcflow_contract.scene_id import parse_scene_id
from tests.support.archive_buckets import open_data
from tests.support.archive_loopback import Fault
from tests.support.burst_case import ORBIT, SCENE, orbit_text
from tests.support.dem_case import AUSTRALIA, SEA, write_geoid, write_tile

TILES = tiles_of(area_of_grid(AUSTRALIA))
FIRST = TILES[0]
TILE = f"/{FIRST.name}.tif"
GEOID = "us_nga_egm2008_1_4326__agisoft.tif"


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    folder = tmp_path_factory.mktemp("open-data")
    tiles = [write_tile(folder, tile) for tile in TILES]
    files = {f"copernicus-dem-30m/{path.parent.name}/{path.name}": path.read_bytes() for path in tiles}
    listed = "".join(f"{tile.name}\r\n" for tile in TILES)
    return files | {
        "copernicus-dem-30m/tileList.txt": listed.encode(),
        f"aria-geoid/{GEOID}": write_geoid(folder / GEOID).read_bytes(),
        f"s1-orbits/AUX_POEORB/{ORBIT}": orbit_text().encode(),
    }


@pytest.fixture
def slept(monkeypatch):
    """Seconds that clients would have waited between tries."""
    waits = []
    clock = SimpleNamespace(sleep=waits.append, monotonic=time.monotonic)
    monkeypatch.setattr("rtcflow_files.retry.time", clock)
    return waits


@pytest.fixture
def archive(content, monkeypatch, slept):
    monkeypatch.setattr("rtcflow_files.s3_clients._READ_TIMEOUT_S", 0.3)
    with open_data(content, monkeypatch) as running:
        yield running


def dem(folder, grid=AUSTRALIA, meter=None):
    geoid = f"s3://aria-geoid/{GEOID}"
    return fetch_dem(GLO_30, geoid, "cop_glo30", grid, folder / "dem", meter or Meter(), silent)


def orbit(folder, meter=None):
    return fetch_orbit(PUBLIC_ORBITS, parse_scene_id(SCENE), OrbitChoice.BEST, folder, meter or Meter())


# What is fetched: how, the part of the address that fails, and the method.
WANTED = {
    "tile": (dem, TILE, "GET"),
    "tile's size": (dem, TILE, "HEAD"),
    "geoid": (dem, GEOID, "GET"),
    "geoid's size": (dem, GEOID, "HEAD"),
    "orbits listed": (orbit, "list-type=2", "GET"),
    "orbit": (orbit, ORBIT, "GET"),
}
wanted = pytest.mark.parametrize("what", WANTED)


def broken(archive, what, **fault):
    """A function that fetches and meets a fault."""
    fetch, at, method = WANTED[what]
    archive.faults = [Fault(at, method=method, **fault)]
    return fetch


def left(folder):
    return {path.name for path in folder.rglob("*") if path.is_file()}


def test_requests_are_unsigned_even_if_the_user_has_credentials(archive, tmp_path):
    meter = Meter()
    dem(tmp_path, meter=meter)
    orbit(tmp_path, meter)
    assert sorted(set(archive.got("copernicus-dem-30m"))) == sorted(f"{t.name}/{t.name}.tif" for t in TILES)
    assert archive.got("s1-orbits") == ["AUX_POEORB/", f"AUX_POEORB/{ORBIT}"]
    assert archive.got("aria-geoid")
    for asked in archive.asked:
        assert "Authorization" not in asked.headers
        assert "X-Amz-Sig" not in asked.path
        assert "of-the-user" not in str(asked)


def test_a_listing_includes_all_pages(archive, tmp_path):
    archive.page = 2
    for number in range(5):
        archive.files[f"s1-orbits/AUX_POEORB/{ORBIT.replace('S1A', f'S0{number}')}"] = b""
    assert orbit(tmp_path).path.name == ORBIT
    assert archive.got("s1-orbits").count("AUX_POEORB/") == 3


PASSING = {
    "429": {"status": 429},
    "503": {"status": 503, "body": b"<Error><Code>SlowDown</Code></Error>"},
    "500": {"status": 500, "body": b"<Error><Code>InternalError</Code></Error>"},
    "cut off": {"cut_after": 50},
    "stalled": {"stall_after": 50},
}


# An answer to HEAD has no body that could break.
POSSIBLE = [
    (what, fault)
    for what, (_, _, method) in WANTED.items()
    for fault, given in PASSING.items()
    if method == "GET" or "status" in given
]


@pytest.mark.parametrize(("what", "fault"), POSSIBLE)
def test_a_passing_fault_is_retried_until_it_passes(archive, tmp_path, what, fault):
    broken(archive, what, **PASSING[fault])(tmp_path)
    assert archive.faults == []
    tiles = (tmp_path / "dem/tiles").rglob(FIRST.name + ".tif")
    fetched = tiles if WANTED[what][0] is dem else tmp_path.rglob(ORBIT)
    (path,) = fetched
    (whole,) = (body for key, body in archive.files.items() if key.endswith(f"/{path.name}"))
    assert path.read_bytes() == whole


@pytest.mark.parametrize(("what", "fault"), POSSIBLE)
def test_a_lasting_fault_is_transient_and_leaves_no_part_of_a_file(archive, tmp_path, what, fault):
    with pytest.raises(TransientError, match=r"try again") as caught:
        broken(archive, what, **PASSING[fault], lasting=True)(tmp_path)
    assert "\n" not in caught.value.message
    assert not {name for name in left(tmp_path) if name.endswith(".part")}
    assert not left(tmp_path) & {TILE.strip("/") if what.startswith("tile") else "", ORBIT, "dem.tif"}


@wanted
def test_access_denied_is_one_sentence_and_not_retried(archive, tmp_path, slept, what):
    with pytest.raises(RefusedError, match=r"^access to s3://\S+ was denied; .+") as caught:
        broken(archive, what, status=403, lasting=True)(tmp_path)
    assert caught.value.reason == "access-denied"
    assert slept == []


def test_a_bucket_that_is_gone_is_named(archive, tmp_path):
    given = {"status": 404, "body": b"<Error><Code>NoSuchBucket</Code></Error>", "lasting": True}
    with pytest.raises(RefusedError, match="bucket 's1-orbits' does not exist"):
        broken(archive, "orbits listed", **given)(tmp_path)


def test_an_orbit_removed_between_listing_and_fetch_is_refused_by_name(archive, tmp_path):
    with pytest.raises(RefusedError, match=f"{ORBIT} does not exist"):
        broken(archive, "orbit", status=404, lasting=True)(tmp_path)


def test_land_that_neither_archive_has_is_refused_by_the_names_of_its_tiles(archive, tmp_path):
    del archive.files[f"copernicus-dem-30m/{FIRST.name}{TILE}"]
    with pytest.raises(RefusedError, match=FIRST.name) as caught:
        dem(tmp_path)
    assert caught.value.reason == "dem-missing-land"
    assert not any(tile.name in caught.value.message for tile in TILES[1:])
    assert archive.got("copernicus-dem-90m", "HEAD") == [f"{FIRST.coarse_name}/{FIRST.coarse_name}.tif"]


def test_land_withheld_from_glo30_comes_from_the_bucket_of_glo90(archive, tmp_path):
    body = archive.files.pop(f"copernicus-dem-30m/{FIRST.name}{TILE}")
    archive.files[f"copernicus-dem-90m/{FIRST.coarse_name}/{FIRST.coarse_name}.tif"] = body
    assert FIRST.coarse_name in dem(tmp_path).inputs[0].id


def test_a_tile_that_is_not_listed_is_sea(archive, tmp_path):
    assert dem(tmp_path, SEA).inputs[0].id == "cop_glo30: sea only"


@pytest.mark.parametrize("fault", PASSING)
def test_a_passing_fault_of_the_list_of_tiles_is_retried(archive, tmp_path, fault):
    archive.faults = [Fault("tileList.txt", **PASSING[fault])]
    assert dem(tmp_path, SEA).inputs[0].id == "cop_glo30: sea only"
    assert archive.faults == []


@pytest.mark.parametrize(("status", "error"), [(403, RefusedError), (503, TransientError)])
def test_without_the_list_of_tiles_a_missing_tile_is_not_assumed_to_be_sea(archive, tmp_path, status, error):
    archive.faults = [Fault("tileList.txt", status, lasting=True)]
    with pytest.raises(error, match="tileList"):
        dem(tmp_path, SEA)
