"""A burst from ASF: the extractor, the login, each fault of both, and the whole scene instead."""

import numpy as np
import pytest
import rasterio

from rtcflow.resources import Meter
from rtcflow.sentinel1.burst_metadata import read_burst
from rtcflow.sentinel1.measurement import read_burst_pixels
from rtcflow.sentinel1.radiometry import read_beta0, read_noise
from rtcflow.sources.download import PATIENCE_S
from rtcflow.sources.scene.scene_source import DOWNLOADS
from rtcflow_contract.errors import RefusedError, TransientError
from rtcflow_contract.layers import Product
from tests.support.archive_asf import PASSWORD, AsfArchive
from tests.support.archive_case import fetch
from tests.support.archive_clock import Clock
from tests.support.archive_loopback import Fault

LINES, SAMPLES = 64, 512
BURST_BYTES = 2 * LINES * SAMPLES * 4


@pytest.fixture
def asf(archive_sample):
    archive = AsfArchive(archive_sample.safe)
    yield archive
    archive.close()


def from_asf(sample, archive, at, **changes):
    return fetch(sample, "asf", archive.environment, at, **changes)


def test_the_burst_equals_that_of_the_whole_scene(archive_sample, asf, tmp_path):
    for burst_id in (archive_sample.bursts["iw1"][1], archive_sample.bursts["iw3"][0]):
        one = from_asf(archive_sample, asf, tmp_path / burst_id / "a", burst_id=burst_id)
        whole = fetch(archive_sample, str(archive_sample.safe), {}, tmp_path / "b", burst_id=burst_id)
        assert list(one.files) == list(whole.files) == ["VV", "VH"]
        assert one.burst == whole.burst
        for name in one.files:
            ours, theirs = one.files[name], whole.files[name]
            burst = read_burst(ours.annotation, burst_id)
            assert burst == read_burst(theirs.annotation, burst_id)
            assert np.array_equal(read_burst_pixels(ours, burst), read_burst_pixels(theirs, burst))
            assert np.array_equal(read_beta0(ours.calibration, burst), read_beta0(theirs.calibration, burst))
            for mine, other in zip(
                read_noise(ours.noise, burst), read_noise(theirs.noise, burst), strict=True
            ):
                assert np.array_equal(mine, other)


def test_the_safe_of_a_burst_opens_in_other_readers(archive_sample, asf, tmp_path):
    import xarray_sentinel

    fetched = from_asf(archive_sample, asf, tmp_path / "work")
    for polarization in ("VV", "VH"):
        group = f"IW1/{polarization}"
        opened = xarray_sentinel.open_sentinel1_dataset(fetched.safe, group=f"{group}/1")
        whole = xarray_sentinel.open_sentinel1_dataset(archive_sample.safe, group=f"{group}/1")
        assert np.array_equal(opened.measurement.values, whole.measurement.values)
        for kind in ("gcp", "calibration", "noise_range", "noise_azimuth", "orbit", "dc_estimate"):
            mine = xarray_sentinel.open_sentinel1_dataset(fetched.safe, group=f"{group}/{kind}")
            assert mine.equals(
                xarray_sentinel.open_sentinel1_dataset(archive_sample.safe, group=f"{group}/{kind}")
            )


def test_its_manifest_lists_the_existing_files_with_their_checksums(archive_sample, asf, tmp_path):
    import hashlib
    import xml.etree.ElementTree as ET

    fetched = from_asf(archive_sample, asf, tmp_path / "work")
    listed = {}
    for entry in ET.parse(fetched.safe / "manifest.safe").iterfind("dataObjectSection/dataObject"):
        path = fetched.safe / entry.find(".//fileLocation").get("href")
        listed[path.relative_to(fetched.safe).as_posix()] = entry.findtext(".//checksum")
        assert int(entry.find("byteStream").get("size")) == path.stat().st_size
    there = {
        path.relative_to(fetched.safe).as_posix(): path for path in fetched.safe.rglob("*") if path.is_file()
    }
    assert listed.keys() == there.keys() - {"manifest.safe"}
    for name, checksum in listed.items():
        assert hashlib.md5(there[name].read_bytes()).hexdigest() == checksum


def test_the_measurement_contains_only_the_burst(archive_sample, asf, tmp_path):
    files = from_asf(archive_sample, asf, tmp_path / "work").files["VV"]
    with rasterio.open(files.measurement) as tiff:
        assert (tiff.height, tiff.width) == (2 * LINES, SAMPLES)
        values = tiff.read(1)
    assert not values[:LINES].any()
    assert values[LINES:].any()
    assert files.measurement.stat().st_size < LINES * SAMPLES * 4 + 2 * LINES * 8 + 400


