"""The image's entrypoint: a task or a command line, each with a folder of its own."""

import os
import subprocess
import sys

import pytest

from rtcflow.cpus import usable_cpus
from rtcflow.entrypoint import command_line


@pytest.mark.parametrize(
    ("given", "run"),
    [
        ([], []),
        (["burst", "--help"], ["burst", "--help"]),
        (["rtcflow", "burst", "--help"], ["burst", "--help"]),
        (["--scene", "S1A"], ["scene", "--scene", "S1A"]),
        (["--version"], ["--version"]),
        (["--help"], ["--help"]),
        (["rtcflow"], ["--help"]),
    ],
)
def test_arguments_are_a_command_line(given, run):
    assert command_line(given) == run


def run_entrypoint(folder, *arguments, program=("-m", "rtcflow.entrypoint"), **environment):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RTCFLOW_")}
    return subprocess.run(
        [sys.executable, *program, *arguments],
        env={**kept, "RTCFLOW_WORK_DIR": str(folder), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def left(folder):
    return [path.name for path in folder.iterdir() if not path.name.endswith(".lock")]


def test_without_arguments_it_is_a_task(tmp_path):
    done = run_entrypoint(tmp_path)
    assert done.returncode == 65
    assert "is not set" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert left(tmp_path) == []


def test_with_arguments_it_is_the_program(tmp_path):
    done = run_entrypoint(tmp_path, "--version")
    assert (done.returncode, done.stdout[:8]) == (0, "rtcflow ")
    assert left(tmp_path) == []


def test_a_wrong_command_line_keeps_its_exit_code(tmp_path):
    assert run_entrypoint(tmp_path, "burst", "--no-such-option").returncode == 2
    assert left(tmp_path) == []


def test_a_work_folder_that_cannot_be_made_gives_one_sentence(tmp_path):
    (tmp_path / "file").touch()
    done = run_entrypoint(tmp_path / "file", "--version")
    assert done.returncode == 70
    assert "RTCFLOW_WORK_DIR" in done.stderr
    assert len(done.stderr.splitlines()) == 1


SETTLED = """
import os, sys, tempfile
from rtcflow import entrypoint
names = ("NUMBA_CACHE_DIR", "OMP_NUM_THREADS")
entrypoint._run = lambda words: print(tempfile.gettempdir(), *(os.environ[name] for name in names)) or 0
sys.exit(entrypoint.main())
"""


def test_temporary_files_and_compiled_code_are_in_its_own_folder(tmp_path):
    done = run_entrypoint(
        tmp_path,
        program=("-c", SETTLED),
        RTCFLOW_COMPILED_DIR="/opt/rtcflow/compiled",
        RTCFLOW_CPU_UNITS="3072",
    )
    temporary, compiled, threads = done.stdout.split()
    assert temporary.startswith(f"{tmp_path}/rtcflow-own-")
    assert compiled == f"{temporary}/compiled"
    assert threads == "3"
    assert left(tmp_path) == []


@pytest.mark.parametrize(
    ("files", "cpus"),
    [
        ({"cpu.max": "150000 100000"}, 2),
        ({"cpu.max": "50000 100000"}, 1),
        ({"cpu/cpu.cfs_quota_us": "100000", "cpu/cpu.cfs_period_us": "100000"}, 1),
        ({"cpu.max": "max 100000"}, 64),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, 64),
        ({}, 64),
    ],
)
def test_threads_follow_the_quota_of_the_container(tmp_path, monkeypatch, files, cpus):
    monkeypatch.delenv("RTCFLOW_CPU_UNITS", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(64)))
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"{text}\n")
    assert usable_cpus(tmp_path) == cpus


def test_stack_says_how_many_processors_a_task_has(tmp_path, monkeypatch):
    monkeypatch.setenv("RTCFLOW_CPU_UNITS", "4096")
    assert usable_cpus(tmp_path) == 4
