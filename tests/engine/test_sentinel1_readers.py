"""Readers of Sentinel-1 files: every published schema of noise and calibration, orbits, measurements, bursts."""

import re
import shutil

import numpy as np
import pytest
import rasterio

from rtcflow.engines.base import orbit_fit_record
from rtcflow.sentinel1.burst_metadata import BurstFiles, read_burst, refuse_without_iw2
from rtcflow.sentinel1.measurement import read_burst_pixels
from rtcflow.sentinel1.orbit import fit_orbit, read_orbit
from rtcflow.sentinel1.radiometry import read_beta0, read_noise
from rtcflow_contract.errors import RefusedError

pytestmark = pytest.mark.engine


@pytest.fixture
def annotation(tiny_sample):
    (found,) = (tiny_sample.safe / "annotation").glob("s1?-iw2-slc-vv-*.xml")
    return found


@pytest.fixture
def burst(tiny_sample, annotation):
    return read_burst(annotation, tiny_sample.bursts["iw2"][1])


def vectors(list_name, name, values, pixels="0 40 80", time="2023-03-02T19:16:08.000000"):
    body = "".join(
        f"<{name}><azimuthTime>{time}</azimuthTime><line>{line}</line><pixel>{pixels}</pixel>{inner}</{name}>"
        for line, inner in values
    )
    return f"<{list_name}>{body}</{list_name}>"


def test_noise_before_ipf_2_90_has_range_vectors_only(tmp_path, burst):
    text = vectors("noiseVectorList", "noiseVector", [(0, "<noiseLut>100 140 180</noiseLut>")])
    path = tmp_path / "noise.xml"
    path.write_text(f"<noise>{text}</noise>")
    noise = read_noise(path, burst)
    np.testing.assert_array_equal(noise.azimuth, np.ones(burst.lines))
    np.testing.assert_allclose(noise.range[[0, 20, 40, 60]], [100, 120, 140, 160])


def test_noise_since_ipf_2_90_is_range_times_azimuth(tmp_path, burst):
    text = vectors(
        "noiseRangeVectorList", "noiseRangeVector", [(0, "<noiseRangeLut>100 140 180</noiseRangeLut>")]
    )
    lines = f"{burst.first_line} {burst.first_line + burst.lines - 1}"
    text += (
        "<noiseAzimuthVectorList><noiseAzimuthVector>"
        f"<line>{lines}</line><noiseAzimuthLut>1.0 2.0</noiseAzimuthLut>"
        "</noiseAzimuthVector></noiseAzimuthVectorList>"
    )
    path = tmp_path / "noise.xml"
    path.write_text(f"<noise>{text}</noise>")
    noise = read_noise(path, burst)
    np.testing.assert_allclose(noise.azimuth, np.linspace(1, 2, burst.lines))
    np.testing.assert_allclose(noise.range[40], 140)


def test_azimuth_noise_is_extrapolated_linearly(tmp_path, burst):
    text = vectors("noiseRangeVectorList", "noiseRangeVector", [(0, "<noiseRangeLut>1 1 1</noiseRangeLut>")])
    lines = f"{burst.first_line} {burst.first_line + 10}"
    text += (
        "<noiseAzimuthVectorList><noiseAzimuthVector>"
        f"<line>{lines}</line><noiseAzimuthLut>1.0 1.1</noiseAzimuthLut>"
        "</noiseAzimuthVector></noiseAzimuthVectorList>"
    )
    path = tmp_path / "noise.xml"
    path.write_text(f"<noise>{text}</noise>")
    assert read_noise(path, burst).azimuth[20] == pytest.approx(1.2)


def test_the_vector_nearest_in_time_is_used(tmp_path, burst):
    def vector(time, value):
        return (
            f"<noiseRangeVector><azimuthTime>{time}</azimuthTime><line>0</line><pixel>0 100</pixel>"
            f"<noiseRangeLut>{value} {value}</noiseRangeLut></noiseRangeVector>"
        )

    near = burst.sensing_start.replace(tzinfo=None).isoformat()
    text = vector("2020-01-01T00:00:00.000000", 5) + vector(near, 7)
    path = tmp_path / "noise.xml"
    path.write_text(f"<noise><noiseRangeVectorList>{text}</noiseRangeVectorList></noise>")
    assert read_noise(path, burst).range[0] == 7


