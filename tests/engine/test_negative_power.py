"""Power that noise removal made negative: what `clip` and `keep` do to land covers near the noise floor."""

import json

import numpy as np
import pytest
import rasterio
from scipy import ndimage
from typer.testing import CliRunner

from rtcflow.cli.app import make_app
from rtcflow_local.sample import SampleSpec, write_sample
from tests.support.native_case import BurstCase

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def sea(tmp_path_factory):
    spec = SampleSpec(variant="sea", lines=260, samples=3000, bursts=1)
    sample = write_sample(tmp_path_factory.mktemp("sea"), spec)
    return BurstCase(sample, sample.bursts["iw2"][0], tmp_path_factory.mktemp("dem"))


def bias_db(case, values, polarization):
    """Error of the mean over the sea, away from the burst's edges, decibels; and the share of negative pixels."""
    (entry,) = (e for e in json.loads(case.sample.truth.read_text())["classes"] if e["name"] == "sea")
    known = np.isfinite(values) & (case.land_cover() == entry["number"]) & ~case.near_targets(12)
    inside = ndimage.binary_erosion(known, iterations=3)
    assert inside.sum() > 20_000
    found = values[inside].astype(float)
    return 10 * np.log10(found.mean()) - entry["gamma0_db"][polarization], (found < 0).mean()


def test_clipped_power_makes_sea_in_vh_a_decibel_too_bright_and_kept_power_does_not(sea):
    clipped, kept = (sea.compute(clip_negative=clip, layers=("mask",)).arrays for clip in (True, False))
    bias, negative = bias_db(sea, clipped["VH"], "VH")
    assert 0.9 < bias < 1.2
    assert negative == 0
    bias, negative = bias_db(sea, kept["VH"], "VH")
    assert abs(bias) < 0.03
    assert 0.02 < negative < 0.08
    assert 0.02 < bias_db(sea, clipped["VV"], "VV")[0] < 0.08
    assert abs(bias_db(sea, kept["VV"], "VV")[0]) < 0.02


def test_the_option_is_applied_and_recorded_in_the_product(sea, tmp_path):
    sample = sea.sample
    words = {
        "--safe": sample.safe,
        "--orbit": sample.orbit,
        "--dem": sample.dem,
        "--geoid": sample.geoid,
        "--burst-id": sea.burst_id,
        "--out": tmp_path,
        "--negative-power": "keep",
        "--engine": "native",
    }
    options = [str(word) for pair in words.items() for word in pair]
    done = CliRunner().invoke(make_app("burst"), ["burst", *options], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    (item,) = tmp_path.rglob("metadata.json")
    assert json.loads(item.read_text())["properties"]["rtcflow:negative_power"] == "keep"
    parameters = json.loads(item.with_name("manifest.json").read_text())["parameters"]
    assert (parameters["negative_power"], parameters["negative_power_clipped"]) == ("keep", False)
    (layer,) = tmp_path.rglob("*_VH.tif")
    with rasterio.open(layer) as source:
        values = source.read(1)
    assert abs(bias_db(sea, values, "VH")[0]) < 0.03
    assert (values < 0).sum() > 1000
