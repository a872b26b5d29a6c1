"""How long scenes take on AWS and what they cost, in closed form: pure functions.

A campaign's duration is set by its bottleneck: the number of scenes at once, the vCPU quota, the rate at which an
account starts tasks, or the archive's connections; it is at least that of one scene. A scene lasts as long as its
slowest task. Task times are taken as lognormal, and the expected maximum of n of them as their quantile
(n - 3/8) / (n + 1/4), by Blom (1958).
"""

import math
from statistics import NormalDist
from typing import NamedTuple

from rtcflow_scene.cost import DEFAULT_REGION, TaskSize, campaign_scene_cost, scene_cost, task_cost

# A dual-polarized burst of an IW scene.
_BURST_MB = 300.0
BURSTS_PER_SCENE = 27
# Seconds from RunTask to the container's first line, including the image pull; of PlanScene, SummarizeScene and the
# states between them; of AssembleStac per burst; of uploading the last burst's files.
_START_S, _AROUND_S, _ASSEMBLE_S, _PUBLISH_S = 40.0, 12.0, 0.5, 5.0
# Seconds per burst in its task, measured on 2 idle cores: docs/costs.md.
BURST_S = {"native": 6.6, "isce3": 436.0}
STATIC_S = 13.7
# Standard deviation of the logarithm of a burst's time; that of a task is smaller by the square root of its bursts.
_SPREAD = 0.2
# Tasks that an account may start per second with Fargate's default quotas.
_STARTS_PER_S = 20.0


class ArchiveSpeed(NamedTuple):
    """How fast an archive delivers scenes.

    Attributes
    ----------
    connections : float
        Simultaneous ones, of all tasks together.
    mb_per_s : float
        Of one connection.
    delay_s : float
        Seconds before the first byte.
    ahead : int
        Bursts that a task fetches at once.
    """

    connections: float
    mb_per_s: float
    delay_s: float
    ahead: int

    @property
    def fetch_s(self) -> float:
        """Seconds that one connection needs for a burst."""
        return self.delay_s + _BURST_MB / self.mb_per_s


# CDSE publishes its quota per user. ASF and S3 publish none, so the speed of a connection is an assumption.
ARCHIVES = {
    "asf": ArchiveSpeed(math.inf, 25.0, 20.0, 3),
    "cdse": ArchiveSpeed(4, 20.0, 0.0, 4),
    "s3": ArchiveSpeed(math.inf, 80.0, 0.0, 2),
}


class Basis(NamedTuple):
    """What an estimate is based on.

    Attributes
    ----------
    burst_s, static_s : float
        Seconds per burst in its task, and for the static layers of a burst, without waiting for the archive; a report
        has them.
    archive : ArchiveSpeed
    size : TaskSize
    bursts_per_task : int
    max_scenes, max_concurrency : int
        Scenes, and tasks of a scene, that run at once.
    vcpu_quota : float
    region : str
    spot : bool
    """

    burst_s: float = BURST_S["native"]
    static_s: float = STATIC_S
    archive: ArchiveSpeed = ARCHIVES["asf"]
    size: TaskSize = TaskSize(4, 8, 40)
    bursts_per_task: int = BURSTS_PER_SCENE
    max_scenes: int = 20
    max_concurrency: int = 30
    vcpu_quota: float = math.inf
    region: str = DEFAULT_REGION
    spot: bool = True


class CampaignPart(NamedTuple):
    """Numbers of scenes and bursts of one kind: backscatter, or the static layers made before it."""

    scenes: int
    bursts: int
    static: bool = False


class Estimate(NamedTuple):
    """Cost in USD, duration in hours, peak vCPU, and the bottleneck."""

    cost_usd: float
    hours: float
    peak_vcpu: float
    bound_by: str


def _task_seconds(bursts: float, basis: Basis, *, static: bool = False) -> float:
    """Wall time of a task from image pull to stop, s; the next bursts are fetched while one is computed."""
    archive = basis.archive
    own = basis.static_s if static else basis.burst_s
    each = max(own, archive.fetch_s / archive.ahead)
    return _START_S + archive.fetch_s + bursts * each + _PUBLISH_S


def estimate(parts: list[CampaignPart], basis: Basis) -> Estimate:
    """Cost and duration of a campaign, whose parts run one after the other.

    Retries and waits for orbits are not included.
    """
    found = [_part(part, basis) for part in parts if part.scenes]
    return Estimate(
        cost_usd=sum(one.cost_usd for one in found),
        hours=sum(one.hours for one in found),
        peak_vcpu=max((one.peak_vcpu for one in found), default=0.0),
        bound_by=max(found, key=lambda one: one.hours).bound_by if found else "nothing",
    )


def _part(part: CampaignPart, basis: Basis) -> Estimate:
    in_scene = part.bursts / part.scenes
    # An average slightly above the bursts of a task does not mean a second task.
    tasks = max(1, math.ceil(in_scene / basis.bursts_per_task - 0.05))
    in_task = in_scene / tasks
    seconds = _task_seconds(in_task, basis, static=part.static)
    at_once = min(tasks, basis.max_concurrency)
    rounds = math.ceil(tasks / at_once)
    slowest = seconds * _expected_maximum(at_once, _SPREAD / math.sqrt(max(1.0, in_task)))
    scene_s = _AROUND_S + rounds * (slowest + _ASSEMBLE_S * in_task)
    scenes_at_once = min(part.scenes, basis.max_scenes)
    bounds = {
        "one scene": scene_s,
        "scenes at once": part.scenes / scenes_at_once * scene_s,
        "vCPU quota": part.scenes * tasks * seconds * basis.size.vcpu / basis.vcpu_quota,
        "rate of task starts": part.scenes * tasks / _STARTS_PER_S,
        "connections of the archive": part.bursts * basis.archive.fetch_s / basis.archive.connections,
    }
    bound_by = max(bounds, key=lambda name: bounds[name])
    # Tasks cost money while they wait for the archive.
    waiting = bounds[bound_by] / bounds["scenes at once"] if bound_by.startswith("connections") else 1.0
    billed = seconds * max(1.0, waiting)
    cost = part.scenes * (
        scene_cost([_task_usd(billed, in_task, basis)] * tasks, region=basis.region)
        + campaign_scene_cost(basis.region)
    )
    peak = min(scenes_at_once * at_once * basis.size.vcpu, basis.vcpu_quota)
    return Estimate(cost, bounds[bound_by] / 3600, peak, bound_by)


def _task_usd(seconds: float, bursts: float, basis: Basis) -> float:
    spot_s, on_demand_s = (seconds, 0.0) if basis.spot else (0.0, seconds)
    return task_cost(
        basis.size,
        region=basis.region,
        bursts=math.ceil(bursts),
        spot_s=spot_s,
        on_demand_s=on_demand_s,
    ).total


def _expected_maximum(count: int, spread: float) -> float:
    """Expected maximum of `count` lognormal times of mean 1."""
    quantile = NormalDist().inv_cdf((count - 0.375) / (count + 0.25))
    return math.exp(spread * quantile - spread**2 / 2) if count > 1 else 1.0
