"""Numba's cache of the engine's compiled code: one folder for each state of the code.

`NUMBA_CACHE_LOCATOR_CLASSES` (set in `rtcflow/__init__`) makes Numba use the class below. An image has compiled code in
`RTCFLOW_COMPILED_DIR`, which may be read-only; it is copied to `NUMBA_CACHE_DIR`, where Numba can write.
"""

import errno
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from types import FunctionType

import llvmlite
import numba
import numpy as np
from numba.core.caching import _CacheLocator, _SourceFileBackedLocatorMixin

from rtcflow.code_state import code_state

_NOT_WRITABLE = {errno.EACCES, errno.EPERM, errno.EROFS}
_PACKAGES = ("rtcflow.", "rtcflow_")
_ENGINE = Path(__file__).parent / "native" / "engine.py"
_LIBRARIES = (f"numba {numba.__version__}", f"llvmlite {llvmlite.__version__}", f"numpy {np.__version__}")


def compiled_state() -> str:
    """State of the engine's code, by which its compiled kernels are found."""
    return code_state(str(_ENGINE), _LIBRARIES)


class CodeStateLocator(_SourceFileBackedLocatorMixin, _CacheLocator):
    """Numba's locator for the kernels of this project."""

    def __init__(self, py_func: FunctionType, py_file: str) -> None:
        self._py_file = py_file
        self._lineno = py_func.__code__.co_firstlineno
        self._state = code_state(py_file, _LIBRARIES)
        self._path = _parent(py_file) / f"{Path(py_file).stem}-{self._state}"

    def get_cache_path(self) -> str:
        """Folder of the compiled code of the function's file, in this state of the code."""
        return str(self._path)

    def get_source_stamp(self) -> str:
        """Numba uses only compiled code with the same stamp."""
        return self._state

    def ensure_cache_path(self) -> None:
        """Make the folder, with compiled code of the image if there is any."""
        if not self._path.is_dir():
            _bring(self._path)
        super().ensure_cache_path()

    @classmethod
    def from_function(cls, py_func: FunctionType, py_file: str) -> "CodeStateLocator | None":
        """A locator for a function of this project; None for other functions, and if the cache cannot be written."""
        if not (py_func.__module__ + ".").startswith(_PACKAGES):
            return None
        located = cls(py_func, py_file)
        try:
            located.ensure_cache_path()
        except OSError as error:
            if error.errno in _NOT_WRITABLE:
                return None
            raise
        return located


def _parent(py_file: str) -> Path:
    if os.environ.get("NUMBA_CACHE_DIR"):
        return Path(os.environ["NUMBA_CACHE_DIR"])
    beside = Path(py_file).parent / "__pycache__"
    if os.access(beside if beside.is_dir() else beside.parent, os.W_OK):
        return beside
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "rtcflow-compiled")


def _bring(folder: Path) -> None:
    """Copy the image's files for a folder atomically, never over an existing folder."""
    built = Path(os.environ.get("RTCFLOW_COMPILED_DIR") or "/nonexistent", folder.name)
    if not built.is_dir() or built == folder:
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".arriving-", dir=folder.parent) as arriving:
        whole = Path(arriving, folder.name)
        whole.mkdir()
        for file in built.iterdir():
            shutil.copyfile(file, whole / file.name)
        # Fails if another process copied it meanwhile, which is the same code, as the name is the state.
        with suppress(OSError):
            whole.rename(folder)
