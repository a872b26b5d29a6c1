"""Files of a scene that contradict each other are refused by name: one is wrong, and it is unknown which."""

import re
import shutil
import xml.etree.ElementTree as ET
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import rasterio

from rtcflow.inputs import fetch_inputs
from rtcflow.product.quality import heading_deg, noise_level, noise_remarks, refuse_implausible
from rtcflow.progress import silent
from rtcflow.resources import Meter
from rtcflow.sentinel1.burst_metadata import BurstFiles, read_burst
from rtcflow.sentinel1.ground import check_identity
from rtcflow.sentinel1.interference import read_interference
from rtcflow.sentinel1.measurement import read_burst_pixels
from rtcflow.sentinel1.orbit import read_orbit
from rtcflow.sentinel1.radiometry import read_beta0, read_noise
from rtcflow.sources.scene.source_data import read_source_data
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.manifest import NoiseLevel, Quality
from tests.support.burst_case import SCENE, make_job, write_case

TRACK = 147


@pytest.fixture
def scene(tiny_sample, tmp_path):
    """Path by path below the annotation folder of a copy of the tiny scene, of IW1 in VV."""
    safe = tmp_path / tiny_sample.safe.name
    shutil.copytree(tiny_sample.safe, safe, ignore=shutil.ignore_patterns("*.tiff"))
    return safe


def annotation_of(safe, ending="iw1-slc-vv"):
    (path,) = (safe / "annotation").glob(f"s1?-{ending}-*.xml")
    return path


def change(path, field, to):
    text, count = re.subn(
        rf"(<{field}[^>]*>)(.*?)(</{field}>)", lambda m: m[1] + to(m[2]) + m[3], path.read_text()
    )
    assert count
    path.write_text(text)


def times(share):
    return lambda text: repr(float(text) * share)


@pytest.mark.parametrize(
    "changes",
    [
        {
            "imageInformation/azimuthTimeInterval": times(1.2),
            "imageInformation/azimuthFrequency": times(1 / 1.2),
        },
        {"productInformation/rangeSamplingRate": times(1.01)},
        {"imageInformation/slantRangeTime": lambda text: repr(float(text) + 1e-7)},
    ],
    ids=["interval", "sampling rate", "range"],
)
def test_times_and_ranges_that_the_geolocation_grid_contradicts_are_refused(tiny_sample, scene, changes):
    path = annotation_of(scene)
    whole = read_burst(path, tiny_sample.bursts["iw1"][0])
    assert check_identity(whole, path, tiny_sample.orbit, TRACK) == ()
    tree = ET.parse(path)
    for field, to in changes.items():
        (element,) = tree.iterfind(f".//{field}")
        element.text = to(element.text)
    tree.write(path)
    with pytest.raises(RefusedError, match="contradict its geolocation grid"):
        check_identity(read_burst(path, whole.burst_id), path, tiny_sample.orbit, TRACK)


@pytest.mark.parametrize(
    ("field", "to", "said"),
    [
        # The geolocation grid has a row a burst, and shows nothing of the lines between.
        ("azimuthTimeInterval", times(1.01), "azimuthFrequency"),
        ("pass", lambda text: "Ascending", "platformHeading"),
        ("radarFrequency", times(1.1), "radarFrequency"),
        ("prf", times(2), "prf"),
        ("polarisation", lambda text: "VH", "its name says VV, and it is of VH"),
        ("swath", lambda text: "IW3", "its name says IW1, and it is of IW3"),
    ],
)
def test_values_that_others_of_the_annotation_contradict_are_refused(tiny_sample, scene, field, to, said):
    path = annotation_of(scene)
    read_burst(path, tiny_sample.bursts["iw1"][0])
    change(path, field, to)
    with pytest.raises(RefusedError, match=rf"annotation {path.name} cannot be read .*{said}"):
        read_burst(path, tiny_sample.bursts["iw1"][0])


@pytest.mark.parametrize(
    ("kind", "field", "share", "sigma0_db"),
    [("calibration", "betaNought", 10, -45.6), ("noise", "noiseRangeLut", 1e6, 34.4)],
)
def test_a_scale_that_no_sentinel_1_has_is_refused(tiny_sample, scene, kind, field, share, sigma0_db):
    annotation = annotation_of(scene, "iw2-slc-vv")
    path = annotation.parent / "calibration" / f"{kind}-{annotation.name}"
    change(path, field, lambda text: " ".join(repr(float(value) * share) for value in text.split()))
    files = {
        kind: annotation.parent / "calibration" / f"{kind}-{annotation.name}"
        for kind in ("calibration", "noise")
    }
    burst = read_burst(annotation, tiny_sample.bursts["iw2"][0])
    source = read_source_data(scene, annotation, burst)
    level = noise_level(read_noise(files["noise"], burst), read_beta0(files["calibration"], burst), source)
    assert level.mean == pytest.approx(sigma0_db, abs=0.1)
    with pytest.raises(RefusedError, match=rf"{path.name}.* -40 and -12 dB"):
        refuse_implausible(level, BurstFiles(annotation, files["calibration"], files["noise"], ""), "003.40")


