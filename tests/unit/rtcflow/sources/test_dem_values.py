"""What a DEM may contain: voids in every spelling, impossible heights, other layouts.

A void becomes a hole in the product and is counted; a DEM that is void in much of the burst's ground is refused.
"""

import numpy as np
import pytest
import rasterio

from rtcflow.progress import silent
from rtcflow.resources import Meter
from rtcflow.sources.dem.dem_area import area_of_grid
from rtcflow.sources.dem.dem_source import fetch_dem
from rtcflow.sources.dem.dem_values import MOST_VOID
from rtcflow.sources.dem.tiles import tiles_of
from rtcflow_contract.errors import RefusedError
from tests.support.dem_case import AUSTRALIA, plane, write_geoid, write_tile

SPACING = 1 / 60
AREA = area_of_grid(AUSTRALIA, 20_000.0)
WEST, NORTH = AREA.west - 0.2, AREA.north + 0.2
SHAPE = (int((NORTH - AREA.south + 0.2) / SPACING), int((AREA.east - WEST + 0.2) / SPACING))
MIDDLE = tuple(n // 2 for n in SHAPE)


def heights():
    lat = NORTH - SPACING * (np.arange(SHAPE[0]) + 0.5)
    lon = WEST + SPACING * (np.arange(SHAPE[1]) + 0.5)
    return (500 + 100 * np.sin(40 * lon)[None, :] * np.cos(40 * lat)[:, None]).astype(np.float64)


def write(path, values, dtype="float32", flip=False, mask=None, tags=None, transform=None, **profile):
    transform = transform or rasterio.Affine(SPACING, 0, WEST, 0, -SPACING, NORTH)
    if flip:
        values = values[::-1]
        transform = rasterio.Affine(SPACING, 0, WEST, 0, SPACING, NORTH - SHAPE[0] * SPACING)
    with np.errstate(over="ignore"):
        values = values.astype(dtype)
    with rasterio.open(
        path, "w", driver="GTiff", height=SHAPE[0], width=SHAPE[1], count=1, dtype=dtype,
        **{"crs": "EPSG:4326", "transform": transform} | profile,
    ) as out:  # fmt: skip
        out.write(values, 1)
        for name, value in (tags or {}).items():
            setattr(out, name, (value,))
        if mask is not None:
            out.write_mask(mask)
    return path


def fetch(tmp_path, path):
    return fetch_dem(str(path), "unused", "cop_glo30", AUSTRALIA, tmp_path / "work", Meter(), silent)


def read(fetched):
    """Heights by row and column of the DEM as written, whatever window was read."""
    with rasterio.open(fetched.path) as source:
        top = round((NORTH - source.transform.f) / SPACING)
        left = round((source.transform.c - WEST) / SPACING)
        found = np.full(SHAPE, -1.0)
        values = source.read(1)
        found[top : top + values.shape[0], left : left + values.shape[1]] = values
        assert source.nodata is None or np.isnan(source.nodata)
    return found


VOIDS = [
    np.inf,
    -np.inf,
    np.nan,
    -32768.0,
    -32767.0,
    -9999.0,
    3.4e38,
    -3.4028234663852886e38,
    1e12,
    9600.0,
    -1001.0,
]


@pytest.mark.parametrize("declared", [False, True])
@pytest.mark.parametrize("value", VOIDS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_impossible_heights_are_void_declared_or_not(tmp_path, value, declared, dtype):
    values = heights()
    i, j = MIDDLE
    values[i : i + 2, j : j + 2] = value
    fetched = fetch(tmp_path, write(tmp_path / "d.tif", values, dtype, nodata=value if declared else None))
    found = read(fetched)
    assert np.isnan(found[i : i + 2, j : j + 2]).all()
    assert np.isnan(found).sum() == 4
    assert 0 < fetched.void_share < MOST_VOID


@pytest.mark.parametrize("value", [-32768, -32767, -9999, 32767])
def test_impossible_heights_are_void_in_integers_too(tmp_path, value):
    values = heights()
    values[MIDDLE] = value
    found = read(fetch(tmp_path, write(tmp_path / "d.tif", values, "int16")))
    assert np.isnan(found[MIDDLE])
    assert np.isnan(found).sum() == 1


def test_a_declared_void_is_void(tmp_path):
    values = heights()
    values[MIDDLE] = 0.0
    found = read(fetch(tmp_path, write(tmp_path / "d.tif", values, nodata=0.0)))
    assert np.isnan(found[MIDDLE])


def test_a_mask_band_is_applied(tmp_path):
    mask = np.full(SHAPE, 255, np.uint8)
    mask[MIDDLE] = 0
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
        found = read(fetch(tmp_path, write(tmp_path / "d.tif", heights(), mask=mask)))
    assert np.isnan(found[MIDDLE])
    assert np.isnan(found).sum() == 1


def test_scale_and_offset_are_applied(tmp_path):
    path = write(tmp_path / "d.tif", (heights() + 100) * 10, "int16", tags={"scales": 0.1, "offsets": -100.0})
    found = read(fetch(tmp_path, path))
    assert np.abs(found - heights())[found >= 0].max() < 0.11


def test_a_south_up_raster_is_flipped(tmp_path):
    found = read(fetch(tmp_path, write(tmp_path / "d.tif", heights(), flip=True)))
    assert np.abs(found - heights())[found >= 0].max() < 1e-3


def test_a_sound_dem_is_used_in_place_and_has_no_void(tmp_path):
    path = write(tmp_path / "d.tif", heights(), nodata=-9999)
    fetched = fetch(tmp_path, path)
    assert fetched.path == path
    assert fetched.void_share == 0


@pytest.mark.parametrize("value", [np.nan, -32768.0, np.inf])
@pytest.mark.parametrize("rows", [slice(None), slice(None, None, 3)])
def test_a_dem_that_is_void_in_much_of_the_ground_is_refused_with_the_share(tmp_path, value, rows):
    values = heights()
    values[rows] = value
    with pytest.raises(RefusedError, match=r"no height for \d+ % of the burst's ground") as caught:
        fetch(tmp_path, write(tmp_path / "d.tif", values))
    assert caught.value.reason == "dem-void"


def test_voids_outside_the_burst_do_not_matter(tmp_path):
    values = heights()
    values[:3] = np.nan
    assert fetch(tmp_path, write(tmp_path / "d.tif", values)).void_share == 0


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"transform": rasterio.Affine(SPACING, 0.001, WEST, 0.001, -SPACING, NORTH)}, "rotated"),
        ({"crs": "EPSG:9518"}, "above the EGM2008 height by its own CRS, and dem_datum is ellipsoid"),
        ({"crs": None}, "no CRS"),
        ({"tags": {"units": "ft"}}, "is in ft"),
        ({"dtype": "complex64"}, "complex64"),
    ],
)
def test_a_raster_that_cannot_be_a_dem_is_refused_by_name(tmp_path, settings, says):
    with pytest.raises(RefusedError, match=says):
        fetch(tmp_path, write(tmp_path / "d.tif", heights(), **settings))


