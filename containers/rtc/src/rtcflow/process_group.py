"""Signals to a process and its children."""

import os


def signal_group(leader: int, number: int) -> bool:
    """Signal a process group; False when it is gone.

    Parameters
    ----------
    leader : int
        Process id of its first process.
    number : int
        The signal; 0 only asks whether the group is there.
    """
    try:
        os.killpg(leader, number)
    except ProcessLookupError:
        return False
    return True
