"""Check the static layers of all bursts of a plan, and add jobs for missing ones to the tasks.

Whether a static product can be linked is a pure decision on its manifest and on the listing of its folder: `examine`.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from pydantic import ValidationError

from rtcflow_contract import keys
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.job import BurstJob, linked_static_folder, make_job
from rtcflow_contract.layers import Product, layers_of
from rtcflow_contract.manifest import Manifest
from rtcflow_contract.plan import Plan, PlannedBurst
from rtcflow_contract.request import OnExisting, OnMissingStatic, SceneRequest
from rtcflow_contract.standing import other_dem
from rtcflow_contract.stored import read_stored
from rtcflow_files import storage
from rtcflow_scene.records import read_task, write_task

# The list becomes the execution's cause, where a whole scene's layers would be too many to read.
_LISTED = 30
_ITEM_LAYER = "STAC item"


class StaticLayersMissing(RefusedError):  # noqa: N818 - the name that executions fail with
    """Static layers to be linked are missing or do not fit."""


class StaticState(StrEnum):
    """`missing`: layers do not exist and can be made. `unfit`: they exist with another grid or version."""

    FIT = "fit"
    MISSING = "missing"
    UNFIT = "unfit"


class StaticFinding(NamedTuple):
    """Findings on a burst's static product; `damaged` if its manifest lists files that are gone."""

    burst_id: str
    state: StaticState
    layers: tuple[str, ...] = ()
    why: str = ""
    damaged: bool = False

    def __str__(self) -> str:
        return f"{self.burst_id}: {self.why or ', '.join(self.layers)}"


def check_static_layers(plan_uri: str) -> dict[str, Any]:
    """Check the static layers that the bursts of a plan link to, and have missing ones made.

    Tasks are rewritten with the static jobs, each before the job of the burst that links to it; the same missing layers
    give the same bytes.

    Returns
    -------
    dict
        `missing` is the number of bursts without layers, `message` a sentence about them.

    Raises
    ------
    StaticLayersMissing
        When layers are missing and must not be made, or do not fit; lists bursts and layers.
    RefusedError
        When the linked bucket does not exist, or a static product's manifest cannot be read.
    """
    at = keys.parse_location(plan_uri)
    work = keys.work_of(at)
    plan = read_stored(Plan, storage.read_bytes(at), at)
    findings = {burst.burst_id: _look_up(plan, burst) for burst in plan.bursts}
    lacking = {name: found for name, found in findings.items() if found.state is not StaticState.FIT}
    decision = decide(list(lacking.values()), plan.request.on_missing_static)
    message = _message_of(list(lacking.values()))
    if decision == "fail":
        raise StaticLayersMissing(message, reason="static-missing")
    statics = {
        burst.burst_id: _static_job(plan, burst, lacking[burst.burst_id], work)
        for burst in plan.bursts
        if burst.burst_id in lacking
    }
    for number in sorted({burst.task for burst in plan.bursts}):
        task = read_task(str(keys.task_key(work, plan.execution, number)))
        write_task(task.model_copy(update={"jobs": _with_static_jobs(task.jobs, statics)}), work)
    return {"missing": len(lacking), "message": message}


def _with_static_jobs(jobs: Sequence[BurstJob], statics: Mapping[str, BurstJob]) -> tuple[BurstJob, ...]:
    """Jobs of a task with the needed static jobs, each before the one that links to it, and no other static jobs."""
    asked = [job for job in jobs if job.product is not Product.RTC_S1_STATIC]
    return tuple(made for job in asked for made in (statics.get(job.burst_id), job) if made is not None)


def decide(findings: Sequence[StaticFinding], on_missing: OnMissingStatic) -> str:
    """Continue, make what is missing, or fail; existing layers that do not fit are never replaced here."""
    if not findings:
        return "linked"
    if any(finding.state is StaticState.UNFIT for finding in findings):
        return "fail"
    return "create" if on_missing is OnMissingStatic.CREATE else "fail"