def test_calibration_that_ends_before_the_burst_stays_constant(tmp_path, burst):
    text = vectors(
        "calibrationVectorList", "calibrationVector", [(0, "<betaNought>230 235 240</betaNought>")]
    )
    path = tmp_path / "calibration.xml"
    path.write_text(f"<calibration>{text}</calibration>")
    beta0 = read_beta0(path, burst)
    assert beta0.shape == (burst.samples,)
    assert beta0[20] == pytest.approx(232.5)
    assert (beta0[80:] == 240).all()


@pytest.mark.parametrize("text", ["", "<noise/>", "<noise><noiseVectorList/></noise>"])
def test_noise_without_vectors_is_refused(tmp_path, burst, text):
    path = tmp_path / "noise.xml"
    path.write_text(text)
    with pytest.raises(RefusedError, match=r"noise\.xml cannot be read"):
        read_noise(path, burst)


def test_burst_description(tiny_sample, burst):
    assert burst.burst_id == tiny_sample.bursts["iw2"][1]
    assert burst.index == 1
    assert burst.platform == "S1A"
    assert burst.relative_orbit == tiny_sample.track
    assert burst.center_frequency_hz == pytest.approx(5.405e9, rel=1e-3)
    assert 0 <= burst.first_valid_line < burst.last_valid_line < burst.lines
    assert burst.ipf_version.startswith("00")


def test_burst_ids_are_computed_if_the_annotation_has_none(tiny_sample, annotation, tmp_path):
    folder = tmp_path / "annotation"
    folder.mkdir()
    text = re.sub(r"<burstId[^>]*>\d+</burstId>", "", annotation.read_text())
    (folder / annotation.name).write_text(text)
    for burst_id in tiny_sample.bursts["iw2"]:
        assert read_burst(folder / annotation.name, burst_id).burst_id == burst_id


def test_a_burst_of_another_scene_is_refused_and_the_scenes_bursts_are_listed(tiny_sample, annotation):
    with pytest.raises(RefusedError, match=tiny_sample.bursts["iw2"][0]):
        read_burst(annotation, "t001_000001_iw2")


def test_bistatic_delay_needs_the_middle_of_iw2(tiny_sample, annotation, tmp_path):
    (iw1,) = (tiny_sample.safe / "annotation").glob("s1?-iw1-slc-vv-*.xml")
    beside = read_burst(iw1, tiny_sample.bursts["iw1"][0])
    iw2 = read_burst(annotation, tiny_sample.bursts["iw2"][0])
    assert beside.iw2_mid_range_m == pytest.approx(iw2.iw2_mid_range_m)
    shutil.copy(iw1, tmp_path / iw1.name)
    alone = read_burst(tmp_path / iw1.name, tiny_sample.bursts["iw1"][0])
    with pytest.raises(RefusedError, match="no annotation of sub-swath IW2"):
        refuse_without_iw2(alone)


def files_of(sample, annotation, measurement, first_line=0):
    return BurstFiles(annotation, annotation, annotation, measurement, first_line)


def test_mapped_and_read_pixels_are_equal(tiny_sample, annotation, burst, tmp_path):
    whole = tiny_sample.safe / "measurement" / annotation.with_suffix(".tiff").name
    mapped = read_burst_pixels(files_of(tiny_sample, annotation, whole), burst)
    assert isinstance(mapped, np.memmap)
    packed = tmp_path / "packed.tiff"
    with rasterio.open(whole) as source:
        profile = source.profile | {"compress": "deflate"}
        with rasterio.open(packed, "w", **profile) as out:
            out.write(source.read(1), 1)
    read = read_burst_pixels(files_of(tiny_sample, annotation, packed), burst)
    np.testing.assert_array_equal(mapped, read)


