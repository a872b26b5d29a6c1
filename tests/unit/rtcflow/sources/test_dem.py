"""The DEM of a burst: its tiles, mosaicked across spacings and the antimeridian, above the ellipsoid; missing land."""

import math

import numpy as np
import pytest
import rasterio

import rtcflow.sources.dem.copernicus
from rtcflow.progress import silent
from rtcflow.resources import Meter
from rtcflow.sources.dem.copernicus import mosaic
from rtcflow.sources.dem.dem_area import DemArea, area_of_grid
from rtcflow.sources.dem.dem_source import fetch_dem
from rtcflow.sources.dem.tiles import Tile, fetch_tiles, tiles_of
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.grid import Grid
from rtcflow_files.folder import FolderFiles
from tests.support.dem_case import AUSTRALIA, FIJI, SEA, plane, write_geoid, write_tile


def fetch(tmp_path, grid, dem=None, geoid=None):
    dem = dem or tmp_path / "tiles"
    geoid = geoid or write_geoid(tmp_path / "geoid.tif")
    return fetch_dem(str(dem), str(geoid), "cop_glo30", grid, tmp_path / "work", Meter(), silent)


def read(fetched):
    with rasterio.open(fetched.path) as source:
        lons = source.transform.c + source.transform.a * (np.arange(source.width) + 0.5)
        lats = source.transform.f + source.transform.e * (np.arange(source.height) + 0.5)
        return source.read(1), lons, lats


@pytest.mark.parametrize(
    ("tile", "name"),
    [
        (Tile(-70, 161), "Copernicus_DSM_COG_10_S70_00_E161_00_DEM"),
        (Tile(0, -1), "Copernicus_DSM_COG_10_N00_00_W001_00_DEM"),
        (Tile(-17, 180), "Copernicus_DSM_COG_10_S17_00_W180_00_DEM"),
        (Tile(-17, 179), "Copernicus_DSM_COG_10_S17_00_E179_00_DEM"),
    ],
)
def test_tile_names_are_those_of_the_archive(tile, name):
    assert tile.name == name


def test_tiles_are_those_that_the_area_touches():
    assert tiles_of(DemArea(147.9, -35.2, 149.1, -34.9)) == [
        Tile(lat, lon) for lat in (-35, -36) for lon in (147, 148, 149)
    ]


def test_the_area_is_the_grid_with_a_margin():
    area = area_of_grid(AUSTRALIA, margin_m=0)
    wider = area_of_grid(AUSTRALIA, margin_m=10_000)
    assert wider.west < area.west
    assert wider.east > area.east
    assert wider.north > area.north
    assert area.south - wider.south == pytest.approx(10 / 111, rel=0.05)


def test_longitudes_are_continuous_across_the_antimeridian():
    area = area_of_grid(FIJI)
    assert area.west < 180 < area.east
    assert area.east - area.west < 2
    assert {tile.name[-12:-4] for tile in tiles_of(area)} == {"E179_00_", "W180_00_"} or len(
        tiles_of(area)
    ) >= 2


def test_around_a_pole_the_area_has_all_longitudes():
    grid = Grid(epsg=3031, left=-100_000, top=100_000, spacing=1000, rows=200, cols=200)
    area = area_of_grid(grid)
    assert (area.west, area.east, area.south) == (-180, 180, -90)


def test_heights_are_above_the_ellipsoid(tmp_path):
    for tile in tiles_of(area_of_grid(AUSTRALIA)):
        write_tile(tmp_path / "tiles", tile)
    geoid = write_geoid(tmp_path / "geoid.tif", lambda lon, lat: 0.1 * lon + 0.2 * lat)
    values, lons, lats = read(fetch(tmp_path, AUSTRALIA, geoid=geoid))
    expected = plane(lons[None, :], lats[:, None]) + 0.1 * lons[None, :] + 0.2 * lats[:, None]
    assert np.abs(values - expected).max() < 1e-3
    area = area_of_grid(AUSTRALIA)
    assert lons[0] <= area.west < area.east <= lons[-1]
    assert lats[-1] <= area.south < area.north <= lats[0]


def test_across_the_antimeridian_there_is_no_seam(tmp_path):
    def periodic(lon, lat):
        return 100 + 50 * np.sin(np.radians(lon)) + lat

    for tile in tiles_of(area_of_grid(FIJI)):
        write_tile(tmp_path / "tiles", tile, heights=periodic)
    geoid = write_geoid(tmp_path / "geoid.tif", lambda lon, lat: 0.4 * np.abs(lon) + 0 * lat)
    values, lons, lats = read(fetch(tmp_path, FIJI, geoid=geoid))
    expected = periodic(lons[None, :], lats[:, None]) + 0.4 * np.minimum(lons, 360 - lons)[None, :]
    assert np.abs(values - expected).max() < 0.01