@pytest.mark.parametrize("value", VOIDS)
def test_voids_of_tiles_are_found_too(tmp_path, value):
    def with_void(lon, lat):
        found = plane(lon, lat)
        found[::6, ::6] = value
        return found

    first, *others = tiles_of(area_of_grid(AUSTRALIA))
    for tile in (first, *others):
        write_tile(tmp_path / "tiles", tile, heights=with_void)
    geoid = write_geoid(tmp_path / "geoid.tif")
    fetched = fetch_dem(
        str(tmp_path / "tiles"), str(geoid), "cop_glo30", AUSTRALIA, tmp_path / "work", Meter(), silent
    )
    with rasterio.open(fetched.path) as source:
        found = source.read(1)
    assert np.isnan(found).any()
    assert np.nanmin(found) > -1000
    assert np.nanmax(found) < 9500


@pytest.mark.parametrize("value", [np.nan, np.inf, -32768.0, 3.4e38])
def test_a_raster_that_is_not_a_geoid_is_refused(tmp_path, value):
    for tile in tiles_of(area_of_grid(AUSTRALIA)):
        write_tile(tmp_path / "tiles", tile)
    geoid = write_geoid(tmp_path / "geoid.tif", lambda lon, lat: value + 0 * lon + 0 * lat)
    with pytest.raises(RefusedError, match="geoid"):
        fetch_dem(
            str(tmp_path / "tiles"), str(geoid), "cop_glo30", AUSTRALIA, tmp_path / "work", Meter(), silent
        )
