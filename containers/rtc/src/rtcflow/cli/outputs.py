"""Check the outputs of a command before its work."""

import os
from pathlib import Path

from rtcflow_contract.errors import RefusedError


def check_outputs(**outputs: Path | None) -> None:
    """Refuse files and folders that this user cannot write, before anything is searched, fetched or computed.

    Parameters
    ----------
    **outputs : Path or None
        By the name of the option, with underscores, or of the argument, in capitals. Missing folders are made
        later, so the nearest existing one is checked.

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
