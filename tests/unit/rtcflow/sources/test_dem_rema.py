"""Projected DEMs: own postings, overlapping tiles, holes filled from another DEM, seams, and what the product says."""

import math

import numpy as np
import pytest
import rasterio

from rtcflow.native.height_spline import read_dem, sample_heights
from rtcflow.progress import silent
from rtcflow.resources import Meter
from rtcflow.sources.dem.dem_area import area_of_grid, grid_in
from rtcflow.sources.dem.dem_source import fetch_dem
from rtcflow.sources.dem.filling import blend_postings, weights
from rtcflow.sources.dem.tiled import tile_names
from rtcflow.sources.dem.tiles import tiles_of as degree_tiles_of
from rtcflow_contract.dem import BLEND_WIDTH_M, DEMS
from rtcflow_contract.errors import RefusedError
from tests.support.dem_case import AUSTRALIA, write_geoid, write_tile
from tests.support.rema_case import GRID, hills, lonlat, tiles_of, write_rema

GEOID_M = -50.0


@pytest.fixture(scope="module")
def glo30(tmp_path_factory):
    """A folder with the tiles of GLO-30 around the grid, at 60 m above a geoid at -50 m, and that geoid."""
    folder = tmp_path_factory.mktemp("glo30")
    write_geoid(folder / "geoid.tif", lambda lon, lat: GEOID_M + 0 * lon + 0 * lat)
    return folder


def fetch(folder, glo30, name="rema_32", level=60.0, land=True, grid=GRID, **options):
    """Fetch a DEM from a folder to which GLO-30 is added."""
    if not (folder / "seaList.txt").exists():
        tiles = degree_tiles_of(area_of_grid(grid, 40_000.0))
        for tile in tiles if land else ():
            write_tile(folder, tile, heights=lambda lon, lat: level + 0 * lon + 0 * lat)
        (folder / "seaList.txt").write_text("\n".join(tile.name for tile in tiles))
    geoid = str(glo30 / "geoid.tif")
    return fetch_dem(str(folder), geoid, name, grid, folder / "work", Meter(), silent, **options)


def read(fetched):
    with rasterio.open(fetched.path) as source:
        x = source.transform.c + source.transform.a * (np.arange(source.width) + 0.5)
        y = source.transform.f + source.transform.e * (np.arange(source.height) + 0.5)
        return source.read(1), x, y, source


def shares(fetched):
    return {part.name: part.share for part in fetched.parts}


def slopes(values, step):
    """Steepest slope between neighbours, diagonal ones included."""
    right, down = np.abs(np.diff(values, axis=1)) / step, np.abs(np.diff(values, axis=0)) / step
    diagonal = np.abs(values[1:, 1:] - values[:-1, :-1]) / (step * math.sqrt(2))
    other = np.abs(values[1:, :-1] - values[:-1, 1:]) / (step * math.sqrt(2))
    return max(float(found.max()) for found in (right, down, diagonal, other))


def test_heights_are_read_at_their_own_postings_across_four_tiles(tmp_path, glo30):
    for row, col in tiles_of():
        write_rema(tmp_path, row, col)
    fetched = fetch(tmp_path, glo30)
    values, x, y, source = read(fetched)
    assert source.crs.to_epsg() == 3031
    assert source.res == (32, 32)
    np.testing.assert_allclose(values, hills(x[None, :], y[:, None]).astype(np.float32), atol=1e-4)
    assert shares(fetched) == {"rema_32": 1.0}
    assert fetched.used == "rema_32"
    (ref,) = fetched.inputs
    assert ref.kind == "dem"
    for row, col in tiles_of():
        assert f"{row:02d}_{col:02d}_32m_v2.0" in ref.id


def test_the_engine_reads_heights_within_millimetres_of_the_surface(tmp_path, glo30):
    for row, col in tiles_of():
        write_rema(tmp_path, row, col)
    fetched = fetch(tmp_path, glo30)
    rng = np.random.default_rng(1)
    x, y = rng.uniform(GRID.left, GRID.right, 500), rng.uniform(GRID.bottom, GRID.top, 500)
    lon, lat = lonlat(x, y)
    assert lon.min() < -179
    assert lon.max() > 179
    dem = read_dem(fetched.path, lon, lat)
    rows, cols = dem.postings(lon, lat)
    np.testing.assert_allclose(sample_heights(dem, rows, cols), hills(x, y), atol=5e-3)


