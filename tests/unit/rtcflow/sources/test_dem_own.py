"""A user's own DEM: in any CRS, above the ellipsoid or a geoid, given directly, as a VRT or as a STAC item."""

import json

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from pyproj import Transformer

from rtcflow.native.height_spline import read_dem, sample_heights
from rtcflow.progress import silent
from rtcflow.resources import Meter
from rtcflow.sources.dem.dem_area import grid_in
from rtcflow.sources.dem.dem_source import fetch_dem
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.grid import Grid
from tests.support.dem_case import write_geoid

GRID = Grid(epsg=32755, left=590_000, top=6_130_000, spacing=20, rows=100, cols=120)
# Degrees of another datum than WGS 84, UTM of another zone, a conformal conic, and a polar stereographic projection.
STEPS = {"EPSG:7844": 0.0005, "EPSG:32756": 40.0, "EPSG:3112": 40.0, "EPSG:3031": 40.0}


def surface(lon, lat):
    return 600.0 + 4_000.0 * (lon - 148.0) + 2_000.0 * (lat + 35.0)


def write(path, crs="EPSG:32756", said=None, heights=surface, **other):
    step = STEPS.get(crs, 0.0005)
    west, south, east, north = grid_in(crs, GRID, 9_000.0)
    cols, rows = int((east - west) / step), int((north - south) / step)
    x, y = np.meshgrid(west + step * (np.arange(cols) + 0.5), north - step * (np.arange(rows) + 0.5))
    lon, lat = Transformer.from_crs(crs, 4326, always_xy=True).transform(x, y)
    given = {
        "driver": "GTiff",
        "width": cols,
        "height": rows,
        "count": 1,
        "dtype": "float32",
        "crs": said or crs,
    } | other
    with rasterio.open(path, "w", transform=rasterio.Affine(step, 0, west, 0, -step, north), **given) as out:
        out.write(heights(lon, lat).astype(out.dtypes[0]), 1)
    return path


def fetch(folder, dem, datum="ellipsoid", geoid="unused"):
    return fetch_dem("unused", str(geoid), str(dem), GRID, folder / "work", Meter(), silent, datum=datum)


def errors(fetched, expected=surface):
    """Errors of the heights that the engine reads at points of the grid, m."""
    rng = np.random.default_rng(2)
    x, y = rng.uniform(GRID.left, GRID.right, 300), rng.uniform(GRID.bottom, GRID.top, 300)
    lon, lat = Transformer.from_crs(GRID.epsg, 4326, always_xy=True).transform(x, y)
    dem = read_dem(fetched.path, lon, lat)
    return np.abs(sample_heights(dem, *dem.postings(lon, lat)) - expected(lon, lat)).max()


@pytest.mark.parametrize("crs", STEPS)
def test_it_is_read_in_its_own_crs(tmp_path, crs):
    path = write(tmp_path / "own.tif", crs)
    fetched = fetch(tmp_path, path)
    assert fetched.path == path
    # GDA2020 differs from WGS 84 by 1.8 m of plate motion, which is negligible on a slope of 0.04.
    assert errors(fetched) < 5e-3
    assert [(part.name, part.share) for part in fetched.parts] == [("own", 1.0)]
    assert fetched.used == str(path)


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:32756"])
def test_heights_above_a_geoid_are_converted_to_the_ellipsoid(tmp_path, crs):
    def undulation(lon, lat):
        return 20.0 + 0.5 * (lon - 148.0) + 0.3 * (lat + 35.0)

    geoid = write_geoid(tmp_path / "geoid.tif", undulation)
    path = write(tmp_path / "own.tif", crs)

    def expected(lon, lat):
        return surface(lon, lat) + undulation(lon, lat)

    assert errors(fetch(tmp_path, path, "egm2008", geoid), expected) < 5e-3
    fetched = fetch(tmp_path, path, str(geoid))
    assert errors(fetched, expected) < 5e-3
    assert [ref.kind for ref in fetched.inputs] == ["dem", "geoid"]


@pytest.mark.parametrize(("crs", "datum"), [("EPSG:9518", "ellipsoid"), ("EPSG:4979", "egm2008")])
def test_a_datum_that_the_raster_contradicts_is_refused(tmp_path, crs, datum):
    path = write(tmp_path / "own.tif", "EPSG:4326", said=crs)
    with pytest.raises(
        RefusedError, match=r"by its own CRS, and dem_datum is .+; correct one of them"
    ) as caught:
        fetch(tmp_path, path, datum)
    assert caught.value.reason == "dem-datum"


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"count": 3}, "has 3 bands"),
        ({"dtype": "uint8"}, "holds uint8 values"),
        ({"said": 'LOCAL_CS["site",UNIT["metre",1]]'}, "has a CRS that is not one of the Earth"),
    ],
    ids=["a picture in colours", "a shaded relief", "a drawing's CRS"],
)
def test_a_raster_that_is_no_dem_of_this_scale_is_refused(tmp_path, other, said):
    path = write(tmp_path / "own.tif", "EPSG:4326", **other)
    with pytest.raises(RefusedError, match=rf"own\.tif {said}; give heights in metres") as caught:
        fetch(tmp_path, path)
    assert caught.value.reason == "dem-layout"


def test_a_raster_that_confirms_the_datum_is_accepted(tmp_path):
    assert errors(fetch(tmp_path, write(tmp_path / "own.tif", "EPSG:4326", said="EPSG:4979"))) < 5e-3


def test_the_rasters_of_a_vrt_are_read(tmp_path):
    write(tmp_path / "own.tif")
    rasterio.shutil.copy(tmp_path / "own.tif", tmp_path / "own.vrt", driver="VRT")
    assert errors(fetch(tmp_path, tmp_path / "own.vrt")) < 5e-3


@pytest.mark.parametrize("key", ["dem", "elevation", "heights"])
def test_a_stac_item_names_the_raster(tmp_path, key):
    write(tmp_path / "own.tif")
    item = tmp_path / "item.json"
    preview = {"href": "./preview.png", "type": "image/png"}
    item.write_text(json.dumps({"assets": {"preview": preview, key: {"href": "./own.tif"}}}))
    fetched = fetch(tmp_path, item)
    assert errors(fetched) < 5e-3
    assert fetched.used == str(item)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{}", "neither a GeoTIFF, a VRT nor a STAC item"),
        ("[1", "neither a GeoTIFF, a VRT nor a STAC item"),
        (
            '{"assets": {"a": {"href": "a.tif"}, "b": {"href": "b.tif"}}}',
            "has rasters a, b and none named dem among its assets; name the one with heights dem",
        ),
        ('{"assets": {"a": {"href": "a.png"}}}', "has no raster among its assets"),
    ],
)
def test_an_item_without_clear_heights_is_refused(tmp_path, text, said):
    (tmp_path / "item.json").write_text(text)
    with pytest.raises(RefusedError, match=said):
        fetch(tmp_path, tmp_path / "item.json")
