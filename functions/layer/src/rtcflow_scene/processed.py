"""Keeping the record of a processed scene: one JSON file a scene, beside the products."""

from rtcflow_contract import keys
from rtcflow_contract.errors import NotFoundError, TransientError
from rtcflow_contract.layers import Product
from rtcflow_contract.plan import Plan
from rtcflow_contract.processed_scene import ProcessedScene, with_report
from rtcflow_contract.report import Outcome, SceneReport
from rtcflow_contract.stored import UnreadableError, read_stored
from rtcflow_files import compare_and_swap, storage

# Two executions of a scene seldom end at once; many would have to.
_MOST_TRIES = 8


def record_processed(plan: Plan, report: SceneReport) -> None:
    """Add what a run reports to the scene's record; a run that made nothing leaves it as it is.

    Raises
    ------
    TransientError
        When others change the record at the same time, again and again.
    """
    if not any(burst.outcome is Outcome.MADE for burst in (*report.bursts, *report.static_bursts)):
        return
    request = plan.request
    collections = {
        Product.RTC_S1_STATIC: request.linked_static_layers_collection,
        request.product: request.collection,
    }
    if plan.places is not None:
        at = keys.processed_scene_key(plan.places.out, request.scene)
    else:
        project = keys.Location(request.s3_bucket, request.s3_project_folder)
        at = keys.processed_scene_key(project, request.scene)
    for _ in range(_MOST_TRIES):
        before = _read(at)
        record = with_report(_parsed(before.data, at), report, collections)
        if _write(at, record.model_dump_json(indent=1, exclude_none=True).encode(), before):
            return
    raise TransientError(f"{at} is changed by others all the time; try again", reason="contention")


def _read(at: keys.Location) -> compare_and_swap.Read:
    if not at.is_local:
        return compare_and_swap.read(at)
    try:
        return compare_and_swap.Read(storage.read_bytes(at), None)
    except NotFoundError:
        return compare_and_swap.Read(None, None)


def _write(at: keys.Location, data: bytes, before: compare_and_swap.Read) -> bool:
    if not at.is_local:
        return compare_and_swap.write(at, data, before)
    storage.write_bytes(at, data)
    return True


def _parsed(data: bytes | None, at: keys.Location) -> ProcessedScene | None:
    """The record as it is; one that cannot be read is written anew."""
    try:
        return read_stored(ProcessedScene, data, at) if data is not None else None
    except UnreadableError:
        return None
