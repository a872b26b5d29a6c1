"""The work folder of a local run; removed at its end, as are those that killed runs left."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rtcflow.own_folder import own_folder
from rtcflow_contract.errors import DefectError, RefusedError

_IN_OUT = ".rtcflow"


@contextmanager
def work_folder(out: Path | None, parent: Path | None) -> Iterator[Path]:
    """A folder for unfinished files: in `parent`, else hidden in the product folder, else the system's.

    Raises
    ------
    RefusedError
        When it cannot be written.
    """
    inside = out / _IN_OUT if out is not None and parent is None else None
    try:
        with own_folder(inside or parent or Path(tempfile.gettempdir())) as folder:
            yield folder
    except DefectError as error:
        if error.reason != "work-folder":
            raise
        raise RefusedError(
            f"cannot write to {inside.parent if inside else parent}; give another --out or --work-dir",
            reason="output-folder",
        ) from error
    finally:
        if inside is not None:
            _tidy(inside)


def _tidy(folder: Path) -> None:
    """Remove the hidden folder unless another run uses it."""
    with suppress(OSError):
        if not any(path.is_dir() for path in folder.iterdir()):
            for lock in folder.iterdir():
                lock.unlink()
            folder.rmdir()
    with suppress(OSError):
        # Do not leave an empty folder after a refused run.
        folder.parent.rmdir()
