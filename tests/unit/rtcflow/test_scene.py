"""A burst from a SAFE: folder or zip, local or in S3, only its own lines, and every fault by name."""

import io
import zipfile

import boto3
import numpy as np
import pytest
import rasterio
from moto import mock_aws

from rtcflow.progress import silent
from rtcflow.resources import Meter
from rtcflow.sentinel1.burst_metadata import read_burst
from rtcflow.sentinel1.interference import interference_file
from rtcflow.sentinel1.measurement import read_burst_pixels
from rtcflow.sources.scene.safe_burst import fetch_burst
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.layers import Product
from rtcflow_files.s3_clients import s3_client
from tests.support.burst_case import BURSTS, LINES, SAMPLES, SCENE, pixels, safe_files, stem, write_case

VV_TIFF = f"measurement/{stem('iw1', 'VV')}.tiff"


def fetch(source, folder, burst=BURSTS[1], polarizations=("VV", "VH"), product=Product.RTC_S1, meter=None):
    meter = meter or Meter()
    return fetch_burst(str(source), SCENE, burst, polarizations, product, folder, meter, silent)


def zipped(files, compression):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(f"{SCENE}.SAFE/{name}", content)
    return buffer.getvalue()


@pytest.fixture
def s3(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    s3_client.cache_clear()
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="scenes")
        yield client
    s3_client.cache_clear()


RFI = f"annotation/rfi/rfi-{stem('iw1', 'VV')}.xml"


@pytest.fixture
def source(request, tmp_path, s3):
    """The same scene in every kind of place."""
    kind, files = request.param, {**safe_files(), RFI: b"<rfi/>"}
    if kind == "folder":
        write_case(tmp_path / "in")
        path = tmp_path / "in" / f"{SCENE}.SAFE" / RFI
        path.parent.mkdir(parents=True)
        path.write_bytes(files[RFI])
        return tmp_path / "in" / f"{SCENE}.SAFE"
    if kind == "s3 folder":
        for name, content in files.items():
            s3.put_object(Bucket="scenes", Key=f"a/{SCENE}.SAFE/{name}", Body=content)
        return f"s3://scenes/a/{SCENE}.SAFE"
    data = zipped(files, zipfile.ZIP_STORED if "stored" in kind else zipfile.ZIP_DEFLATED)
    if kind.startswith("s3"):
        s3.put_object(Bucket="scenes", Key=f"{SCENE}.zip", Body=data)
        return f"s3://scenes/{SCENE}.zip"
    (tmp_path / f"{SCENE}.zip").write_bytes(data)
    return tmp_path / f"{SCENE}.zip"


PLACES = ["folder", "s3 folder", "stored zip", "deflated zip", "s3 stored zip", "s3 deflated zip"]


@pytest.mark.parametrize("source", PLACES, indirect=True)
def test_the_burst_has_its_own_pixels_from_every_place(source, tmp_path):
    fetched = fetch(source, tmp_path / "work")
    assert list(fetched.files) == ["VV", "VH"]
    for polarization, files in fetched.files.items():
        with rasterio.open(files.measurement) as raster:
            window = ((LINES - files.first_line, 2 * LINES - files.first_line), (0, SAMPLES))
            values = raster.read(1, window=window)
        assert np.array_equal(values.real, pixels(polarization)[LINES:, :, 0])
        assert files.calibration.read_bytes() == b"<calibration/>"
        assert files.noise.read_bytes() == b"<noise/>"
    assert (fetched.safe / "manifest.safe").is_file()
    assert fetched.burst.burst_index == 1


@pytest.mark.parametrize("source", PLACES, indirect=True)
def test_the_report_on_interference_is_fetched_from_every_place(source, tmp_path):
    files = fetch(source, tmp_path / "work").files
    assert interference_file(files["VV"].annotation).read_bytes() == b"<rfi/>"
    assert not interference_file(files["VH"].annotation).exists()


PACKED = {"tiled": {"tiled": True, "blockxsize": 16, "blockysize": 16}, "deflated": {"compress": "deflate"}}


