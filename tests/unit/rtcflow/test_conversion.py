"""Conversion of backscatter between conventions: the arithmetic, and the command on two products."""

import itertools

import numpy as np
import pytest
import rasterio

from rtcflow.conversion import convert, convert_product, factor, layers_for
from rtcflow.product.cog import write_cog
from rtcflow_contract.backscatter import Backscatter, corrects_radiometry, in_convention, refuse_options
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.grid import Grid
from rtcflow_contract.layers import LAYERS
from rtcflow_contract.request import parse_request

GRID = Grid(epsg=32755, left=600_000, top=6_100_000, spacing=20, rows=30, cols=40)
WIDER = Grid(epsg=32755, left=599_800, top=6_100_100, spacing=20, rows=60, cols=70)
TAG = "PROCESSING_INFORMATION_OUTPUT_BACKSCATTER_NORMALIZATION_CONVENTION"
PAIRS = list(itertools.permutations(Backscatter, 2))


@pytest.fixture
def layers():
    random = np.random.default_rng(3)
    return {
        "rtc_anf_gamma0_to_beta0": random.uniform(0.3, 4.0, (5, 6)).astype(np.float32),
        "rtc_anf_gamma0_to_sigma0": random.uniform(0.5, 1.0, (5, 6)).astype(np.float32),
        "incidence_angle": random.uniform(30.0, 46.0, (5, 6)).astype(np.float32),
    }


def test_each_convention_is_gamma0_times_its_factor(layers):
    to_beta0 = layers["rtc_anf_gamma0_to_beta0"].astype(float)
    expected = {
        "sigma0": layers["rtc_anf_gamma0_to_sigma0"],
        "beta0": to_beta0,
        "sigma0_ellipsoid": to_beta0 * np.sin(np.radians(layers["incidence_angle"].astype(float))),
    }
    for target, value in expected.items():
        np.testing.assert_allclose(convert(1.0, "gamma0", target, layers), value, rtol=1e-6)


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_there_and_back_is_exact_to_a_ten_thousandth_of_a_decibel(layers, source, target):
    values = np.random.default_rng(5).uniform(0.01, 1.0, (5, 6)).astype(np.float32)
    there = convert(values, source, target, layers).astype(np.float32)
    back = convert(there, target, source, layers).astype(np.float32)
    assert np.abs(10 * np.log10(back / values)).max() < 1e-4


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_a_conversion_uses_only_the_layers_that_it_names(layers, source, target):
    needed = layers_for(source, target)
    found = factor(source, target, {name: layers[name] for name in needed})
    direct = factor("gamma0", target, layers) / factor("gamma0", source, layers)
    np.testing.assert_allclose(found * np.ones((5, 6)), direct * np.ones((5, 6)), rtol=1e-6)


def test_between_beta0_and_the_ellipsoid_terrain_does_not_matter():
    assert layers_for("beta0", "sigma0_ellipsoid") == {"incidence_angle"}
    assert layers_for("sigma0", "sigma0") == frozenset()


@pytest.fixture
def products(tmp_path):
    """Folders of an RTC_S1 product and of its static product on a wider grid, with their values."""
    random = np.random.default_rng(7)
    gamma0 = random.uniform(0.01, 1.0, GRID.shape).astype(np.float32)
    anf = random.uniform(0.4, 3.0, WIDER.shape).astype(np.float32)
    for folder, name, values, grid, tags in (
        ("rtc", "VV", gamma0, GRID, {TAG: "gamma0", "BURST_ID": "t070_149815_iw3"}),
        ("static", "rtc_anf_gamma0_to_beta0", anf, WIDER, {"BURST_ID": "T070-149815-IW3"}),
    ):
        (tmp_path / folder).mkdir()
        write_cog(tmp_path / folder / f"x_{name}.tif", values, LAYERS[name], grid, tags)
    return tmp_path / "rtc", tmp_path / "static", gamma0, anf[5:35, 10:50]


def test_a_product_is_converted_on_its_own_grid(products, tmp_path):
    rtc, static, gamma0, anf = products
    (path,) = convert_product(rtc, static, Backscatter.BETA0, tmp_path / "out")
    assert path.name == "x_VV-beta0.tif"
    with rasterio.open(path) as source:
        found, tags = source.read(1), source.tags()
        assert source.transform.c, source.transform.f == (GRID.left, GRID.top)
        assert source.descriptions == ("VV beta0",)
    assert np.abs(10 * np.log10(found / (gamma0.astype(float) * anf))).max() < 1e-4
    assert (tags[TAG], tags["CONVERTED_FROM"]) == ("beta0", "gamma0")


def test_an_impossible_conversion_is_refused_by_name(products, tmp_path):
    rtc, static, gamma0, _ = products
    out = tmp_path / "out"
    with pytest.raises(RefusedError, match="is gamma0 already"):
        convert_product(rtc, static, Backscatter.GAMMA0, out)
    with pytest.raises(RefusedError, match="no layer rtc_anf_gamma0_to_sigma0"):
        convert_product(rtc, static, Backscatter.SIGMA0, out)
    with pytest.raises(RefusedError, match="no layer of backscatter"):
        convert_product(static, static, Backscatter.BETA0, out)
    other = GRID.model_copy(update={"left": GRID.left + 7})
    tags = {TAG: "gamma0", "BURST_ID": "t070_149815_iw3"}
    write_cog(rtc / "x_VV.tif", gamma0, LAYERS["VV"], other, tags)
    with pytest.raises(RefusedError, match="not on the grid"):
        convert_product(rtc, static, Backscatter.BETA0, out)
    write_cog(rtc / "x_VV.tif", gamma0, LAYERS["VV"], GRID, tags | {"BURST_ID": "t070_149816_iw3"})
    with pytest.raises(RefusedError, match="is of burst t070_149816_iw3"):
        convert_product(rtc, static, Backscatter.BETA0, out)
    write_cog(rtc / "x_VV.tif", gamma0, LAYERS["VV"], GRID, {})
    with pytest.raises(RefusedError, match="does not name its convention"):
        convert_product(rtc, static, Backscatter.BETA0, out)


def test_titles_name_the_convention():
    assert in_convention(LAYERS["VV"], Backscatter.GAMMA0) == LAYERS["VV"]
    assert in_convention(LAYERS["VH"], Backscatter.SIGMA0).title == "VH sigma0"
    assert (
        "without radiometric terrain correction" in in_convention(LAYERS["VV"], Backscatter.BETA0).description
    )
    assert in_convention(LAYERS["mask"], Backscatter.BETA0) == LAYERS["mask"]
    assert [corrects_radiometry(choice) for choice in Backscatter] == [True, True, False, False]


def test_conventions_that_isce3_lacks_are_refused_by_plan_and_command_line():
    scene = "S1A_IW_SLC__1SDV_20220101T124744_20220101T124814_041267_04E7A2_1DAD"
    payload = {"scene": scene, "engine": "isce3"}
    assert parse_request(payload | {"backscatter": "sigma0"}, "products").backscatter is Backscatter.SIGMA0
    for wrong in (
        {"backscatter": "sigma0_ellipsoid"},
        {"tide_correction": True},
        {"align_area_factors": True},
    ):
        with pytest.raises(RefusedError, match="use engine native"):
            parse_request(payload | wrong, "products")
    for choice in Backscatter:
        refuse_options("native", choice, True)
    with pytest.raises(RefusedError, match="makes gamma0, sigma0, beta0"):
        refuse_options("isce3", Backscatter.SIGMA0_ELLIPSOID, False)