def quality_with(mean):
    level = NoiseLevel(minimum=mean - 3, mean=mean, maximum=mean + 3)
    return Quality(
        near_incidence_deg=30.0,
        far_incidence_deg=46.0,
        range_resolution_m=3.1,
        azimuth_resolution_m=22.7,
        noise_equivalent_sigma0_db={"VV": level},
    )


@pytest.mark.parametrize(
    ("version", "refused"), [("002.36", False), ("002.53", False), ("002.60", True), ("", True)]
)
def test_noise_in_the_unit_of_early_processors_is_said_and_not_refused(version, refused):
    quality = quality_with(-74.0)
    files = BurstFiles(*(Path(name) for name in ("annotation", "calibration", "noise", "measurement")))
    if refused:
        with pytest.raises(RefusedError, match="-40 and -12 dB"):
            refuse_implausible(quality.noise_equivalent_sigma0_db["VV"], files, version)
    else:
        refuse_implausible(quality.noise_equivalent_sigma0_db["VV"], files, version)
    (remark,) = noise_remarks(quality, "t070_149815_iw3", version)
    assert "thermal noise stays in the backscatter" in remark
    assert noise_remarks(quality_with(-25.0), "t070_149815_iw3", version) == ()


def test_noise_that_is_too_high_is_refused_of_any_processor():
    files = BurstFiles(*(Path(name) for name in ("annotation", "calibration", "noise", "measurement")))
    with pytest.raises(RefusedError, match="34 dB"):
        refuse_implausible(quality_with(34.0).noise_equivalent_sigma0_db["VV"], files, "002.36")


@pytest.mark.parametrize("field", ["noiseRangeLut", "noiseAzimuthLut"])
def test_noise_that_is_zero_everywhere_is_refused(tiny_sample, scene, field):
    annotation = annotation_of(scene)
    path = annotation.parent / "calibration" / f"noise-{annotation.name}"
    change(path, field, lambda text: " ".join("0" for _ in text.split()))
    with pytest.raises(RefusedError, match="zero everywhere"):
        read_noise(path, read_burst(annotation, tiny_sample.bursts["iw1"][0]))


def orbit_with(orbit, folder, change):
    path = folder / orbit.name
    path.write_text(change(orbit.read_text()))
    return path


def late_by(seconds):
    def late(text):
        return re.sub(
            r"(<UTC>UTC=)([^<]*)",
            lambda m: (
                m[1]
                + (datetime.fromisoformat(m[2]) + timedelta(seconds=seconds)).isoformat(
                    timespec="microseconds"
                )
            ),
            text,
        )

    return late


def moved_by(metres):
    return lambda text: re.sub(r"(<X [^>]*>)([^<]*)", lambda m: f"{m[1]}{float(m[2]) + metres:.6f}", text)


@pytest.mark.parametrize("change", [late_by(0.1), late_by(-0.1), moved_by(400)])
def test_an_orbit_that_is_hundreds_of_metres_from_the_annotated_ground_is_refused(
    tiny_sample, tmp_path, change
):
    annotation = annotation_of(tiny_sample.safe)
    burst = read_burst(annotation, tiny_sample.bursts["iw1"][0])
    orbit = orbit_with(tiny_sample.orbit, tmp_path, change)
    with pytest.raises(RefusedError, match="the annotation puts the ground"):
        check_identity(burst, annotation, orbit, TRACK)


@pytest.mark.parametrize("change", [late_by(0.02), moved_by(100)])
def test_an_orbit_that_is_tens_of_metres_from_the_annotated_ground_is_noted(tiny_sample, tmp_path, change):
    annotation = annotation_of(tiny_sample.safe)
    burst = read_burst(annotation, tiny_sample.bursts["iw1"][0])
    orbit = orbit_with(tiny_sample.orbit, tmp_path, change)
    (note,) = check_identity(burst, annotation, orbit, TRACK)
    assert burst.burst_id in note
    assert orbit.name in note
    assert check_identity(burst, annotation, tiny_sample.orbit, TRACK) == ()


