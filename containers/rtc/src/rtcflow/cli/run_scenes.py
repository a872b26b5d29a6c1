"""What `rtcflow scene` and `rtcflow burst` share: plan and make scenes, print what happens, set the exit code."""

import json
import os
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import typer

from rtcflow.cli.outputs import check_outputs
from rtcflow.cli.screen import Screen, duration, ended_sentence, name_of
from rtcflow.cli.work_folder import work_folder
from rtcflow.memory import settle_memory
from rtcflow.scene_run import PlannedScene, RunSettings, Scene, SceneLoop, plan_scenes
from rtcflow.settings import burst_limit
from rtcflow_contract import keys
from rtcflow_contract.errors import EXIT_CODES, RefusedError, error_of
from rtcflow_contract.job import BurstJob, LocalPlaces
from rtcflow_contract.layers import Product
from rtcflow_contract.manifest import Manifest
from rtcflow_contract.report import BurstOutcome, Outcome, SceneReport
from rtcflow_contract.request import OnMissingStatic
from rtcflow_contract.stored import read_stored
from rtcflow_contract.task import exit_code
from rtcflow_files import storage

# How long an interrupted run waits for what is being published.
PATIENCE_S = 15.0
_INTERRUPTED = 130
# Rough figures for a burst of full size, for --dry-run: bytes of lines and annotation in one polarization, bytes of a
# product at 20 m in one polarization, and CPU seconds.
_FETCHED, _WRITTEN, _CPU_S = 150e6, 45e6, 12.0


class Options(NamedTuple):
    """How scenes are run: where to, with what, and what is shown."""

    out: Path | None = None
    static: Path | None = None
    grids: Path | None = None
    work_dir: Path | None = None
    product_version: str = "0.1"
    parallel: int = 1
    dry_run: bool = False
    as_json: bool = False
    report: Path | None = None

    @property
    def places(self) -> LocalPlaces | None:
        """Folders of this machine in place of a bucket."""
        if self.out is None:
            return None
        return LocalPlaces(
            out=keys.Location.local(self.out),
            static=keys.Location.local(self.static) if self.static is not None else None,
            grids=keys.Location.local(self.grids or self.out),
        )


def run_scenes(scenes: Sequence[Scene], options: Options) -> None:
    """Make scenes; exits the program with the code of their outcomes."""
    started = time.monotonic()
    settle_memory()
    _check_grids(options.grids)
    check_outputs(
        out=options.out, static=options.static if _makes_static(scenes) else None, report=options.report
    )
    with work_folder(options.out, options.work_dir) as work:
        settings = RunSettings(work, options.places, options.product_version, options.parallel, burst_limit())
        with Screen(0, options.as_json).console.status("planning"):
            planned = plan_scenes(scenes, settings)
        if len(planned) == 1 and planned[0].error is not None:
            raise planned[0].error
        _check_collections(planned)
        if options.dry_run:
            _print_plan(planned, options)
            return
        reports = _make(planned, settings, options)
        if options.report is not None:
            _write_page(options.report, planned, reports)
    outcomes = _outcomes(reports)
    if options.as_json:
        typer.echo(json.dumps([report.model_dump(mode="json") for report in reports], indent=1))
    elif len(outcomes) > 1 or len(scenes) > 1:
        Screen(0).say(ended_sentence(outcomes, time.monotonic() - started))
    codes = {scene.error.exit_code for scene in planned if scene.error} | {exit_code(outcomes)}
    code = next((c for c in (*_by_severity(), 0) if c in codes), 0)
    if len(outcomes) == 1 and len(scenes) == 1 and code and not options.as_json:
        [failed] = outcomes
        if failed.error_class is not None:
            raise error_of(failed.error_class, failed.message or "", failed.reason)
    if code:
        raise typer.Exit(code)


def _check_grids(folder: Path | None) -> None:
    if folder is not None and not (folder / keys.GRIDS).is_dir():
        raise RefusedError(
            f"there are no grids in {folder}; give a folder of products, or one that `rtcflow grids import --to` wrote",
            reason="grids-missing",
        )


