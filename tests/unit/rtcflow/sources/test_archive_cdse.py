"""A burst from CDSE: one range of bytes by the catalogue's offset, keys created and deleted, within the quota."""

import json
from contextlib import contextmanager

import numpy as np
import pytest

from rtcflow.resources import Meter
from rtcflow.sentinel1.burst_metadata import read_burst
from rtcflow.sentinel1.measurement import read_burst_pixels
from rtcflow.sources.access.lease import HELD_S, LONGEST_WAIT_S, Slots
from rtcflow_contract.errors import RefusedError, TransientError
from rtcflow_contract.keys import Location
from rtcflow_contract.layers import Product
from tests.support.archive_asf import AsfArchive
from tests.support.archive_case import fetch
from tests.support.archive_cdse import ACCESS, FOLDERS, SECRET, CdseArchive
from tests.support.archive_clock import Clock
from tests.support.archive_loopback import Fault

LINES, SAMPLES = 64, 512
PIXELS = LINES * SAMPLES * 4


@pytest.fixture(params=FOLDERS)
def folder(request):
    return request.param


@pytest.fixture
def cdse(archive_sample):
    archive = CdseArchive(archive_sample.safe)
    yield archive
    archive.close()


def from_cdse(sample, archive, at, **changes):
    return fetch(sample, "cdse", archive.environment, at, **changes)


def measurement_ranges(archive):
    return [asked.headers.get("Range") for asked in archive.s3.asked if "/measurement/" in asked.path]


def test_the_burst_equals_that_of_the_whole_scene_in_both_layouts(archive_sample, folder, tmp_path):
    archive = CdseArchive(archive_sample.safe, folder)
    burst_id = archive_sample.bursts["iw2"][1]
    one = from_cdse(archive_sample, archive, tmp_path / "a", burst_id=burst_id)
    whole = fetch(archive_sample, str(archive_sample.safe), {}, tmp_path / "b", burst_id=burst_id)
    archive.close()
    assert folder in one.href
    assert one.burst == whole.burst
    for name in ("VV", "VH"):
        burst = read_burst(one.files[name].annotation, burst_id)
        assert burst == read_burst(whole.files[name].annotation, burst_id)
        assert np.array_equal(
            read_burst_pixels(one.files[name], burst), read_burst_pixels(whole.files[name], burst)
        )


def test_pixels_are_fetched_as_one_range_per_polarization(archive_sample, cdse, tmp_path):
    meter = Meter()
    from_cdse(archive_sample, cdse, tmp_path / "work", meter=meter)
    ranges = measurement_ranges(cdse)
    assert len(ranges) == 2
    for text in ranges:
        first, last = text.removeprefix("bytes=").split("-")
        assert int(last) - int(first) + 1 == PIXELS
    metadata = sum(
        path.stat().st_size
        for key, path in cdse.s3.files.items()
        if key.endswith(("manifest.safe", ".xml"))
        and any(a.path.split("?")[0].endswith(key) for a in cdse.s3.asked)
    )
    assert meter.bytes_fetched == 2 * PIXELS + metadata


def test_static_layers_fetch_no_pixels(archive_sample, cdse, tmp_path):
    from_cdse(archive_sample, cdse, tmp_path / "w", product=Product.RTC_S1_STATIC, polarizations=("VV",))
    assert not measurement_ranges(cdse)


def test_keys_are_deleted_also_after_a_fault(archive_sample, cdse, tmp_path):
    from_cdse(archive_sample, cdse, tmp_path / "a")
    assert cdse.keys.keys == []
    cdse.s3.faults = [Fault("/measurement/", 404, lasting=True)]
    with pytest.raises(RefusedError):
        from_cdse(archive_sample, cdse, tmp_path / "b")
    assert cdse.keys.keys == []
    assert [asked.method for asked in cdse.keys.asked].count("DELETE") == 2


def test_own_keys_need_no_login(archive_sample, cdse, tmp_path):
    given = {k: v for k, v in cdse.environment.items() if not k.startswith("CDSE_")}
    given |= {"CDSE_S3_ACCESS_KEY": ACCESS, "CDSE_S3_SECRET_KEY": SECRET}
    fetch(archive_sample, "cdse", given, tmp_path / "work")
    assert not cdse.identity.asked
    assert not cdse.keys.asked


PASSING = [
    Fault("/measurement/", 500),
    Fault("/measurement/", 503),
    Fault("/measurement/", 429, {"Retry-After": "3"}),
    Fault("/measurement/", cut_after=50_000),
]