@pytest.mark.parametrize("place", ["folder", "zip", "s3"])
@pytest.mark.parametrize("packing", PACKED)
@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_a_tiled_or_compressed_measurement_is_read_too(s3, tmp_path, place, packing):
    write_case(tmp_path / "in")
    safe = tmp_path / "in" / f"{SCENE}.SAFE"
    for polarization in ("VV", "VH"):
        values = pixels(polarization).astype(np.float32)
        profile = {
            "driver": "GTiff",
            "height": 2 * LINES,
            "width": SAMPLES,
            "count": 1,
            "dtype": "complex_int16",
        }
        path = safe / "measurement" / f"{stem('iw1', polarization)}.tiff"
        with rasterio.open(path, "w", **profile, **PACKED[packing]) as out:
            out.write(values[..., 0] + 1j * values[..., 1], 1)
    files = {
        path.relative_to(safe).as_posix(): path.read_bytes() for path in safe.rglob("*") if path.is_file()
    }
    source = safe
    if place == "zip":
        source = tmp_path / f"{SCENE}.zip"
        source.write_bytes(zipped(files, zipfile.ZIP_STORED))
    elif place == "s3":
        for name, content in files.items():
            s3.put_object(Bucket="scenes", Key=f"{SCENE}.SAFE/{name}", Body=content)
        source = f"s3://scenes/{SCENE}.SAFE"
    for polarization, fetched in fetch(source, tmp_path / "work").files.items():
        burst = read_burst(fetched.annotation, BURSTS[1])
        np.testing.assert_array_equal(read_burst_pixels(fetched, burst), pixels(polarization)[LINES:])


def test_a_local_folder_is_used_in_place(tmp_path):
    write_case(tmp_path)
    fetched = fetch(tmp_path / f"{SCENE}.SAFE", tmp_path / "work")
    assert fetched.files["VV"].measurement == tmp_path / f"{SCENE}.SAFE" / VV_TIFF
    assert not (tmp_path / "work").exists()


def test_from_s3_only_the_lines_of_the_burst_are_fetched(s3, tmp_path):
    files = safe_files(("VV",))
    lines = 400_000
    stretched = np.zeros((2 * lines, SAMPLES, 2), "<i2")
    from tests.support.burst_case import tiff

    files[VV_TIFF] = tiff(stretched, strips_of=lines)
    name = f"annotation/{stem('iw1', 'VV')}.xml"
    files[name] = files[name].replace(
        f"<linesPerBurst>{LINES}<".encode(), f"<linesPerBurst>{lines}<".encode()
    )
    for path, content in files.items():
        s3.put_object(Bucket="scenes", Key=f"{SCENE}.SAFE/{path}", Body=content)
    meter = Meter()
    fetch(f"s3://scenes/{SCENE}.SAFE", tmp_path, polarizations=("VV",), meter=meter)
    burst_bytes = lines * SAMPLES * 4
    metadata_bytes = sum(
        len(content) for path, content in files.items() if not path.startswith("measurement")
    )
    assert burst_bytes < meter.bytes_fetched < burst_bytes + metadata_bytes + 300_000
    assert meter.bytes_fetched < 0.6 * len(files[VV_TIFF])


def test_static_layers_fetch_no_pixels(s3, tmp_path):
    for path, content in safe_files().items():
        if not path.startswith("measurement"):
            s3.put_object(Bucket="scenes", Key=f"{SCENE}.SAFE/{path}", Body=content)
    fetched = fetch(
        f"s3://scenes/{SCENE}.SAFE", tmp_path, product=Product.RTC_S1_STATIC, polarizations=("VV",)
    )
    assert not fetched.files["VV"].measurement


def test_a_burst_not_in_the_scene_is_refused_and_the_scenes_bursts_are_listed(tmp_path):
    write_case(tmp_path)
    with pytest.raises(RefusedError, match="t070_148099_iw1 is not in scene") as caught:
        fetch(tmp_path / f"{SCENE}.SAFE", tmp_path, burst="t070_148099_iw1")
    assert caught.value.reason == "burst-not-in-scene"
    for there in ("t070_148570_iw1", "t070_148571_iw2"):
        assert there in caught.value.message


