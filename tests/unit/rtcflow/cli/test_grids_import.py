"""Grids imported from a burst database: those of an area, stored where bursts look for them; the first one stays."""

import json
import math
import sqlite3

import pytest
from typer.testing import CliRunner

from rtcflow.cli.app import make_app
from rtcflow.grid.database import read_area, read_database
from rtcflow.grid.resolve import read_grid, resolve_grid
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.grid import Grid
from rtcflow_contract.keys import grid_key
from tests.support.burst_case import make_job

CANBERRA = ("t147_314884_iw2", 32755, 640_005.0, 6_050_010.0, 740_020.0, 6_110_000.0)
CASEY = ("t070_149815_iw3", 3031, 2_250_000.0, -900_000.0, 2_340_000.0, -850_000.0)
FIJI = ("t073_155000_iw1", 32701, 130_000.0, 7_990_000.0, 220_000.0, 8_040_000.0)
AUSTRALIA = "110,-45,155,-10"


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "bursts.sqlite"
    with sqlite3.connect(path) as made:
        made.execute(
            "CREATE TABLE burst_id_map (burst_id_jpl TEXT, epsg INTEGER, xmin REAL, ymin REAL, xmax REAL, ymax REAL)"
        )
        made.executemany("INSERT INTO burst_id_map VALUES (?, ?, ?, ?, ?, ?)", [CANBERRA, CASEY, FIJI])
    made.close()
    return path


def names(database, area):
    return [burst.burst_id for burst in read_database(database, read_area(area))]


def run(*arguments):
    return CliRunner().invoke(make_app(), ["grids", "import", *map(str, arguments)])


@pytest.mark.parametrize(
    ("area", "found"),
    [
        (AUSTRALIA, [CANBERRA[0]]),
        ("100,-70,120,-60", [CASEY[0]]),
        ("176,-20,-178,-15", [FIJI[0]]),
        ("-180,-20,-178,-15", [FIJI[0]]),
        ("0,40,10,50", []),
    ],
)
def test_only_bursts_of_the_area_are_imported(database, area, found):
    assert names(database, area) == found


def test_an_area_may_be_a_geojson_file(database, tmp_path):
    ring = [[148, -36], [150, -36], [150, -35], [148, -35], [148, -36]]
    feature = {"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": [ring]}}
    path = tmp_path / "area.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    assert names(database, str(path)) == [CANBERRA[0]]


def test_bounds_are_snapped_outwards(database):
    (burst,) = read_database(database, read_area(AUSTRALIA))
    assert burst.grid(20) == Grid(epsg=32755, left=640_000, top=6_110_000, spacing=20, rows=3000, cols=5001)


def test_another_crs_reprojects_the_bounds(database):
    (burst,) = read_database(database, read_area(AUSTRALIA))
    grid = burst.grid(20, 3577)
    assert grid.epsg == 3577
    assert grid.left % 20 == grid.top % 20 == 0
    # Australian Albers rotates the box by a few degrees, so that it grows a little.
    assert 100_000 < grid.right - grid.left < 115_000
    assert math.hypot(grid.left - 1_520_000, grid.top + 3_900_000) < 300_000


def test_products_are_made_on_imported_grids(database, tmp_path, aws):
    result = run(database, "--aoi", AUSTRALIA, "--to", "s3://products/experimental")
    assert result.exit_code == 0, result.output
    assert "1 grids: 1 stored" in result.output
    store = grid_key("products", "experimental", CANBERRA[0], None, 20)
    job = make_job(tmp_path, burst_id=CANBERRA[0], grid_store=store, resolution=20, grid=None)
    grid, origin = resolve_grid(job, lambda: pytest.fail("the footprint is not asked"))
    assert (grid.rows, grid.cols, origin) == (3000, 5001, "grid store")


def test_the_first_grid_stays_and_a_difference_is_reported(database, tmp_path):
    assert "1 stored" in run(database, "--aoi", AUSTRALIA, "--to", tmp_path / "grids").output
    assert "1 existed" in run(database, "--aoi", AUSTRALIA, "--to", tmp_path / "grids").output
    with sqlite3.connect(database) as changed:
        changed.execute("UPDATE burst_id_map SET xmax = xmax + 500")
    changed.close()
    assert "1 differ" in run(database, "--aoi", AUSTRALIA, "--to", tmp_path / "grids").output
    stored = read_grid(grid_key("", str(tmp_path / "grids"), CANBERRA[0], None, 20))
    assert stored is not None
    assert stored.cols == 5001


def test_the_index_lists_what_was_imported(database, tmp_path):
    run(database, "--aoi", "-180,-80,180,0", "--to", tmp_path / "grids", "--resolution", 40)
    index = json.loads((tmp_path / "grids" / "grids" / "index_default_40m.json").read_text())
    assert sorted(index["grids"]) == sorted([CANBERRA[0], CASEY[0], FIJI[0]])
    assert index["database"] == database.name


@pytest.mark.parametrize(
    ("content", "area", "words"),
    [
        (b"not a database at all, though long enough to be looked at", AUSTRALIA, "is not a burst database"),
        (None, AUSTRALIA, "is not a file"),
        (b"", AUSTRALIA, "burst_id_map"),
    ],
)
def test_a_file_that_is_not_a_database_is_refused(tmp_path, content, area, words):
    path = tmp_path / "wrong.sqlite"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RefusedError, match=words):
        names(path, area)


@pytest.mark.parametrize("area", ["1,2,3", "10,50,0,40x", "no.geojson", "0,50,10,40"])
def test_an_invalid_area_is_refused(area):
    with pytest.raises(RefusedError, match="give"):
        read_area(area)


def test_an_area_without_bursts_is_refused(database, tmp_path):
    result = run(database, "--aoi", "0,40,10,50", "--to", tmp_path)
    assert isinstance(result.exception, RefusedError)
    assert not (tmp_path / "grids").exists()
