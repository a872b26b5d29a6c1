"""A process killed while it fetches DEM tiles: the next one fetches those that are not in the cache yet."""

import multiprocessing
import time

import pytest

from rtcflow.progress import silent
from rtcflow.resources import Meter
from rtcflow.sources.dem.dem_area import area_of_grid
from rtcflow.sources.dem.dem_source import GLO_30, fetch_dem
from rtcflow.sources.dem.tiles import tiles_of
from tests.support.archive_buckets import open_data
from tests.support.archive_loopback import Fault
from tests.support.dem_case import AUSTRALIA, write_geoid, write_tile

KEYS = [f"{tile.name}/{tile.name}.tif" for tile in tiles_of(area_of_grid(AUSTRALIA))]


@pytest.fixture
def archive(tmp_path, monkeypatch):
    for tile in tiles_of(area_of_grid(AUSTRALIA)):
        write_tile(tmp_path / "tiles", tile)
    write_geoid(tmp_path / "geoid.tif")
    files = {f"copernicus-dem-30m/{key}": tmp_path / "tiles" / key for key in KEYS}
    with open_data(files, monkeypatch) as running:
        yield running


def run(folder, cache):
    meter = Meter()
    geoid = str(folder / "geoid.tif")
    fetch_dem(GLO_30, geoid, "cop_glo30", AUSTRALIA, folder / "work", meter, silent, cache=cache)
    return meter


def kept(archive, folder):
    """Tiles in the cache, on disk or in S3."""
    on_disk = {path.name for path in (folder / "cache").rglob("*.tif")}
    return on_disk | {key.rsplit("/", 1)[1] for key in archive.files if key.startswith("work/cache/")}


@pytest.mark.parametrize("where", ["disk", "s3"])
def test_bytes_that_a_killed_process_fetched_are_not_fetched_again(archive, tmp_path, where):
    cache = str(tmp_path / "cache") if where == "disk" else "s3://work/cache"
    archive.faults = [Fault(KEYS[-1], stall_after=50, method="GET", lasting=True)]
    process = multiprocessing.get_context("fork").Process(target=run, args=(tmp_path, cache))
    process.start()
    deadline = time.monotonic() + 20
    while len(kept(archive, tmp_path)) < len(KEYS) - 1 or KEYS[-1] not in archive.got("copernicus-dem-30m"):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.kill()
    process.join()
    archive.faults, archive.asked[:] = [], []
    meter = run(tmp_path, cache)
    assert archive.got("copernicus-dem-30m") == [KEYS[-1]]
    fetched = KEYS[-1:] if where == "disk" else KEYS
    assert meter.bytes_fetched == sum((tmp_path / "tiles" / key).stat().st_size for key in fetched)
    assert kept(archive, tmp_path) == {key.rsplit("/", 1)[1] for key in KEYS}
