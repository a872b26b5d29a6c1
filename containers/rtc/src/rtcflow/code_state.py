"""The state of a module's code: a checksum of its text and of every module of this project that it imports.

Numba caches compiled code by the function's file alone. A kernel also contains the functions that it calls and the
constants that it reads from other files; compiled code from another state of those would silently give wrong results.
"""

import hashlib
import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path

_PROJECT = "rtcflow"
_IMPORT = re.compile(rf"^\s*(?:from|import)\s+({_PROJECT}\w*(?:\.\w+)*)", re.MULTILINE)


@cache
def code_state(path: str, more: tuple[str, ...] = ()) -> str:
    """Checksum of a module's code and of all code of the project that it imports, directly or not.

    Parameters
    ----------
    path : str
        The module's file.
    more : tuple of str
        Other things that the checksum depends on, such as versions of libraries.

    Returns
    -------
    str
        16 hexadecimal digits.
    """
    checksum = hashlib.sha256("\n".join(more).encode())
    # By content, independent of where the code is installed.
    checksum.update(b"".join(sorted(_digest(file) for file in _imported(path))))
    return checksum.hexdigest()[:16]


@cache
def _digest(path: str) -> bytes:
    file = Path(path)
    return hashlib.sha256(f"{file.parent.name}/{file.name}\n".encode() + file.read_bytes()).digest()


def _imported(path: str) -> set[str]:
    """Files of the module and of what it imports."""
    found: set[str] = set()
    waiting = [path]
    while waiting:
        file = waiting.pop()
        if file not in found:
            found.add(file)
            waiting += _imports_of(file)
    return found


@cache
def _imports_of(path: str) -> list[str]:
    named = dict.fromkeys(_IMPORT.findall(Path(path).read_text("utf-8")))
    return [file for name in named for file in _files_of(name)]


@cache
def _files_of(name: str) -> list[str]:
    """File of a module; of a package all its modules, since a name imported from it may be any of them."""
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        return []
    if spec.submodule_search_locations is None:
        return [spec.origin]
    return [str(file) for file in sorted(Path(spec.origin).parent.glob("*.py"))]
