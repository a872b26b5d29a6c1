"""A folder owned by this process while it lives; folders left by killed processes are removed by the next one.

Tasks on one EC2 instance share a disk, and a task that is killed, for example out of memory, leaves its files on it.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rtcflow_contract.errors import DefectError
from rtcflow_files.folder import DISK_FULL

_PREFIX = "rtcflow-own-"


@contextmanager
def own_folder(parent: Path | None = None) -> Iterator[Path]:
    """A new folder in `parent`, removed at the end.

    The folder is locked while the process lives; the kernel releases the lock however the process ends. Unlocked
    folders of the same user are removed first.

    Parameters
    ----------
    parent : Path, optional
        By default the system's folder for temporary files.

    Raises
    ------
    DefectError
        When it cannot be written.
    """
    parent = parent or Path(tempfile.gettempdir())
    try:
        parent.mkdir(parents=True, exist_ok=True)
        # Keeps other processes from removing a folder that is not locked yet.
        with _locked(parent / f".rtcflow-own-{os.getuid()}.lock", os.O_CREAT):
            _sweep(parent)
            folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
            held = os.open(folder, os.O_RDONLY)
            fcntl.flock(held, fcntl.LOCK_EX)
    except OSError as error:
        if error.errno in DISK_FULL:
            raise
        raise DefectError(
            f"{parent}, the folder for unfinished files, cannot be written ({error.strerror}); mount a volume there "
            "that this user may write to, or name another folder in RTCFLOW_WORK_DIR",
            reason="work-folder",
        ) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(held)


def _sweep(parent: Path) -> None:
    for folder in parent.glob(f"{_PREFIX}*"):
        if folder.is_symlink() or not folder.is_dir() or folder.stat().st_uid != os.getuid():
            continue
        try:
            with _locked(folder, os.O_DIRECTORY, wait=False):
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            # Its process is alive.
            continue


@contextmanager
def _locked(path: Path, flags: int, wait: bool = True) -> Iterator[None]:
    opened = os.open(path, os.O_RDONLY | flags, 0o600)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield
    finally:
        os.close(opened)