def test_an_annotation_that_is_cut_off_is_named(tmp_path):
    write_case(tmp_path)
    path = tmp_path / f"{SCENE}.SAFE" / f"annotation/{stem('iw1', 'VV')}.xml"
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(RefusedError, match=rf"annotation {path.name} cannot be read .*fetch the scene again"):
        fetch(tmp_path / f"{SCENE}.SAFE", tmp_path)


def test_a_burst_of_a_sub_swath_without_annotation_lists_the_scenes_bursts(tmp_path):
    write_case(tmp_path)
    with pytest.raises(RefusedError, match="t070_148570_iw1") as caught:
        fetch(tmp_path / f"{SCENE}.SAFE", tmp_path, burst="t070_148570_iw3")
    assert caught.value.reason == "burst-not-in-scene"


def test_a_missing_polarization_is_named(tmp_path):
    write_case(tmp_path)
    (tmp_path / f"{SCENE}.SAFE" / f"annotation/{stem('iw1', 'VH')}.xml").unlink()
    with pytest.raises(RefusedError, match="IW1 in VH"):
        fetch(tmp_path / f"{SCENE}.SAFE", tmp_path)


@pytest.mark.parametrize("gone", ["calibration/noise", "calibration/calibration"])
def test_a_missing_sidecar_is_named(tmp_path, gone):
    write_case(tmp_path)
    path = tmp_path / f"{SCENE}.SAFE" / f"annotation/{gone}-{stem('iw1', 'VV')}.xml"
    path.unlink()
    with pytest.raises(RefusedError, match=path.name):
        fetch(tmp_path / f"{SCENE}.SAFE", tmp_path)


def test_a_missing_measurement_is_named(tmp_path):
    write_case(tmp_path)
    (tmp_path / f"{SCENE}.SAFE" / VV_TIFF).unlink()
    with pytest.raises(RefusedError, match=VV_TIFF):
        fetch(tmp_path / f"{SCENE}.SAFE", tmp_path)


@pytest.mark.parametrize("in_s3", [False, True])
def test_a_truncated_measurement_is_refused_by_name(s3, tmp_path, in_s3):
    files = safe_files()
    files[VV_TIFF] = files[VV_TIFF][:-40]
    for path, content in files.items():
        local = tmp_path / f"{SCENE}.SAFE" / path
        local.parent.mkdir(parents=True, exist_ok=True)
        local.write_bytes(content)
        s3.put_object(Bucket="scenes", Key=f"{SCENE}.SAFE/{path}", Body=content)
    source = f"s3://scenes/{SCENE}.SAFE" if in_s3 else tmp_path / f"{SCENE}.SAFE"
    with pytest.raises(RefusedError, match="is corrupt") as caught:
        fetch(source, tmp_path / "work")
    assert VV_TIFF in caught.value.message
    assert fetch(source, tmp_path / "work", burst=BURSTS[0]).burst.burst_index == 0


def test_a_damaged_zip_is_refused(tmp_path):
    data = bytearray(zipped(safe_files(), zipfile.ZIP_DEFLATED))
    path = tmp_path / f"{SCENE}.zip"
    path.write_bytes(bytes(data[: len(data) // 2]))
    with pytest.raises(RefusedError, match="not a readable zip"):
        fetch(path, tmp_path / "work")


def test_another_scene_is_refused(tmp_path):
    other = SCENE.replace("1DAD", "1DAE")
    with pytest.raises(RefusedError, match="is scene") as caught:
        fetch(tmp_path / f"{other}.SAFE", tmp_path)
    assert caught.value.reason == "scene-mismatch"


def test_a_missing_scene_is_refused(s3, tmp_path):
    with pytest.raises(RefusedError, match="does not exist"):
        fetch(f"s3://scenes/nowhere/{SCENE}.SAFE", tmp_path)
    with pytest.raises(RefusedError, match="does not exist"):
        fetch(tmp_path / f"{SCENE}.SAFE", tmp_path)
