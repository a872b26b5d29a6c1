"""`rtcflow compare`: figures of known differences, limits, crops, and refusals."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rtcflow.cli import app
from rtcflow.cli.compare import draw
from rtcflow.compare.differences import UNITS, Limits, differences_of, exceeded
from rtcflow.compare.pairs import Pair, find_layers
from rtcflow.product.cog import write_cog
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.grid import Grid
from rtcflow_contract.layers import LAYERS, Product
from tests.support.burst_case import GRID, drawn_layers


def write(folder: Path, layers: dict[str, np.ndarray], grid: Grid = GRID, stem: str = "product") -> Path:
    folder.mkdir(exist_ok=True)
    for name, values in layers.items():
        write_cog(folder / f"{stem}_{name}.tif", values, LAYERS[name], grid, {})
    return folder


def run(monkeypatch, *words) -> int:
    monkeypatch.setattr(sys, "argv", ["rtcflow", "compare", *map(str, words)])
    with pytest.raises(SystemExit) as caught:
        app.main()
    return caught.value.code or 0


def report(monkeypatch, a, b, tmp_path, *words) -> dict:
    run(monkeypatch, a, b, "--json", tmp_path / "report.json", *words)
    return json.loads((tmp_path / "report.json").read_text())


def measure(layer: str, a, b):
    return differences_of(Pair(layer, np.asarray(a), np.asarray(b))).differences


def test_a_product_is_within_the_limits_of_itself(tmp_path, monkeypatch, capsys):
    product = write(tmp_path / "a", drawn_layers(Product.RTC_S1_STATIC))
    assert run(monkeypatch, product, product) == 0
    out = capsys.readouterr().out
    assert out.count("within") == 7
    assert "rtc_anf_gamma0_to_sigma0" in out


def test_backscatter_and_area_factors_differ_by_decibels():
    a = np.full((10, 10), 0.1, np.float32)
    for layer in ("VV", "HV", "rtc_anf_gamma0_to_beta0"):
        measured = measure(layer, a, a * 10**0.05)
        assert measured.unit == "dB"
        assert (measured.bias, measured.p50, measured.p99) == pytest.approx((0.5, 0.5, 0.5), abs=1e-5)


@pytest.mark.parametrize(
    ("layer", "change", "unit", "bias"),
    [
        ("local_incidence_angle", lambda v: v + 0.25, "deg", 0.25),
        ("interpolated_dem", lambda v: v - 3, "m", -3),
        ("number_of_looks", lambda v: v * 1.02, "ratio", 0.02),
    ],
)
def test_other_layers_differ_in_their_own_unit(layer, change, unit, bias):
    a = np.full((5, 5), 40.0)
    measured = measure(layer, a, change(a))
    assert (measured.unit, measured.bias) == (unit, pytest.approx(bias))
    assert measured.p95 == pytest.approx(abs(bias))


def test_every_layer_of_the_product_has_a_unit_to_compare_in():
    assert set(UNITS) == set(LAYERS)


def test_percentiles_are_of_the_absolute_difference():
    a = np.zeros((1, 101))
    measured = measure("interpolated_dem", a, np.linspace(-50, 50, 101)[None])
    assert measured.bias == pytest.approx(0)
    assert (measured.p50, measured.p95, measured.p99) == pytest.approx((25, 48, 50), abs=1)


def test_pixels_valid_in_one_product_count_only_for_validity():
    a = np.ones((4, 5), np.float32)
    b = a.copy()
    b[0, 0] = np.nan
    measured = measure("VV", a, b)
    assert (measured.pixels, measured.validity, measured.bias) == (19, 0.95, 0.0)


def test_power_at_zero_is_valid_but_has_no_decibels():
    a = np.ones((4, 5), np.float32)
    b = a.copy()
    b[0, 0] = 0.0
    measured = measure("VV", a, b)
    assert (measured.pixels, measured.validity, measured.bias) == (19, 1.0, 0.0)


def test_the_mask_is_compared_by_class():
    a = np.array([[0, 0, 2, 2], [2, 1, 255, 255]], np.uint8)
    b = np.array([[0, 0, 2, 0], [2, 1, 255, 0]], np.uint8)
    measured = measure("mask", a, b)
    assert measured.agreement == pytest.approx(5 / 6)
    assert measured.validity == pytest.approx(7 / 8)
    assert measured.classes["layover"].iou == pytest.approx(2 / 3)
    assert measured.classes["clear"].iou == pytest.approx(2 / 3)
    assert measured.classes["shadow"].iou == 1
    assert measured.classes["layover_and_shadow"].iou is None


def test_each_figure_outside_its_limit_is_named():
    a = np.full((10, 10), 0.1, np.float32)
    phrases = exceeded(measure("VV", a, a * 10**0.03), Limits(db_p99=0.4))
    assert phrases == ["bias 0.3000 dB, at most 0.02", "p95 0.3000 dB, at most 0.05"]


def test_a_class_of_few_pixels_is_not_judged_by_its_overlap():
    a = np.zeros((300, 300), np.uint8)
    b = a.copy()
    b[:2, :100] = 2
    assert exceeded(measure("mask", a, b), Limits(mask_agreement=0)) == []
    b[:20, :100] = 2
    assert exceeded(measure("mask", a, b), Limits(mask_agreement=0)) == [
        "intersection over union of layover 0.000, at least 0.7"
    ]


def test_a_difference_beyond_the_limits_is_named_and_gives_exit_code_1(tmp_path, monkeypatch, capsys):
    layers = drawn_layers()
    a = write(tmp_path / "a", layers)
    b = write(tmp_path / "b", {**layers, "VH": layers["VH"] * 1.1})
    assert run(monkeypatch, a, b) == 1
    assert "outside: VH bias 0.4139 dB, at most 0.02" in capsys.readouterr().out
    assert run(monkeypatch, a, b, "--db-bias", 0.5, "--db-p95", 0.5, "--db-p99", 0.5) == 0


def test_the_json_report_holds_figures_limits_and_the_verdict(tmp_path, monkeypatch):
    layers = drawn_layers()
    a = write(tmp_path / "a", layers)
    b = write(tmp_path / "b", {**layers, "VV": layers["VV"] * 1.1})
    told = report(monkeypatch, a, b, tmp_path, "--db-bias", 0.1)
    assert told["within"] is False
    assert told["limits"]["db_bias"] == 0.1
    assert told["layers"]["VV"]["bias"] == pytest.approx(0.4139, abs=1e-4)
    assert told["layers"]["VV"]["outside"][0].startswith("bias")
    assert told["layers"]["VH"]["outside"] == []
    assert told["layers"]["mask"]["agreement"] == 1


def test_pixels_are_matched_by_coordinates_so_a_crop_can_be_compared(tmp_path, monkeypatch):
    layers = drawn_layers()
    a = write(tmp_path / "a", layers)
    crop = Grid(epsg=GRID.epsg, left=GRID.left + 400, top=GRID.top - 300, spacing=20, rows=30, cols=40)
    b = write(tmp_path / "b", {n: v[15:45, 20:60] for n, v in layers.items()}, crop, "cropped")
    told = report(monkeypatch, a, b, tmp_path)
    assert told["within"] is True
    assert told["layers"]["VV"]["pixels"] == 30 * 40


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"epsg": 32754}, "EPSG:32645 at 20 m and EPSG:32754 at 20 m"),
        ({"spacing": 10}, "EPSG:32645 at 20 m and EPSG:32645 at 10 m"),
        ({"left": GRID.left + 7}, "shifted by part of a pixel"),
        ({"left": GRID.left + 20 * GRID.cols}, "do not overlap"),
    ],
)
def test_products_on_other_grids_are_refused(tmp_path, monkeypatch, capsys, change, sentence):
    a = write(tmp_path / "a", drawn_layers())
    b = write(tmp_path / "b", drawn_layers(), GRID.model_copy(update=change))
    assert run(monkeypatch, a, b) == 65
    assert sentence in capsys.readouterr().err


def test_a_missing_layer_is_refused_unless_the_layers_are_named(tmp_path, monkeypatch, capsys):
    layers = drawn_layers()
    a = write(tmp_path / "a", layers)
    b = write(tmp_path / "b", {"VV": layers["VV"], "mask": layers["mask"]})
    assert run(monkeypatch, a, b) == 65
    assert "the second product lacks VH" in capsys.readouterr().err
    assert run(monkeypatch, a, b, "--layer", "VV", "--layer", "mask") == 0


def test_a_folder_without_a_product_is_refused(tmp_path, monkeypatch, capsys):
    assert run(monkeypatch, tmp_path, tmp_path) == 65
    assert "holds no layer of a product" in capsys.readouterr().err


def test_products_with_nothing_in_common_are_refused(tmp_path, monkeypatch, capsys):
    a = write(tmp_path / "a", drawn_layers())
    empty = np.full(GRID.shape, np.nan, np.float32)
    b = write(tmp_path / "b", {"VV": empty})
    assert run(monkeypatch, a, b, "--layer", "VV") == 65
    assert "no pixel valid in both" in capsys.readouterr().err


def test_a_folder_of_several_products_is_refused(tmp_path):
    write(tmp_path / "a", drawn_layers(), stem="one")
    write(tmp_path / "a", drawn_layers(), stem="two")
    with pytest.raises(RefusedError, match="several products"):
        find_layers(tmp_path / "a")


def test_a_longer_layer_name_is_not_confused_with_its_ending(tmp_path):
    write(tmp_path / "a", drawn_layers(Product.RTC_S1_STATIC))
    found = find_layers(tmp_path / "a")
    assert found["incidence_angle"].name == "product_incidence_angle.tif"
    assert found["local_incidence_angle"].name == "product_local_incidence_angle.tif"


def test_the_picture_shows_where_and_which_way_the_products_differ(tmp_path, monkeypatch):
    layers = drawn_layers()
    changed = layers["VV"].copy()
    changed[20, 30] *= 2
    changed[40, 50] /= 2
    a = write(tmp_path / "a", layers)
    b = write(tmp_path / "b", {**layers, "VV": changed})
    run(monkeypatch, a, b, "--layer", "VV", "--picture", tmp_path / "maps.png")
    with Image.open(tmp_path / "maps.png") as image:
        pixels = np.asarray(image.convert("RGB")).astype(int)
    # 2 x 2 pixels become one.
    row, column = 12 + 22, 12
    red, blue = pixels[row + 10, column + 15], pixels[row + 20, column + 25]
    assert red[0] - red[2] > 100
    assert blue[2] - blue[0] > 100
    assert np.ptp(pixels[row + 15, column + 20]) == 0


def test_a_large_map_is_shrunk_to_the_largest_difference_of_each_block(tmp_path):
    a = np.ones((700, 1300), np.float32)
    b = a.copy()
    b[301, 604] = 0.5
    draw([differences_of(Pair("VV", a, b))], Limits(), tmp_path / "maps.png")
    with Image.open(tmp_path / "maps.png") as image:
        pixels = np.asarray(image.convert("RGB")).astype(int)
    # 3 x 3 pixels become one.
    spot = pixels[12 + 22 + 100, 12 + 201]
    assert spot[2] - spot[0] > 100
    assert pixels.shape[1] < 700


def test_output_folders_of_the_opera_workflow_are_read(tmp_path, monkeypatch, shared):
    folder = shared / "reference"
    theirs = folder / "opera-output" / "rtc-s1-static"
    told = report(monkeypatch, folder / "isce3-rtc-s1-static", theirs, tmp_path)
    assert told["within"] is True
    assert told["layers"]["local_incidence_angle"]["pixels"] == 300 * 200
