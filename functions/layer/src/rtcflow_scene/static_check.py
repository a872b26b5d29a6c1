"""Check the static layers of all bursts of a plan, and add jobs for missing ones to the tasks."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from rtcflow_contract import keys
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.job import BurstJob, linked_static_folder, make_job
from rtcflow_contract.layers import Product
from rtcflow_contract.manifest import Manifest
from rtcflow_contract.plan import Plan, PlannedBurst
from rtcflow_contract.request import OnExisting, OnMissingStatic
from rtcflow_contract.stored import read_stored
from rtcflow_files import storage
from rtcflow_scene.records import read_task, write_task
from rtcflow_scene.static_product import StaticFinding, StaticState, examine

# The list is the execution's cause, where nobody would read all layers of a whole scene.
_LISTED = 30


class StaticLayersMissing(RefusedError):  # noqa: N818 - the name that executions fail with
    """Static layers to be linked are missing or do not fit."""


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
    message = message_of(list(lacking.values()))
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


def message_of(findings: Sequence[StaticFinding]) -> str:
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
