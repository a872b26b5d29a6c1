"""Numba's cache of the engine's compiled code: one folder for each state of the code.

`NUMBA_CACHE_LOCATOR_CLASSES` (set in `rtcflow/__init__`) makes Numba use the class below. An image has compiled code in
`RTCFLOW_COMPILED_DIR`, which may be read-only; it is copied to `NUMBA_CACHE_DIR`, where Numba can write. Where no
lasting folder can be written, the process has one of its own: Numba's other locators ignore what a kernel imports.
"""

import atexit
import errno
import logging
import os
import shutil
import tempfile
from contextlib import ExitStack, suppress
from functools import cache
from pathlib import Path
from types import FunctionType

import llvmlite
import numba
import numpy as np
from numba.core.caching import _CacheLocator, _SourceFileBackedLocatorMixin

from rtcflow.code_state import code_state
from rtcflow.own_folder import own_folder
from rtcflow_contract.errors import DefectError, RefusedError
from rtcflow_files.folder import DISK_FULL

_log = logging.getLogger(__name__)
_NOT_WRITABLE = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.ENOENT}
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
        self._name = f"{Path(py_file).stem}-{self._state}"
        self._path = _parent(py_file) / self._name

    def get_cache_path(self) -> str:
        """Folder of the compiled code of the function's file, in this state of the code."""
        return str(self._path)

    def get_source_stamp(self) -> str:
        """Numba uses only compiled code with the same stamp."""
        return self._state

    def ensure_cache_path(self) -> None:
        """Make the folder, with compiled code of the image or the installation if there is any."""
        try:
            if not self._path.is_dir():
                _bring(self._path, self._py_file)
            super().ensure_cache_path()
        except OSError as error:
            if error.errno not in _NOT_WRITABLE:
                raise
            unwritable = self._path.parent
            self._path = _of_this_process(unwritable) / self._name
            if not _bring(self._path, self._py_file):
                _say_not_kept(unwritable)
            super().ensure_cache_path()

    @classmethod
    def from_function(cls, py_func: FunctionType, py_file: str) -> "CodeStateLocator | None":
        """A locator for a function of this project; None for other functions."""
        if not (py_func.__module__ + ".").startswith(_PACKAGES):
            return None
        located = cls(py_func, py_file)
        located.ensure_cache_path()
        return located


def _parent(py_file: str) -> Path:
    if os.environ.get("NUMBA_CACHE_DIR"):
        return Path(os.environ["NUMBA_CACHE_DIR"])
    beside = Path(py_file).parent / "__pycache__"
    if os.access(beside if beside.is_dir() else beside.parent, os.W_OK):
        return beside
    return Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "rtcflow-compiled")


@cache
def _of_this_process(instead_of: Path) -> Path:
    """A folder for compiled code that is removed when the process ends.

    Raises
    ------
    RefusedError
        When it cannot be written either.
    """
    stack = ExitStack()
    try:
        folder = stack.enter_context(own_folder())
    except (OSError, DefectError) as error:
        if isinstance(error, OSError) and error.errno in DISK_FULL:
            raise
        raise RefusedError(
            f"compiled code can be written neither to {instead_of} nor to a folder for temporary files; name a folder "
            "that this user may write to in NUMBA_CACHE_DIR",
            reason="compiled-folder",
        ) from error
    atexit.register(stack.close)
    return folder


@cache
def _say_not_kept(folder: Path) -> None:
    _log.warning(
        "compiled code cannot be written to %s, so that each run compiles, for about a minute; name a folder that this "
        "user may write to in NUMBA_CACHE_DIR",
        folder,
    )


def _bring(folder: Path, py_file: str) -> bool:
    """Copy the files for a folder from the image or the installation, atomically, never over an existing folder.

    Returns
    -------
    bool
        Whether there were any.
    """
    image = os.environ.get("RTCFLOW_COMPILED_DIR")
    places = [Path(image)] if image else []
    if not os.environ.get("NUMBA_CACHE_DIR"):
        # NUMBA_CACHE_DIR may be for code that is compiled in another way, such as with checks of indices.
        places.append(Path(py_file).parent / "__pycache__")
    built = next((place / folder.name for place in places if (place / folder.name).is_dir()), None)
    if built is None or built == folder:
        return False
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".arriving-", dir=folder.parent) as arriving:
        whole = Path(arriving, folder.name)
        whole.mkdir()
        for file in built.iterdir():
            shutil.copyfile(file, whole / file.name)
        # Fails if another process copied it meanwhile, which is the same code, as the name is the state.
        with suppress(OSError):
            whole.rename(folder)
    return True
