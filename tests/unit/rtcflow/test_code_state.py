"""Compiled code is taken only from the state of the code that it was compiled from."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from rtcflow import compiled_code
from rtcflow.code_state import code_state

KERNEL = """
    from numba import njit

    from rtcflow_tried import constants

    @njit(cache=True)
    def kernel(x):
        return x * constants.FACTOR
"""
RUN = """
    import rtcflow
    from rtcflow_tried.kernels import kernel
    print(kernel(1.0), sum(kernel.stats.cache_hits.values()))
"""


@pytest.fixture
def package(tmp_path):
    """A package of the project's with a kernel that reads a constant of another module."""
    folder = tmp_path / "rtcflow_tried"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "kernels.py").write_text(textwrap.dedent(KERNEL))
    write_constant(folder, 2)
    return folder


def write_constant(package, factor):
    path = package / "constants.py"
    path.write_text(f"FACTOR = {factor}.0\n")
    # As in an image, where every file has one time.
    os.utime(path, (1735689600, 1735689600))


def computed(package, **environment):
    """The result of the kernel, and how often its compiled code was found."""
    value, hits = ran(package, **environment).stdout.split()
    return float(value), int(hits)


def ran(package, check=True, **environment):
    return subprocess.run(
        [sys.executable, "-B", "-c", textwrap.dedent(RUN)],
        env={**os.environ, "PYTHONPATH": str(package.parent), **environment},
        capture_output=True,
        text=True,
        check=check,
    )


def test_kernel_is_compiled_again_if_a_constant_in_another_file_changes(package, tmp_path):
    shared = {"NUMBA_CACHE_DIR": str(tmp_path / "shared")}
    assert computed(package, **shared) == (2.0, 0)
    assert computed(package, **shared) == (2.0, 1)
    write_constant(package, 3)
    assert computed(package, **shared) == (3.0, 0)
    # The code of the other state still exists, and is still used for that state.
    write_constant(package, 2)
    assert computed(package, **shared) == (2.0, 1)
    assert len(list((tmp_path / "shared").iterdir())) == 2


def test_compiled_code_of_an_image_is_brought_and_only_by_its_own_state(package, tmp_path):
    built, cache = tmp_path / "built", tmp_path / "scratch" / "cache"
    computed(package, NUMBA_CACHE_DIR=str(built))
    before = {path: path.stat().st_mtime_ns for path in built.rglob("*")}
    image = {"RTCFLOW_COMPILED_DIR": str(built), "NUMBA_CACHE_DIR": str(cache)}
    assert computed(package, **image) == (2.0, 1)
    write_constant(package, 5)
    assert computed(package, **image) == (5.0, 0)
    assert {path: path.stat().st_mtime_ns for path in built.rglob("*")} == before
    assert not list(cache.glob(".arriving-*"))


def test_compiled_code_that_another_process_brought_meanwhile_stays(tmp_path, monkeypatch):
    built, cache = tmp_path / "built" / "k-1", tmp_path / "cache" / "k-1"
    built.mkdir(parents=True)
    (built / "k.nbi").write_text("of the image")
    monkeypatch.setenv("RTCFLOW_COMPILED_DIR", str(built.parent))
    copy = compiled_code.shutil.copyfile

    def slow_copy(source, target):
        cache.mkdir(parents=True)
        (cache / "k.nbi").write_text("of the other")
        return copy(source, target)

    monkeypatch.setattr(compiled_code.shutil, "copyfile", slow_copy)
    assert compiled_code._bring(cache, str(tmp_path / "k.py"))
    assert (cache / "k.nbi").read_text() == "of the other"
    assert [path.name for path in cache.parent.iterdir()] == ["k-1"]


def test_where_no_lasting_folder_can_be_written_each_process_compiles_for_itself_and_says_so(
    package, tmp_path
):
    (tmp_path / "file").touch()
    (tmp_path / "unfinished").mkdir()
    unwritable = {"NUMBA_CACHE_DIR": f"{tmp_path}/file/below", "TMPDIR": f"{tmp_path}/unfinished"}
    for factor in (2.0, 3.0):
        write_constant(package, int(factor))
        done = ran(package, **unwritable)
        assert done.stdout.split() == [str(factor), "0"]
        (said,) = done.stderr.strip().splitlines()
        assert f"{tmp_path}/file/below" in said
        assert "NUMBA_CACHE_DIR" in said
    assert [path.suffix for path in (tmp_path / "unfinished").iterdir()] == [".lock"]
    assert not list(package.rglob("*.nbi"))


def test_compiled_code_of_an_installation_that_cannot_be_written_is_used(package, tmp_path):
    of_root = package / "__pycache__"
    computed(package, NUMBA_CACHE_DIR=str(of_root))
    home = tmp_path / "home"
    run = f"import os\nos.access = lambda path, mode: False\n{textwrap.dedent(RUN)}"
    done = subprocess.run(
        [sys.executable, "-B", "-c", run],
        env={
            **os.environ,
            "PYTHONPATH": str(package.parent),
            "XDG_CACHE_HOME": str(home),
            "NUMBA_CACHE_DIR": "",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["2.0", "1"]
    assert list(home.rglob("*.nbi"))


def test_state_depends_on_text_and_not_on_place_or_time(tmp_path):
    first, second = tmp_path / "a" / "pkg" / "m.py", tmp_path / "b" / "pkg" / "m.py"
    for path in (first, second):
        path.parent.mkdir(parents=True)
        path.write_text("X = 1\n")
    os.utime(second, (1, 1))
    assert code_state(str(first)) == code_state(str(second))
    assert code_state(str(first)) != code_state(str(first), ("numba 9",))


def test_state_of_a_kernel_covers_what_it_imports_from_other_packages():
    import rtcflow.native.geocode as kernels
    from rtcflow.code_state import _imported

    files = {Path(path).relative_to(Path(path).parents[1]).as_posix() for path in _imported(kernels.__file__)}
    assert {"native/geocode.py", "native/points.py", "native/simd.py", "sentinel1/orbit.py"} <= files
