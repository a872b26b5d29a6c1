"""The software that made a product: versions, and the commit of its build or checkout."""

import os
import subprocess
from functools import cache
from importlib.metadata import version
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_IN_CHECKOUT = Path("containers", "rtc", "src", "rtcflow")
_DIGITS = 12


@cache
def software_version() -> str:
    """Version of this program with its commit, such as `0.1.0+g0123456789ab`; with `.dirty` if files were changed."""
    commit = os.environ.get("RTCFLOW_COMMIT") or _commit_of_checkout()
    if not commit:
        return version("rtcflow")
    digits, dot, changed = commit.partition(".")
    return f"{version('rtcflow')}+g{digits[:_DIGITS]}{dot}{changed}"


def software_versions(names: tuple[str, ...]) -> dict[str, str]:
    """Versions of this program and of libraries, by name."""
    return {"rtcflow": software_version(), **{name: version(name) for name in names}}


def _commit_of_checkout() -> str:
    """Commit of the checkout of this file; empty if it is installed without one."""
    root = _PACKAGE.parents[len(_IN_CHECKOUT.parts) - 1]
    if root / _IN_CHECKOUT != _PACKAGE or not (root / ".git").exists():
        return ""
    commit = _git(root, "rev-parse", "HEAD")
    changed = commit and _git(root, "status", "--porcelain", "--untracked-files=no")
    return f"{commit}.dirty" if changed else commit


def _git(root: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(["git", "-C", root, *arguments], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()
