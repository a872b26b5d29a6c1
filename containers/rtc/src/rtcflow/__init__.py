"""Sentinel-1 radiometrically terrain corrected gamma0 backscatter, burst by burst."""

import os
import platform
from importlib import import_module
from typing import Any

# Compile for a baseline of the architecture rather than this CPU, so that the compilation cache of an image or checkout
# is valid on other machines. Set here, before anything can import Numba, which reads it once.
if platform.machine() in ("x86_64", "AMD64"):
    os.environ.setdefault("NUMBA_CPU_NAME", "x86-64-v3")
    os.environ.setdefault(
        "NUMBA_CPU_FEATURES",
        "+avx,+avx2,+bmi,+bmi2,+f16c,+fma,+lzcnt,+movbe,+popcnt,+sse,+sse2,+sse3,+ssse3,+sse4.1,+sse4.2,+xsave,+cx16",
    )
else:
    os.environ.setdefault("NUMBA_CPU_NAME", "generic")
    os.environ.setdefault("NUMBA_CPU_FEATURES", "")
# The first locator finds compiled code by the state of its source; the others are for functions of users.
os.environ.setdefault(
    "NUMBA_CACHE_LOCATOR_CLASSES",
    "rtcflow.compiled_code.CodeStateLocator,UserProvidedCacheLocator,InTreeCacheLocator,UserWideCacheLocator,"
    "IPythonCacheLocator,ZipCacheLocator",
)

# The library, by module; loaded when a name is first used, since Numba and xarray take seconds to load.
LIBRARY = {
    "make_scene": "rtcflow.scene_products",
    "search": "rtcflow_local.stack.library",
    "make": "rtcflow_local.stack.library",
    "open_stack": "rtcflow_local.stack.library",
}


def __getattr__(name: str) -> Any:
    if name not in LIBRARY:
        raise AttributeError(f"module 'rtcflow' has no attribute '{name}'")
    try:
        module = import_module(LIBRARY[name])
    except ImportError as error:
        raise ImportError(
            f"rtcflow.{name} needs the package rtcflow-local; install it beside rtcflow"
        ) from error
    return getattr(module, name)
