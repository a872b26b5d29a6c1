"""What a campaign costs and how long it takes, before anything starts: pure functions."""

import math
from typing import NamedTuple

from rtcflow_scene.cost import TaskSize, burst_cost, campaign_scene_cost, scene_cost

# From StartExecution to the first task, and from the last task to the report.
_SCENE_OVERHEAD_S = 60.0


class Basis(NamedTuple):
    """What an estimate rests on.

    Attributes
    ----------
    burst_seconds, static_seconds : float
        Task time of a burst, and of the static layers of one, seconds: take them from a report.
    size : TaskSize
    region : str
    spot : bool
    max_scenes : int
        Scenes at once.
    max_concurrency : int
        Bursts of a scene at once.
    """

    burst_seconds: float
    static_seconds: float
    size: TaskSize
    region: str
    spot: bool
    max_scenes: int
    max_concurrency: int


class Estimate(NamedTuple):
    """USD, hours, and vCPU at most at once."""

    cost_usd: float
    hours: float
    peak_vcpu: float


def estimate(scenes: int, bursts: int, static_scenes: int, static_bursts: int, basis: Basis) -> Estimate:
    """Cost and time of a campaign: static layers first, then scenes, as many at once as `basis` says.

    Retries, waits for orbits and limits of the archive are not in it.
    """
    parts = [(scenes, bursts, basis.burst_seconds), (static_scenes, static_bursts, basis.static_seconds)]
    cost = sum(
        count * burst_cost(seconds, basis.size, region=basis.region, spot=basis.spot).total
        + number * (scene_cost([], region=basis.region) + campaign_scene_cost(basis.region))
        for number, count, seconds in parts
    )
    hours = sum(_seconds(*part, basis) for part in parts) / 3600
    most = max((_at_once(number, count, basis) for number, count, _ in parts), default=0)
    return Estimate(cost, hours, most * basis.size.vcpu)


def _seconds(scenes: int, bursts: int, seconds: float, basis: Basis) -> float:
    if not scenes:
        return 0.0
    rounds = math.ceil(bursts / scenes / basis.max_concurrency)
    return math.ceil(scenes / basis.max_scenes) * (_SCENE_OVERHEAD_S + rounds * seconds)


def _at_once(scenes: int, bursts: int, basis: Basis) -> int:
    if not scenes:
        return 0
    in_scene = min(math.ceil(bursts / scenes), basis.max_concurrency)
    return min(bursts, min(scenes, basis.max_scenes) * in_scene)
