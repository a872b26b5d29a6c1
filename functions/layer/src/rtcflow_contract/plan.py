"""The plan of an execution, stored in the work bucket by PlanScene for the states after it."""

from pydantic import AwareDatetime

from rtcflow_contract.burst_id import BurstId
from rtcflow_contract.job import LocalPlaces, Sources
from rtcflow_contract.model import FrozenModel
from rtcflow_contract.request import Engine, SceneRequest


class PlannedBurst(FrozenModel):
    """A burst to make in task `task`; `sensing_start` is UTC."""

    burst_id: BurstId
    sensing_start: AwareDatetime
    burst_index: int | None = None
    task: int = 0


class ExistingBurst(FrozenModel):
    """A burst whose product exists; `item` is the S3 URI of its STAC item."""

    burst_id: BurstId
    item: str


class Plan(FrozenModel):
    """The bursts of a scene, divided into those to make and those that exist.

    `bursts` are in the order in which they are made. `engine` is what `auto` resolved to; `places` are folders used in
    place of the request's buckets.
    """

    version: int = 1
    execution: str
    started: AwareDatetime
    product_version: str
    sources: Sources
    request: SceneRequest
    engine: Engine = Engine.NATIVE
    places: LocalPlaces | None = None
    bursts: tuple[PlannedBurst, ...]
    existing: tuple[ExistingBurst, ...] = ()
