"""One burst, one set of files: whatever is killed, retried, repeated, replaced or run at once."""

import errno
import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import rtcflow_files.folder
from rtcflow.burst_run import make_burst
from rtcflow.destination import Destination
from rtcflow.machine_errors import stopped
from rtcflow.resources import Meter
from rtcflow_contract.errors import DefectError, RefusedError
from rtcflow_contract.keys import ITEM, MANIFEST, Location
from rtcflow_contract.layers import Product
from rtcflow_contract.manifest import Manifest
from rtcflow_contract.product_id import product_id
from rtcflow_contract.report import Outcome
from rtcflow_contract.request import OnExisting
from tests.support.burst_case import BUCKET, GRID, make_job

LATER = datetime(2025, 4, 9, tzinfo=UTC)


def job_at(case, started=None, execution="execution-1", **changes):
    job = make_job(case, execution=execution, **changes)
    if started is None:
        return job
    name = product_id(job.product, job.burst_id, job.sensing_start, started, "S1A", 20, "0.1")
    return job.model_copy(update={"execution_started": started, "product_id": name})


def make(job, case, number=0):
    return make_burst(job, case / f"work-{number}", Destination(job))


def names(aws, job):
    listed = aws.list_objects_v2(Bucket=BUCKET, Prefix=job.destination.key + "/").get("Contents", [])
    return {entry["Key"].rsplit("/", 1)[1] for entry in listed}


def committed(aws, job):
    body = aws.get_object(Bucket=BUCKET, Key=job.destination.join(MANIFEST).key)["Body"].read()
    return Manifest.model_validate_json(body)


def assert_one_set(aws, job):
    """Exactly the files of the manifest, each with its checksum."""
    manifest = committed(aws, job)
    assert names(aws, job) - {MANIFEST} == {file.name for file in manifest.files}
    for file in manifest.files:
        body = aws.get_object(Bucket=BUCKET, Key=job.destination.join(file.name).key)["Body"].read()
        assert (len(body), hashlib.sha256(body).hexdigest()) == (file.size, file.sha256)
    return manifest


def test_a_burst_is_made_with_its_manifest(aws, case, engine):
    job = make_job(case)
    result = make(job, case)
    manifest = assert_one_set(aws, job)
    assert (result.outcome, result.manifest) == (Outcome.MADE, manifest)
    assert manifest.grid == GRID
    assert {file.layer for file in manifest.files} == {"VV", "VH", "mask", None}
    assert manifest.file_of_layer("mask").class_counts["fill"] == 1000 * 280 - 980 * 250
    assert [ref.kind for ref in manifest.inputs] == ["scene", "orbit", "dem"]
    assert manifest.acquisition.ipf_version == "3.40"
    assert manifest.parameters["grid_origin"] == "job"
    assert manifest.resources.bytes_written == sum(file.size for file in manifest.files)
    assert {"fetch scene", "check", "publish"} <= set(manifest.resources.stages)


def test_static_layers_are_made_without_pixels(aws, case, engine):
    job = make_job(case, product=Product.RTC_S1_STATIC)
    make(job, case)
    assert len(assert_one_set(aws, job).files) == 10
    assert not engine.calls[0].scene.files["VV"].measurement


def test_a_run_that_dies_before_the_commit_leaves_no_product(aws, case, engine):
    job = make_job(case)

    def die():
        raise stopped()

    engine.before_last = die
    with pytest.raises(BaseException, match="stopped from outside"):
        make(job, case)
    assert names(aws, job) == set()


def test_killed_between_upload_and_commit_then_run_again_leaves_one_set(aws, case, engine, monkeypatch):
    job = make_job(case)

    def killed(self, folder, manifest):
        raise stopped()

    with monkeypatch.context() as patch:
        patch.setattr(Destination, "commit", killed)
        with pytest.raises(BaseException, match="stopped"):
            make(job, case)
    assert len(names(aws, job)) == 8
    assert MANIFEST not in names(aws, job)
    engine.seed = 1
    assert make(job, case, 1).outcome is Outcome.MADE
    assert assert_one_set(aws, job).parameters["seed"] == 1


def test_a_later_execution_removes_what_a_killed_one_left(aws, case, engine, monkeypatch):
    first = job_at(case)
    with monkeypatch.context() as patch:
        patch.setattr(Destination, "commit", lambda *args: (_ for _ in ()).throw(stopped()))
        with pytest.raises(BaseException, match="stopped"):
            make(first, case)
    later = job_at(case, datetime.now(UTC) + timedelta(minutes=1), "execution-2")
    make(later, case, 1)
    assert assert_one_set(aws, later).execution == "execution-2"


def test_files_of_others_in_the_folder_stay(aws, case, engine):
    job = job_at(case, datetime.now(UTC) + timedelta(minutes=1))
    others = [
        ITEM,
        "notes.txt",
        "2022/1/1/OPERA_L2_RTC-S1_T070-148571-IW1_x.tif",
        "OPERA_L2_RTC-S1_T070-1_x.tif",
    ]
    for name in others:
        aws.put_object(Bucket=BUCKET, Key=job.destination.join(name).key, Body=b"x")
    make(job, case)
    keys = {e["Key"] for e in aws.list_objects_v2(Bucket=BUCKET, Prefix=job.destination.key)["Contents"]}
    assert {job.destination.join(name).key for name in others} <= keys


def test_a_committed_product_of_the_same_execution_is_not_made_again(aws, case, engine):
    job = make_job(case)
    made = make(job, case).manifest
    assert make(job, case, 1) == (Outcome.MADE, made)
    assert len(engine.calls) == 1


