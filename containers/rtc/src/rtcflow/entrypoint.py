"""Entrypoint of the image: a command line if there are arguments, else the task of the environment.

    docker run IMAGE burst --scene … --out /out
    docker run --env RTCFLOW_TASK=s3://… IMAGE

Both get their own folder for temporary files and the engine's compiled code, since tasks on one instance share a disk.
"""

import os
import sys
import tempfile
from pathlib import Path

from rtcflow.cpus import usable_cpus
from rtcflow.machine_errors import as_contract_error
from rtcflow.own_folder import own_folder
from rtcflow_contract.errors import RtcflowError

# Options of the program itself; any other first option belongs to `rtcflow scene`.
_PROGRAM_OPTIONS = ("--help", "--version", "--debug")
_THREADS = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "GDAL_NUM_THREADS")


def command_line(arguments: list[str]) -> list[str]:
    """Arguments of `rtcflow` for those of `docker run IMAGE`; empty for a task.

    Examples
    --------
    >>> command_line(["--scene", "S1A_IW_SLC__1SDV_…"])
    ['scene', '--scene', 'S1A_IW_SLC__1SDV_…']
    """
    words = arguments[1:] if arguments[:1] == ["rtcflow"] else list(arguments)
    if words and words[0].startswith("-") and words[0] not in _PROGRAM_OPTIONS:
        return ["scene", *words]
    return words or ["--help"] * bool(arguments)


def main() -> int:
    """Run the command line or the task; returns the exit code."""
    work = os.environ.get("RTCFLOW_WORK_DIR")
    try:
        with own_folder(Path(work) if work else None) as own:
            words = command_line(sys.argv[1:])
            _settle(own)
            if not words:
                # A task's unfinished files are in its own folder too.
                os.environ["RTCFLOW_WORK_DIR"] = str(own)
            return _run(words)
    except (RtcflowError, OSError) as error:
        failure = as_contract_error(error)
        print(failure.message, file=sys.stderr)
        return failure.exit_code


def _settle(own: Path) -> None:
    os.environ["TMPDIR"] = tempfile.tempdir = str(own)
    if os.environ.get("RTCFLOW_COMPILED_DIR"):
        os.environ["NUMBA_CACHE_DIR"] = str(own / "compiled")
    for name in _THREADS:
        os.environ.setdefault(name, str(usable_cpus()))


def _run(words: list[str]) -> int:
    # Imported here, since each loads what the other does not need.
    if not words:
        from rtcflow import container_task

        return container_task.main()
    from rtcflow.cli import app

    sys.argv = ["rtcflow", *words]
    app.main()
    return 0


if __name__ == "__main__":
    sys.exit(main())
