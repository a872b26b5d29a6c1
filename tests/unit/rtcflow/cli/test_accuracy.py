"""Geometric accuracy by point targets: measured errors, and the values that an operator may set."""

import csv

import numpy as np
import pytest
import rasterio
from pyproj import Transformer
from typer.testing import CliRunner

from rtcflow.cli.accuracy import measure, read_targets, summarize
from rtcflow.cli.app import make_app
from rtcflow_contract.ceos_ard import parse_accuracy
from rtcflow_contract.errors import RefusedError

TRANSFORM = rasterio.Affine(20, 0, 500000, 0, -20, 6200000)
# Positions of targets in pixels, and their apparent offsets in metres.
PLACES = [(50.3, 60.7), (80.5, 31.1), (25.9, 90.4)]
SHIFT = (3.0, -4.0)


@pytest.fixture
def field(tmp_path):
    """A layer of speckle with bright points, and their table."""
    rows, cols = np.mgrid[:120, :120] + 0.5
    values = np.random.default_rng(1).gamma(4, 0.05 / 4, (120, 120))
    table = tmp_path / "targets.csv"
    to_degrees = Transformer.from_crs("EPSG:32756", "EPSG:4326", always_xy=True)
    with table.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["name", "longitude", "latitude", "height"])
        for number, (col, row) in enumerate(PLACES):
            writer.writerow([f"CR{number}", *to_degrees.transform(*(TRANSFORM * (col, row))), 30])
            at_col, at_row = col + SHIFT[0] / 20, row - SHIFT[1] / 20
            values += 200 * np.exp(-((cols - at_col) ** 2 + (rows - at_row) ** 2) / (2 * 0.6**2))
        # Outside the layer: not found, which is no error.
        writer.writerow(["far", *to_degrees.transform(600000, 6300000), 30])
    path = tmp_path / "X_VV.tif"
    profile = {"driver": "GTiff", "width": 120, "height": 120, "count": 1, "dtype": "float32"}
    with rasterio.open(path, "w", crs="EPSG:32756", transform=TRANSFORM, **profile) as out:
        out.write(values.astype(np.float32), 1)
    return path, table


def test_errors_are_apparent_minus_surveyed_positions(field):
    path, table = field
    errors = measure(read_targets(table), [path])
    assert [error.name for error in errors] == ["CR0", "CR1", "CR2"]
    for error in errors:
        assert (error.error_x_m, error.error_y_m) == (pytest.approx(3, abs=0.5), pytest.approx(-4, abs=0.5))
    found = summarize(errors)
    assert (found.bias_x_m, found.bias_y_m) == (pytest.approx(3, abs=0.3), pytest.approx(-4, abs=0.3))
    assert found.stddev_x_m < 0.5


def test_speckle_is_not_taken_for_a_target(field, tmp_path):
    path, table = field
    with rasterio.open(path, "r+") as source:
        source.write(np.random.default_rng(2).gamma(4, 0.05 / 4, (1, 120, 120)).astype(np.float32))
    assert measure(read_targets(table), [path]) == []


def test_the_command_says_what_to_set(field):
    path, table = field
    answer = CliRunner().invoke(make_app("accuracy"), ["accuracy", str(path.parent), "--targets", str(table)])
    assert answer.exit_code == 0, answer.output
    assert "3 sightings of 4 targets in 1 layers" in answer.output
    assert 'GEOMETRIC_ACCURACY="' in answer.output


def test_too_few_targets_are_refused():
    with pytest.raises(RefusedError, match="needs two"):
        summarize([])


def test_a_table_without_positions_is_refused(tmp_path):
    (tmp_path / "x.csv").write_text("name,lon\nCR1,149\n")
    with pytest.raises(RefusedError, match="columns name, longitude"):
        read_targets(tmp_path / "x.csv")


def test_an_operators_figures_are_read():
    found = parse_accuracy("0.3 -0.5 1.1 1.4 https://example.com/campaign")
    assert (found.bias_y_m, found.stddev_y_m, found.reference) == (-0.5, 1.4, "https://example.com/campaign")
    assert parse_accuracy("") is None


@pytest.mark.parametrize("text", ["0.3", "a b c d https://x", "1 2 3 4", "1 2 3 4 two words"])
def test_figures_that_are_not_numbers_are_refused(text):
    with pytest.raises(RefusedError, match="geometric accuracy"):
        parse_accuracy(text)
