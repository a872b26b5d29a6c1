"""The image as ECS runs it, and as a command line: products, exit codes, stops, and nothing compiled at the start."""

import json
import os
import socket
import subprocess
import tarfile
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import rasterio

from rtcflow.sentinel1.burst_metadata import read_burst
from rtcflow_contract.job import BurstJob, Sources, make_job
from rtcflow_contract.layers import Product
from rtcflow_contract.request import parse_request
from rtcflow_contract.task import Task
from tests.support import image_tools

pytestmark = pytest.mark.usefixtures("image")


def job_of(s3, execution, **sources) -> BurstJob:
    """The job of the sample's first burst, on the archive in the bucket."""
    sample, where = s3.sample, s3.archive
    (burst_id, *_), *_ = sample.bursts.values()
    (annotation, *_) = sorted((sample.safe / "annotation").glob(f"s1?-{burst_id[-3:]}-*.xml"))
    source = where.scene_source(sample)
    request = parse_request(
        {"scene": sample.scene, "scene_source": source, "collection": execution}, "products"
    )
    return make_job(
        request,
        product=Product.RTC_S1,
        burst_id=burst_id,
        sensing_start=read_burst(annotation, burst_id).sensing_start,
        execution=execution,
        execution_started=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        work_bucket="work",
        product_version="0.1",
        sources=Sources(
            scene=source,
            **{
                "orbits": f"{where.uri}/orbits",
                "dem": f"{where.uri}/dem",
                "geoid": f"{where.uri}/geoid/us_nga_egm2008_1_4326__agisoft.tif",
                **sources,
            },
        ),
    )


def task_of(s3, execution, **sources) -> tuple[str, ...]:
    """Options of a container with a task of one burst."""
    task = Task(execution=execution, number=0, jobs=(job_of(s3, execution, **sources),))
    return s3.options(RTCFLOW_TASK=task.model_dump_json())


def stored(s3, bucket, prefix) -> dict[str, bytes]:
    listed = s3.client.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
    return {
        entry["Key"].rpartition("/")[2]: s3.client.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read()
        for entry in listed
    }


@pytest.fixture(scope="module")
def made(s3, image):
    """A burst that a task in the image made: how it ended, and its files in the bucket."""
    done = image_tools.run(options=(*task_of(s3, "made"), "--env=NUMBA_DEBUG_CACHE=1"))
    return done, stored(s3, "products", "experimental/made/") | stored(s3, "work", "executions/made/")


def test_task_makes_a_burst_from_s3(made):
    done, files = made
    assert done.returncode == 0, done.stdout[-2000:]
    assert {"manifest.json", "outcome.json"} <= set(files)
    assert sum(name.endswith(".tif") for name in files) >= 3


def test_manifest_names_the_commit_and_the_compiled_state(made):
    _, files = made
    engine = json.loads(files["manifest.json"])["engine"]
    assert engine["versions"]["rtcflow"].endswith(f"+g{image_tools.COMMIT[:12]}")
    assert len(engine["compiled"]) == 16


def test_nothing_is_compiled_at_the_start(made):
    done, _ = made
    assert "data loaded from" in done.stdout
    assert "data saved to" not in done.stdout


def test_product_is_that_of_this_checkout(s3, made, tmp_path):
    _, files = made
    job = job_of(s3, "beside")
    environment = {**os.environ, **s3.environment, "RTCFLOW_WORK_DIR": str(tmp_path)}
    task = Task(execution="beside", number=0, jobs=(job,)).model_dump_json()
    words = [image_tools.ROOT / ".venv/bin/python", "-m", "rtcflow.entrypoint"]
    subprocess.run(words, env={**environment, "RTCFLOW_TASK": task}, check=True, capture_output=True)
    beside = stored(s3, "products", "experimental/beside/")
    rasters = [name for name in beside if name.endswith(".tif")]
    assert rasters
    for name in rasters:
        with rasterio.MemoryFile(beside[name]) as a, rasterio.MemoryFile(files[name]) as b:
            np.testing.assert_allclose(a.open().read(), b.open().read(), rtol=1e-5, err_msg=name)


