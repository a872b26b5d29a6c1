"""Static layers of all bursts of a plan: look them up, decide, and write the jobs that make missing ones."""

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from rtcflow_contract import keys
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.job import linked_static_folder, make_job
from rtcflow_contract.layers import Product
from rtcflow_contract.manifest import Manifest
from rtcflow_contract.plan import Plan, PlannedBurst
from rtcflow_contract.request import OnExisting, OnMissingStatic
from rtcflow_files import storage
from rtcflow_scene.static_product import StaticFinding, StaticState, examine

# The list goes into the execution's cause; a scene's worth of bursts with all layers would not be read there.
_LISTED = 30


def check_static_layers(plan_uri: str) -> dict[str, Any]:
    """Check the static layers that every burst of a plan is to be linked to.

    Returns
    -------
    dict
        `decision` is `linked`, `create` or `fail`; `missing` lists burst and layers, `message` says it in a sentence;
        with `create`, `jobs` lists burst and S3 URI of the job that makes the static product.

    Raises
    ------
    RefusedError
        When the linked bucket does not exist, or a static product's manifest cannot be read.
    """
    at = keys.parse_s3_uri(plan_uri)
    plan = Plan.model_validate_json(storage.read_bytes(at))
    looked_up = [(burst, _look_up(plan, burst)) for burst in plan.bursts]
    lacking = [(burst, finding) for burst, finding in looked_up if finding.state is not StaticState.FIT]
    findings = [finding for _, finding in lacking]
    decision = decide(findings, plan.request.on_missing_static)
    jobs = [_write_job(plan, burst, finding, at.bucket) for burst, finding in lacking if decision == "create"]
    return {
        "decision": decision,
        "message": message_of(findings),
        "missing": [{"burst_id": finding.burst_id, "layers": list(finding.layers)} for finding in findings],
        "jobs": jobs,
    }


def decide(findings: Sequence[StaticFinding], on_missing: OnMissingStatic) -> str:
    """Go on, make what is missing, or fail; layers that are there but unfit are never replaced here."""
    if not findings:
        return "linked"
    if any(finding.state is StaticState.UNFIT for finding in findings):
        return "fail"
    return "create" if on_missing is OnMissingStatic.CREATE else "fail"


def message_of(findings: Sequence[StaticFinding]) -> str:
    """One sentence that lists bursts and layers."""
    if not findings:
        return "all static layers are there"
    listed = "; ".join(str(finding) for finding in findings[:_LISTED])
    more = f" and {len(findings) - _LISTED} more bursts" if len(findings) > _LISTED else ""
    unfit = any(finding.state is StaticState.UNFIT for finding in findings)
    advice = (
        "give another linked_static_layers_collection, or the resolution and output_crs of these layers"
        if unfit
        else "make them first with product RTC_S1_STATIC, or set on_missing_static to create"
    )
    return f"static layers to be linked are missing or do not fit: {listed}{more}; {advice}"


def _look_up(plan: Plan, burst: PlannedBurst) -> StaticFinding:
    folder = linked_static_folder(plan.request, burst.burst_id)
    sizes = {found.name: found.size for found in storage.list_objects(folder)}
    manifest = _manifest(folder) if keys.MANIFEST in sizes else None
    return examine(burst.burst_id, manifest, sizes, plan.request, plan.product_version)


def _manifest(folder: keys.Location) -> Manifest:
    at = folder.join(keys.MANIFEST)
    try:
        return Manifest.model_validate_json(storage.read_bytes(at))
    except ValidationError as error:
        raise RefusedError(
            f"{at} is no manifest of a static product; give another linked_static_layers_collection",
            reason="static-manifest",
        ) from error


def _write_job(plan: Plan, burst: PlannedBurst, finding: StaticFinding, work_bucket: str) -> dict[str, str]:
    job = make_job(
        plan.request,
        product=Product.RTC_S1_STATIC,
        burst_id=burst.burst_id,
        sensing_start=burst.sensing_start,
        execution=plan.execution,
        execution_started=plan.started,
        work_bucket=work_bucket,
        product_version=plan.product_version,
        sources=plan.sources,
    )
    # A product that was committed and then lost files is made again; otherwise one made meanwhile is kept.
    job = job.model_copy(update={"on_existing": OnExisting.REPLACE if finding.damaged else OnExisting.SKIP})
    at = job.work.join(keys.JOB)
    storage.write_bytes(at, job.model_dump_json(indent=1).encode())
    return {"burst_id": job.burst_id, "job": str(at)}