@pytest.mark.parametrize(("name", "part"), [("rema_10", ""), ("rema_2", "_2_1")])
def test_finer_postings_and_quarters_of_tiles_are_read_too(tmp_path, glo30, name, part):
    spec, tiling = DEMS[name], DEMS[name].tiling
    small = GRID.model_copy(update={"left": -93_000.0, "top": -1_307_000.0, "rows": 20, "cols": 20})
    write_rema(tmp_path, 17, 30, name=name, part=part, around=small)
    fetched = fetch(tmp_path, glo30, name=name, grid=small)
    values, x, y, source = read(fetched)
    assert source.res == (spec.posting_m, spec.posting_m)
    inside = np.ix_((y <= small.top) & (y >= small.bottom), (x >= small.left) & (x <= small.right))
    expected = hills(x[None, :], y[:, None])[inside]
    np.testing.assert_allclose(values[inside], expected, atol=1e-3)
    path = tiling.path.format(row=17, col=30, part=part)
    assert path in {name for *_, name in tile_names(tiling, grid_in("EPSG:3031", small))}


VOIDS = {"NaN": {"nodata": float("nan")}, "-9999": {}, "-9999, not declared": {"nodata": None}}


@pytest.mark.parametrize("void", VOIDS)
@pytest.mark.parametrize("difference", [30.0, -30.0])
def test_the_seam_of_two_sources_has_no_step(tmp_path, glo30, void, difference):
    def half(x, y):
        mark = -9999.0 if "not declared" in void else np.nan
        return np.where(x + 0.3 * (y + 1.4e6) < 1_000.0, hills(x, y), mark)

    for row, col in tiles_of():
        write_rema(tmp_path, row, col, half, **VOIDS[void])
    # GLO-30 is level, 30 m from the mean height of the hills.
    fetched = fetch(tmp_path, glo30, level=400.0 + difference - GEOID_M)
    values, x, y, _ = read(fetched)
    steepest = slopes(hills(x[None, :], y[:, None]), 32)
    # The hills differ from GLO-30 by up to 150 m, which limits what the seam can add to the slope.
    apart = float(np.abs(hills(x[None, :], y[:, None]) - 400.0 - difference).max())
    assert slopes(values, 32) < steepest + apart * math.sqrt(2) / BLEND_WIDTH_M
    far = (x[None, :] + 0.3 * (y[:, None] + 1.4e6)) > 1_100.0
    np.testing.assert_allclose(values[far], 400.0 + difference, atol=1e-3)
    near = (x[None, :] + 0.3 * (y[:, None] + 1.4e6)) < 1_000.0 - 2.2 * BLEND_WIDTH_M
    np.testing.assert_allclose(values[near], hills(x[None, :], y[:, None])[near], atol=1e-3)
    assert math.isclose(sum(shares(fetched).values()), 1.0, abs_tol=1e-9)
    assert set(shares(fetched)) == {"rema_32", "cop_glo30"}
    assert "holes of rema_32 were filled" in " ".join(fetched.notes())


def test_two_level_sources_30_m_apart_meet_in_a_slope_below_a_tenth(tmp_path, glo30):
    # A straight edge, a slanting one, a corner, an island, a pinhole.
    def holed(x, y):
        void = (x > 2_000) | (x + y < -1_403_000) | ((abs(x) < 20) & (abs(y + 1.398e6) < 20))
        void |= (abs(x + 4_000) < 400) & (abs(y + 1.396e6) < 300)
        return np.where(void, np.nan, 100.0 + 0 * x + 0 * y)

    for row, col in tiles_of():
        write_rema(tmp_path, row, col, holed)
    values, *_ = read(fetch(tmp_path, glo30, level=130.0 - GEOID_M))
    assert slopes(values, 32) <= 0.1
    assert values.min() == pytest.approx(100.0)
    assert values.max() == pytest.approx(130.0, abs=1e-3)


def test_ground_without_any_dem_gets_the_height_of_the_geoid(tmp_path, glo30):
    for row, col in tiles_of():
        if col == 30:
            write_rema(tmp_path, row, col)
    fetched = fetch(tmp_path, glo30, land=False)
    values, x, _, _ = read(fetched)
    np.testing.assert_allclose(values[:, x > 700.0], GEOID_M, atol=1e-3)
    assert set(shares(fetched)) == {"rema_32", "geoid"}
    assert shares(fetched)["geoid"] == pytest.approx(0.5, abs=0.03)
    assert {ref.kind for ref in fetched.inputs} == {"dem", "geoid"}


