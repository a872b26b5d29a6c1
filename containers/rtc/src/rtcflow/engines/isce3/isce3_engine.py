"""The isce3 engine: stage inputs, run the workflow, collect its output."""

import importlib.util
import logging
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from rtcflow.engines.base import EngineInputs, EngineResult, WriteFiles
from rtcflow.engines.isce3.process import run_workflow
from rtcflow.engines.isce3.runconfig import Folders, as_text, check_grid, run_configuration
from rtcflow.engines.isce3.workflow_output import collect_output
from rtcflow.progress import Progress
from rtcflow.resources import Meter
from rtcflow.settings import seconds_of
from rtcflow_contract.grid import Grid
from rtcflow_contract.job import BurstJob
from rtcflow_contract.layers import Product

if TYPE_CHECKING:
    from rtcflow.engines.isce3.staged_dem import StagedDem

# The variant for one burst: rtc_s1.py uses one thread per burst, however many are available.
SCRIPT = "rtc_s1_single_job.py"
_MODULES = ("isce3", "s1reader", "rtc")
# A burst takes 7 minutes on 2 cores, and an hour on a slow one.
_TIME_LIMIT_S = 7200.0

_ASK = "import importlib.util as u, sys; sys.exit(not all(map(u.find_spec, sys.argv[1:])))"
_ASK_S = 60

# Log messages and the share of the run's time by then; most is the layover/shadow mask.
_MILESTONES: tuple[tuple[str, float], ...] = (
    ("reading burst SLCs", 0.02),
    ("computing layover shadow mask", 0.04),
    ("_mask.tif", 0.75),
    ("creating browse image", 0.95),
    ("Saving files as Cloud-Optimized", 0.97),
)

# A child of the task's logger, so that lines become part of its structured log.
_log = logging.getLogger("rtcflow-burst.isce3")


class Isce3Engine:
    """Runs where isce3, s1-reader and OPERA RTC are installed, as in the image's target `isce3`."""

    name: Literal["isce3"] = "isce3"

    def __init__(self, modules: Sequence[str] = _MODULES) -> None:
        self._modules = modules

    def available(self) -> bool:
        """Whether its script is on the PATH, and the Python that runs it can import its modules."""
        script = shutil.which(SCRIPT)
        return script is not None and _has_modules(_interpreter(Path(script)), self._modules)

    def compute(
        self,
        job: BurstJob,
        inputs: EngineInputs,
        grid: Grid,
        folder: Path,
        meter: Meter,
        progress: Progress,
    ) -> WriteFiles:
        """Run the workflow for the job's burst; returns the function that makes the product's files of its output."""
        # Numba takes seconds to load, which a refused input need not wait for.
        from rtcflow.engines.isce3.staged_dem import stage_dem
        from rtcflow.engines.isce3.staging import mark_fill

        check_grid(grid)
        # The workflow runs in its own folder, so paths must be absolute.
        work = folder.parent.resolve() / "isce3"
        # Files of an earlier attempt would be taken for output of this one.
        shutil.rmtree(work, ignore_errors=True)
        filled: dict[str, float] = {}
        with meter.stage("compute"), meter.programs():
            dem = stage_dem(inputs.dem, grid, work / "input")
            scene = inputs.scene
            if job.product is Product.RTC_S1:
                scene, filled = mark_fill(scene, job.burst_id, work / "input")
            output = _run(job, inputs._replace(scene=scene), grid, dem, work, progress)

        def write() -> EngineResult:
            with meter.stage("write layers"):
                result = collect_output(job, inputs, grid, output, folder, progress, dem, filled)
            shutil.rmtree(work)
            return result

        return write


def _interpreter(script: Path) -> str:
    """The Python that runs a script, from its first line: isce3 may be in its own environment."""
    with script.open("rb") as file:
        words = file.readline().decode(errors="replace").removeprefix("#!").split()
    if len(words) == 1 and Path(words[0]).is_file():
        return words[0]
    if len(words) == 2 and Path(words[0]).name == "env":
        return shutil.which(words[1]) or sys.executable
    return sys.executable


def _has_modules(python: str, modules: Sequence[str]) -> bool:
    if Path(python) == Path(sys.executable):
        return all(importlib.util.find_spec(name) is not None for name in modules)
    try:
        asked = subprocess.run(
            [python, "-c", _ASK, *modules], capture_output=True, timeout=_ASK_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return asked.returncode == 0


def _run(
    job: BurstJob, inputs: EngineInputs, grid: Grid, dem: "StagedDem", work: Path, progress: Progress
) -> Path:
    """Run the workflow; returns its output folder."""
    from rtcflow.engines.isce3.staging import stage_orbit, stage_safe

    limit = seconds_of("RTCFLOW_ISCE3_TIME_LIMIT_S") or _TIME_LIMIT_S
    folders = Folders(
        stage_safe(inputs.scene, job.burst_id, work / "input"),
        stage_orbit(inputs.orbit, work / "input"),
        dem.path,
        work / "scratch",
        work / "output",
    )
    path = work / "runconfig.yaml"
    path.write_text(
        as_text(run_configuration(job, grid, folders, inputs.dem.description(), inputs.scene.href)),
        encoding="utf-8",
    )
    stage = _Stage(progress)
    run_workflow([shutil.which(SCRIPT) or SCRIPT, str(path)], work, limit, stage.line)
    shutil.rmtree(folders.scratch, ignore_errors=True)
    return folders.output


class _Stage:
    """Passes log lines of the workflow to the log and to progress."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._done = 0.0
        progress("compute", 0.0)

    def line(self, text: str) -> None:
        """Handle a line of the workflow's log."""
        _log.info("isce3", extra={"line": text})
        reached = max((done for mark, done in _MILESTONES if mark in text), default=0.0)
        if reached > self._done:
            self._done = reached
            self._progress("compute", reached)
