"""Which grid a burst gets: linked static product, job, store, own footprint, and never a silent mismatch."""

import errno

import boto3
import pytest
from moto import mock_aws

from rtcflow.grid.resolve import check_crs, resolve_grid
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.grid import Grid
from rtcflow_contract.keys import Location, grid_key
from tests.support.burst_case import BUCKET, BURSTS, GRID, make_job

STORE = Location(BUCKET, f"experimental/grids/{BURSTS[1]}/default_20m.json")
OTHER = Grid(epsg=32755, left=100_000, top=5_000_000, spacing=20, rows=10, cols=10)


@pytest.fixture
def client(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket=BUCKET)
        yield s3


def never():
    raise AssertionError("the footprint is not needed")


def test_a_grid_in_the_job_is_used(tmp_path):
    assert resolve_grid(make_job(tmp_path), never) == (GRID, "job")


def test_without_a_store_the_bursts_own_footprint_is_used(tmp_path):
    assert resolve_grid(make_job(tmp_path, grid=None), lambda: GRID) == (GRID, "burst footprint")


def test_the_own_grid_is_stored_once_and_used_by_all_later_passes(tmp_path, client):
    job = make_job(tmp_path, grid=None, grid_store=STORE)
    assert resolve_grid(job, lambda: GRID, client) == (GRID, "burst footprint")
    assert resolve_grid(job, never, client) == (GRID, "grid store")


def test_the_loser_of_a_race_for_the_store_uses_the_winners_grid(tmp_path, client):
    job = make_job(tmp_path, grid=None, grid_store=STORE)

    def slow_footprint() -> Grid:
        resolve_grid(job, lambda: OTHER, client)
        return GRID

    assert resolve_grid(job, slow_footprint, client) == (OTHER, "grid store")


@pytest.mark.parametrize("links", [True, False])
def test_in_a_local_folder_too_the_winner_of_a_race_sets_the_grid(tmp_path, monkeypatch, links):
    if not links:
        monkeypatch.setattr("rtcflow_files.folder.os.link", without_links)
    job = make_job(tmp_path, grid=None, grid_store=grid_key("", str(tmp_path), BURSTS[1], None, 20))

    def slow_footprint() -> Grid:
        assert resolve_grid(job, lambda: OTHER) == (OTHER, "burst footprint")
        return GRID

    assert resolve_grid(job, slow_footprint) == (OTHER, "grid store")
    assert [path.name for path in (tmp_path / "grids" / BURSTS[1]).iterdir()] == ["default_20m.json"]


def without_links(source, target):
    raise PermissionError(errno.EPERM, "Operation not permitted", str(target))


def test_a_missing_linked_static_product_is_refused(tmp_path, client):
    job = make_job(tmp_path, grid=None, linked_static=Location(BUCKET, "experimental/s1_rtc_static_c1/x"))
    with pytest.raises(RefusedError, match="no static layers") as caught:
        resolve_grid(job, never, client)
    assert caught.value.reason == "static-missing"


def test_a_stored_grid_of_another_resolution_is_refused(tmp_path):
    with pytest.raises(RefusedError, match="pixels of 20 m and the job asks for 30 m"):
        resolve_grid(make_job(tmp_path, resolution=30), never)


def test_a_stored_grid_in_another_crs_is_refused(tmp_path):
    job = make_job(tmp_path, output_crs=3031)
    with pytest.raises(RefusedError, match=f"EPSG:{job.grid.epsg} and the job asks for 3031"):
        resolve_grid(job, never)


@pytest.mark.parametrize("epsg", [None, 3031, 32755, 3577])
def test_projected_crs_in_metres_are_accepted(epsg):
    check_crs(epsg)


@pytest.mark.parametrize("epsg", [4326, 99999, 4978, 2222])
def test_an_unknown_or_geographic_crs_is_refused(epsg):
    with pytest.raises(RefusedError, match=f"output_crs {epsg}") as caught:
        check_crs(epsg)
    assert caught.value.reason == "crs"