def test_bytes_fetched_are_those_of_the_burst_and_its_annotation(archive_sample, asf, tmp_path):
    meter = Meter()
    from_asf(archive_sample, asf, tmp_path / "work", meter=meter, burst_index=1)
    annotation = len(asf.extractor.combined_xml("VV")) + len(asf.extractor.combined_xml("VH"))
    assert BURST_BYTES < meter.bytes_fetched - annotation < 1.1 * BURST_BYTES


def test_static_layers_fetch_no_pixels(archive_sample, asf, tmp_path):
    fetched = from_asf(
        archive_sample, asf, tmp_path / "w", product=Product.RTC_S1_STATIC, polarizations=("VV",)
    )
    assert not fetched.files["VV"].measurement
    assert not [asked for asked in asf.extractor.asked if asked.path.endswith(".tiff")]


def test_an_unknown_index_is_found_in_the_annotation(archive_sample, asf, tmp_path):
    fetched = from_asf(archive_sample, asf, tmp_path / "work", burst_index=None)
    assert fetched.burst.burst_index == 1
    assert any(asked.path.endswith("/IW1/VH/1.tiff") for asked in asf.extractor.asked)


def test_the_orbit_decides_if_archive_and_annotation_disagree(archive_sample, asf, tmp_path, caplog):
    # The archive says index 0; by the orbit it is the next burst.
    fetched = from_asf(archive_sample, asf, tmp_path / "work", burst_index=0)
    assert fetched.burst.burst_index == 1
    assert "by the orbit it is burst 1" in caplog.text
    assert any(asked.path.endswith("/IW1/VH/1.tiff") for asked in asf.extractor.asked)


def test_an_archives_id_of_other_ground_is_refused(archive_sample, asf, tmp_path):
    with pytest.raises(RefusedError, match="by its orbit it is") as caught:
        from_asf(archive_sample, asf, tmp_path / "work", burst_index=0, burst_id="t147_314899_iw1")
    assert caught.value.reason == "burst-id"


def test_a_burst_that_is_not_in_the_scene_lists_those_that_are(archive_sample, asf, tmp_path):
    with pytest.raises(RefusedError, match="is not in scene") as caught:
        from_asf(archive_sample, asf, tmp_path / "work", burst_id="t147_314899_iw1")
    assert all(name in caught.value.message for ids in archive_sample.bursts.values() for name in ids)


def test_one_login_serves_all_files_and_only_the_login_service_gets_the_password(
    archive_sample, asf, tmp_path
):
    from_asf(archive_sample, asf, tmp_path / "work")
    assert len(asf.urs.asked) == 1
    assert len(asf.login.asked) == 1
    for server in (asf.extractor, asf.login, asf.datapool):
        for asked in server.asked:
            assert "Authorization" not in asked.headers
            assert PASSWORD not in f"{asked}"


def test_the_extractor_is_polled_while_it_works(archive_sample, asf, tmp_path):
    asf.extractor.preparing = 3
    clock = Clock()
    from_asf(archive_sample, asf, tmp_path / "work", clock=clock)
    # The second polarization was extracted meanwhile.
    assert len(clock.slept) == 3 + 2
    assert all(0 < pause <= 60 for pause in clock.slept)


PASSING = [
    Fault("/VV/1.tiff", 500),
    Fault("/VV/1.tiff", 503),
    Fault("/VV/1.xml", 502, body=b"<html>bad gateway</html>"),
    Fault("/VV/1.tiff", cut_after=1000),
    Fault("/VV/1.xml", cut_after=0),
    Fault("/VV/1.tiff", 429, {"Retry-After": "17"}),
    Fault("/oauth", 503),
    Fault("/login", 500),
]


@pytest.mark.parametrize("fault", PASSING, ids=lambda fault: f"{fault.at}-{fault.status or 'cut'}")
def test_a_passing_fault_is_retried(archive_sample, asf, tmp_path, fault):
    asf.extractor.preparing = 0
    for server in asf.servers:
        server.faults = [fault]
    clock = Clock()
    fetched = from_asf(archive_sample, asf, tmp_path / "work", clock=clock, burst_index=1)
    assert fetched.href.startswith(asf.extractor.url)
    assert clock.slept == [17.0 if fault.headers else 1.0]


def test_a_stalled_server_is_asked_again_for_the_rest(archive_sample, asf, tmp_path, monkeypatch):
    monkeypatch.setattr("rtcflow_files.web.READ_S", 0.3)
    asf.extractor.faults = [Fault("/VV/1.tiff", 202), Fault("/VV/1.tiff", stall_after=90_000)]
    asf.extractor.preparing = 0
    from_asf(archive_sample, asf, tmp_path / "work", burst_index=1)
    ranges = [
        a.headers["Range"]
        for a in asf.extractor.asked
        if a.path.endswith("VV/1.tiff") and "Range" in a.headers
    ]
    assert ranges == ["bytes=90000-"]


