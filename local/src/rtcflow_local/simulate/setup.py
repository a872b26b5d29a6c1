"""What a campaign is simulated with: its size, how long the parts of a burst take, and the limits it runs into."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from rtcflow_scene.cost import DEFAULT_REGION, TaskSize

BURSTS_PER_SCENE = 27
DEFAULT_SIZE = TaskSize(4, 8, 40)


@dataclass(frozen=True)
class Archive:
    """Where scenes are fetched from: connections at once for the whole campaign, MB/s of each, seconds before it."""

    connections: float
    mb_per_second: float
    delay: float = 0.0


# CDSE's quota is per user. ASF and S3 publish none: what a task gets is an assumption, to be replaced by a report's.
ARCHIVES = {
    "asf": Archive(math.inf, 25.0, delay=20.0),
    "cdse": Archive(4, 20.0),
    "s3": Archive(math.inf, 80.0),
}


@dataclass(frozen=True)
class Times:
    """Seconds of a burst's parts; `spread` is the standard deviation of the logarithm of compute and fetch times."""

    provision: float = 40.0
    megabytes: float = 300.0
    compute: float = 10.0
    publish: float = 5.0
    assemble: float = 3.0
    plan: float = 6.0
    summarize: float = 4.0
    spread: float = 0.2


@dataclass(frozen=True)
class Limits:
    """Quotas of an account and of the campaign; infinity takes a limit away.

    Launch rates and RunTask are Fargate's defaults; `transitions` and `starts` those of Step Functions outside its
    largest regions. vCPU quotas are raised on request, and differ for Spot and on demand.
    """

    vcpu_spot: float = 4000.0
    vcpu_on_demand: float = 4000.0
    run_task: float = 20.0
    launches: float = 20.0
    starts: float = 150.0
    transitions: float = 800.0
    lambdas: float = 1000.0
    scenes: float = 20.0
    bursts_of_a_scene: float = 30.0
    archive: float = math.inf

    def without(self, names: Iterable[str]) -> "Limits":
        """These limits but some."""
        return replace(self, **dict.fromkeys(names, math.inf))


@dataclass(frozen=True)
class Setup:
    """A campaign; `interruptions` is how often a Spot task is stopped in an hour of running."""

    bursts: int
    archive: Archive = ARCHIVES["asf"]
    times: Times = field(default_factory=Times)
    limits: Limits = field(default_factory=Limits)
    size: TaskSize = DEFAULT_SIZE
    region: str = DEFAULT_REGION
    spot: bool = True
    interruptions: float = 0.05
    bursts_per_scene: int = BURSTS_PER_SCENE
    measured: tuple[float, ...] = ()
    seed: int = 0

    @property
    def scenes(self) -> int:
        """Number of scenes."""
        return math.ceil(self.bursts / self.bursts_per_scene)
