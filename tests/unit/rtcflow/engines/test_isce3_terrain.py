"""The DEM for engine isce3: voids are filled and become no data again; it is projected near 180 degrees."""

import numpy as np
import pytest
import rasterio
from pyproj import Transformer

from rtcflow.engines.isce3.staged_dem import filled, heights_at, near_180, stage_dem, void_pixels
from rtcflow.sources.dem.dem_area import area_of_grid, grid_in
from rtcflow.sources.dem.dem_source import FetchedDem
from rtcflow.sources.dem.dem_values import HeightRaster, read_heights, write_heights
from rtcflow_contract.grid import Grid

STEP = 1 / 3600
UTM = Grid(epsg=32755, left=600_000, top=6_100_000, spacing=20, rows=60, cols=80)
# At 77.5 S across 180 degrees.
POLAR = Grid(epsg=3031, left=-1_000, top=-1_370_000, spacing=20, rows=60, cols=80)


def hilly(lon, lat):
    return 400.0 + 60.0 * np.sin(lon * 900.0) * np.cos(lat * 700.0)


def dem_over(grid: Grid, path, void=()):
    """A smooth DEM around a grid, with voids given as (rows, cols) slices of its postings."""
    area = area_of_grid(grid, 6_500.0)
    latitudes = np.arange(area.north, area.south, -STEP)
    longitudes = np.arange(area.west, area.east, 3 * STEP if grid.epsg == 3031 else STEP)
    values = hilly(longitudes[None, :], latitudes[:, None]).astype(np.float32)
    for place in void:
        values[place] = np.nan
    write_heights(path, HeightRaster(values, latitudes, longitudes))
    return FetchedDem(path, ())


def test_a_dem_without_voids_away_from_180_is_used_unchanged(tmp_path):
    dem = dem_over(UTM, tmp_path / "dem.tif")
    staged = stage_dem(dem, UTM, tmp_path / "input")
    assert staged.path == dem.path.resolve()
    assert (staged.parameters, staged.void.size) == ({}, 0)


def test_voids_are_filled_from_their_surroundings_and_their_pixels_are_marked(tmp_path):
    dem = dem_over(UTM, tmp_path / "dem.tif", [np.s_[226:232, 270:276]])
    staged = stage_dem(dem, UTM, tmp_path / "input")
    with rasterio.open(staged.path) as source:
        values = source.read(1)
    assert np.isfinite(values).all()
    assert staged.void.shape == UTM.shape
    assert 0 < staged.void.sum() < 0.4 * staged.void.size
    assert "dem_voids" in staged.parameters


def test_pixels_of_a_void_are_those_that_engine_native_leaves_out():
    latitudes, longitudes = -35.0 - np.arange(60) * STEP, 149.0 + np.arange(60) * STEP
    holes = np.zeros((60, 60), bool)
    holes[30, 30] = True
    left, top = Transformer.from_crs(4326, 32755, always_xy=True).transform(
        149.0 + 10 * STEP, -35.0 - 10 * STEP
    )
    grid = Grid(epsg=32755, left=round(left), top=round(top), spacing=20, rows=60, cols=50)
    found = void_pixels(holes, HeightRaster(np.zeros((60, 60), np.float32), latitudes, longitudes), grid)
    rows, cols = np.nonzero(found)
    # Six postings of 31 m and 25 m, and a pixel to either side.
    assert 8 <= np.ptp(rows) + 1 <= 12
    assert 7 <= np.ptp(cols) + 1 <= 11


def test_a_fill_keeps_known_heights_and_stays_between_its_neighbours():
    values = np.add.outer(np.arange(40.0), np.arange(40.0)).astype(np.float32)
    holed = values.copy()
    holed[15:25, 15:25] = np.nan
    found = filled(holed)
    known = np.isfinite(holed)
    np.testing.assert_array_equal(found[known], values[known])
    assert np.abs(found - values).max() < 12.0


@pytest.mark.parametrize(
    ("west", "east", "near"),
    [
        (150.0, 151.0, False),
        (178.5, 179.2, True),
        (179.5, 180.5, True),
        (-180.5, -179.5, True),
        (-179.5, -178.0, True),
    ],
)
def test_near_180_means_within_a_degree_in_any_turn(west, east, near):
    heights = HeightRaster(np.zeros((2, 2), np.float32), np.array([1.0, 0.0]), np.array([west, east]))
    assert near_180(heights) is near


def test_across_180_the_dem_is_projected_to_the_products_crs(tmp_path):
    dem = dem_over(POLAR, tmp_path / "dem.tif")
    staged = stage_dem(dem, POLAR, tmp_path / "input")
    assert "EPSG:3031" in str(staged.parameters["dem_resampled"])
    with rasterio.open(staged.path) as source:
        values, transform = source.read(1), source.transform
        assert source.crs.to_epsg() == 3031
        bounds = source.bounds
    assert bounds.left <= POLAR.left - 5_000
    assert bounds.top >= POLAR.top + 5_000
    heights, _ = read_heights(dem.path, area_of_grid(POLAR))
    middle = np.s_[400:410, 400:410]
    cols, rows = np.meshgrid(np.arange(400, 410), np.arange(400, 410))
    x, y = transform.c + (cols + 0.5) * transform.a, transform.f + (rows + 0.5) * transform.e
    np.testing.assert_allclose(values[middle], heights_at(heights, POLAR, x, y), atol=1e-3)
    lon, lat = Transformer.from_crs(3031, 4326, always_xy=True).transform(x, y)
    west = heights.x[0]
    expected = hilly(west + (lon - west) % 360.0, lat)
    assert np.abs(values[middle] - expected).max() < 0.5


def on_a_map(path, crs, grid, step):
    west, south, east, north = grid_in(crs, grid, 8_000.0)
    x, y = np.arange(west, east, step), np.arange(north, south, -step)
    values = 300.0 + 0.01 * (x[None, :] - west) + 0.02 * (y[:, None] - south)
    write_heights(path, HeightRaster(values.astype(np.float32), y, x, crs))
    return FetchedDem(path, ())


def test_a_polar_stereographic_dem_is_used_unchanged_also_across_180(tmp_path):
    dem = on_a_map(tmp_path / "dem.tif", "EPSG:3031", POLAR, 32.0)
    staged = stage_dem(dem, POLAR, tmp_path / "input")
    assert staged.path == dem.path.resolve()
    assert staged.parameters == {}


def test_a_dem_in_a_crs_unknown_to_isce3_is_projected_to_the_products_crs(tmp_path):
    dem = on_a_map(tmp_path / "dem.tif", "EPSG:3112", UTM, 25.0)
    staged = stage_dem(dem, UTM, tmp_path / "input")
    assert staged.parameters["dem_resampled"] == "EPSG:32755 at 12.5 m, by biquintic spline"
    with rasterio.open(staged.path) as source:
        assert source.crs.to_epsg() == 32755
        values, transform = source.read(1), source.transform
    row = col = 300
    x, y = transform.c + (col + 0.5) * transform.a, transform.f + (row + 0.5) * transform.e
    east, north = Transformer.from_crs(32755, 3112, always_xy=True).transform(x, y)
    west, south, *_ = grid_in("EPSG:3112", UTM, 8_000.0)
    assert values[row, col] == pytest.approx(300.0 + 0.01 * (east - west) + 0.02 * (north - south), abs=2e-3)