def test_a_committed_product_that_lost_a_file_is_made_again(aws, case, engine):
    job = make_job(case)
    made = make(job, case).manifest
    aws.delete_object(Bucket=BUCKET, Key=job.destination.join(made.files[0].name).key)
    assert make(job, case, 1).outcome is Outcome.MADE
    assert_one_set(aws, job)
    assert len(engine.calls) == 2


def test_another_executions_product_is_skipped_before_any_work(aws, case, engine):
    make(job_at(case), case)
    later = job_at(case, LATER, "execution-2")
    assert make(later, case, 1).outcome is Outcome.SKIPPED
    assert len(engine.calls) == 1
    assert assert_one_set(aws, later).execution == "execution-1"


def test_another_executions_product_that_lost_a_file_is_made_again(aws, case, engine):
    made = make(job_at(case), case).manifest
    later = job_at(case, LATER, "execution-2")
    aws.delete_object(Bucket=BUCKET, Key=later.destination.join(made.files[0].name).key)
    assert make(later, case, 1).outcome is Outcome.MADE
    assert assert_one_set(aws, later).execution == "execution-2"


def test_replace_takes_the_place_of_another_executions_product(aws, case, engine):
    make(job_at(case), case)
    later = job_at(case, LATER, "execution-2", on_existing=OnExisting.REPLACE)
    aws.put_object(Bucket=BUCKET, Key=later.destination.join(ITEM).key, Body=b"{}")
    assert make(later, case, 1).outcome is Outcome.MADE
    assert assert_one_set(aws, later).execution == "execution-2"


def test_two_executions_at_once_leave_one_set_of_files(aws, case, engine):
    first = job_at(case)
    second = job_at(case, LATER, "execution-2")
    engine.before_last = lambda: (setattr(engine, "before_last", None), make(second, case, 1))
    assert make(first, case).outcome is Outcome.SKIPPED
    assert assert_one_set(aws, first).execution == "execution-2"


def test_two_executions_started_in_one_second_leave_one_set(aws, case, engine):
    first, second = job_at(case), job_at(case, execution="execution-2")
    engine.before_last = lambda: (setattr(engine, "before_last", None), make(second, case, 1))
    make(first, case)
    assert assert_one_set(aws, first).execution == "execution-2"


def test_files_removed_just_before_the_commit_are_written_again(aws, case, engine, monkeypatch):
    job = make_job(case)
    put = Destination.put_files

    def put_and_lose(self, folder, files):
        put(self, folder, files)
        monkeypatch.setattr(Destination, "put_files", put)
        aws.delete_object(Bucket=BUCKET, Key=job.destination.join(files[0]).key)

    monkeypatch.setattr(Destination, "put_files", put_and_lose)
    make(job, case)
    assert_one_set(aws, job)


def test_a_product_replaced_right_after_its_commit_gives_way(aws, case, engine, monkeypatch):
    first = job_at(case)
    second = job_at(case, LATER, "execution-2", on_existing=OnExisting.REPLACE)
    lacking = Destination._lacking

    def replaced_meanwhile(self, manifest):
        monkeypatch.setattr(Destination, "_lacking", lacking)
        make(second, case, 1)
        return lacking(self, manifest)

    monkeypatch.setattr(Destination, "_lacking", replaced_meanwhile)
    assert make(first, case).outcome is Outcome.SKIPPED
    assert assert_one_set(aws, first).execution == "execution-2"


def test_a_missing_bucket_is_refused_before_any_work(aws, case, engine):
    job = make_job(case, destination=Location("no-such-bucket", "a/b"))
    with pytest.raises(RefusedError, match="bucket 'no-such-bucket' does not exist"):
        make(job, case)
    assert engine.calls == []


def test_a_bad_crs_is_refused_before_any_work(aws, case, engine):
    with pytest.raises(RefusedError, match="output_crs 4326"):
        make(make_job(case, output_crs=4326), case)
    assert engine.calls == []


def test_a_layer_the_engine_left_out_is_a_defect(aws, case, engine):
    job = make_job(case)
    engine.before_last = lambda: next((case / "work-0" / "product").glob("*_VH.tif")).unlink()
    with pytest.raises(DefectError, match=r"did not write .*_VH\.tif"):
        make(job, case)
    assert names(aws, job) == set()


def test_in_a_local_folder_a_product_is_replaced_as_a_whole(case, engine):
    folder = case / "out"
    for number, started in enumerate((None, LATER)):
        job = job_at(case, started, f"execution-{number}", on_existing=OnExisting.REPLACE)
        make_burst(job, case / f"work-{number}", Destination(job, Location.local(folder)), meter=Meter())
        (folder / ITEM).write_text("{}")
        (folder / "notes.txt").write_text("mine")
    manifest = Manifest.model_validate_json((folder / MANIFEST).read_bytes())
    assert manifest.execution == "execution-1"
    found = {path.name for path in folder.iterdir()}
    assert found == {file.name for file in manifest.files} | {MANIFEST, ITEM, "notes.txt"}


def test_in_a_local_folder_an_incomplete_file_does_not_get_its_name(case, engine, monkeypatch):
    def fills_up(source, target):
        Path(target).write_bytes(Path(source).read_bytes()[:10])
        raise OSError(errno.ENOSPC, "No space left on device", str(target))

    def other_disk(source, target):
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(rtcflow_files.folder.os, "link", other_disk)
    monkeypatch.setattr(rtcflow_files.folder.shutil, "copyfile", fills_up)
    job = job_at(case)
    with pytest.raises(OSError, match="No space left"):
        make_burst(job, case / "work", Destination(job, Location.local(case / "out")), meter=Meter())
    assert list((case / "out").iterdir()) == []
