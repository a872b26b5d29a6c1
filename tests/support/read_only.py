"""Folders that a process cannot write: on a read-only disk, or by their permissions, also where root runs the tests."""

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

# In a mount namespace of its own, which ends with the process.
_MOUNTS = """
count=$1; shift
for number in $(seq $count); do
    mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" || exit 99
    shift
done
exec "$@"
"""
# Root reads and writes everything by these.
_OF_ROOT = "-dac_override,-dac_read_search,-fowner"


def read_only(*folders: Path) -> list[str]:
    """Words before a command, for which the folders are on a read-only disk; skips the test where none can be made."""
    if not _has_namespaces():
        pytest.skip(
            "this machine gives no mount namespace to this user (unshare --user --map-root-user --mount)"
        )
    return _in_namespace(*map(str, folders))


def not_permitted(folder: Path) -> list[str]:
    """Words before a command, for which the folder cannot be written by its permissions."""
    folder.chmod(0o555)
    if os.getuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("root runs the tests, and there is no setpriv to take its rights away")
    return ["setpriv", f"--bounding-set={_OF_ROOT}"]


def _in_namespace(*folders: str) -> list[str]:
    unshare = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", _MOUNTS, "sh"]
    return [*unshare, str(len(folders)), *folders]


@cache
def _has_namespaces() -> bool:
    if shutil.which("unshare") is None:
        return False
    tried = [*_in_namespace(os.getcwd()), "true"]
    return subprocess.run(tried, capture_output=True, check=False).returncode == 0
