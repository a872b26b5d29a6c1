"""Kernels are compiled for a baseline of the architecture, whoever imports Numba first."""

import subprocess
import sys

import pytest

START = {
    "the program": "from rtcflow.cli.app import make_app; make_app()",
    "the task": "import rtcflow.container_task",
    "the sample scene": "import rtcflow_local.sample",
    "benchmarks": "import benchmarks.run_native",
}


@pytest.mark.parametrize("how", START)
def test_no_entry_point_compiles_for_this_cpu(how):
    # On another CPU than the cache was made for, each process would compile for many seconds.
    asked = f"{START[how]}\nimport numba\nprint(numba.config.CPU_NAME)"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout.strip() in ("x86-64-v3", "generic")


def test_a_refused_input_does_not_wait_for_numba():
    ask = "import sys, rtcflow.cli.burst, rtcflow.container_task; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", ask], timeout=120, check=False).returncode == 0
