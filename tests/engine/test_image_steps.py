"""The image of the burst task, built by its Dockerfile's own steps in a clean folder, without Docker.

The last step compiles the engine for a minute; it is run too with RTCFLOW_IMAGE_TEST=full.
"""

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.dockerfile import Refused, Stage, build, stages

ROOT = Path(__file__).parents[2]
STAGES = stages(ROOT / "containers" / "rtc" / "Dockerfile")
FULL = os.environ.get("RTCFLOW_IMAGE_TEST") == "full"
WARM = "rtcflow.native.warm"
NO_INDEX = ("NewConnectionError", "name resolution", "Network is unreachable", "Connection refused")
USER = 10001


@pytest.fixture(scope="module")
def image():
    """Root of the built stage, as a host's user may read it."""
    root = Path(tempfile.mkdtemp(prefix="rtcflow-image-"))
    root.chmod(0o755)
    try:
        steps = build(STAGES["packages"], ROOT, root)
        if not FULL:
            (root / "opt/rtcflow/compiled").mkdir()
        steps += build(STAGES["code"], ROOT, root, leave_out=None if FULL else WARM)
    except Refused as refused:
        shutil.rmtree(root)
        if any(words in str(refused) for words in NO_INDEX):
            pytest.skip("no package index can be reached")
        raise
    assert len(steps) == (6 if FULL else 5)
    shutil.rmtree(root / "src")
    subprocess.run(["chmod", "-R", "a-w", root], check=True)
    yield root
    subprocess.run(["chmod", "-R", "u+w", root], check=True)
    shutil.rmtree(root)


@pytest.fixture(scope="module")
def without_rights(image) -> dict[str, Any]:
    """How to start a process without the rights of root."""
    if os.getuid() != 0:
        return {}
    other = {"user": USER, "group": USER, "extra_groups": []}
    try:
        subprocess.run([image / "opt/rtcflow/bin/python", "-c", ""], check=True, **other)
    except PermissionError:
        # This Python is in a folder that only root can read.
        return {"prefix": ["setpriv", "--no-new-privs", "--inh-caps=-all", "--bounding-set=-all"]}
    return other


@pytest.fixture
def scratch():
    """What the task mounts on /tmp; empty, and its user's own."""
    folder = Path(tempfile.mkdtemp(prefix="rtcflow-scratch-"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def run(image, scratch, without_rights) -> Callable[..., subprocess.CompletedProcess]:
    """Runs a program in the image: only its environment, and a tree that it cannot write."""
    environment = {
        name: value.replace("/tmp", str(scratch))
        .replace("/opt", f"{image}/opt")
        .replace("$PATH", "/usr/bin:/bin")
        for name, value in STAGES["native"].environment().items()
    }
    user = dict(without_rights)
    prefix = user.pop("prefix", [])
    if user:
        os.chown(scratch, USER, USER)

    def run_inside(program: str, *arguments: str) -> subprocess.CompletedProcess:
        command = [*prefix, f"{image}/opt/rtcflow/bin/{program}", *arguments]
        return subprocess.run(
            command, env=environment, cwd=scratch, capture_output=True, text=True, check=False, **user
        )

    return run_inside


LIST = """
from importlib.metadata import distributions
for found in distributions():
    print(f"{found.metadata['Name']}=={found.version}")
"""


def files(image: Path) -> dict[str, float]:
    return {str(path): path.lstat().st_mtime for path in image.rglob("*")}


def test_program_answers_inside(image, run):
    before = files(image)
    answer = run("rtcflow", "burst", "--help")
    assert answer.returncode == 0, answer.stderr
    assert "burst_id" in answer.stdout or "BURST_ID" in answer.stdout
    assert files(image) == before


def test_entrypoint_runs_and_refuses_a_task_without_a_job(image, run):
    before = files(image)
    entrypoint = STAGES["native"].of("ENTRYPOINT")
    assert entrypoint == ['["python", "-m", "rtcflow.entrypoint"]']
    answer = run("python", "-m", "rtcflow.entrypoint")
    assert answer.returncode == 65, answer.stderr
    assert "RTCFLOW_TASK is not set" in answer.stdout + answer.stderr
    assert files(image) == before


def test_tree_cannot_be_written(image, run):
    answer = run("python", "-c", f"open('{image}/opt/rtcflow/new', 'w')")
    assert "PermissionError" in answer.stderr


def test_image_has_the_tested_versions_and_no_more_than_it_needs(run):
    pinned = {
        line.split(";")[0].strip().replace("_", "-").lower()
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if "==" in line
    }
    listed = run("python", "-c", LIST).stdout.splitlines()
    installed = {line.replace("_", "-").lower() for line in listed}
    own = {line for line in installed if line.startswith("rtcflow")}
    assert {"rtcflow", "rtcflow-layer"} == {line.split("==")[0] for line in own}
    assert installed - own <= pinned
    assert "numba" in {line.split("==")[0] for line in installed}


def chain_of(name: str) -> list[Stage]:
    """A target and the stages that it is built on, the target first."""
    chain = [STAGES[name]]
    while chain[-1].base in STAGES:
        chain.append(STAGES[chain[-1].base])
    return chain


@pytest.mark.parametrize("name", ["native", "isce3"])
def test_image_ends_as_a_user_without_rights(name):
    users = [user for stage in chain_of(name) for user in stage.of("USER")]
    assert users[0] == f"{USER}:{USER}"


@pytest.mark.parametrize("name", ["native", "isce3"])
def test_volume_of_the_task_is_declared_so_that_the_user_may_write_to_it(name):
    declared = [path for stage in chain_of(name) for rest in stage.of("VOLUME") for path in json.loads(rest)]
    mounted = re.findall(r"ContainerPath: (\S+?)}", (ROOT / "template.yaml").read_text())
    assert mounted
    assert set(mounted) == set(declared)


@pytest.mark.skipif(not FULL, reason="RTCFLOW_IMAGE_TEST=full compiles the engine into the image too")
def test_image_contains_the_compiled_engine(run, scratch):
    warm = "import numba.core.config as c; c.DEBUG_CACHE = 1; from rtcflow.native.warm import warm; warm()"
    answer = run("python", "-c", f"import rtcflow; {warm}")
    assert "data loaded from" in answer.stdout
    assert "data saved to" not in answer.stdout