@pytest.mark.parametrize("cols_north", [36, 24])
def test_tiles_of_different_spacing_join(tmp_path, cols_north):
    area = DemArea(10.2, 49.6, 11.7, 50.4)
    shapes = {50: cols_north, 49: 36}
    lon_tiles = {}
    for lat, cols in shapes.items():
        for lon in (10, 11):
            lon_tiles[Tile(lat, lon)] = write_tile(tmp_path, Tile(lat, lon), cols=cols)
    heights = mosaic(lon_tiles, area)
    expected = plane(heights.x[None, :], heights.y[:, None])
    # Only beyond the last column of the easternmost tile there is nothing to interpolate with.
    inside = heights.x <= 12 - 1 / min(shapes.values())
    assert np.abs(heights.values - expected)[:, inside].max() < 1e-3
    assert np.allclose(np.diff(heights.x), 1 / 36)


def test_a_tile_that_glo30_lacks_comes_from_glo90(tmp_path):
    folder = tmp_path / "tiles"
    tiles = tiles_of(area_of_grid(AUSTRALIA))
    withheld = tiles[0]
    for tile in tiles[1:]:
        write_tile(folder, tile)
    write_tile(folder, withheld, cols=12, rows=12, name=withheld.coarse_name)
    fetched = fetch(tmp_path, AUSTRALIA)
    heights, lons, lats = read(fetched)
    # A plane is reproduced across the seam too, where the last cell of the coarse tile is longer.
    assert np.abs(heights - plane(lons[None, :], lats[:, None])).max() < 1e-3
    assert withheld.coarse_name in fetched.inputs[0].id
    assert withheld.name not in fetched.inputs[0].id