def _makes_static(scenes: Sequence[Scene]) -> bool:
    return any(scene.payload.get("on_missing_static") == OnMissingStatic.CREATE for scene in scenes)


def _by_severity() -> list[int]:
    return sorted(EXIT_CODES.values(), reverse=True)


def _make(planned: Sequence[PlannedScene], settings: RunSettings, options: Options) -> list[SceneReport]:
    jobs = {(job.execution, job.product, job.burst_id): job for scene in planned for job in scene.jobs}
    standing = [(scene, burst) for scene in planned if scene.plan for burst in scene.plan.existing]
    screen = _RunScreen(len(jobs) + len(standing), options.as_json)
    for scene, error in [(scene, scene.error) for scene in planned if scene.error]:
        name = scene.scene.payload["scene"]
        screen.complain(f"{name}: {error.error_class.value}: {error.message}")
    with screen:
        for _, burst in standing:
            at = keys.parse_location(burst.item)
            screen.exists(burst.burst_id, keys.Location(at.bucket, at.key.rpartition("/")[0]))

        def pause(left: Sequence[BurstOutcome], seconds: float) -> None:
            screen.say(_retry_sentence(left, seconds))
            settings.pause(left, seconds)

        loop = SceneLoop(planned, settings._replace(pause=pause), screen)
        try:
            return loop.run()
        except (KeyboardInterrupt, SystemExit) as stopped:
            _interrupted(loop, screen, stopped)
            raise


def _retry_sentence(left: Sequence[BurstOutcome], seconds: float) -> str:
    count = "1 burst is" if len(left) == 1 else f"{len(left)} bursts are"
    return f"{count} tried again in {duration(seconds)}: {left[0].message}"


def _interrupted(loop: SceneLoop, screen: "_RunScreen", stopped: BaseException) -> None:
    """Finish publishing, say what is left, and do not wait for archives."""
    settled = loop.loop.abort(PATIENCE_S)
    reports = loop.reports()
    outcomes = _outcomes(reports)
    made = sum(outcome.outcome is not Outcome.FAILED for outcome in outcomes)
    screen.complain(
        f"interrupted: {made} of {len(outcomes)} bursts are done; run the same command again for the others"
    )
    if isinstance(stopped, KeyboardInterrupt):
        code = _INTERRUPTED
    else:
        code = stopped.code if isinstance(stopped, SystemExit) and isinstance(stopped.code, int) else 1
    if not settled or threads_wait():
        loop.remove_files()
        sys.stdout.flush()
        # Python would wait for threads that wait for an archive.
        os._exit(code)
    raise typer.Exit(code)


def threads_wait() -> bool:
    """Whether threads of bursts still wait, such as for an archive, a second after they were asked to end."""
    deadline = time.monotonic() + 1.0
    while time.monotonic() < deadline:
        if not any(thread.name.startswith("burst") and thread.is_alive() for thread in threading.enumerate()):
            return False
        time.sleep(0.05)
    return True


class _RunScreen(Screen):
    """The screen of a run, with a line for each burst that was made or exists."""

    def ends(self, job: BurstJob, outcome: BurstOutcome, error: BaseException | None) -> None:
        """A line for a burst that has ended."""
        super().ends(job, outcome, error)
        if outcome.outcome is Outcome.FAILED:
            return
        manifest = _manifest(job.destination, outcome)
        show = self.made if outcome.outcome is Outcome.MADE else self.skipped
        show(name_of(job), manifest, str(job.destination))

    def exists(self, burst_id: str, folder: keys.Location) -> None:
        """A line for a burst whose product exists."""
        at = folder.join(keys.MANIFEST)
        self.skipped(burst_id, read_stored(Manifest, storage.read_bytes(at), at), str(folder))
        self.count(folder)


def _manifest(folder: keys.Location, outcome: BurstOutcome) -> Manifest:
    at = keys.parse_location(outcome.manifest) if outcome.manifest else folder.join(keys.MANIFEST)
    return read_stored(Manifest, storage.read_bytes(at), at)