def _message_of(findings: Sequence[StaticFinding]) -> str:
    """One sentence that lists bursts and layers."""
    if not findings:
        return "all static layers exist"
    listed = "; ".join(str(finding) for finding in findings[:_LISTED])
    more = f" and {len(findings) - _LISTED} more bursts" if len(findings) > _LISTED else ""
    unfit = any(finding.state is StaticState.UNFIT for finding in findings)
    advice = (
        "give another linked_static_layers_collection, or the resolution, output_crs and dem of these layers"
        if unfit
        else "make them first with product RTC_S1_STATIC, or set on_missing_static to create"
    )
    return f"static layers to be linked are missing or do not fit: {listed}{more}; {advice}"


def _look_up(plan: Plan, burst: PlannedBurst) -> StaticFinding:
    folder = linked_static_folder(plan.request, burst.burst_id, plan.places)
    sizes = {found.name: found.size for found in storage.list_objects(folder)}
    manifest = _manifest(folder) if keys.MANIFEST in sizes else None
    return examine(burst.burst_id, manifest, sizes, plan.request, plan.product_version)


def _manifest(folder: keys.Location) -> Manifest:
    at = folder.join(keys.MANIFEST)
    try:
        return Manifest.model_validate_json(storage.read_bytes(at))
    except ValidationError as error:
        raise RefusedError(
            f"{at} is not a manifest of a static product; give another linked_static_layers_collection",
            reason="static-manifest",
        ) from error


def _static_job(plan: Plan, burst: PlannedBurst, finding: StaticFinding, work: keys.Location) -> BurstJob:
    job = make_job(
        plan.request,
        product=Product.RTC_S1_STATIC,
        burst_id=burst.burst_id,
        sensing_start=burst.sensing_start,
        burst_index=burst.burst_index,
        execution=plan.execution,
        execution_started=plan.started,
        work_bucket=work,
        product_version=plan.product_version,
        sources=plan.sources,
        places=plan.places,
    )
    # A committed product that lost files is made again; one made meanwhile is kept.
    return job.model_copy(update={"on_existing": OnExisting.REPLACE if finding.damaged else OnExisting.SKIP})


def examine(
    burst_id: str,
    manifest: Manifest | None,
    sizes: Mapping[str, int],
    request: SceneRequest,
    product_version: str,
) -> StaticFinding:
    """Compare a static product with what a scene request links to.

    Parameters
    ----------
    burst_id : str
    manifest : Manifest or None
        None if the folder has no manifest; other files in it are then ignored.
    sizes : mapping of str to int
        Size in bytes of every object in the product's folder, by name.
    request : SceneRequest
    product_version : str
        Version of the stack's products; its major version must be that of the static product.
    """
    required = layers_of(Product.RTC_S1_STATIC)
    if manifest is None:
        return StaticFinding(burst_id, StaticState.MISSING, tuple(layer.name for layer in required))
    unfit = _unfit(manifest, request, product_version)
    if unfit:
        return StaticFinding(burst_id, StaticState.UNFIT, why=unfit)
    missing = tuple(layer.name for layer in required if not _there(manifest, layer.name, sizes))
    if missing:
        return StaticFinding(burst_id, StaticState.MISSING, missing, damaged=True)
    if manifest.item not in sizes:
        return StaticFinding(burst_id, StaticState.MISSING, (_ITEM_LAYER,))
    return StaticFinding(burst_id, StaticState.FIT)


def _there(manifest: Manifest, layer: str, sizes: Mapping[str, int]) -> bool:
    file = manifest.file_of_layer(layer)
    return file is not None and sizes.get(file.name) == file.size


def _unfit(manifest: Manifest, request: SceneRequest, product_version: str) -> str:
    """Why an existing product cannot be linked; empty if it can."""
    grid, dem = manifest.grid, other_dem(manifest, request)
    checks = (
        (
            manifest.product is Product.RTC_S1_STATIC,
            f"the product there is {manifest.product}, not {Product.RTC_S1_STATIC}",
        ),
        (
            grid.spacing == request.resolution,
            f"its pixels are {grid.spacing:g} m, not {request.resolution} m",
        ),
        (
            request.output_crs in (None, grid.epsg),
            f"its CRS is EPSG:{grid.epsg}, not EPSG:{request.output_crs}",
        ),
        (not dem, f"it was made with {dem}"),
        (
            _major(manifest.product_version) == _major(product_version),
            f"its version is {manifest.product_version}, of another major version than {product_version}",
        ),
    )
    return next((why for good, why in checks if not good), "")


def _major(version: str) -> str:
    return version.removeprefix("v").split(".", 1)[0]