def test_the_public_glo90_replaces_tiles_of_the_public_glo30(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(
        rtcflow.sources.dem.copernicus,
        "open_shared_files",
        lambda where, meter, cache: asked.append(where) or FolderFiles(tmp_path),
    )
    monkeypatch.setattr(
        rtcflow.sources.dem.copernicus,
        "fetch_tiles",
        lambda place, coarser, tiles, folder, archive: dict.fromkeys(tiles),
    )
    fetch(tmp_path, SEA, dem="s3://copernicus-dem-30m")
    assert asked[:2] == ["s3://copernicus-dem-30m", "s3://copernicus-dem-90m"]


def test_over_sea_the_height_is_that_of_the_geoid(tmp_path):
    write_whole_list(tmp_path / "tiles")
    geoid = write_geoid(tmp_path / "geoid.tif", lambda lon, lat: 30.0 + 0 * lon + 0 * lat)
    fetched = fetch(tmp_path, SEA, geoid=geoid)
    values, _, _ = read(fetched)
    assert np.all(values == 30.0)
    assert fetched.inputs[0].id == "cop_glo30: sea only"
    assert fetched.sea_only


def write_whole_list(folder):
    """Write a list as long as the archive's, of the other hemisphere."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = (
        f"Copernicus_DSM_COG_10_N{lat:02d}_00_E{lon:03d}_00_DEM" for lat in range(90) for lon in range(360)
    )
    (folder / "tileList.txt").write_text("\n".join(lines))


@pytest.mark.parametrize(
    "listed", ["", "Copernicus_DSM_COG_10_N00_00_E006_00_DEM\n", "\x00\xff nothing", "whole/tile.tif\r\n"]
)
def test_a_list_of_another_place_does_not_turn_land_into_sea(tmp_path, listed):
    (tmp_path / "tiles").mkdir()
    (tmp_path / "tiles" / "tileList.txt").write_text(listed)
    with pytest.raises(RefusedError, match="may be land") as caught:
        fetch(tmp_path, SEA)
    assert caught.value.reason == "dem-elsewhere"


def test_a_tile_that_a_short_list_lacks_is_not_sea(tmp_path):
    first, *others = tiles_of(area_of_grid(AUSTRALIA))
    for tile in others:
        write_tile(tmp_path / "tiles", tile)
    (tmp_path / "tiles" / "tileList.txt").write_text("\n".join(tile.name for tile in others))
    with pytest.raises(RefusedError, match=first.name):
        fetch(tmp_path, AUSTRALIA)


def test_tiles_that_the_sea_list_names_are_sea(tmp_path):
    first, *others = tiles_of(area_of_grid(AUSTRALIA))
    for tile in others:
        write_tile(tmp_path / "tiles", tile)
    (tmp_path / "tiles" / "seaList.txt").write_text(f"{first.name}\r\n")
    fetched = fetch(tmp_path, AUSTRALIA)
    assert not fetched.sea_only
    assert first.name not in fetched.inputs[0].id


def test_land_that_is_missing_is_refused_with_the_names_of_its_tiles(tmp_path):
    needed = tiles_of(area_of_grid(AUSTRALIA))
    for tile in needed[1:]:
        write_tile(tmp_path / "tiles", tile)
    (tmp_path / "tiles" / "tileList.txt").write_text("\n".join(tile.name for tile in needed) + "\n")
    with pytest.raises(RefusedError, match=needed[0].name) as caught:
        fetch(tmp_path, AUSTRALIA)
    assert caught.value.reason == "dem-missing-land"


def test_without_a_tile_list_a_missing_tile_is_not_assumed_to_be_sea(tmp_path):
    needed = tiles_of(area_of_grid(AUSTRALIA))
    for tile in needed[1:]:
        write_tile(tmp_path / "tiles", tile, nested=False)
    with pytest.raises(RefusedError, match=r"no tileList\.txt"):
        fetch(tmp_path, AUSTRALIA)


def test_a_corrupt_tile_is_refused_by_name(tmp_path):
    needed = tiles_of(area_of_grid(AUSTRALIA))
    for tile in needed:
        path = write_tile(tmp_path / "tiles", tile)
    path.write_bytes(b"not a raster")
    with pytest.raises(RefusedError, match=path.name):
        fetch(tmp_path, AUSTRALIA)


def test_a_tile_of_another_layout_is_refused(tmp_path):
    path = write_tile(tmp_path, Tile(49, 10))
    with pytest.raises(RefusedError, match="not laid out"):
        mosaic({Tile(50, 10): path}, DemArea(10.1, 50.1, 10.9, 50.9))


def test_tiles_are_looked_for_before_they_count_as_absent(tmp_path):
    (tmp_path / "seaList.txt").write_text(Tile(49, 11).name)
    path = write_tile(tmp_path, Tile(49, 10))
    place = FolderFiles(tmp_path)
    found = fetch_tiles(place, place, [Tile(49, 10), Tile(49, 11)], tmp_path / "work")
    assert found == {Tile(49, 10): path, Tile(49, 11): None}


def write_dem(path, bounds, crs="EPSG:4326"):
    transform = rasterio.transform.from_bounds(*bounds, 50, 50)
    with rasterio.open(
        path, "w", driver="GTiff", width=50, height=50, count=1, dtype="float32", crs=crs, transform=transform
    ) as out:
        out.write(np.full((50, 50), 5, np.float32), 1)
    return path


def test_a_given_dem_is_used_unchanged(tmp_path):
    area = area_of_grid(AUSTRALIA, 0)
    path = write_dem(
        tmp_path / "dem.tif", (math.floor(area.west), area.south - 1, area.east + 1, area.north + 1)
    )
    assert fetch(tmp_path, AUSTRALIA, dem=path).path == path


def test_a_given_dem_that_does_not_cover_the_grid_is_refused_with_both_areas(tmp_path):
    path = write_dem(tmp_path / "dem.tif", (148.0, -35.1, 148.2, -35.0))
    with pytest.raises(RefusedError, match=r"covers 148\.00 to 148\.20 E") as caught:
        fetch(tmp_path, AUSTRALIA, dem=path)
    assert caught.value.reason == "dem-coverage"


def test_a_given_dem_is_read_in_its_own_crs(tmp_path):
    path = write_dem(tmp_path / "dem.tif", (580_000, 6_080_000, 660_000, 6_140_000), crs="EPSG:32755")
    assert fetch(tmp_path, AUSTRALIA, dem=path).path == path


def test_a_given_dem_in_another_crs_that_does_not_cover_the_grid_is_refused(tmp_path):
    path = write_dem(tmp_path / "dem.tif", (600_000, 6_080_000, 660_000, 6_140_000), crs="EPSG:32755")
    with pytest.raises(RefusedError, match="of its CRS; give a larger DEM"):
        fetch(tmp_path, AUSTRALIA, dem=path)


def test_a_given_file_that_is_not_a_dem_is_refused(tmp_path):
    (tmp_path / "dem.tif").write_bytes(b"nothing")
    with pytest.raises(RefusedError, match="cannot be read"):
        fetch(tmp_path, AUSTRALIA, dem=tmp_path / "dem.tif")


def test_a_geoid_that_does_not_cover_the_area_is_refused(tmp_path):
    for tile in tiles_of(area_of_grid(AUSTRALIA)):
        write_tile(tmp_path / "tiles", tile)
    geoid = write_dem(tmp_path / "geoid.tif", (0, 40, 20, 60))
    with pytest.raises(RefusedError, match="does not cover"):
        fetch(tmp_path, AUSTRALIA, geoid=geoid)