@pytest.mark.parametrize("fault", PASSING, ids=lambda fault: str(fault.status or "cut"))
def test_a_passing_fault_of_the_store_is_retried(archive_sample, cdse, tmp_path, fault):
    cdse.s3.faults = [fault]
    meter = Meter()
    from_cdse(archive_sample, cdse, tmp_path / "work", meter=meter)
    assert len(measurement_ranges(cdse)) == 3
    if fault.cut_after:
        first = int(measurement_ranges(cdse)[0].removeprefix("bytes=").split("-")[0])
        assert measurement_ranges(cdse)[1].startswith(f"bytes={first + 50_000}-")


def test_a_stalled_store_is_asked_again_for_the_rest(archive_sample, cdse, tmp_path, monkeypatch):
    monkeypatch.setattr("rtcflow_files.web.READ_S", 0.3)
    cdse.s3.faults = [Fault("/measurement/", stall_after=50_000)]
    meter = Meter()
    from_cdse(archive_sample, cdse, tmp_path / "work", meter=meter)
    assert cdse.s3.sent_of("/measurement/") == 2 * PIXELS


def test_a_broken_range_resumes_also_in_another_process(archive_sample, cdse, tmp_path):
    cdse.s3.faults = [Fault("/measurement/", cut_after=50_000), Fault("/measurement/", 503, lasting=True)]
    with pytest.raises(TransientError, match="503"):
        from_cdse(archive_sample, cdse, tmp_path / "first")
    cdse.s3.faults = []
    from_cdse(archive_sample, cdse, tmp_path / "second")
    assert cdse.s3.sent_of("/measurement/") == 2 * PIXELS


@pytest.mark.parametrize("name", ["identity", "keys", "catalogue"])
def test_a_passing_fault_of_another_service_is_retried(archive_sample, cdse, tmp_path, name):
    getattr(cdse, name).faults = [Fault("", 503)]
    clock = Clock()
    from_cdse(archive_sample, cdse, tmp_path / "work", clock=clock)
    assert 1.0 in clock.slept


def test_a_wrong_password_names_the_variables(archive_sample, cdse, tmp_path):
    with pytest.raises(RefusedError, match="CDSE_LOGIN and CDSE_PASSWORD") as caught:
        fetch(archive_sample, "cdse", cdse.environment | {"CDSE_PASSWORD": "wrong-one"}, tmp_path / "work")
    assert caught.value.reason == "credentials"
    assert "https://dataspace.copernicus.eu" in caught.value.message
    assert "wrong-one" not in caught.value.message


def test_missing_credentials_name_the_variables(archive_sample, cdse, tmp_path):
    given = {k: v for k, v in cdse.environment.items() if not k.startswith("CDSE_")}
    with pytest.raises(RefusedError, match="set CDSE_LOGIN and CDSE_PASSWORD"):
        fetch(archive_sample, "cdse", given, tmp_path / "work")


def test_keys_that_the_store_rejects_name_the_variables(archive_sample, cdse, tmp_path):
    given = cdse.environment | {"CDSE_S3_ACCESS_KEY": "OLD", "CDSE_S3_SECRET_KEY": "old-secret"}
    with pytest.raises(RefusedError, match="CDSE_S3_ACCESS_KEY and CDSE_S3_SECRET_KEY") as caught:
        fetch(archive_sample, "cdse", given, tmp_path / "work")
    assert "old-secret" not in caught.value.message


def test_an_account_with_too_many_keys_is_transient(archive_sample, cdse, tmp_path):
    cdse.keys.most = 0
    with pytest.raises(TransientError, match="the maximum number of S3 keys"):
        from_cdse(archive_sample, cdse, tmp_path / "work")


def test_a_burst_that_is_not_in_the_scene_lists_those_that_are(archive_sample, cdse, tmp_path):
    with pytest.raises(RefusedError, match="is not in scene") as caught:
        from_cdse(archive_sample, cdse, tmp_path / "work", burst_id="t147_000001_iw1")
    assert archive_sample.bursts["iw1"][0] in caught.value.message
    assert not cdse.identity.asked


def test_a_catalogue_that_differs_from_the_annotation_is_refused(archive_sample, cdse, tmp_path):
    for entity in cdse.catalogue.sets["/odata/v1/Bursts"]:
        entity["LinesPerBurst"] += 1
    with pytest.raises(RefusedError, match="its annotation 64"):
        from_cdse(archive_sample, cdse, tmp_path / "work")


