"""Make scenes in one process, by the steps of an execution on AWS: plan, static check, make, assemble and summarize.

Plan, tasks and outcomes are in the work folder; products, items, collections and grids in a bucket or a folder.
"""

import random
import shutil
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import sleep
from typing import Any, NamedTuple

from rtcflow.destination import Destination
from rtcflow.engines.registry import choose_engine
from rtcflow.resources import Meter
from rtcflow.settings import processor
from rtcflow.sources.scene.safe_burst import open_scene
from rtcflow.sources.scene.scene_bursts import by_swath_and_time
from rtcflow.task_loop import TaskLoop, TaskSettings, Watcher
from rtcflow_contract import keys
from rtcflow_contract.errors import EXIT_CODES, ErrorClass, RefusedError, RtcflowError
from rtcflow_contract.job import BurstJob, LocalPlaces, Sources
from rtcflow_contract.plan import Plan
from rtcflow_contract.report import BurstOutcome, SceneReport
from rtcflow_contract.request import Compute, Engine
from rtcflow_contract.scene_id import parse_scene_id
from rtcflow_contract.task import Task, is_left
from rtcflow_scene import planning, summary
from rtcflow_scene.assembly import StacSettings
from rtcflow_scene.burst_catalogue import BurstCatalogue
from rtcflow_scene.burst_choice import SceneBurst
from rtcflow_scene.cost import TaskSize
from rtcflow_scene.records import JobRecord, read_records, read_task
from rtcflow_scene.static_check import check_static_layers
from rtcflow_scene.task_assembly import Silent, assemble
from rtcflow_scene.task_decision import decide
from rtcflow_scene.task_end import EndKind, TaskEnd
from rtcflow_scene.task_run import StackSettings, TaskRun, most_rounds
from rtcflow_stac.context import HrefStyle, Processor

# There is no stack with a default bucket; with folders in its place the bucket is not used.
NO_BUCKET = "local"


class Scene(NamedTuple):
    """A scene to make: payload of an execution, sources of its bursts, and the catalogue that lists them."""

    payload: dict[str, Any]
    sources: Sources
    catalogue: BurstCatalogue | None = None


class SafeOfThisMachine:
    """Lists the bursts of a SAFE folder or zip at any location, in any polarization."""

    def __init__(self, source: str) -> None:
        self._source = source

    def list_bursts(self, scene: str, wanted: Sequence[str] | None = None) -> list[SceneBurst]:
        """Bursts of the SAFE; one that lacks a polarization is refused when it is made."""
        listed = open_scene(self._source, scene, Meter()).bursts()
        found = by_swath_and_time(listed, parse_scene_id(scene).polarizations)
        if not found:
            raise RefusedError(f"scene {scene} lists no bursts; fetch the scene again", reason="no-bursts")
        return [SceneBurst(burst.burst_id, burst.sensing_start) for burst in found]


def wait(left: Sequence[BurstOutcome], seconds: float) -> None:
    """Wait before retrying bursts."""
    sleep(seconds)


class RunSettings(NamedTuple):
    """Settings of a run.

    `places` are folders in place of a bucket, `parallel` is the number of bursts that compute at once, `limit_s` the
    time limit of a burst, s, by default that of a task on AWS. `pause` waits before transient bursts are retried.
    """

    work: Path
    places: LocalPlaces | None
    product_version: str = "0.1"
    parallel: int = 1
    limit_s: float | None = None
    pause: Callable[[Sequence[BurstOutcome], float], None] = wait


class PlannedScene(NamedTuple):
    """A scene with its plan and tasks, or the error if it could not be planned."""

    scene: Scene
    execution: str
    started: datetime
    plan: Plan | None = None
    tasks: tuple[Task, ...] = ()
    error: RtcflowError | None = None

    @property
    def jobs(self) -> list[BurstJob]:
        """All jobs, in the order in which they are made."""
        return [job for task in self.tasks for job in task.jobs]


def plan_scenes(
    scenes: Sequence[Scene], settings: RunSettings, now: datetime | None = None
) -> list[PlannedScene]:
    """Plan scenes, with jobs for missing static layers; a refused scene does not stop the others."""
    started = (now or datetime.now(UTC)).replace(microsecond=0)
    return [_planned(scene, settings, started) for scene in scenes]