def test_a_broken_download_resumes_also_in_another_process(archive_sample, asf, tmp_path):
    asf.extractor.preparing = 0
    asf.extractor.faults = [Fault("/VV/1.tiff", cut_after=60_000)] + [Fault("/VV/1.tiff", 500)] * 4
    asf.datapool.faults = [Fault(".zip", 500)] * 5
    with pytest.raises(TransientError, match=r"VV/1\.tiff"):
        from_asf(archive_sample, asf, tmp_path / "first", burst_index=1)
    meter = Meter()
    from_asf(archive_sample, asf, tmp_path / "second", burst_index=1, meter=meter)
    assert any(asked.headers.get("Range") == "bytes=60000-" for asked in asf.extractor.asked)
    assert meter.bytes_fetched == sum(len(body) for body in asf.extractor.made.values()) - 60_000
    assert not (tmp_path / DOWNLOADS).exists()


def test_a_file_that_changed_meanwhile_is_fetched_again(archive_sample, asf, tmp_path):
    asf.extractor.preparing = 0
    asf.extractor.faults = [Fault("/VV/1.xml", cut_after=5000)]
    give = asf.extractor.give

    def changed(path):
        answer = give(path)
        answer.headers["ETag"] = f'"{len(asf.extractor.asked)}"'
        return answer

    asf.extractor.give = changed
    fetched = from_asf(archive_sample, asf, tmp_path / "work", burst_index=1)
    assert fetched.burst.burst_id == archive_sample.bursts["iw1"][1]


def test_a_wrong_checksum_fails_the_download(archive_sample, asf, tmp_path):
    give = asf.extractor.give
    told = []

    def damaged(path):
        answer = give(path)
        if path.endswith("VV/1.xml") and answer.status == 200 and not told:
            told.append(path)
            answer.headers["Content-MD5"] = "AAAAAAAAAAAAAAAAAAAAAA=="
        return answer

    asf.extractor.give = damaged
    clock = Clock()
    from_asf(archive_sample, asf, tmp_path / "work", burst_index=1, clock=clock)
    assert [asked.path for asked in asf.extractor.asked].count(told[0]) >= 2


GONE = {
    "the extractor is down": Fault(".xml", 500, lasting=True),
    "the burst cannot be extracted": Fault(".tiff", 404, lasting=True),
    "the burst is never ready": Fault(".tiff", 202, lasting=True),
    "it gives a page": Fault(".xml", 200, {"Content-Type": "text/html"}, b"<html>down", lasting=True),
    "its XML is damaged": Fault(".xml", 200, body=b"<burst><manifest>", lasting=True),
    "its TIFF is damaged": Fault("/VV/1.tiff", 200, body=b"II*\0 nonsense", lasting=True),
}


@pytest.mark.parametrize("name", GONE)
def test_if_the_extractor_fails_for_good_the_whole_scene_is_fetched(archive_sample, asf, tmp_path, name):
    asf.extractor.preparing = 0
    asf.extractor.faults = [GONE[name]]
    clock = Clock()
    one = from_asf(archive_sample, asf, tmp_path / "work", clock=clock, burst_index=1)
    whole = fetch(archive_sample, str(archive_sample.safe), {}, tmp_path / "b")
    assert one.href == f"{asf.datapool.url}/SLC/SA/{archive_sample.scene}.zip"
    for polarization in ("VV", "VH"):
        burst = read_burst(one.files[polarization].annotation, one.burst.burst_id)
        mine, theirs = (read_burst_pixels(s.files[polarization], burst) for s in (one, whole))
        assert np.array_equal(mine, theirs)
    # It stays for the other bursts of the task, and is removed with it.
    assert [path.parent.parent.name for path in (tmp_path / "work").rglob("*.zip")] == ["shared"]
    assert len(list(one.safe.glob("measurement/*"))) == 2
    assert clock.now() < PATIENCE_S + 70


def test_the_download_of_a_whole_scene_resumes(archive_sample, asf, tmp_path):
    asf.extractor.faults = [Fault(".xml", 404)]
    asf.datapool.faults = [Fault(".zip", cut_after=100_000)]
    meter = Meter()
    from_asf(archive_sample, asf, tmp_path / "work", meter=meter)
    assert meter.bytes_fetched == len(asf.datapool.zipped())
    assert any(asked.headers.get("Range") == "bytes=100000-" for asked in asf.datapool.asked)


OF_THE_SCENE = [
    Fault(".zip", 500),
    Fault(".zip", 429, {"Retry-After": "9"}),
    Fault(".zip", cut_after=100),
    Fault(".zip", stall_after=100_000),
    Fault("/login", 503),
]


