"""List all bursts of a scene at ASF, from NASA's Common Metadata Repository, or fail."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from rtcflow_archives.archived_burst import (
    ArchivedBurst,
    again_or_raise,
    bursts_of_granules,
    has_all,
    incomplete,
    what_is_missing,
)
from rtcflow_archives.cmr import Cmr
from rtcflow_archives.granule import granule_name
from rtcflow_archives.hosts import ArchiveHosts
from rtcflow_contract.errors import DefectError, RefusedError, TransientError
from rtcflow_contract.scene_id import SceneId
from rtcflow_files.retry import Attempts, Retry

# Bursts begin before and end after the times in the scene's id, by less than a burst.
_MARGIN = timedelta(seconds=4)
# ASF lists bursts some hours after their scene.
_FRESH = timedelta(days=3)


def list_asf_bursts(
    scene: SceneId,
    hosts: ArchiveHosts | None = None,
    retry: Retry | None = None,
    wanted: Collection[str] | None = None,
) -> list[ArchivedBurst]:
    """Every burst of a scene in every polarization.

    Parameters
    ----------
    scene : SceneId
    hosts : ArchiveHosts, optional
    retry : Retry, optional
    wanted : collection of str, optional
        Burst ids that the listing must have; other gaps do not matter then.

    Raises
    ------
    RefusedError
        When ASF does not have the scene or its bursts, or the listing of an old scene is incomplete.
    TransientError
        When CMR does not answer, or the listing of a new scene is incomplete; says what is missing.
    """
    cmr = Cmr((hosts or ArchiveHosts.from_environment()).cmr_url)
    attempts = Attempts(retry or cmr.retry)
    while True:
        bursts = _listed(cmr, scene, attempts)
        if not bursts:
            raise _without_bursts(cmr, scene, attempts)
        missing = what_is_missing(bursts, scene.polarizations)
        if not missing or has_all(bursts, wanted, scene.polarizations):
            return bursts
        again_or_raise(attempts, incomplete("ASF", scene, missing, "cdse", wanted))


def _listed(cmr: Cmr, scene: SceneId, attempts: Attempts) -> list[ArchivedBurst]:
    items = cmr.granules(attempts, dataset="SLC-BURST", start=scene.start - _MARGIN, end=scene.stop + _MARGIN)
    try:
        return bursts_of_granules(items, scene.id)
    except (KeyError, IndexError, ValueError) as error:
        raise DefectError(
            f"CMR lists a burst of scene {scene.id} in an unknown form ({error!r})",
            reason="cmr-form",
        ) from error


def _without_bursts(cmr: Cmr, scene: SceneId, attempts: Attempts) -> RefusedError | TransientError:
    known = cmr.granules(attempts, product_list=[granule_name(scene.id)])
    if not known:
        return RefusedError(
            f"ASF has no scene {scene.id}; correct the id, or give scene_source cdse or the s3:// of its SAFE",
            reason="unknown-scene",
        )
    if datetime.now(UTC) - scene.stop < _FRESH:
        return TransientError(
            f"ASF has scene {scene.id} but does not list its bursts yet; try again later",
            reason="no-bursts-yet",
        )
    return RefusedError(
        f"ASF has scene {scene.id} without bursts; give scene_source cdse or the s3:// of its SAFE",
        reason="no-bursts",
    )
