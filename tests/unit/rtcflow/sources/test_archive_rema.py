"""REMA from the open bucket of the Polar Geospatial Center: unsigned, in parts, and with every possible fault."""

import time
from types import SimpleNamespace

import numpy as np
import pytest
import rasterio

from rtcflow.progress import silent
from rtcflow.resources import Meter
from rtcflow.sources.dem.copernicus import GLO_30
from rtcflow.sources.dem.dem_area import area_of_grid
from rtcflow.sources.dem.dem_source import fetch_dem
from rtcflow.sources.dem.tiles import tiles_of as degree_tiles_of
from rtcflow_contract.errors import RefusedError, TransientError
from tests.support.archive_buckets import open_data
from tests.support.archive_loopback import Fault
from tests.support.dem_case import write_geoid, write_tile
from tests.support.rema_case import GRID, hills, tiles_of, write_rema

BUCKET = "pgc-opendata-dems"
GEOID = "us_nga_egm2008_1_4326__agisoft.tif"
FIRST = "17_30_32m_v2.0_dem.tif"


def keys_of(folder, bucket):
    return {
        f"{bucket}/{path.relative_to(folder)}": path.read_bytes()
        for path in folder.rglob("*.*")
        if path.is_file()
    }


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    """Buckets with REMA, GLO-30 and the geoid; GLO-30 is level at 400 m, amid the hills of REMA."""
    folder = tmp_path_factory.mktemp("pgc")
    for row, col in tiles_of():
        write_rema(folder / "pgc", row, col)
    for tile in degree_tiles_of(area_of_grid(GRID, 20_000.0)):
        write_tile(folder / "glo30", tile, heights=lambda lon, lat: 400.0 + 0 * lon + 0 * lat)
    (folder / "glo30/tileList.txt").write_text("")
    (folder / "geoid").mkdir()
    write_geoid(folder / "geoid" / GEOID)
    return (
        keys_of(folder / "pgc", BUCKET)
        | keys_of(folder / "glo30", "copernicus-dem-30m")
        | keys_of(folder / "geoid", "aria-geoid")
    )


@pytest.fixture
def archive(content, monkeypatch):
    waits = []
    clock = SimpleNamespace(sleep=waits.append, monotonic=time.monotonic)
    monkeypatch.setattr("rtcflow_files.retry.time", clock)
    monkeypatch.setattr("rtcflow_files.s3_clients._READ_TIMEOUT_S", 0.3)
    with open_data(content, monkeypatch) as running:
        yield running


def fetch(folder, name="rema_32", cache="", meter=None):
    geoid = f"s3://aria-geoid/{GEOID}"
    return fetch_dem(GLO_30, geoid, name, GRID, folder, meter or Meter(), silent, cache=cache)


def heights(fetched):
    with rasterio.open(fetched.path) as source:
        x = source.transform.c + source.transform.a * (np.arange(source.width) + 0.5)
        y = source.transform.f + source.transform.e * (np.arange(source.height) + 0.5)
        return source.read(1), hills(x[None, :], y[:, None])


@pytest.mark.parametrize("name", ["rema_32", "best"])
def test_tiles_are_fetched_unsigned_and_glo30_only_if_something_is_missing(archive, tmp_path, name):
    meter = Meter()
    fetched = fetch(tmp_path, name, meter=meter)
    np.testing.assert_allclose(*heights(fetched), atol=1e-3)
    assert fetched.used == "rema_32"
    assert fetched.inputs[0].href == f"s3://{BUCKET}"
    assert {key.rpartition("/")[2] for key in archive.got(BUCKET)} == {
        f"{row:02d}_{col:02d}_32m_v2.0_dem.tif" for row, col in tiles_of()
    }
    assert not archive.got("copernicus-dem-30m")
    assert all("Authorization" not in asked.headers for asked in archive.asked)
    assert meter.measured().bytes_fetched > 0


def test_a_users_own_place_contains_every_dem(archive, tmp_path):
    own = {
        f"mirror/dem/{key.partition('/')[2]}": body
        for key, body in archive.files.items()
        if "geoid" not in key
    }
    archive.files |= own
    geoid = f"s3://aria-geoid/{GEOID}"
    fetched = fetch_dem("s3://mirror/dem", geoid, "best", GRID, tmp_path, Meter(), silent)
    assert fetched.used == "rema_32"
    np.testing.assert_allclose(*heights(fetched), atol=1e-3)
    assert not archive.got(BUCKET)


