"""How a process that makes bursts uses memory."""

import ctypes
import os
import sys

# Blocks of DEM tiles that GDAL keeps unpacked, MB: those of a burst and its neighbours. Its own limit is a twentieth of
# the machine's memory, whatever the container may use.
_GDAL_CACHE_MB = 96
# Of glibc's malloc.h.
_TRIM_THRESHOLD, _MMAP_MAX, _ARENA_MAX = -1, -4, -8
_MOST = 2**31 - 1


def settle_memory() -> bool:
    """Bound GDAL's cache, and use memory again that was freed; whether the C library does that, which is glibc's alone.

    It would give large arrays back to the system each time and get them anew, to be cleared page by page: a
    twentieth of a burst's processor time. One arena for all threads, or each would keep its own.
    """
    os.environ.setdefault("GDAL_CACHEMAX", str(_GDAL_CACHE_MB))
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:
        return False
    return all(
        mallopt(option, value)
        for option, value in ((_ARENA_MAX, 1), (_MMAP_MAX, 0), (_TRIM_THRESHOLD, _MOST))
    )