def _outcomes(reports: Sequence[SceneReport]) -> list[BurstOutcome]:
    return [outcome for report in reports for outcome in (*report.static_bursts, *report.bursts)]


def _check_collections(planned: Sequence[PlannedScene]) -> None:
    """Refuse a folder whose `collection.json` belongs to another collection than the products to be made."""
    for job in [job for scene in planned for job in scene.jobs if job.collection_folder.is_local]:
        at = job.collection_folder.join(keys.COLLECTION)
        if not storage.exists(at):
            continue
        try:
            found = storage.read_json(at).get("id")
        except (ValueError, RecursionError, AttributeError) as error:
            raise RefusedError(
                f"{at} is not a collection; delete it and start again", "collection"
            ) from error
        if found != job.collection:
            raise RefusedError(
                f"{job.collection_folder} holds products of collection {found}; give {job.product} another folder",
                "other-product",
            )


def _print_plan(planned: Sequence[PlannedScene], options: Options) -> None:
    """Print what a run would fetch and make."""
    screen = Screen(0, options.as_json)
    jobs = [job for scene in planned for job in scene.jobs]
    if options.as_json:
        typer.echo(json.dumps([_plan_as_json(scene) for scene in planned], indent=1))
        return
    for scene in planned:
        if scene.plan is None:
            screen.say(f"{scene.scene.payload['scene']}: {scene.error.message if scene.error else ''}")
            continue
        screen.say(scene.plan.request.scene)
        for burst in scene.plan.existing:
            screen.say(f"  {burst.burst_id}  exists  {burst.item}")
        for job in scene.jobs:
            screen.say(
                f"  {job.burst_id}  {job.product.value}  {'+'.join(job.polarizations)}  {job.destination}"
            )
    fetched, written, seconds = _estimate(jobs)
    screen.say(
        f"{len(jobs)} products to make: some {fetched / 1e9:.1f} GB to fetch, {written / 1e9:.1f} GB to write, "
        f"{duration(seconds)} of computing on this machine"
    )


def _plan_as_json(scene: PlannedScene) -> dict[str, object]:
    if scene.plan is None:
        error = scene.error
        return {"scene": scene.scene.payload["scene"], "error": error.message if error else None}
    return {
        "scene": scene.plan.request.scene,
        "existing": [burst.model_dump(mode="json") for burst in scene.plan.existing],
        "make": [
            {
                "burst_id": job.burst_id,
                "product": job.product.value,
                "polarizations": job.polarizations,
                "destination": str(job.destination),
            }
            for job in scene.jobs
        ],
    }


def _estimate(jobs: Sequence[BurstJob]) -> tuple[float, float, float]:
    """Bytes to fetch and to write, and seconds, for bursts of full size by the native engine."""
    from rtcflow.cpus import usable_cpus

    backscatter = [job for job in jobs if job.product is Product.RTC_S1]
    remote = [job for job in backscatter if not Path(job.sources.scene).exists()]
    pixels = [(20.0 / job.resolution) ** 2 for job in jobs]
    layers = [len(job.polarizations) if job.product is Product.RTC_S1 else 6 for job in jobs]
    cpu = sum(_CPU_S if job.product is Product.RTC_S1 else 2.4 * _CPU_S for job in jobs)
    return (
        sum(_FETCHED * len(job.polarizations) for job in remote),
        sum(_WRITTEN * share * count for share, count in zip(pixels, layers, strict=True)),
        cpu / usable_cpus(),
    )


def _write_page(path: Path, planned: Sequence[PlannedScene], reports: Sequence[SceneReport]) -> None:
    """Write the run report as HTML; it is in the distribution rtcflow-local."""
    try:
        from rtcflow_local.report.report_page import write_local_report
    except ImportError as error:
        raise RefusedError(
            "--report needs the package rtcflow-local; install it beside rtcflow", "report"
        ) from error
    write_local_report(path, [(scene.plan, report) for scene, report in zip(planned, reports, strict=True)])
