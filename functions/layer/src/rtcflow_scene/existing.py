"""Whether a burst's product exists and must stay, so that the plan leaves the burst out."""

import json

from rtcflow_contract import keys
from rtcflow_contract.errors import NotFoundError, RefusedError
from rtcflow_contract.item_check import is_item
from rtcflow_contract.job import BurstJob
from rtcflow_contract.manifest import Manifest
from rtcflow_contract.request import OnExisting
from rtcflow_contract.standing import Verdict, judge
from rtcflow_contract.stored import UnreadableError, read_stored
from rtcflow_files import storage
from rtcflow_stac.context import says_it_is_at


def existing_item(job: BurstJob) -> keys.Location | None:
    """The item of the existing product that stays; None if one is to be made.

    Also None if a different product is there: the task then fails this burst and makes the others.
    """
    if job.on_existing is OnExisting.REPLACE:
        return None
    standing = _manifest(job, keys.MANIFEST)
    at = job.destination.join(standing.item) if standing else job.item
    if (
        job.on_existing is OnExisting.BESIDE
        and standing is not None
        and standing.product_version != job.product_version
    ):
        standing = _manifest(job, keys.version_name(keys.MANIFEST, job.product_version))
        at = job.destination.join(keys.version_name(keys.ITEM, job.product_version))
    try:
        verdict = judge(standing, job, job.destination, lambda _: _is_item(at))
    except RefusedError:
        return None
    return at if verdict is Verdict.KEEP else None


def _manifest(job: BurstJob, name: str) -> Manifest | None:
    """A manifest in the job's folder; None if it is missing or unreadable, which the task reports."""
    at = job.destination.join(name)
    try:
        return read_stored(Manifest, storage.read_bytes(at), at)
    except (NotFoundError, UnreadableError):
        return None


def _is_item(at: keys.Location) -> bool:
    """Whether a valid item exists: not empty, cut off, damaged, or moved here from elsewhere on this machine."""
    try:
        data = storage.read_bytes(at)
    except NotFoundError:
        return False
    return is_item(data) and (not at.is_local or says_it_is_at(json.loads(data), at))
