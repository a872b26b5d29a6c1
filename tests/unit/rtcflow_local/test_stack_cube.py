"""Items as one dataset and as a cube on disk: pixels, mosaic, passes, appends, and what is not written twice."""

import json
import shutil

import numpy as np
import pystac
import pytest
import rasterio
import xarray as xr
import zarr
from pyproj import Transformer
from rasterio.transform import Affine

from rtcflow_contract.errors import RefusedError
from rtcflow_local.stack.cube import update_cube
from rtcflow_local.stack.opening import open_stack

LEFT, TOP, SIZE, ROWS, COLS = 300_000.0, 6_200_000.0, 20.0, 40, 60
# The second burst lies 20 rows further south and overlaps the first by half.
BURSTS = {"t147_314884_iw1": 0, "t147_314885_iw1": 20}
TO_DEGREES = Transformer.from_crs(32756, 4326, always_xy=True)
ORBITS = {1: 46_594, 2: 46_769, 3: 46_944}


def raster(path, values, nodata, row):
    profile = {
        "driver": "GTiff",
        "width": COLS,
        "height": ROWS,
        "count": 1,
        "crs": "EPSG:32756",
        "nodata": nodata,
    }
    transform = Affine(SIZE, 0, LEFT, 0, -SIZE, TOP - row * SIZE)
    with rasterio.open(path, "w", dtype=values.dtype, transform=transform, **profile) as out:
        out.write(values, 1)


def outline(row):
    """Footprint in degrees, and its box."""
    top, right, bottom = TOP - row * SIZE, LEFT + COLS * SIZE, TOP - (row + ROWS) * SIZE
    corners = [(LEFT, top), (right, top), (right, bottom), (LEFT, bottom), (LEFT, top)]
    ring = [TO_DEGREES.transform(*corner) for corner in corners]
    xs, ys = zip(*ring, strict=True)
    return {"type": "Polygon", "coordinates": [ring]}, [min(xs), min(ys), max(xs), max(ys)]


def make_item(folder, burst_id, day, *, made="a", polarizations=("VV", "VH"), track=147):
    """A product of one burst: VV is the day, with a margin of nothing; VH a tenth of it; angle is the row."""
    row, here = BURSTS[burst_id], folder / burst_id / f"2023-01-{day:02d}"
    here.mkdir(parents=True, exist_ok=True)
    values = np.full((ROWS, COLS), float(day), "float32")
    values[:5] = np.nan
    mask = np.where(np.isnan(values), 255, 0).astype("uint8")
    mask[10, 10] = 2
    angle = np.full((ROWS, COLS), 30.0 + track / 100, "float32")
    layers = {name: (values * (1.0 if name[0] == name[1] else 0.1), np.nan) for name in polarizations}
    for name, (array, nodata) in {
        **layers,
        "mask": (mask, 255),
        "local_incidence_angle": (angle, np.nan),
    }.items():
        raster(here / f"{name}.tif", array, nodata, row)
    second = 10 + int(burst_id[-5])
    geometry, box = outline(row)
    item = pystac.Item(
        f"{burst_id}-{day}-{made}", geometry, box, None,
        {
            "datetime": f"2023-01-{day:02d}T19:16:{second}Z", "gsd": SIZE, "platform": "sentinel-1a",
            "product:type": "RTC_S1", "sat:absolute_orbit": ORBITS.get(day, 46_000 + day),
            "sat:relative_orbit": track, "sat:orbit_state": "descending", "s1:product_identifier": f"scene-{day}",
            "proj:code": "EPSG:32756", "proj:shape": [ROWS, COLS],
            "proj:transform": [SIZE, 0, LEFT, 0, -SIZE, TOP - row * SIZE],
        } | {"start_datetime": "2023-01-01T00:00:00Z", "end_datetime": "2023-01-31T00:00:00Z"},
    )  # fmt: skip
    item.datetime = pystac.utils.str_to_datetime(item.properties["datetime"])
    for name in [*layers, "mask", "local_incidence_angle"]:
        nodata = 255 if name == "mask" else "nan"
        extra = {"nodata": nodata, "data_type": "uint8" if name == "mask" else "float32"}
        item.add_asset(
            name, pystac.Asset(str(here / f"{name}.tif"), media_type=pystac.MediaType.COG, extra_fields=extra)
        )
    return item


@pytest.fixture
def items(tmp_path):
    return {day: [make_item(tmp_path, burst_id, day) for burst_id in BURSTS] for day in ORBITS}


def flat(items, *days):
    return [item for day in days or items for item in items[day]]


