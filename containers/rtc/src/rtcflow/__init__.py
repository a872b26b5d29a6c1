"""Sentinel-1 radiometrically terrain corrected gamma0 backscatter, burst by burst."""

import os
import platform
from typing import Any

# Code for a baseline of the architecture and not for this very CPU, so that the compilation cache built into an image
# or a checkout holds on other machines. Set here, before anything can import Numba, which reads it once.
if platform.machine() in ("x86_64", "AMD64"):
    os.environ.setdefault("NUMBA_CPU_NAME", "x86-64-v3")
    os.environ.setdefault(
        "NUMBA_CPU_FEATURES",
        "+avx,+avx2,+bmi,+bmi2,+f16c,+fma,+lzcnt,+movbe,+popcnt,+sse,+sse2,+sse3,+ssse3,+sse4.1,+sse4.2,+xsave,+cx16",
    )
else:
    os.environ.setdefault("NUMBA_CPU_NAME", "generic")
    os.environ.setdefault("NUMBA_CPU_FEATURES", "")
# Compiled code is found by the state of the code that it was compiled from; the others serve functions of a user's own.
os.environ.setdefault(
    "NUMBA_CACHE_LOCATOR_CLASSES",
    "rtcflow.compiled_code.CodeStateLocator,UserProvidedCacheLocator,InTreeCacheLocator,UserWideCacheLocator,"
    "IPythonCacheLocator,ZipCacheLocator",
)

# What a library user calls; loaded when it is asked for, and by the distribution that has it.
_LIBRARY = ("make", "open_stack", "search")


def __getattr__(name: str) -> Any:
    if name not in _LIBRARY:
        raise AttributeError(f"module 'rtcflow' has no attribute '{name}'")
    try:
        from rtcflow_local.stack import library
    except ImportError as error:
        raise ImportError(
            f"rtcflow.{name} needs the package rtcflow-local; install it beside rtcflow"
        ) from error
    return getattr(library, name)