def test_a_void_of_glo30_in_a_hole_gets_the_height_of_the_geoid(tmp_path, glo30):
    for row, col in tiles_of():
        write_rema(tmp_path, row, col, lambda x, y: np.where(abs(x) < 3_000, np.nan, 100.0 + 0 * y))
    tiles = degree_tiles_of(area_of_grid(GRID, 40_000.0))
    for tile in tiles:
        write_tile(tmp_path, tile, heights=lambda lon, lat: np.where(lat < -77.1, np.nan, 60.0 + 0 * lon))
    (tmp_path / "seaList.txt").write_text("")
    fetched = fetch(tmp_path, glo30)
    values, *_ = read(fetched)
    assert np.isfinite(values).all()
    assert set(shares(fetched)) == {"rema_32", "cop_glo30", "geoid"}
    assert math.isclose(sum(shares(fetched).values()), 1.0, abs_tol=1e-9)
    assert fetched.void_share == 0


def test_best_is_rema_if_it_has_heights_and_glo30_otherwise(tmp_path, glo30):
    fetched = fetch(tmp_path, glo30, name="best")
    assert fetched.used == "cop_glo30"
    with rasterio.open(fetched.path) as source:
        assert source.crs.to_epsg() == 4326
    for row, col in tiles_of():
        write_rema(tmp_path, row, col, lambda x, y: np.nan + 0 * x + 0 * y)
    assert fetch(tmp_path, glo30, name="best").used == "cop_glo30"
    for row, col in tiles_of():
        write_rema(tmp_path, row, col)
    assert fetch(tmp_path, glo30, name="best").used == "rema_32"


def test_best_does_not_look_for_rema_north_of_50_s(tmp_path, glo30):
    assert fetch(tmp_path, glo30, name="best", grid=AUSTRALIA).used == "cop_glo30"


def test_a_named_dem_without_heights_there_is_refused(tmp_path, glo30):
    with pytest.raises(
        RefusedError, match="rema_32 has no heights in the burst's bounds; give best"
    ) as caught:
        fetch(tmp_path, glo30)
    assert caught.value.reason == "dem-coverage"


# Changes to a tile whose corner is at x -17,008, y -1,384,000, and the message.
WRONG = {
    "wrong CRS": ({"crs": "EPSG:3413"}, "is in EPSG:3413, not EPSG:3031"),
    "other postings": (
        {"transform": rasterio.Affine(30, 0, -17_008, 0, -30, -1_384_000)},
        "postings of 30 m",
    ),
    "elsewhere": ({"transform": rasterio.Affine(32, 0, 0, 0, -32, -1_384_000)}, "not in its place"),
    "off the lattice": (
        {"transform": rasterio.Affine(32, 0, -17_000, 0, -32, -1_384_000)},
        "does not share the postings",
    ),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_tile_that_does_not_fit_its_name_is_refused_by_name(tmp_path, glo30, kind):
    for row, col in tiles_of():
        write_rema(tmp_path, row, col)
    changes, said = WRONG[kind]
    write_rema(tmp_path, 17, 30, **changes)
    with pytest.raises(RefusedError, match=said) as caught:
        fetch(tmp_path, glo30)
    assert caught.value.reason == "dem-layout"
    assert "\n" not in caught.value.message


def test_a_cut_tile_is_refused_by_name(tmp_path, glo30):
    for row, col in tiles_of():
        path = write_rema(tmp_path, row, col)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])
    with pytest.raises(RefusedError, match=rf"{path.name} is corrupt") as caught:
        fetch(tmp_path, glo30)
    assert caught.value.reason == "dem-corrupt"


def test_weights_fall_to_0_at_a_void_and_are_1_away_from_it():
    valid = np.ones((60, 60), bool)
    valid[30, 30] = False
    half = 5
    weight = weights(valid, half)
    assert weight[30, 30] == 0
    far = np.maximum(*np.abs(np.indices(valid.shape) - 30)) > 2 * half
    assert (weight[far] == 1).all()
    assert (weights(np.ones((7, 9), bool), half) == 1).all()
    assert (weights(np.zeros((7, 9), bool), half) == 0).all()


@pytest.mark.parametrize("posting", [32, 10, 2])
def test_a_window_has_the_stated_width(posting):
    assert (2 * blend_postings(posting) + 1) * posting >= BLEND_WIDTH_M
    assert (2 * blend_postings(posting) - 1) * posting < BLEND_WIDTH_M
