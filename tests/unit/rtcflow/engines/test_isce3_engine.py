"""The isce3 engine with a stand-in for the workflow: its files, its log and its faults."""

import logging
import os
import shutil
import signal
import stat
import sys
import threading
from pathlib import Path

import h5py
import numpy as np
import pytest
import rasterio

import rtcflow.burst_run
from rtcflow.burst_run import make_burst
from rtcflow.destination import Destination
from rtcflow.engines.isce3.isce3_engine import SCRIPT, Isce3Engine
from rtcflow.engines.isce3.process import run_workflow
from rtcflow.engines.isce3.staged_dem import StagedDem
from rtcflow.engines.isce3.staging import stage_orbit, stage_safe
from rtcflow.engines.isce3.workflow_output import collect_output, read_facts
from rtcflow.engines.registry import ENGINES, choose_engine
from rtcflow.inputs import fetch_inputs
from rtcflow.machine_errors import StopRequest, as_contract_error, stopped
from rtcflow.progress import silent
from rtcflow.resources import Meter
from rtcflow.sentinel1.burst_metadata import BurstFiles
from rtcflow.sources.orbit.orbit_source import FetchedOrbit
from rtcflow.sources.scene.safe_burst import fetch_burst
from rtcflow_contract.errors import DefectError, RefusedError, RtcflowError
from rtcflow_contract.grid import Grid
from rtcflow_contract.keys import Location
from rtcflow_contract.layers import Product, layers_of
from rtcflow_contract.product_id import layer_file_name, metadata_file_name
from rtcflow_contract.request import Engine
from tests.support.burst_case import BURSTS, GRID, SCENE, make_job, write_case

STAND_IN = Path(__file__).resolve().parents[3] / "support" / "isce3_stand_in.py"
INSTALLED = ("json",)
AS_GIVEN = StagedDem(Path("dem.tif"), {}, np.zeros((0, 0), bool))


@pytest.fixture
def on_path(tmp_path, monkeypatch):
    """The stand-in under the workflow's name, on the PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    script = folder / SCRIPT
    script.write_text(
        f"#!{sys.executable}\nimport runpy\nrunpy.run_path({str(STAND_IN)!r}, run_name='__main__')\n"
    )
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return script


@pytest.fixture
def make(tmp_path, on_path, monkeypatch):
    """Makes a burst product with the stand-in in a given mode; returns the manifest and the product's folder."""
    write_case(tmp_path)
    monkeypatch.setattr(rtcflow.burst_run, "choose_engine", lambda choice: Isce3Engine(INSTALLED))

    def run(how="ok", progress=silent, work_parent=tmp_path, **changes):
        monkeypatch.setenv("STAND_IN", how)
        job = make_job(tmp_path, **changes)
        work = work_parent / "work"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        folder = tmp_path / "out" / job.product.value
        return make_burst(job, work, Destination(job, Location.local(folder)), progress).manifest, folder

    return run


def failure(make, how) -> RtcflowError:
    with pytest.raises(RtcflowError) as caught:
        make(how)
    return caught.value


@pytest.mark.parametrize("product", list(Product))
def test_a_product_has_the_names_layers_and_manifest_of_the_contract(make, product):
    manifest, folder = make(product=product)
    assert manifest.engine.name == "isce3"
    assert [file.layer for file in manifest.files if file.layer] == [
        layer.name for layer in layers_of(product, ("VV", "VH"))
    ]
    assert all(file.name.startswith(manifest.product_id) for file in manifest.files)
    assert all((folder / file.name).is_file() for file in manifest.files)
    assert manifest.grid == GRID
    assert set(manifest.resources.stages) >= {"compute", "write layers", "check"}