def test_an_extract_starts_at_its_first_line(tiny_sample, annotation, burst, tmp_path):
    whole = tiny_sample.safe / "measurement" / annotation.with_suffix(".tiff").name
    extract = tmp_path / "extract.tiff"
    with rasterio.open(whole) as source:
        lines = source.read(1)[burst.first_line : burst.first_line + burst.lines]
        profile = source.profile | {"height": burst.lines}
        with rasterio.open(extract, "w", **profile) as out:
            out.write(lines, 1)
    expected = read_burst_pixels(files_of(tiny_sample, annotation, whole), burst)
    found = read_burst_pixels(files_of(tiny_sample, annotation, extract, burst.first_line), burst)
    np.testing.assert_array_equal(expected, found)


def test_a_truncated_measurement_is_refused(tiny_sample, annotation, burst, tmp_path):
    whole = tiny_sample.safe / "measurement" / annotation.with_suffix(".tiff").name
    cut = tmp_path / whole.name
    data = whole.read_bytes()
    cut.write_bytes(data[: len(data) // 2])
    with pytest.raises(RefusedError, match=re.escape(whole.name)):
        read_burst_pixels(files_of(tiny_sample, annotation, cut), burst)


def test_orbit_fit_follows_the_state_vectors(tiny_sample, burst):
    state = read_orbit(tiny_sample.orbit, burst.sensing_start)
    fitted = fit_orbit(state, -2.0, 4.0)
    inside = np.abs(state.seconds) < 40
    offset = fitted.position(state.seconds[inside]) - state.positions[inside]
    speed = fitted.velocity(state.seconds[inside]) - state.velocities[inside]
    assert np.abs(offset).max() < 1e-3
    assert np.abs(speed).max() < 1e-3
    assert state.type == "POEORB"


def test_an_orbit_with_a_jump_of_metres_is_refused(tiny_sample, burst):
    state = read_orbit(tiny_sample.orbit, burst.sensing_start)
    state.positions[len(state.positions) // 2] += 5.0
    with pytest.raises(RefusedError, match=r"\d\.\d+ m from a smooth orbit"):
        fit_orbit(state, -2.0, 4.0)


@pytest.mark.parametrize("after_s", [-20.0, 0.0, 20.0])
def test_a_step_of_centimetres_is_fitted_and_recorded(tiny_sample, burst, after_s):
    state = read_orbit(tiny_sample.orbit, burst.sensing_start)
    smooth = fit_orbit(state, -2.0, 4.0)
    state.positions[state.seconds > after_s, 0] += 0.03
    fitted = fit_orbit(state, -2.0, 4.0)
    assert smooth.residual_m < 0.001
    assert 0.005 < fitted.residual_m < 0.03
    during = np.linspace(-2.0, 4.0, 7)
    assert np.abs(fitted.position(during) - smooth.position(during)).max() < 0.035
    record = orbit_fit_record(fitted.residual_m, "native")
    assert record["orbit_fit_residual_m"] == round(fitted.residual_m, 4)
    assert "0.02 to 0.04 dB" in record["orbit_fit_note"]
    assert list(orbit_fit_record(smooth.residual_m, "native")) == ["orbit_fit_residual_m"]


@pytest.mark.parametrize("kept", [0.0, 0.5, 0.99])
def test_a_file_that_is_not_an_orbit_or_is_cut_off_is_refused(tiny_sample, tmp_path, burst, kept):
    path = tmp_path / "S1A_OPER_AUX_POEORB_X.EOF"
    whole = tiny_sample.orbit.read_bytes()
    path.write_bytes(whole[: int(kept * len(whole))].rstrip(b">"))
    with pytest.raises(RefusedError, match="cannot be read"):
        read_orbit(path, burst.sensing_start)


@pytest.mark.parametrize("number", ["9e310", "9e180", "nan", "0", "42000000"])
def test_a_state_vector_outside_low_orbit_is_refused(tiny_sample, tmp_path, burst, number):
    path = tmp_path / tiny_sample.orbit.name
    text = re.sub(r"(<X(?: [^>]*)?>)[^<]*", rf"\g<1>{number}", tiny_sample.orbit.read_text())
    path.write_text(re.sub(r"(<Y(?: [^>]*)?>)[^<]*", rf"\g<1>{number}", text))
    with pytest.raises(RefusedError, match=r"a state vector is .* km from the Earth's centre"):
        read_orbit(path, burst.sensing_start)
