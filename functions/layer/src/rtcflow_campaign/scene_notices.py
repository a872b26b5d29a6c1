"""Notices of new granules: SNS messages of the archive in a queue, one granule each."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rtcflow_archives.area import Area
from rtcflow_archives.cmr import Cmr
from rtcflow_archives.granule import scene_of_granule
from rtcflow_archives.scene_search import find_scene, processings_of
from rtcflow_campaign.scene_start import SceneStarter, Start
from rtcflow_contract.errors import RefusedError, TransientError

# The topic's current and former field for the granule.
_NAMES = ("granule_ur", "granule-ur")


def _granule_of(record: Mapping[str, Any]) -> str:
    """Name of the granule in a queue's record, with or without the SNS envelope.

    Raises
    ------
    RefusedError
        When the message is not a notice of a granule.
    """
    try:
        message = json.loads(record["body"])
        if "Message" in message:
            message = json.loads(message["Message"])
        return str(next(message[key] for key in _NAMES if key in message))
    except (ValueError, RecursionError, KeyError, TypeError, StopIteration) as error:
        raise RefusedError(
            "the message names no granule_ur, so it is not a notice of the archive", "notice"
        ) from error


def take_notice(record: Mapping[str, Any], areas: Sequence[Area], cmr: Cmr, starter: SceneStarter) -> int:
    """Start the scene of a notice for every area that wants it; returns the number of executions started.

    Raises
    ------
    RefusedError
        When the message is not a notice.
    TransientError
        When the granule is not in the catalogue yet, or a search or start failed.
    """
    scene = scene_of_granule(_granule_of(record))
    if scene is None or not areas:
        return 0
    if find_scene(cmr, scene.id, [ring for area in areas for ring in area.rings]) is None:
        if find_scene(cmr, scene.id) is None:
            raise TransientError(
                f"scene {scene.id} is not in the catalogue yet; try again later", "notice-early"
            )
        return 0
    started = 0
    for area in areas:
        granule = find_scene(cmr, scene.id, area.rings)
        if granule is not None and area.wants(granule):
            done = starter.start(area, granule, lambda one: processings_of(cmr, one))
            started += done.start is Start.STARTED
    return started