def test_a_time_step_is_a_pass_with_its_bursts_mosaicked(items):
    stack = open_stack(flat(items))
    assert dict(stack.sizes) == {"time": 3, "y": 60, "x": 60, "angle_orbit": 1}
    assert stack.pass_id.values.tolist() == ["S1A_046594_D", "S1A_046769_D", "S1A_046944_D"]
    assert stack.scene.values.tolist() == ["scene-1", "scene-2", "scene-3"]
    for step, day in enumerate(items):
        values = stack.VV.isel(time=step).values
        assert np.isnan(values[:5]).all()
        assert (values[5:] == day).all()
    assert stack.mask.values.dtype == np.uint8
    assert (stack.mask.values[:, :5] == 255).all()
    assert stack.mask.values[0, 10, 10] == 2


def test_pixels_are_those_of_the_files_where_they_lie(items):
    stack = open_stack(items[1])
    with rasterio.open(items[1][0].assets["VV"].href) as source:
        x, y = source.xy(7, 13)
        assert float(stack.VV.isel(time=0).sel(x=x, y=y)) == source.read(1)[7, 13]


def test_it_is_lazy(items):
    assert open_stack(flat(items)).VV.chunks is not None


def test_angle_is_kept_once_a_relative_orbit(tmp_path, items):
    other = [make_item(tmp_path, burst_id, 9, track=9) for burst_id in BURSTS]
    stack = open_stack([*flat(items), *other])
    assert stack.angle_orbit.values.tolist() == [9, 147]
    angle = stack.local_incidence_angle.sel(angle_orbit=stack.relative_orbit)
    assert angle.sizes["time"] == 4
    assert float(angle.isel(time=0, y=30, x=3)) == pytest.approx(31.47)
    assert float(angle.isel(time=3, y=30, x=3)) == pytest.approx(30.09)


def test_an_area_clips_the_grid_and_the_pixels(items):
    whole = open_stack(flat(items))
    # A triangle over the middle.
    corners = [(LEFT + 200, TOP - 1000), (LEFT + 1000, TOP - 1000), (LEFT + 600, TOP - 200)]
    ring = [TO_DEGREES.transform(*corner) for corner in [*corners, corners[0]]]
    stack = open_stack(flat(items), area={"type": "Polygon", "coordinates": [ring]})
    assert stack.sizes["y"] < whole.sizes["y"]
    assert np.isnan(stack.VV.sel(x=LEFT + 220, y=TOP - 300, method="nearest").values).all()
    assert (stack.mask.sel(x=LEFT + 220, y=TOP - 300, method="nearest").values == 255).all()
    inside = stack.VV.sel(x=LEFT + 610, y=TOP - 810)
    assert (
        inside.values.tolist() == whole.VV.sel(x=LEFT + 610, y=TOP - 810).values.tolist() == [1.0, 2.0, 3.0]
    )


def test_bands_that_no_item_has_are_named(items):
    with pytest.raises(RefusedError, match="HH"):
        open_stack(flat(items), bands=["HH"])


def test_an_area_elsewhere_is_refused(items):
    with pytest.raises(RefusedError, match="area"):
        open_stack(flat(items), area="10,10,11,11")


def test_a_folder_without_products_is_refused(tmp_path):
    with pytest.raises(RefusedError, match="no item"):
        open_stack(tmp_path)


def test_cube_follows_the_cf_conventions(tmp_path, items):
    path = update_cube(tmp_path / "cube.zarr", flat(items)).path
    cube = xr.open_zarr(path, decode_coords="all")
    assert cube.attrs["Conventions"] == "CF-1.11"
    assert cube.VV.attrs["standard_name"] == "surface_backwards_scattering_coefficient_of_radar_wave"
    assert cube.mask.attrs["flag_meanings"].split()[2] == "layover"
    assert cube.x.attrs["standard_name"] == "projection_x_coordinate"
    assert "spatial_ref" in cube.coords
    assert cube.VV.encoding["grid_mapping"] == "spatial_ref"
    assert cube.equals(xr.open_zarr(path, decode_coords="all", consolidated=False))


def test_passes_that_come_later_are_appended(tmp_path, items):
    path = tmp_path / "cube.zarr"
    update_cube(path, flat(items, 1, 2))
    before = {file: file.stat().st_mtime_ns for file in path.glob("VV/*") if not file.name.startswith(".")}
    written = update_cube(path, flat(items))
    assert written.new == ("S1A_046944_D",)
    assert {file: file.stat().st_mtime_ns for file in before} == before
    appended = open_stack(path).load()
    whole = open_stack(update_cube(tmp_path / "whole.zarr", flat(items)).path).load()
    xr.testing.assert_equal(appended, whole)


def test_a_cube_takes_one_month_after_the_other(tmp_path, items):
    path = tmp_path / "cube.zarr"
    whole = open_stack(update_cube(tmp_path / "whole.zarr", flat(items)).path).load()
    for months in ((1,), (1, 2), (1, 2, 3)):
        written = update_cube(path, flat(items, *months))
        assert len(written.new) == 1
    xr.testing.assert_equal(open_stack(path).load(), whole)
    assert open_stack(path).attrs == whole.attrs