@pytest.mark.parametrize("fault", OF_THE_SCENE, ids=lambda fault: f"{fault.at}-{fault.status or 'body'}")
def test_a_passing_fault_of_the_whole_scene_is_retried(archive_sample, asf, tmp_path, fault, monkeypatch):
    monkeypatch.setattr("rtcflow_files.web.READ_S", 0.3)
    asf.extractor.faults = [Fault(".xml", 404)]
    asf.datapool.faults = [fault]
    meter = Meter()
    fetched = from_asf(archive_sample, asf, tmp_path / "work", meter=meter)
    assert fetched.href.endswith(".zip")
    assert meter.bytes_fetched == len(asf.datapool.zipped())


def test_if_asf_lacks_the_scene_too_the_first_fault_is_reported(archive_sample, asf, tmp_path):
    asf.extractor.faults = [Fault(".xml", 404)]
    asf.datapool.faults = [Fault(".zip", 404)]
    with pytest.raises(RefusedError, match=r"\.xml does not exist"):
        from_asf(archive_sample, asf, tmp_path / "work")


def test_refused_access_to_the_whole_scene_says_what_to_do(archive_sample, asf, tmp_path):
    asf.extractor.faults = [Fault(".xml", 500, lasting=True)]
    asf.datapool.faults = [Fault(".zip", 403, lasting=True)]
    with pytest.raises(RefusedError, match=r"refused access.*EARTHDATA_LOGIN"):
        from_asf(archive_sample, asf, tmp_path / "work")
    assert sum(".zip" in asked.path for asked in asf.datapool.asked) <= 2


def test_a_scene_that_may_come_later_is_transient(archive_sample, asf, tmp_path):
    asf.extractor.faults = [Fault(".xml", 404)]
    asf.datapool.faults = [Fault(".zip", 503, lasting=True)]
    with pytest.raises(TransientError, match=r"\.zip could not be fetched"):
        from_asf(archive_sample, asf, tmp_path / "work")


def test_a_wrong_password_is_one_sentence_that_names_the_variable(archive_sample, asf, tmp_path):
    with pytest.raises(RefusedError, match="EARTHDATA_LOGIN and EARTHDATA_PASSWORD") as caught:
        fetch(archive_sample, "asf", asf.environment | {"EARTHDATA_PASSWORD": "wrong-one"}, tmp_path / "work")
    assert caught.value.reason == "credentials"
    assert "https://urs.earthdata.nasa.gov" in caught.value.message
    assert "wrong-one" not in caught.value.message
    assert len(asf.urs.asked) == 1


def test_missing_credentials_are_one_sentence_that_names_the_variable(archive_sample, asf, tmp_path):
    given = asf.environment
    del given["EARTHDATA_PASSWORD"]
    with pytest.raises(
        RefusedError, match=r"set EARTHDATA_LOGIN and EARTHDATA_PASSWORD .*https://urs\.earthdata"
    ):
        fetch(archive_sample, "asf", given, tmp_path / "work")
    assert not asf.extractor.asked


def test_refused_access_at_asf_says_what_to_do(archive_sample, asf, tmp_path):
    asf.extractor.faults = [Fault(".xml", 403)]
    with pytest.raises(RefusedError, match="refused access") as caught:
        from_asf(archive_sample, asf, tmp_path / "work")
    assert "EARTHDATA_LOGIN" in caught.value.message


def test_a_required_agreement_is_reported(archive_sample, asf, tmp_path):
    asf.urs.agreed = False
    with pytest.raises(RefusedError, match="in a browser") as caught:
        from_asf(archive_sample, asf, tmp_path / "work")
    assert caught.value.reason == "earthdata-agreement"


def test_an_expired_cookie_is_renewed(archive_sample, asf, tmp_path):
    unknown = asf.datapool.unknown
    asf.datapool.answer = lambda asked: (
        unknown(asked) if len(asf.urs.asked) == 1 else asf.datapool.give(asked.path)
    )
    asf.extractor.faults = [Fault(".xml", 404)]
    assert from_asf(archive_sample, asf, tmp_path / "work").href.endswith(".zip")
    assert len(asf.urs.asked) == 2


def test_a_login_that_ends_without_a_cookie_is_reported(archive_sample, asf, tmp_path):
    asf.login.faults = [Fault("/login", 403)]
    with pytest.raises(RefusedError, match="log in once"):
        from_asf(archive_sample, asf, tmp_path / "work")


def test_a_damaged_extract_is_requested_again(archive_sample, asf, tmp_path):
    asf.extractor.preparing = 0
    asf.extractor.faults = [Fault("/VV/1.tiff", 200, body=b"II*\0 nonsense")]
    fetched = from_asf(archive_sample, asf, tmp_path / "work", burst_index=1)
    assert fetched.href.startswith(asf.extractor.url)