def _planned(scene: Scene, settings: RunSettings, started: datetime) -> PlannedScene:
    execution = f"local-{uuid.uuid4().hex[:12]}"
    blank = PlannedScene(scene, execution, started)
    try:
        engine = choose_engine(Engine(scene.payload.get("engine") or Engine.AUTO)).name
        state = planning.plan_scene(
            scene.payload,
            execution,
            started.isoformat(),
            planning.PlanSettings(
                NO_BUCKET,
                keys.Location.local(settings.work),
                settings.product_version,
                scene.sources.orbits,
                scene.sources.dem,
                scene.sources.geoid,
            ),
            StackSettings(engine=engine, bursts_per_task="scene"),
            scene.catalogue,
            sources=scene.sources,
            places=settings.places,
        )
        if state["link_static_layers"] and state["bursts"]:
            check_static_layers(state["plan"])
        plan = Plan.model_validate_json(keys.parse_location(state["plan"]).path.read_bytes())
        _check_clock(plan.request.scene, started)
        return blank._replace(plan=plan, tasks=tuple(read_task(run["task"]) for run in state["tasks"]))
    except RtcflowError as error:
        return blank._replace(error=error)


def _check_clock(scene: str, now: datetime) -> None:
    """Refuse to make a product that would be processed before its scene was acquired: its id has both times."""
    if now < parse_scene_id(scene).start:
        raise RefusedError(
            f"this machine's clock says {now:%Y-%m-%dT%H:%M:%SZ}, which is before scene {scene} was acquired; set it",
            reason="clock",
        )


class SceneLoop:
    """Makes the bursts of planned scenes, each with its item as soon as it is made.

    Transient bursts are retried as often and after the same pauses as a task on AWS.
    """

    def __init__(self, planned: Sequence[PlannedScene], settings: RunSettings, watcher: Watcher) -> None:
        self._planned = planned
        self._settings = settings
        self._watcher = watcher
        self._items = _stac_settings(settings.places is not None)
        self._jobs = [job for scene in planned for job in scene.jobs]
        self.loop = self._attempt(1)

    def run(self) -> list[SceneReport]:
        """Make the remaining bursts; returns a report for each scene."""
        run = _first_run()
        while True:
            left = [outcome for outcome in self.loop.run() if is_left(outcome)]
            verdict = decide(
                run,
                TaskEnd(EndKind.RAN, "bursts are left", exit_code=EXIT_CODES[ErrorClass.TRANSIENT]),
                left=len(left),
                begun=True,
                now=datetime.now(UTC),
                share=random.random(),
            )
            if verdict.run is None or self.loop.was_stopped:
                return self.reports()
            self._settings.pause(left, verdict.wait_s)
            run = verdict.run
            self.loop = self._attempt(run.attempt)

    def _attempt(self, number: int) -> TaskLoop:
        settings = self._settings
        limits = [task.burst_limit_s for scene in self._planned for task in scene.tasks]
        return TaskLoop(
            read_records(self._jobs),
            Destination,
            self._watcher,
            TaskSettings(
                settings.work / "bursts",
                number,
                settings.limit_s or max(limits, default=None),
                compute_at_once=settings.parallel,
                finish=self._with_item,
            ),
        )

    def reports(self) -> list[SceneReport]:
        """The current report of each scene."""
        return [_report_of(scene, self._settings.work) for scene in self._planned]

    def remove_files(self) -> None:
        """Remove the work folder, for a process that ends at once."""
        shutil.rmtree(self._settings.work, ignore_errors=True)

    def _with_item(self, job: BurstJob, outcome: BurstOutcome) -> BurstOutcome:
        """The outcome with the product's item, or failed if the item could not be written."""
        [record] = assemble([JobRecord(job, None, outcome)], self._items, Silent())
        return record.outcome or outcome


def _first_run() -> TaskRun:
    """A task run, of which only the number of attempts matters here."""
    return TaskRun(
        task="",
        run={},
        timeout_s=0,
        compute=Compute.ON_DEMAND,
        on_demand_provider="",
        most_rounds=most_rounds(1),
        capacity_wait_s=0,
    )


def _report_of(planned: PlannedScene, work: Path) -> SceneReport:
    """Current report of a scene."""
    failure = planned.error
    event: dict[str, Any] = {
        "execution": planned.execution,
        "started": planned.started.isoformat(),
        "payload": planned.scene.payload,
    }
    if failure is not None:
        event["failure"] = {"Error": type(failure).__name__, "Cause": failure.message}
    settings = summary.SummarySettings(keys.Location.local(work), "", TaskSize(0, 0, 0))
    report = summary.summarize_scene(event, settings).report
    # A run on this machine has no cost.
    free = {"cost_usd": None}
    return report.model_copy(
        update={
            **free,
            "tasks": (),
            "bursts": tuple(burst.model_copy(update=free) for burst in report.bursts),
            "static_bursts": tuple(burst.model_copy(update=free) for burst in report.static_bursts),
        }
    )


def _stac_settings(local: bool) -> StacSettings:
    who = processor()
    style = HrefStyle.RELATIVE if local else HrefStyle.S3
    return StacSettings(style, "", Processor(who.institution, who.url), who.license)