@pytest.mark.parametrize("standing", [(), (1, 2)])
def test_an_interrupted_write_is_made_good_by_the_next(tmp_path, items, standing):
    path = tmp_path / "cube.zarr"
    if standing:
        update_cube(path, flat(items, *standing))

    def interrupt(done):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        update_cube(path, flat(items), progress=interrupt)
    update_cube(path, flat(items))
    assert xr.open_zarr(path).VV.isel(y=30, x=3).values.tolist() == [1.0, 2.0, 3.0]
    assert [left.name for left in tmp_path.glob(".cube*")] == []


def test_nothing_new_writes_nothing(tmp_path, items):
    path = tmp_path / "cube.zarr"
    update_cube(path, flat(items))
    files = {file: file.read_bytes() for file in path.rglob("*") if file.is_file()}
    assert update_cube(path, flat(items)).new == ()
    assert {file: file.read_bytes() for file in path.rglob("*") if file.is_file()} == files


def test_a_pass_between_those_of_the_cube_keeps_time_ascending(tmp_path, items):
    path = tmp_path / "cube.zarr"
    update_cube(path, flat(items, 1, 3))
    assert update_cube(path, flat(items)).new == ("S1A_046769_D",)
    cube = xr.open_zarr(path)
    assert cube.indexes["time"].is_monotonic_increasing
    assert cube.VV.isel(y=30, x=3).values.tolist() == [1.0, 2.0, 3.0]


def test_a_product_that_was_made_anew_replaces_its_pixels(tmp_path, items):
    path = tmp_path / "cube.zarr"
    update_cube(path, flat(items))
    changed = make_item(tmp_path, "t147_314884_iw1", 2, made="b")
    with rasterio.open(changed.assets["VV"].href, "r+") as file:
        file.write(np.full((ROWS, COLS), 77, "float32"), 1)
    update_cube(path, [*flat(items, 1, 3), changed, items[2][1]])
    assert float(xr.open_zarr(path).VV.isel(time=1, y=8, x=3)) == 77


def test_a_burst_that_comes_later_makes_the_cube_larger(tmp_path, items):
    path = tmp_path / "cube.zarr"
    update_cube(path, [items[1][0], items[2][0]])
    assert xr.open_zarr(path).sizes["y"] == ROWS
    update_cube(path, flat(items, 1, 2))
    cube = xr.open_zarr(path)
    assert cube.sizes["y"] == 60
    assert cube.VV.isel(y=55, x=3).values.tolist() == [1.0, 2.0]


def test_a_further_polarization_is_taken_up(tmp_path, items):
    path = tmp_path / "cube.zarr"
    single = [make_item(tmp_path / "s", burst_id, 1, polarizations=("VV",)) for burst_id in BURSTS]
    update_cube(path, single)
    update_cube(path, [*single, *flat(items, 2)])
    cube = xr.open_zarr(path)
    assert np.isnan(cube.VH.isel(time=0).values).all()
    assert float(cube.VH.isel(time=1, y=30, x=3)) == pytest.approx(0.2)


def test_a_cube_left_half_written_is_written_again(tmp_path, items):
    path = tmp_path / "cube.zarr"
    update_cube(path, flat(items))
    # As after a kill between the pixels of a pass and the note that it is whole.
    group = zarr.open_group(str(path), mode="r+")
    kept = json.loads(group.attrs["rtcflow_passes"])
    group.attrs["rtcflow_passes"] = json.dumps(dict(list(kept.items())[:2]))
    shutil.rmtree(path / "VV", ignore_errors=True)
    update_cube(path, flat(items))
    assert xr.open_zarr(path).VV.isel(y=30, x=3).values.tolist() == [1.0, 2.0, 3.0]


def test_another_area_or_grid_into_a_cube_is_refused(tmp_path, items):
    path = tmp_path / "cube.zarr"
    update_cube(path, flat(items))
    with pytest.raises(RefusedError, match="resolution"):
        update_cube(path, flat(items), resolution=40)
    with pytest.raises(RefusedError, match="CRS"):
        update_cube(path, flat(items), crs=3031)


@pytest.mark.parametrize("content", ["folder", "file", "zarr"])
def test_what_is_no_cube_is_left_alone(tmp_path, items, content):
    path = tmp_path / "cube.zarr"
    if content == "file":
        path.write_text("mine")
    elif content == "folder":
        path.mkdir()
        (path / "mine").write_text("mine")
    else:
        xr.Dataset({"a": ("x", [1])}).to_zarr(path, zarr_format=2)
    with pytest.raises(RefusedError, match="not a cube"):
        update_cube(path, flat(items))
    assert path.exists()
