"""Plan a scene: validate the payload, list the bursts, leave out those that exist, put the rest into tasks."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from rtcflow_archives.cdse import CDSE_CONNECTIONS
from rtcflow_contract import keys
from rtcflow_contract.dem import DEFAULT_DEM, ELLIPSOID, is_own
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.job import LocalPlaces, Sources, make_job
from rtcflow_contract.orbit_file import PUBLIC_ORBITS
from rtcflow_contract.payload_fields import burst_list_file, parse_burst_list_text
from rtcflow_contract.plan import ExistingBurst, Plan, PlannedBurst
from rtcflow_contract.request import OrbitChoice, Precision, SceneRequest, parse_request
from rtcflow_contract.scene_id import parse_scene_id
from rtcflow_contract.scene_rules import refuse_old_processor, refuse_uncalibrated
from rtcflow_contract.task import Task
from rtcflow_files import storage
from rtcflow_scene.burst_catalogue import BurstCatalogue, SceneListing, list_from_first
from rtcflow_scene.burst_choice import existing_item, wanted_bursts
from rtcflow_scene.grouping import (
    BURST_LIMIT_S,
    bursts_per_task,
    by_neighbours,
    chosen_engine,
    jobs_per_burst,
    task_limit_s,
    task_numbers,
)
from rtcflow_scene.orbit_wait import shortest_wait
from rtcflow_scene.records import write_task
from rtcflow_scene.task_run import StackSettings, first_run

# Geographic CRSs that users often give; the burst task refuses others that are not projected.
_IN_DEGREES = {4326, 4979, 4283, 7844, 4258, 4269}


class PlanSettings(NamedTuple):
    """Settings of the stack."""

    products_bucket: str
    work_bucket: str | keys.Location
    product_version: str
    orbits: str
    dem: str
    geoid: str
    orbit_wait: timedelta = timedelta(days=30)
    precision: Precision = Precision.FULL

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "PlanSettings":
        """Read the values that the template sets; sources default to the public archives."""
        defaults = Sources(scene="asf")
        return cls(
            environment["PRODUCTS_BUCKET"],
            environment["WORK_BUCKET"],
            environment["PRODUCT_VERSION"],
            environment.get("ORBIT_SOURCE") or defaults.orbits,
            environment.get("DEM_SOURCE") or defaults.dem,
            environment.get("GEOID_SOURCE") or defaults.geoid,
            timedelta(days=float(environment.get("ORBIT_WAIT_DAYS") or 30)),
            Precision(environment.get("PRECISION") or Precision.FULL),
        )

    def sources(self, request: SceneRequest) -> Sources:
        """Where the jobs of a request fetch their inputs; several orbit sources are separated by commas."""
        orbits = request.orbit_source or tuple(self.orbits.split(","))
        first, *more = (PUBLIC_ORBITS if name == "asf" else name.strip() for name in orbits)
        return Sources(
            scene=request.scene_source[0],
            orbits=first,
            more_orbits=tuple(more),
            dem=self.dem,
            geoid=self.geoid,
        )


def plan_scene(
    payload: Any,
    execution: str,
    started: str,
    settings: PlanSettings,
    stack: StackSettings | None = None,
    catalogue: BurstCatalogue | None = None,
    now: datetime | None = None,
    sources: Sources | None = None,
    places: LocalPlaces | None = None,
) -> dict[str, Any]:
    """Plan a scene and write plan.json and the tasks, always the same for the same execution.

    Parameters
    ----------
    payload : dict
        The execution's input.
    execution, started : str
        Name and start time (ISO 8601) of the execution.
    settings : PlanSettings
    stack : StackSettings, optional
        Where and how tasks run.
    catalogue : BurstCatalogue, optional
        By default that of the request's scene source.
    now : datetime, optional
        Current time, UTC.
    sources : Sources, optional
        Where inputs are fetched from, in place of the settings.
    places : LocalPlaces, optional
        Folders of this machine in place of the request's buckets.

    Raises
    ------
    RefusedError
        When the payload, the scene, a burst or a bucket is wrong.
    """
    stack = stack or StackSettings()
    request = parse_request(_with_defaults(payload, settings), settings.products_bucket)
    _check_crs(request)
    refuse_uncalibrated(parse_scene_id(request.scene))
    if sources is None:
        _refuse_local_dem(request)
    # Looking up any key refuses a bucket that does not exist or may not be read.
    if places is None:
        storage.exists(keys.Location(request.s3_bucket, keys.COLLECTION))
    sources = sources or settings.sources(request)
    if catalogue is not None:
        listed = SceneListing(catalogue.list_bursts(request.scene, request.burst_id_list), (sources.scene,))
    else:
        listed = list_from_first(request)
    sources = sources.model_copy(update={"scene": listed.sources[0], "more_scenes": listed.sources[1:]})
    bursts = wanted_bursts(listed.bursts, request.burst_id_list, request.scene)
    present = now or datetime.now(UTC)
    request = request.model_copy(update={"orbit": _orbit_choice(request, present)})
    for burst in bursts:
        refuse_old_processor(request.scene, burst.ipf_version, request.engine)
    jobs = [
        make_job(
            request,
            product=request.product,
            burst_id=burst.burst_id,
            sensing_start=burst.sensing_start,
            burst_index=burst.burst_index,
            execution=execution,
            execution_started=datetime.fromisoformat(started),
            work_bucket=settings.work_bucket,
            product_version=settings.product_version,
            sources=sources,
            places=places,
        )
        for burst in bursts
    ]
    existing = {job.burst_id: item for job in jobs if (item := existing_item(job)) is not None}
    due = by_neighbours([job for job in jobs if job.burst_id not in existing])
    engine = chosen_engine(request.engine, stack.engine)
    numbers = task_numbers(len(due), bursts_per_task(request, engine, stack.bursts_per_task))
    plan = Plan(
        execution=execution,
        started=datetime.fromisoformat(started),
        product_version=settings.product_version,
        sources=sources,
        request=request,
        engine=engine,
        places=places,
        bursts=tuple(
            PlannedBurst(
                burst_id=job.burst_id,
                sensing_start=job.sensing_start,
                burst_index=job.burst_index,
                task=number,
            )
            for job, number in zip(due, numbers, strict=True)
        ),
        existing=tuple(ExistingBurst(burst_id=name, item=str(item)) for name, item in existing.items()),
    )
    for number in sorted(set(numbers)):
        task = Task(
            execution=execution,
            number=number,
            burst_limit_s=BURST_LIMIT_S[engine],
            jobs=tuple(job for job, own in zip(due, numbers, strict=True) if own == number),
        )
        write_task(task, settings.work_bucket)
    at = keys.execution_folder(settings.work_bucket, execution).join(keys.PLAN)
    storage.write_bytes(at, plan.model_dump_json(indent=1).encode())
    wait = _orbit_wait(plan, settings, present) if plan.bursts else 0
    return _state_of(plan, at, stack, wait)


def _state_of(plan: Plan, at: keys.Location, stack: StackSettings, orbit_wait_s: int = 0) -> dict[str, Any]:
    """The plan's part of the state: ids, keys, arguments of its tasks, and the wait before them."""
    request = plan.request
    ids: dict[int, list[str]] = {}
    for burst in plan.bursts:
        ids.setdefault(burst.task, []).append(burst.burst_id)
    runs = [
        first_run(
            str(keys.task_key(keys.work_of(at), plan.execution, number)),
            burst_ids,
            stack=stack,
            compute=request.compute,
            tasks=len(ids),
            timeout_s=task_limit_s(len(burst_ids) * jobs_per_burst(request), plan.engine),
            scene=request.scene,
            collection=request.collection,
        )
        for number, burst_ids in sorted(ids.items())
    ]
    return {
        "plan": str(at),
        "orbit_wait_s": orbit_wait_s,
        "max_concurrency": min(request.max_concurrency, _most_at_once(request)),
        "link_static_layers": request.link_static_layers,
        "bursts": len(plan.bursts),
        "tasks": [run.model_dump(mode="json", exclude_defaults=True) for run in runs],
    }