def test_task_without_a_job_is_refused(image):
    done = image_tools.run()
    assert done.returncode == 65
    assert "RTCFLOW_TASK is not set" in done.stdout


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--env=RTCFLOW_TIME_LIMIT_S=abc",), "RTCFLOW_TIME_LIMIT_S is 'abc'"),
        (("--env=RTCFLOW_WORK_DIR=/nowhere",), "cannot be written"),
        (("--mount=type=tmpfs,destination=/tmp,tmpfs-size=64k",), "the disk is full"),
    ],
)
def test_trouble_of_the_machine_is_one_sentence(s3, options, words):
    done = image_tools.run(options=(*task_of(s3, "trouble"), *options))
    assert done.returncode in (65, 70)
    assert words in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_told_to_stop_it_ends_as_transient(s3):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        options = (*task_of(s3, "stopped", dem=address), "--env=RTCFLOW_STOP_S=5", "--name=rtcflow-stopped")
        process = subprocess.Popen(image_tools.command(options=options), stdout=subprocess.PIPE, text=True)
        silent.settimeout(120)
        silent.accept()
        podman = image_tools.Store.of_environment().podman
        subprocess.run(podman("kill", "--signal", "TERM", "rtcflow-stopped"), check=True, capture_output=True)
        started = time.monotonic()
        assert process.wait(60) == 75, process.stdout.read()
        assert time.monotonic() - started < 30
    outcome = json.loads(stored(s3, "work", "executions/stopped/")["outcome.json"])
    assert outcome["error_class"] == "transient"


@pytest.mark.parametrize("options", [(), ("--entrypoint", "rtcflow")], ids=["entrypoint", "program"])
def test_command_line_makes_a_burst_as_any_user_into_a_mounted_folder(s3, image, tmp_path, options):
    out = tmp_path / "out"
    out.mkdir()
    out.chmod(0o777)
    sample = s3.sample
    (burst_id, *_), *_ = sample.bursts.values()
    done = image_tools.run(
        *("burst", "--safe", f"/in/{sample.safe.name}", "--burst-id", burst_id, "--out", "/out"),
        *("--orbit", f"/in/orbits/{sample.orbit.name}", "--dem", "/in/dem"),
        *("--geoid", f"/in/geoid/{sample.geoid.name}"),
        options=(
            f"--volume={sample.folder}:/in:ro", f"--volume={out}:/out", "--user=1234:1234",
            "--env=NUMBA_DEBUG_CACHE=1", *options,
        ),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    (manifest,) = out.rglob("manifest.json")
    assert manifest.stat().st_uid == 1234
    assert "data saved to" not in done.stdout


def test_image_is_labelled_and_lists_what_is_in_it(image, tmp_path):
    podman = image_tools.Store.of_environment().podman
    (found,) = json.loads(
        subprocess.run(podman("image", "inspect", image), check=True, capture_output=True).stdout
    )
    assert found["Labels"]["org.opencontainers.image.revision"] == image_tools.COMMIT
    assert found["Config"]["User"] == "10001:10001"
    bill = json.loads(image_tools.run("/opt/rtcflow/sbom.cdx.json", options=("--entrypoint", "cat")).stdout)
    kinds = {component["purl"].split("/")[0] for component in bill["components"] if "purl" in component}
    assert {"pkg:pypi", "pkg:deb"} <= kinds
    listed = {component["name"] for component in bill["components"]}
    assert {"numba", "rasterio", "libc6"} <= listed


def test_code_is_a_small_layer_of_its_own_and_files_have_one_time(image, tmp_path):
    podman = image_tools.Store.of_environment().podman
    archive = tmp_path / "image.tar"
    subprocess.run(
        podman("save", "--format=docker-archive", "--output", archive, image), check=True, capture_output=True
    )
    layers = {}
    with tarfile.open(archive) as whole:
        (manifest,) = json.load(whole.extractfile("manifest.json"))
        for name in manifest["Layers"][-2:]:
            with tarfile.open(fileobj=whole.extractfile(name)) as layer:
                layers[name] = layer.getmembers()
    libraries, code = (layers[name] for name in manifest["Layers"][-2:])
    print({name: sum(member.size for member in members) for name, members in layers.items()})
    assert sum(member.size for member in code) < 10e6
    paths = {Path(member.name) for member in libraries}
    assert not [path for path in paths if "rtcflow" in path.name and path.name.endswith(".py")]
    assert not [path for path in paths if path.name in ("pip", "tests") and "site-packages" in path.parts]
    times = {member.mtime for member in [*libraries, *code] if member.isfile()}
    assert len(times) == 1
