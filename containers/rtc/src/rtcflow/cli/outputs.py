"""Look, before the work, at what is to be written after it."""

import os
from pathlib import Path

from rtcflow_contract.errors import RefusedError


def check_outputs(**outputs: Path | None) -> None:
    """Refuse files and folders that this user cannot write, before anything is searched, fetched or computed.

    Parameters
    ----------
    **outputs : Path or None
        By the name of the option, with underscores, or of the argument, in capitals. What is missing is made later,
        so the nearest folder that exists counts.

    Raises
    ------
    RefusedError
    """
    for name, path in outputs.items():
        if path is None:
            continue
        nearest = next(at for at in (path, *path.absolute().parents) if at.exists())
        if not os.access(nearest, os.W_OK):
            raise RefusedError(
                f"{path} cannot be written: {'it' if nearest == path else nearest} is on a read-only disk or not this "
                f"user's; give another {name if name.isupper() else '--' + name.replace('_', '-')}",
                reason="output",
            )