@pytest.mark.parametrize(
    ("field", "to"),
    [
        ("Ref_Frame", "MEAN_OF_DATE"),
        ("Time_Reference", "TAI"),
        ("Mission", "Sentinel-1B"),
    ],
)
def test_an_orbit_file_whose_header_contradicts_its_name_or_its_kind_is_refused(
    tiny_sample, tmp_path, field, to
):
    burst = read_burst(annotation_of(tiny_sample.safe), tiny_sample.bursts["iw1"][0])
    orbit = orbit_with(
        tiny_sample.orbit, tmp_path, lambda text: re.sub(rf"(<{field}>)[^<]*", rf"\g<1>{to}", text)
    )
    read_orbit(tiny_sample.orbit, burst.sensing_start)
    with pytest.raises(RefusedError, match=f"its <{field}> is {to}, and not"):
        read_orbit(orbit, burst.sensing_start)


@pytest.mark.parametrize("kind", ["calibration", "noise"])
@pytest.mark.parametrize(("field", "to"), [("polarisation", "VH"), ("swath", "IW3"), ("missionId", "S1B")])
def test_a_lookup_table_of_another_image_is_refused(tiny_sample, scene, kind, field, to):
    annotation = annotation_of(scene)
    burst = read_burst(annotation, tiny_sample.bursts["iw1"][0])
    path = annotation.parent / "calibration" / f"{kind}-{annotation.name}"
    read = read_beta0 if kind == "calibration" else read_noise
    read(path, burst)
    change(path, field, lambda text: to)
    with pytest.raises(RefusedError, match=rf"{path.name} cannot be read \(it is of {to}"):
        read(path, burst)


@pytest.mark.parametrize(
    "profile",
    [{"dtype": "complex64"}, {"dtype": "int16"}, {"count": 2}, {"more": 7}],
    ids=["floats", "no phase", "two bands", "more lines"],
)
@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_a_measurement_of_another_image_is_refused(tiny_sample, tmp_path, profile):
    annotation = annotation_of(tiny_sample.safe)
    burst = read_burst(annotation, tiny_sample.bursts["iw1"][0])
    lines = burst.lines * len(tiny_sample.bursts["iw1"]) + profile.pop("more", 0)
    path = tmp_path / "measurement.tiff"
    whole = {"driver": "GTiff", "width": burst.samples, "height": lines, "count": 1, "dtype": "complex_int16"}
    with rasterio.open(path, "w", **whole | profile):
        pass
    with pytest.raises(RefusedError, match=r"measurement\.tiff has"):
        read_burst_pixels(BurstFiles(annotation, path, path, path), burst)


@pytest.mark.parametrize(("field", "value"), [("missionId", "S2A"), ("pass", "Sideways"), ("missionId", "")])
def test_an_unknown_platform_or_pass_is_refused(tiny_sample, scene, field, value):
    path = annotation_of(scene)
    change(path, field, lambda text: value)
    with pytest.raises(RefusedError, match=path.name):
        read_burst(path, tiny_sample.bursts["iw1"][0])


def test_an_annotation_of_another_platform_than_the_scene_is_refused(tmp_path):
    write_case(tmp_path)
    for path in (tmp_path / f"{SCENE}.SAFE" / "annotation").glob("*.xml"):
        change(path, "missionId", lambda text: "S1B")
    with pytest.raises(RefusedError, match="is of S1B, and scene"):
        fetch_inputs(make_job(tmp_path), tmp_path / "in", silent, Meter())


@pytest.mark.parametrize("value", ["nan", "inf", "none", "999"])
def test_an_impossible_heading_is_refused(scene, value):
    path = annotation_of(scene)
    assert 0 <= heading_deg(path) < 360
    change(path, "platformHeading", lambda text: value)
    with pytest.raises(RefusedError, match=path.name):
        heading_deg(path)


@pytest.mark.parametrize(
    ("field", "value"), [("incidenceAngle", "500"), ("incidenceAngle", "nan"), ("processingBandwidth", "-1")]
)
def test_impossible_angles_and_bandwidths_are_refused(tiny_sample, scene, field, value):
    path = annotation_of(scene)
    burst = read_burst(path, tiny_sample.bursts["iw1"][0])
    read_source_data(scene, path, burst)
    text = path.read_text()
    if f"<{field}>" not in text:
        pytest.fail(f"the sample's annotation has no {field}")
    change(path, field, lambda text: value)
    with pytest.raises(RefusedError):
        read_source_data(scene, path, burst)


def test_a_report_on_interference_has_only_finite_numbers(tiny_sample, scene):
    path = annotation_of(scene)
    burst = read_burst(path, tiny_sample.bursts["iw1"][0])
    report = path.parent / "rfi" / f"rfi-{path.name}"
    change(report, "percentageAffectedLines", lambda text: "nan")
    assert read_interference(path, burst)["timeDomainRfiReport/percentageAffectedLines"] == "nan"
    report.write_text("<rfi>" + "<a>" * 100)
    with pytest.raises(RefusedError, match=report.name):
        read_interference(path, burst)