def _orbit_choice(request: SceneRequest, now: datetime) -> OrbitChoice:
    """`precise` until the days of `precise_within` are over, then `best`."""
    if request.precise_within is None:
        return request.orbit
    over = now - parse_scene_id(request.scene).stop >= timedelta(days=request.precise_within)
    return OrbitChoice.BEST if over else OrbitChoice.PRECISE


def _orbit_wait(plan: Plan, settings: PlanSettings, now: datetime) -> int:
    return shortest_wait(
        parse_scene_id(plan.request.scene),
        plan.request.orbit,
        (plan.sources.orbits, *plan.sources.more_orbits),
        started=plan.started,
        now=now,
        limit=settings.orbit_wait,
    )


def _most_at_once(request: SceneRequest) -> int:
    """Tasks of a scene that may run at once; beyond the archive's quota they would wait and cost money."""
    return CDSE_CONNECTIONS if "cdse" in request.scene_source else request.max_concurrency


def _with_defaults(payload: Any, settings: PlanSettings) -> Any:
    """The payload with the stack's defaults for missing fields."""
    found = _with_burst_list(payload)
    if not isinstance(found, dict):
        return found
    given: dict[str, Any] = {}
    if not found.get("precision"):
        given["precision"] = settings.precision.value
    if is_own(settings.dem) and found.get("dem") in (None, "", DEFAULT_DEM):
        # The stack's archive of tiles is replaced by one raster, which is a different DEM with its own name.
        given |= {"dem": settings.dem, "dem_datum": ELLIPSOID}
    return {**found, **given}


def _with_burst_list(payload: Any) -> Any:
    """The payload with the burst ids of a `.txt` on S3 in place of its location."""
    file = burst_list_file(payload.get("burst_id_list")) if isinstance(payload, dict) else None
    if file is None:
        return payload
    if not file.startswith("s3://"):
        raise RefusedError(
            f"burst_id_list {file} is not on S3; upload it and give s3://bucket/{file.rsplit('/', 1)[-1]}",
            reason="burst-list",
        )
    text = storage.read_bytes(keys.parse_s3_uri(file)).decode("utf-8", errors="replace")
    return {**payload, "burst_id_list": parse_burst_list_text(text)}


def _refuse_local_dem(request: SceneRequest) -> None:
    """Refuse local files, which tasks cannot read."""
    for name in (request.dem, request.dem_datum or ""):
        if is_own(name) and "://" not in name:
            raise RefusedError(
                f"DEM {name} is a local file, which tasks cannot read; upload it and give its s3:// or https:// URI",
                reason="dem-local",
            )


def _check_crs(request: SceneRequest) -> None:
    if request.output_crs in _IN_DEGREES:
        raise RefusedError(
            f"output_crs {request.output_crs} is in degrees; give a projected CRS in metres, such as 3031",
            reason="crs",
        )
