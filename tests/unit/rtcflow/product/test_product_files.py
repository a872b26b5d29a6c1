"""The files of a product: valid COGs with complete tags, a browse image, metadata, a footprint."""

import resource
import signal

import numpy as np
import pytest
import rasterio
from PIL import Image
from pyproj import Transformer
from rio_cogeo.cogeo import cog_validate
from shapely.geometry import Point, shape

from rtcflow.machine_errors import as_contract_error
from rtcflow.product.browse import MAX_BYTES, write_browse
from rtcflow.product.check import check_layer, layer_statistics
from rtcflow.product.cog import rounded, write_cog
from rtcflow.product.footprint import footprint_of
from rtcflow_contract.errors import DefectError
from rtcflow_contract.grid import Grid
from rtcflow_contract.layers import LAYERS, Product
from rtcflow_contract.request import Precision
from tests.support.burst_case import GRID, drawn_layers

LARGE = Grid(epsg=32755, left=600_000, top=6_100_000, spacing=20, rows=1300, cols=1100)


@pytest.fixture
def vv(tmp_path):
    path = tmp_path / "vv.tif"
    write_cog(path, drawn_layers(grid=LARGE)["VV"], LAYERS["VV"], LARGE, {"BURST_ID": "t070_148571_iw1"})
    return path


@pytest.fixture
def mask(tmp_path):
    path = tmp_path / "mask.tif"
    write_cog(path, drawn_layers(grid=LARGE)["mask"], LAYERS["mask"], LARGE, {})
    return path


@pytest.mark.parametrize("name", ["vv", "mask"])
def test_a_layer_is_a_valid_cog_on_its_grid(name, request):
    path = request.getfixturevalue(name)
    valid, errors, warnings = cog_validate(path, strict=True)
    assert (valid, errors, warnings) == (True, [], [])
    with rasterio.open(path) as source:
        assert source.crs.to_epsg() == LARGE.epsg
        assert source.transform[:6] == LARGE.transform
        assert source.shape == LARGE.shape
        assert source.block_shapes == [(512, 512)]
        assert source.overviews(1) in ([2], [2, 4])
        assert source.compression.name == "deflate"


def test_a_layer_describes_itself(vv):
    with rasterio.open(vv) as source:
        assert source.units == ("1",)
        assert source.descriptions == ("VV gamma0",)
        assert np.isnan(source.nodata)
        assert source.tags()["BURST_ID"] == "t070_148571_iw1"
        assert source.tags(ns="IMAGE_STRUCTURE")["PREDICTOR"] == "3"


