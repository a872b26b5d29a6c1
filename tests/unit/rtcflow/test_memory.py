"""Memory of a process that makes bursts: small arrays are reused, layers given back, GDAL's cache is bounded."""

import os
import platform
import subprocess
import sys

import pytest

# What a band of lines takes, five times: page faults of the last four.
_BANDS = """
import resource
from rtcflow.memory import settle_memory
assert settle_memory()
import numpy as np
np.full(5_000_000, 1.0, np.float32)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(4):
    np.full(5_000_000, 1.0, np.float32)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
# Layers of 48 MB that are freed while something smaller stays behind each: MB that the process still holds of them.
_LAYERS = """
from pathlib import Path
from rtcflow.memory import settle_memory
assert settle_memory()
import numpy as np
def held():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6
before = held()
layers, beside = [], []
for _ in range(6):
    layers.append(np.full(12_000_000, 1.0, np.float32))
    beside.append(np.full(100_000, 1.0, np.float32))
assert held() - before > 280
layers.clear()
print(held() - before)
"""

glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has these settings")


def printed(program):
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120
    )
    return float(done.stdout)


@glibc
def test_memory_freed_by_a_band_is_reused():
    assert printed(_BANDS) < 100


@glibc
def test_freed_layers_are_given_back():
    assert printed(_LAYERS) < 40


@pytest.mark.parametrize(("told", "kept"), [(None, 96), ("64", 64)])
def test_gdals_cache_fits_a_task(told, kept):
    program = (
        "from rtcflow.memory import settle_memory; settle_memory()\n"
        "from rasterio.env import get_gdal_config; print(get_gdal_config('GDAL_CACHEMAX'))"
    )
    environment = {name: value for name, value in os.environ.items() if name != "GDAL_CACHEMAX"}
    environment |= {"GDAL_CACHEMAX": told} if told else {}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert int(done.stdout) == kept * 2**20
