"""Memory of a process that makes bursts: what was freed is used again, and GDAL's cache is bounded."""

import os
import platform
import subprocess
import sys

import pytest

# A large array, five times: page faults of the last four.
_PROGRAM = """
import resource, sys
from rtcflow.memory import settle_memory
if sys.argv[1] == "settled":
    assert settle_memory()
import numpy as np
np.full(25_000_000, 1.0, np.float32)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(4):
    np.full(25_000_000, 1.0, np.float32)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(kind):
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, kind], capture_output=True, text=True, check=True, timeout=120
    )
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc gives freed memory back each time")
def test_memory_that_was_freed_is_used_again():
    assert faults("settled") < 100 < faults("as it is")


@pytest.mark.parametrize(("told", "kept"), [(None, 96), ("64", 64)])
def test_gdal_keeps_no_more_than_a_task_has_room_for(told, kept):
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
