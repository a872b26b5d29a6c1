"""Start a found scene, once: the name of its execution is made of scene, area and product version."""

from typing import Any

from rtcflow_archives.area import Area, Revisions
from rtcflow_archives.granule import SceneGranule
from rtcflow_cloud.executions import describe, start_once
from rtcflow_contract.execution_name import found_scene_name, revised_scene_name
from rtcflow_contract.request import OnExisting


class SceneStarter:
    """Starts scenes of one state machine at one product version.

    Parameters
    ----------
    state_machine : str
        ARN of the scene state machine.
    product_version : str
    client : optional
        Step Functions client, the default one when None.
    """

    def __init__(self, state_machine: str, product_version: str, client: Any = None) -> None:
        self.state_machine = state_machine
        self.product_version = product_version
        self.client = client

    def name(self, area: Area, granule: SceneGranule) -> str:
        """What a scene is remembered by: where revisions count, each processing by a name of its own."""
        name = revised_scene_name if area.revisions is Revisions.REPLACE else found_scene_name
        return name(granule.scene, area.name, self.product_version)

    def start(self, area: Area, granule: SceneGranule) -> bool:
        """Start the scene; False when it, or an earlier processing that is not to be replaced, ended already."""
        scene = granule.scene
        plain = found_scene_name(scene, area.name, self.product_version)
        payload = area.payload_of(scene.id)
        if start_once(self.state_machine, plain, payload, self.client):
            return True
        if area.revisions is Revisions.SKIP:
            return False
        earlier = describe(self.state_machine, plain, self.client)
        if earlier is None or earlier.payload.get("scene") == scene.id:
            return False
        revised = revised_scene_name(scene, area.name, self.product_version)
        again = {**payload, "on_existing": OnExisting.REPLACE.value}
        return start_once(self.state_machine, revised, again, self.client)