def test_overviews_average_linear_power_and_leave_nan_out(vv):
    with rasterio.open(vv) as source:
        full = source.read(1)
        half = source.read(1, out_shape=(LARGE.rows // 2, LARGE.cols // 2))
    # Row 10 and column 15 begin the valid pixels: column 7 of the overview has one of two columns.
    assert half[100, 100] == pytest.approx(full[200:202, 200:202].mean(), rel=1e-6)
    assert half[100, 7] == pytest.approx(full[200:202, 15].mean(), rel=1e-6)
    assert np.isnan(half[0, 0])


def test_the_mask_has_names_and_colours_and_overviews_add_no_classes(mask):
    with rasterio.open(mask) as source:
        assert source.nodata == 255
        assert source.colormap(1)[2] == (0xE6, 0x9F, 0x00, 255)
        assert source.colormap(1)[255][3] == 0
        assert source.tags(1)["CLASS_3"].startswith("layover_and_shadow")
        half = source.read(1, out_shape=(LARGE.rows // 2, LARGE.cols // 2))
    assert set(np.unique(half)) <= {0, 1, 2, 3, 255}


def test_what_was_written_passes_its_check(vv, mask):
    checked = check_layer(vv, LAYERS["VV"], LARGE)
    assert checked.grid == LARGE
    assert checked.statistics.mean == pytest.approx(0.2, rel=0.01)
    inside = (LARGE.rows - 20) * (LARGE.cols - 30)
    assert checked.statistics.valid_percent == pytest.approx(
        100 * inside / (LARGE.rows * LARGE.cols), abs=0.001
    )
    counts = check_layer(mask, LAYERS["mask"], LARGE).class_counts
    assert sum(counts.values()) == LARGE.rows * LARGE.cols
    assert counts["fill"] == LARGE.rows * LARGE.cols - inside


def test_a_layer_on_another_grid_fails_its_check(vv):
    moved = LARGE.model_copy(update={"left": LARGE.left + 20})
    with pytest.raises(DefectError, match="the planned one"):
        check_layer(vv, LAYERS["VV"], moved)


def test_a_tiff_that_is_not_a_cog_fails_its_check(tmp_path):
    path = tmp_path / "plain.tif"
    profile = {"driver": "GTiff", "width": LARGE.cols, "height": LARGE.rows, "count": 1, "dtype": "float32"}
    transform = rasterio.Affine(*LARGE.transform)
    with rasterio.open(path, "w", crs="EPSG:32755", transform=transform, nodata=np.nan, **profile) as out:
        out.write(np.ones(LARGE.shape, np.float32), 1)
    with pytest.raises(DefectError, match="not a valid COG"):
        check_layer(path, LAYERS["VV"], LARGE)


def test_a_layer_without_a_valid_pixel_fails_its_check(tmp_path):
    write_cog(tmp_path / "x.tif", np.full(GRID.shape, np.nan), LAYERS["VV"], GRID, {})
    with pytest.raises(DefectError, match="no valid pixel") as caught:
        check_layer(tmp_path / "x.tif", LAYERS["VV"], GRID)
    assert caught.value.reason == "layer-empty"


def test_a_truncated_layer_fails_its_check(vv):
    vv.write_bytes(vv.read_bytes()[: vv.stat().st_size // 2])
    with pytest.raises(DefectError):
        check_layer(vv, LAYERS["VV"], LARGE)


def test_an_array_of_another_shape_is_not_written(tmp_path):
    with pytest.raises(DefectError, match="shape"):
        write_cog(tmp_path / "x.tif", np.zeros((3, 3)), LAYERS["VV"], GRID, {})


def test_a_full_disk_raises_the_systems_error(tmp_path):
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))
    try:
        with pytest.raises(OSError, match="File too large") as caught:
            write_cog(tmp_path / "x.tif", drawn_layers()["VV"], LAYERS["VV"], GRID, {})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert as_contract_error(caught.value).reason == "disk-full"


@pytest.mark.parametrize(
    ("names", "mode"),
    [(("VV", "VH"), "RGBA"), (("HH",), "LA"), (("local_incidence_angle", "incidence_angle"), "LA")],
)
def test_the_browse_image_has_colour_for_two_polarizations_and_grey_for_one(tmp_path, names, mode):
    layers = {name: drawn_layers()["VV"] * (i + 1) for i, name in enumerate(names)}
    write_browse(tmp_path / "b.png", layers)
    with Image.open(tmp_path / "b.png") as image:
        assert image.mode == mode
        alpha = np.asarray(image.getchannel("A"))
    assert alpha[0, 0] == 0
    assert np.all(alpha[10:-10, 15:-15] == 255)


def test_the_stretch_runs_from_the_2nd_to_the_98th_percentile(tmp_path):
    decibel = np.linspace(-30, 0, 10_000).reshape(100, 100)
    write_browse(tmp_path / "b.png", {"VV": (10 ** (decibel / 10)).astype(np.float32)})
    with Image.open(tmp_path / "b.png") as image:
        grey = np.asarray(image.getchannel("L")).ravel().astype(int)
    assert np.all(grey[:200] == 1)
    assert np.all(grey[-200:] == 255)
    assert grey[5000] == pytest.approx(128, abs=2)


def test_a_large_browse_image_stays_under_its_limit(tmp_path):
    rng = np.random.default_rng(0)
    noise = {name: rng.gamma(1, 0.1, (2500, 4000)).astype(np.float32) for name in ("VV", "VH")}
    write_browse(tmp_path / "b.png", noise)
    assert (tmp_path / "b.png").stat().st_size < MAX_BYTES


def test_values_at_or_below_zero_stay_visible(tmp_path):
    values = drawn_layers()["VV"]
    values[30, 40] = -0.1
    write_browse(tmp_path / "b.png", {"VV": values})
    with Image.open(tmp_path / "b.png") as image:
        assert image.getchannel("A").getpixel((40, 30)) == 255


def test_the_footprint_follows_valid_pixels(tmp_path):
    valid = drawn_layers()["mask"] != 255
    footprint = footprint_of(valid, GRID)
    polygon = shape(footprint.geometry)
    assert footprint.geometry["type"] == "Polygon"
    assert polygon.is_valid
    assert polygon.exterior.is_ccw
    assert polygon.bounds == pytest.approx(footprint.bbox)
    # 980 rows of 20 m are valid; a degree of latitude is 111.4 km here.
    assert polygon.bounds[3] - polygon.bounds[1] == pytest.approx(980 * 20 / 111_400, rel=0.02)


def test_the_footprint_at_the_antimeridian_is_split():
    grid = Grid(epsg=32701, left=160_000, top=8_100_000, spacing=200, rows=100, cols=200)
    footprint = footprint_of(np.ones(grid.shape, bool), grid)
    west, south, east, north = footprint.bbox
    assert footprint.geometry["type"] == "MultiPolygon"
    assert west > 179 > -179 > east
    assert south < north
    parts = [shape({"type": "Polygon", "coordinates": c}) for c in footprint.geometry["coordinates"]]
    assert {part.bounds[0] > 0 for part in parts} == {True, False}
    assert all(part.bounds[0] >= -180 and part.bounds[2] <= 180 for part in parts)
    assert sum(part.area for part in parts) < 1


def test_the_footprint_in_polar_stereographic_keeps_its_curved_edges():
    grid = Grid(epsg=3031, left=400_000, top=-1_500_000, spacing=500, rows=300, cols=300)
    polygon = shape(footprint_of(np.ones(grid.shape, bool), grid).geometry)
    middle = Transformer.from_crs(3031, 4326, always_xy=True).transform(475_000, -1_500_000)
    assert polygon.exterior.distance(Point(middle)) < 0.02


def test_specks_do_not_change_the_footprint():
    valid = np.zeros(GRID.shape, bool)
    valid[5:50, 5:70] = True
    valid[58, 78] = True
    assert footprint_of(valid, GRID).geometry["type"] == "Polygon"


def test_static_layers_are_all_written_and_pass(tmp_path):
    layers = drawn_layers(Product.RTC_S1_STATIC)
    for name, values in layers.items():
        write_cog(tmp_path / f"{name}.tif", values, LAYERS[name], GRID, {})
        assert check_layer(tmp_path / f"{name}.tif", LAYERS[name], GRID).valid.any()
    assert len(layers) == 7


def test_rounding_errs_below_half_a_thousandth_of_a_decibel_and_keeps_nan():
    values = np.random.default_rng(1).gamma(4, 0.05, (500, 500)).astype(np.float32)
    values[0, :3] = (np.nan, np.inf, 0)
    kept = rounded(values)
    finite = np.isfinite(values) & (values > 0)
    assert np.abs(10 * np.log10(kept[finite] / values[finite])).max() < 0.0005
    assert not np.any(kept.view(np.uint32)[finite] & 0x3FF)
    assert np.isnan(kept[0, 0])
    assert np.isinf(kept[0, 1])
    assert kept[0, 2] == 0
    # Ties go to even: no bias.
    assert kept[finite].mean(dtype=float) == pytest.approx(values[finite].mean(dtype=float), rel=1e-6)


def test_rounded_backscatter_is_smaller_and_other_layers_are_unchanged(tmp_path):
    values = np.random.default_rng(1).gamma(4, 0.05, LARGE.shape).astype(np.float32)
    for precision in Precision:
        write_cog(tmp_path / f"VV_{precision}.tif", values, LAYERS["VV"], LARGE, {}, precision)
        write_cog(tmp_path / f"a_{precision}.tif", values, LAYERS["incidence_angle"], LARGE, {}, precision)
    size = {path.stem: path.stat().st_size for path in tmp_path.iterdir()}
    assert size["VV_rounded"] < 0.85 * size["VV_full"]
    assert size["a_rounded"] == size["a_full"]


def test_statistics_of_backscatter_leave_the_brightest_out():
    values = np.random.default_rng(1).gamma(4, 0.05, 100_000).astype(np.float32)
    values[0] = 1000
    found = layer_statistics(values, values.size, clipped=True)
    assert found.maximum < 1
    assert found.highest == 1000
    assert found.valid_percent == 100
    assert layer_statistics(values, values.size, clipped=False).maximum == 1000


def test_browse_images_of_a_full_burst_are_small(tmp_path):
    rng = np.random.default_rng(1)
    layers = {name: rng.gamma(2, 0.1, (1930, 5323)).astype(np.float32) for name in ("VV", "VH")}
    write_browse(tmp_path / "x.png", layers)
    assert (tmp_path / "x.png").stat().st_size < 500_000
    with Image.open(tmp_path / "x.png") as image:
        assert image.width > 500
