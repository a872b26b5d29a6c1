"""Make the products of a search on this machine: static layers once, then every pass."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rtcflow.cli.run_scenes import PATIENCE_S, threads_wait
from rtcflow.cli.work_folder import work_folder
from rtcflow.scene_run import NO_BUCKET, PlannedScene, RunSettings, Scene, SceneLoop, plan_scenes
from rtcflow.sources.access.cdse_keys import has_credentials
from rtcflow.sources.access.credentials import CDSE, EARTHDATA, login_of
from rtcflow.task_loop import Watcher
from rtcflow_contract import keys
from rtcflow_contract.errors import ErrorClass, RefusedError
from rtcflow_contract.job import LocalPlaces, Sources
from rtcflow_contract.layers import Product
from rtcflow_contract.report import BurstOutcome, Outcome, SceneReport
from rtcflow_contract.request import OnMissingStatic, parse_request
from rtcflow_local.stack.acquisitions import Found, FoundBurst
from rtcflow_scene.burst_choice import SceneBurst

PRODUCTS, STATIC = "products", "static"


class MakeSettings(NamedTuple):
    """Settings for making products.

    Attributes
    ----------
    folder : Path
        Of the stack: `products` and `static` are in it.
    payload : mapping
        Fields of the payload of all scenes, such as `resolution`.
    sources : Sources
        Where inputs are fetched from.
    parallel : int
        Bursts that compute at once, 1 GB of memory each.
    product_version : str
    """

    folder: Path
    payload: Mapping[str, Any]
    sources: Sources
    parallel: int = 1
    product_version: str = "0.1"


class Made(NamedTuple):
    """Result of making a search's products: numbers of bursts, and reasons for incomplete passes by pass id."""

    made: int
    there: int
    failures: dict[str, str]
    reports: tuple[SceneReport, ...]
    error_classes: frozenset[ErrorClass] = frozenset()


class _FoundBursts:
    """Catalogue of the bursts found by the search, so that the archive is not queried again."""

    def __init__(self, bursts: Sequence[FoundBurst]) -> None:
        self._bursts = bursts

    def list_bursts(self, scene: str, wanted: Sequence[str] | None = None) -> list[SceneBurst]:
        """Bursts of the scene that the search found."""
        return [
            SceneBurst(burst.burst_id, burst.sensing_start, burst.burst_index, burst.ipf_version)
            for burst in self._bursts
            if burst.scene.id == scene
        ]


def payloads(found: Found, fields: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One payload per scene of the search, with its bursts in the area, in order of time, like a campaign list.

    Raises
    ------
    RefusedError
        When a field is wrong; names every wrong one.
    """
    made = []
    for one in found.passes:
        for scene, burst_ids in one.scenes.items():
            payload = {**fields, "scene": scene, "burst_id_list": burst_ids}
            parse_request(payload, NO_BUCKET)
            made.append(payload)
    return made


def static_payloads(found: Found, fields: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Payloads that make the static layers of each burst once, from its first pass."""
    scenes: dict[str, list[str]] = defaultdict(list)
    seen: set[str] = set()
    for burst in found.bursts:
        if burst.burst_id not in seen:
            seen.add(burst.burst_id)
            scenes[burst.scene.id].append(burst.burst_id)
    return [
        {**fields, "scene": scene, "burst_id_list": ids, "product": Product.RTC_S1_STATIC.value}
        for scene, ids in scenes.items()
    ]


def make_products(found: Found, settings: MakeSettings, watcher: Watcher) -> Made:
    """Make the missing products of a search; a later run makes what failed or is new.

    Parameters
    ----------
    found : Found
    settings : MakeSettings
    watcher : Watcher
        Called for each burst that begins and ends.

    Raises
    ------
    RefusedError
        When nothing can be written to the folder, a field of the payload is wrong, a folder of inputs is not there or
        there is no login for the archive.
    """
    products, static = settings.folder / PRODUCTS, settings.folder / STATIC
    grids = keys.Location.local(products)
    linked = {"link_static_layers": True, "on_missing_static": OnMissingStatic.CREATE.value}
    with work_folder(settings.folder, None) as work:
        of_static = LocalPlaces(out=keys.Location.local(static), grids=grids)
        _run(static_payloads(found, settings.payload), found, settings, work / STATIC, of_static, watcher)
        places = LocalPlaces(
            out=keys.Location.local(products), static=keys.Location.local(static), grids=grids
        )
        asked = payloads(found, {**settings.payload, **linked})
        planned, reports = _run(asked, found, settings, work / PRODUCTS, places, watcher)
    return _made(found, planned, reports)


def _run(
    asked: Sequence[Mapping[str, Any]],
    found: Found,
    settings: MakeSettings,
    work: Path,
    places: LocalPlaces,
    watcher: Watcher,
) -> tuple[list[PlannedScene], list[SceneReport]]:
    work.mkdir(parents=True, exist_ok=True)
    catalogue = _FoundBursts(found.bursts)
    scenes = [Scene({"s3_bucket": NO_BUCKET, **payload}, settings.sources, catalogue) for payload in asked]
    run = RunSettings(work, places, settings.product_version, settings.parallel)
    planned = plan_scenes(scenes, run)
    if any(scene.jobs for scene in planned):
        _check_inputs(settings.sources)
    loop = SceneLoop(planned, run, watcher)
    try:
        return planned, loop.run()
    except (KeyboardInterrupt, SystemExit):
        # What is being published ends, nothing else begins; the work folder goes when nobody is at work in it.
        loop.loop.abort(PATIENCE_S)
        threads_wait()
        raise


def _made(found: Found, planned: Sequence[PlannedScene], reports: Sequence[SceneReport]) -> Made:
    pass_of = {burst.scene.id: burst.pass_id for burst in found.bursts}
    reasons: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    counts = dict.fromkeys(Outcome, 0)
    kinds: set[ErrorClass] = set()
    for scene, report in zip(planned, reports, strict=True):
        why = reasons[pass_of[str(scene.scene.payload["scene"])]]
        if scene.error is not None:
            why[scene.error.message] = []
            kinds.add(scene.error.error_class)
        for burst in report.bursts:
            counts[burst.outcome] += 1
        for burst in _failed(report):
            why[burst.message or "failed"].append(burst.burst_id)
            kinds.add(burst.error_class or ErrorClass.DEFECT)
    told = {
        pass_id: "; ".join(f"{' '.join(ids)}: {message}" if ids else message for message, ids in why.items())
        for pass_id, why in reasons.items()
        if why
    }
    return Made(counts[Outcome.MADE], counts[Outcome.SKIPPED], told, tuple(reports), frozenset(kinds))


def _failed(report: SceneReport) -> list[BurstOutcome]:
    """Failed bursts; of one whose static layers failed, these."""
    static = [burst for burst in report.static_bursts if burst.outcome is Outcome.FAILED]
    ids = {burst.burst_id for burst in static}
    own = [burst for burst in report.bursts if burst.outcome is Outcome.FAILED and burst.burst_id not in ids]
    return [*static, *own]


def _check_inputs(sources: Sources) -> None:
    """Refuse what every burst would fail of, before any begins: a folder or a login that is not there."""
    places = {"orbits": sources.orbits, "DEM": sources.dem, "geoid": sources.geoid}
    for name, where in places.items():
        if "://" not in where and not Path(where).expanduser().exists():
            raise RefusedError(f"{name} {where} does not exist; correct the path", "no-such-folder")
    if sources.scene == "asf":
        login_of(EARTHDATA)
    elif sources.scene == "cdse" and not has_credentials():
        login_of(CDSE)