def test_parts_read_of_a_tile_are_cached_for_the_next_task(archive, tmp_path):
    fetch(tmp_path / "first", cache=str(tmp_path / "cache"))
    asked = len(archive.asked)
    fetched = fetch(tmp_path / "second", cache=str(tmp_path / "cache"))
    assert len(archive.asked) == asked
    np.testing.assert_allclose(*heights(fetched), atol=1e-3)


def test_a_missing_tile_is_filled_from_glo30_and_reported(archive, tmp_path):
    del archive.files[f"{BUCKET}/rema/mosaics/v2.0/32m/17_30/{FIRST}"]
    fetched = fetch(tmp_path)
    shares = {part.name: part.share for part in fetched.parts}
    assert set(shares) == {"rema_32", "cop_glo30"}
    assert 0.1 < shares["cop_glo30"] < 0.6
    assert sum(shares.values()) == pytest.approx(1.0, abs=1e-9)
    assert "17_30" not in fetched.inputs[0].id
    assert archive.got("copernicus-dem-30m")
    assert "from cop_glo30" in " ".join(fetched.notes())


def test_best_uses_glo30_if_all_tiles_are_void(archive, tmp_path):
    for row, col in tiles_of():
        path = write_rema(tmp_path / "void", row, col, lambda x, y: np.nan + 0 * x + 0 * y)
        archive.files[f"{BUCKET}/{path.relative_to(tmp_path / 'void')}"] = path.read_bytes()
    assert fetch(tmp_path / "work", "best").used == "cop_glo30"
    with pytest.raises(RefusedError, match="rema_32 has no heights in the burst's bounds"):
        fetch(tmp_path / "work", "rema_32")


def test_a_tile_in_another_crs_is_refused_also_with_best(archive, tmp_path):
    path = write_rema(tmp_path / "wrong", 17, 30, crs="EPSG:3413")
    archive.files[f"{BUCKET}/{path.relative_to(tmp_path / 'wrong')}"] = path.read_bytes()
    with pytest.raises(RefusedError, match=f"{FIRST} is in EPSG:3413, not EPSG:3031"):
        fetch(tmp_path / "work", "best")


def test_a_tile_that_is_cut_short_is_refused_by_name(archive, tmp_path):
    key = f"{BUCKET}/rema/mosaics/v2.0/32m/17_30/{FIRST}"
    archive.files[key] = archive.files[key][: len(archive.files[key]) // 3]
    with pytest.raises(RefusedError, match=f"{FIRST} is corrupt") as caught:
        fetch(tmp_path)
    assert caught.value.reason == "dem-corrupt"
    assert "\n" not in caught.value.message


PASSING = {
    "429": {"status": 429},
    "503": {"status": 503, "body": b"<Error><Code>SlowDown</Code></Error>"},
    "500": {"status": 500, "body": b"<Error><Code>InternalError</Code></Error>"},
    "cut off": {"cut_after": 50},
    "stalled": {"stall_after": 50},
}


@pytest.mark.parametrize("fault", PASSING)
def test_a_passing_fault_of_a_tile_is_retried(archive, tmp_path, fault):
    archive.faults = [Fault(FIRST, **PASSING[fault])]
    np.testing.assert_allclose(*heights(fetch(tmp_path)), atol=1e-3)
    assert archive.faults == []


@pytest.mark.parametrize("name", ["rema_32", "best"])
@pytest.mark.parametrize("fault", PASSING)
def test_a_lasting_fault_of_a_tile_is_transient_and_not_a_hole(archive, tmp_path, fault, name):
    archive.faults = [Fault(FIRST, **PASSING[fault], lasting=True)]
    with pytest.raises(TransientError, match="try again") as caught:
        fetch(tmp_path, name)
    assert "\n" not in caught.value.message
    assert not (tmp_path / "dem.tif").exists()


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_access_denied_is_one_sentence(archive, tmp_path, method):
    archive.faults = [Fault(FIRST, method=method, status=403, lasting=True)]
    with pytest.raises(RefusedError, match=r"^access to s3://\S+ was denied") as caught:
        fetch(tmp_path, "best")
    assert caught.value.reason == "access-denied"
