"""Start a found scene once, from a search or from a notice of the archive.

The name of its execution is made of scene, settings and product version, so that a second start has no effect. A notice
is an SNS message in a queue that names one granule.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from rtcflow_archives.area import Area, Revisions
from rtcflow_archives.cmr import Cmr
from rtcflow_archives.granule import SceneGranule, newest_processings, scene_of_granule
from rtcflow_archives.scene_search import find_scene, processings_of
from rtcflow_cloud.executions import describe, start_once
from rtcflow_contract.errors import RefusedError, TransientError
from rtcflow_contract.execution_name import found_scene_name, revised_scene_name, settings_digest
from rtcflow_contract.request import OnExisting
from rtcflow_contract.scene_id import SceneId

# Finds all processings of a scene's acquisition in the catalogue.
_Processings = Callable[[SceneId], Sequence[SceneGranule]]
# The topic's current and former field for the granule.
_NAMES = ("granule_ur", "granule-ur")


class Start(StrEnum):
    """`before`: the scene, or a processing that has to stay, was started earlier; `older`: a later processing was."""

    STARTED = "started"
    BEFORE = "before"
    OLDER = "older"


class Started(NamedTuple):
    """What happened to a scene, and the name of its execution."""

    start: Start
    name: str


class SceneStarter:
    """Starts scenes of one state machine at one product version.

    Parameters
    ----------
    state_machine : str
        ARN of the scene state machine.
    product_version, products_bucket : str
    client : optional
        Step Functions client, the default one when None.
    """

    def __init__(
        self, state_machine: str, product_version: str, products_bucket: str, client: Any = None
    ) -> None:
        self.state_machine = state_machine
        self.product_version = product_version
        self.products_bucket = products_bucket
        self.client = client

    def name(self, area: Area, granule: SceneGranule) -> str:
        """Name under which a scene is remembered; one per processing if revisions count."""
        plain, revised = self._names(area, granule.scene)
        return revised if area.revisions is Revisions.REPLACE else plain

    def start(self, area: Area, granule: SceneGranule, processings: _Processings) -> Started:
        """Start the scene unless it, or a later processing of its acquisition, was started before."""
        scene = granule.scene
        plain, revised = self._names(area, scene)
        payload = area.payload_of(scene.id)
        if area.revisions is Revisions.SKIP:
            return self._once(plain, payload)
        # The catalogue knows other processings even if their execution names changed or were forgotten.
        others = [
            other
            for other in processings(scene)
            if other.acquisition == granule.acquisition and other.scene.id != scene.id
        ]
        earlier = describe(self.state_machine, plain, self.client)
        if earlier is not None and earlier.payload.get("scene") == scene.id:
            return Started(Start.BEFORE, plain)
        if not others and earlier is None:
            return self._once(plain, payload)
        if not _is_newest(granule, others):
            return Started(Start.OLDER, plain)
        return self._once(revised, {**payload, "on_existing": OnExisting.REPLACE.value})

    def _once(self, name: str, payload: dict[str, Any]) -> Started:
        begun = start_once(self.state_machine, name, payload, self.client)
        return Started(Start.STARTED if begun else Start.BEFORE, name)

    def _names(self, area: Area, scene: SceneId) -> tuple[str, str]:
        request = area.request(self.products_bucket)
        what = (scene, request.product, settings_digest(request), self.product_version)
        return found_scene_name(*what), revised_scene_name(*what)


def _is_newest(granule: SceneGranule, others: Sequence[SceneGranule]) -> bool:
    (newest,) = newest_processings([granule, *others])
    return newest.scene.id == granule.scene.id


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