def test_it_replaces_asf_if_there_are_credentials(archive_sample, cdse, tmp_path):
    asf = AsfArchive(archive_sample.safe)
    asf.extractor.faults = [Fault(".tiff", 500, lasting=True)]
    fetched = fetch(archive_sample, "asf", asf.environment | cdse.environment, tmp_path / "work")
    assert fetched.href.startswith(cdse.s3.url)
    assert not asf.datapool.asked
    cdse.identity.faults = [Fault("", 503, lasting=True)]
    fetched = fetch(archive_sample, "asf", asf.environment | cdse.environment, tmp_path / "again")
    assert fetched.href.startswith(asf.datapool.url)
    asf.close()


@pytest.fixture
def slots(aws):
    """Tasks that share two slots and one clock."""
    now = Clock()

    def task():
        folder = Location("work", "leases/cdse")
        return Slots(folder, 2, now.retry(), aws, clock=lambda: 1e9 + now.now())

    task.clock = now
    return task


@contextmanager
def never(slots):
    """A slot that a killed task never releases."""
    holder = slots.hold()
    holder.__enter__()
    yield holder


def test_no_more_tasks_than_slots_fetch_at_once(slots, aws, monkeypatch):
    monkeypatch.setattr("rtcflow.sources.access.lease.HELD_S", 3 * LONGEST_WAIT_S)
    with slots().hold(), slots().hold():
        listed = aws.list_objects_v2(Bucket="work", Prefix="leases/cdse/")["Contents"]
        assert len(listed) == 2
        with pytest.raises(TransientError, match="were in use"), slots().hold():
            pytest.fail("a third slot")
    assert LONGEST_WAIT_S <= slots.clock.now() <= 2 * LONGEST_WAIT_S + 60
    assert "Contents" not in aws.list_objects_v2(Bucket="work", Prefix="leases/cdse/")


def test_a_released_slot_is_free(slots):
    with slots().hold(), slots().hold():
        pass
    with slots().hold():
        assert slots.clock.slept == []


def test_the_slot_of_a_killed_task_is_free_after_its_time(slots, aws):
    with never(slots()) as _one, never(slots()) as _two, slots().hold():
        assert HELD_S <= slots.clock.now() <= HELD_S + 20
    (entry,) = aws.list_objects_v2(Bucket="work")["Contents"]
    left = json.loads(aws.get_object(Bucket="work", Key=entry["Key"])["Body"].read())
    assert left["until"] == pytest.approx(1e9 + HELD_S)


def test_a_task_releases_only_its_own_slot(slots, aws):
    first = slots()
    with first.hold():
        (entry,) = aws.list_objects_v2(Bucket="work")["Contents"]
        aws.put_object(Bucket="work", Key=entry["Key"], Body=b'{"holder": "another", "until": 9e9}')
    assert aws.list_objects_v2(Bucket="work")["KeyCount"] == 1


@pytest.mark.parametrize(
    "note",
    [
        b"",
        b"{",
        b"[1]",
        b"7",
        b"\xff\xfe",
        b'{"holder": "x"}',
        b'{"until": "soon"}',
        b'{"until": null}',
        b'{"until": 1e300}',
        b'{"until": Infinity}',
        b'{"until": NaN}',
        b'{"until": 1' + b"0" * 400 + b"}",
    ],
)
def test_a_damaged_slot_is_free(slots, aws, note):
    for number in range(2):
        aws.put_object(Bucket="work", Key=f"leases/cdse/{number}.json", Body=note)
    first = slots()
    with first.hold():
        assert slots.clock.slept == []
        # A slot that is damaged while it is held is released without an error.
        for number in range(2):
            aws.put_object(Bucket="work", Key=f"leases/cdse/{number}.json", Body=note)


def test_tasks_on_aws_hold_a_slot_while_they_fetch(archive_sample, cdse, aws, tmp_path):
    held = []
    give = cdse.s3.answer

    def answer(asked):
        held.append(aws.list_objects_v2(Bucket="work", Prefix="leases/cdse/").get("KeyCount"))
        return give(asked)

    cdse.s3.answer = answer
    from_cdse(archive_sample, cdse, tmp_path / "work", work=Location("work", "executions/e/RTC_S1/b"))
    assert set(held) == {1}
    assert aws.list_objects_v2(Bucket="work", Prefix="leases/")["KeyCount"] == 0