def test_versions_and_parameters_are_read_from_the_workflows_file(make):
    manifest, _ = make()
    assert (
        manifest.engine.versions.items() >= {"rtc": "1.0.4", "isce3": "0.24.3", "s1Reader": "0.2.5"}.items()
    )
    assert manifest.parameters["bistatic_delay_correction"] is True
    assert manifest.parameters["dem_interpolation"] == "biquintic"
    static, _ = make(product=Product.RTC_S1_STATIC, execution="execution-2")
    assert static.parameters["bistatic_delay_correction"] is False
    assert static.parameters["thermal_noise_removal"] is False


def test_metadata_and_tags_name_the_real_processor(make, monkeypatch):
    monkeypatch.setenv("PROCESSOR_NAME", "Example Institute")
    monkeypatch.setenv("PROCESSOR_CONTACT", "sar@example.org")
    manifest, folder = make()
    with h5py.File(folder / metadata_file_name(manifest.product_id)) as file:
        assert file.attrs["institution"] == b"Example Institute"
        assert file["identification/institution"][()] == b"Example Institute"
        assert file["identification/contactInformation"][()] == b"sar@example.org"
        assert file["identification/processingDateTime"][()] == b"2025-04-08T02:54:01.000000Z"
        assert file["identification/productVersion"][()] == b"0.1"
    with rasterio.open(folder / layer_file_name(manifest.product_id, "VV")) as source:
        tags = source.tags()
        assert tags["INSTITUTION"] == "Example Institute"
        assert tags["PROCESSING_INFORMATION_ISCE3_VERSION"] == "0.24.3"
        assert source.descriptions == ("VV gamma0",)


def test_a_second_attempt_overwrites_the_files_of_the_first(make):
    first, folder = make()
    names = {path.name for path in folder.iterdir()}
    second, _ = make(execution="execution-2", on_existing="replace")
    assert second.product_id == first.product_id
    assert {path.name for path in folder.iterdir()} == names


