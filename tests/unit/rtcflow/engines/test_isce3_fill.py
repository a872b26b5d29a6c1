"""Zeros where nothing was received become no data with engine isce3 too, by the rule of engine native."""

import numpy as np
import pytest
import rasterio

from rtcflow.engines.isce3.staging import mark_fill, stage_safe
from rtcflow.engines.isce3.workflow_output import _without_value
from rtcflow.progress import silent
from rtcflow.resources import Meter
from rtcflow.sources.scene.safe_burst import fetch_burst
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.layers import Product
from tests.support.burst_case import BURSTS, LINES, SCENE, pixels, stem, tiff, write_case

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")


@pytest.fixture
def marked(tmp_path):
    """Stages the second burst after lines of it were overwritten with zeros in one polarization."""

    def run(lines, polarization="VV"):
        write_case(tmp_path)
        values = pixels(polarization)
        values[[LINES + line for line in lines]] = 0
        path = tmp_path / f"{SCENE}.SAFE" / "measurement" / f"{stem('iw1', polarization)}.tiff"
        path.write_bytes(tiff(values))
        scene = fetch_burst(
            str(tmp_path / f"{SCENE}.SAFE"),
            SCENE,
            BURSTS[1],
            ("VV", "VH"),
            Product.RTC_S1,
            tmp_path,
            Meter(),
            silent,
        )
        found = mark_fill(scene, BURSTS[1], tmp_path / "input")
        return found, stage_safe(found.scene, BURSTS[1], tmp_path / "input"), values

    return run


def test_filled_lines_reach_the_workflow_as_nan_and_other_samples_unchanged(marked):
    found, safe, values = marked([2, 3])
    assert found.filled == {"VV": pytest.approx(2 / 5), "VH": 0.0}
    (vv,) = safe.glob("measurement/*-vv-*.tiff")
    with rasterio.open(vv) as source:
        staged = source.read(1)
    (same,) = np.nonzero(np.isfinite(staged[:, 1:6]).all(axis=1) & (np.arange(2 * LINES) >= LINES))
    assert (same - LINES).tolist() == [0, 1, 4, 5]
    np.testing.assert_array_equal(staged[same], values[same, :, 0] + 1j * values[same, :, 1])
    (vh,) = safe.glob("measurement/*-vh-*.tiff")
    assert vh.is_symlink()


def test_a_burst_without_filled_lines_is_unchanged(marked):
    found, safe, _ = marked([])
    assert found.filled == {"VV": 0.0, "VH": 0.0}
    assert all(path.is_symlink() for path in safe.glob("measurement/*.tiff"))


def test_a_burst_that_is_all_zeros_is_refused_before_the_workflow_starts(marked):
    with pytest.raises(RefusedError, match="in VV is filled with zeros"):
        marked(range(LINES))


def test_a_pixel_counts_as_without_value_where_no_polarization_has_one():
    vv, vh = np.array([[True, False, False]]), np.array([[True, True, False]])
    valid = {"VV": vv, "VH": vh, "mask": np.ones((1, 3), bool)}
    assert _without_value(valid).tolist() == [[False, False, True]]
    assert not _without_value({"mask": valid["mask"]}).any()
