"""Say in one sentence what this machine's Python lacks, before anything is installed."""

import importlib.util
import sys

MINIMUM, BEYOND = (3, 11), (3, 14)


def problem() -> str | None:
    """What is missing and what to do, or None."""
    version = sys.version_info[:2]
    if not MINIMUM <= version < BEYOND:
        found = ".".join(map(str, version))
        return (
            f"Python {found} will not do; install Python 3.11 to 3.13 and run: make PYTHON=python3.12 setup"
        )
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        return "this Python cannot make virtual environments; on Debian run: apt-get install python3-venv"
    return None


if __name__ == "__main__":
    sys.exit(problem())