def test_a_relative_work_folder_is_accepted(make, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    manifest, folder = make(work_parent=Path())
    assert all((folder / file.name).is_file() for file in manifest.files)


def test_the_workflows_log_goes_to_the_structured_log_and_updates_progress(make, caplog):
    seen = []
    with caplog.at_level(logging.INFO, logger="rtcflow-burst.isce3"):
        make("slow", progress=lambda stage, done: seen.append((stage, done)))
    lines = [record.line for record in caplog.records if record.name == "rtcflow-burst.isce3"]
    assert "computing layover shadow mask for the burst" in lines
    assert "block 1999" in lines
    compute = [done for stage, done in seen if stage == "compute"]
    assert compute == sorted(compute)
    assert {0.0, 0.04, 0.75} <= set(compute)


def test_a_crash_is_reported_with_the_last_line(make):
    error = failure(make, "crash")
    assert (type(error), error.reason) == (DefectError, "isce3-failed")
    assert "exit code 1" in error.message
    assert "ValueError: the radar grid is empty" in error.message


def test_a_hang_is_stopped_at_the_limit_with_what_to_do(make, monkeypatch):
    monkeypatch.setenv("RTCFLOW_ISCE3_TIME_LIMIT_S", "6")
    error = failure(make, "hang")
    assert error.reason == "time-limit"
    assert "after 6 s" in error.message
    assert "raise the limit, or make the burst with engine native" in error.message
    assert "computing layover shadow mask" in error.message


def test_a_full_disk_has_the_usual_reason(make):
    error = failure(make, "disk-full")
    assert error.reason == as_contract_error(OSError(28, "x")).reason == "disk-full"


@pytest.mark.parametrize("how", ["no-memory", "killed"])
def test_exhausted_memory_has_the_usual_reason(make, how):
    assert failure(make, how).reason == "out-of-memory"


def test_a_dem_that_is_too_small_is_refused(make):
    error = failure(make, "no-coverage")
    assert (type(error), error.reason) == (RefusedError, "dem-coverage")


@pytest.mark.parametrize(
    ("how", "reason", "words"),
    [
        ("no-metadata", "layer-missing", r"0 files \*\.h5"),
        ("other-burst", "burst-id", "of burst t070_148570_iw1"),
        ("other-grid", "layer-check", "the planned one"),
    ],
)
def test_output_of_another_job_is_a_defect(make, how, reason, words):
    with pytest.raises(DefectError, match=words) as caught:
        make(how)
    assert caught.value.reason == reason


def test_a_time_limit_that_is_not_a_number_is_refused(make, monkeypatch):
    monkeypatch.setenv("RTCFLOW_ISCE3_TIME_LIMIT_S", "soon")
    assert failure(make, "ok").reason == "settings"


def test_a_stop_from_outside_ends_the_workflow_and_its_children(tmp_path):
    pids: list[int] = []
    both = threading.Event()

    def note(line):
        pids.append(int(line))
        if len(pids) == 2:
            both.set()
            os.kill(os.getpid(), signal.SIGUSR1)

    def stop(number, frame):
        raise stopped()

    before = signal.signal(signal.SIGUSR1, stop)
    try:
        with pytest.raises(StopRequest):
            run_workflow(["sh", "-c", "echo $$; sh -c 'echo $$; exec sleep 60'; true"], tmp_path, 60, note)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert both.is_set()
    for pid in pids:
        assert not running(pid)


def running(pid: int) -> bool:
    """Whether a process exists and has not ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def test_auto_uses_isce3_if_it_is_installed_and_native_otherwise(on_path):
    native = ENGINES[-1]
    assert choose_engine(Engine.AUTO, (Isce3Engine(INSTALLED), native)).name == "isce3"
    assert choose_engine(Engine.AUTO, (Isce3Engine(("no_such_module",)), native)).name == "native"
    assert choose_engine(Engine.NATIVE, (Isce3Engine(INSTALLED), native)).name == "native"


def test_it_may_be_installed_in_an_environment_of_its_own(on_path, tmp_path):
    python = tmp_path / "bin" / "python-elsewhere"
    python.write_text('#!/bin/sh\nfor word; do test "$word" = isce3 && exit 0; done\nexit 1\n')
    python.chmod(0o755)
    on_path.write_text(f"#!{python}\n")
    assert Isce3Engine(("isce3",)).available()
    assert not Isce3Engine(("another",)).available()


def test_a_request_for_a_missing_engine_says_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RefusedError, match=r"--target isce3.*conda-forge") as caught:
        choose_engine(Engine.ISCE3)
    assert caught.value.reason == "engine-missing"


def fetched(tmp_path, product=Product.RTC_S1):
    write_case(tmp_path)
    source = str(tmp_path / f"{SCENE}.SAFE")
    return fetch_burst(source, SCENE, BURSTS[1], ("VV", "VH"), product, tmp_path / "in", Meter(), silent)


def test_the_safe_has_an_annotation_for_every_sub_swath_s1_reader_opens(tmp_path):
    safe = stage_safe(fetched(tmp_path), BURSTS[1], tmp_path / "staged")
    assert safe.name == f"{SCENE}.SAFE"
    for swath in ("iw1", "iw2", "iw3"):
        for polarization in ("vv", "vh"):
            assert len(list(safe.glob(f"annotation/*-{swath}-slc-{polarization}-*.xml"))) == 1
    assert len(list(safe.glob("annotation/calibration/*.xml"))) == 4
    assert len(list(safe.glob("measurement/*iw1-slc-vv*tiff"))) == 1


def test_static_layers_need_no_measurement(tmp_path):
    safe = stage_safe(fetched(tmp_path, Product.RTC_S1_STATIC), BURSTS[1], tmp_path / "staged")
    assert not (safe / "measurement").exists()


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_fetched_lines_are_placed_in_the_sub_swath(tmp_path):
    scene = fetched(tmp_path)
    whole = scene.files["VV"]
    with rasterio.open(whole.measurement) as source:
        values = source.read(1)
    lines = values.shape[0] // 2
    extract = tmp_path / "lines.tiff"
    profile = {
        "driver": "GTiff",
        "height": lines,
        "width": values.shape[1],
        "count": 1,
        "dtype": "complex_int16",
    }
    with rasterio.open(extract, "w", **profile) as out:
        out.write(values[lines:], 1)
    files = BurstFiles(whole.annotation, whole.calibration, whole.noise, extract, lines)
    safe = stage_safe(scene._replace(files={"VV": files}), BURSTS[1], tmp_path / "staged")
    (measurement,) = safe.glob("measurement/*.tiff")
    with rasterio.open(measurement) as source:
        assert source.shape == values.shape
        np.testing.assert_array_equal(source.read(1)[lines:], values[lines:])


def test_a_relative_orbit_file_is_found_from_another_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = "S1A_OPER_AUX_RESORB_OPOD_20220101T120000_V20220101T080000_20220101T113000"
    (tmp_path / f"{name}.EOF").write_text("<x/>")
    orbit = FetchedOrbit(Path(f"{name}.EOF"), "RESORB", name, "")
    assert stage_orbit(orbit, tmp_path / "staged") == tmp_path / f"{name}.EOF"


def test_two_joined_orbit_files_get_a_name_that_spans_both(tmp_path):
    joined = tmp_path / "joined.EOF"
    joined.write_text("<x/>")
    first = "S1A_OPER_AUX_RESORB_OPOD_20220101T120000_V20220101T080000_20220101T113000"
    second = "S1A_OPER_AUX_RESORB_OPOD_20220101T140000_V20220101T093000_20220101T130000"
    path = stage_orbit(FetchedOrbit(joined, "RESORB", f"{first}+{second}", ""), tmp_path / "staged")
    assert path.name == "S1A_OPER_AUX_RESORB_OPOD_20220101T140000_V20220101T080000_20220101T130000.EOF"
    assert path.read_text() == "<x/>"


@pytest.mark.parametrize("product", list(Product))
def test_a_real_output_folder_of_the_workflow_is_collected(tmp_path, product, monkeypatch, shared):
    output = shared / "reference" / "opera-output" / product.value.lower().replace("_", "-")
    facts = read_facts(next(output.glob("*.h5")))
    assert facts.versions["rtc"] == "1.0.4"
    assert facts.burst_id == "t071_151203_iw2"
    grid = Grid(epsg=32611, left=500_000, top=4_232_000, spacing=20, rows=200, cols=300)
    job = make_job(tmp_path, product=product, burst_id=facts.burst_id, grid=grid)
    layers = [layer for layer in layers_of(product, ("VV", "VH")) if layer.name != "interpolated_dem"]
    # The reference run left the workflow's defaults, which make no DEM layer.
    monkeypatch.setattr("rtcflow.engines.isce3.workflow_output.layers_of", lambda *arguments: layers)
    folder = tmp_path / "product"
    folder.mkdir()
    result = collect_output(job, inputs_of(tmp_path), grid, output, folder, silent, AS_GIVEN, {})
    assert result.parameters["static_tropospheric_delay_correction"] is (product is Product.RTC_S1)
    for layer in layers:
        (theirs,) = output.glob(f"*v1.0_{layer.name}.tif")
        with (
            rasterio.open(theirs) as a,
            rasterio.open(folder / layer_file_name(job.product_id, layer.name)) as b,
        ):
            np.testing.assert_array_equal(a.read(1), b.read(1))
            assert b.tags()["BURST_ID"] == facts.burst_id
    with h5py.File(folder / metadata_file_name(job.product_id)) as file:
        assert b"NASA" not in file["identification/institution"][()]
        assert b"NASA" not in file.attrs["institution"]
        assert file["metadata/orbit/position"].shape == (13, 3)


def inputs_of(tmp_path):
    """Inputs as fetched for the small case, from which the collector takes who, when and where."""
    write_case(tmp_path)
    return fetch_inputs(make_job(tmp_path), tmp_path / "in", silent, Meter()).engine
