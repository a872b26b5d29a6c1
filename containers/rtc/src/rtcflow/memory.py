"""How a process that makes bursts uses memory."""

import ctypes
import os
import sys

# Blocks of DEM tiles that GDAL keeps unpacked, MB: those of a burst and its neighbours. Its own limit is a twentieth of
# the machine's memory, whatever the container may use.
_GDAL_CACHE_MB = 96
# Of glibc's malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
# A map layer of a burst is larger, what a band of lines takes and gives back sixteen times a burst is smaller.
_OWN_PAGES = 32 << 20
_KEPT = 256 << 20


def settle_memory() -> bool:
    """Bound GDAL's cache, and what the process keeps of freed memory; whether the C library does that (glibc alone).

    Map layers get pages of their own, which the system has back at once: in one heap with all else they leave gaps that
    nothing fills, 0.4 GB in a task of nine bursts. What is smaller is used again, or it would be cleared page by page
    each time: a twentieth of a burst's processor time. One arena for all threads, or each would keep its own.
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
        for option, value in ((_ARENA_MAX, 1), (_MMAP_THRESHOLD, _OWN_PAGES), (_TRIM_THRESHOLD, _KEPT))
    )
