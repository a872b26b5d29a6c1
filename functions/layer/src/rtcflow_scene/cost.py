"""What a task and a scene cost on AWS: list prices as a table, and the arithmetic as pure functions.

An estimate from list prices in USD before taxes and discounts, with Spot at its usual fraction of the Fargate price;
docs/costs.md has the sources of the prices. It does not include storage of the products and data transfer out of the
region.
"""

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

Architecture = Literal["arm64", "x86_64"]

# The first 20 GiB of a Fargate task's ephemeral storage are free; a task is billed for a minute at least.
_FREE_STORAGE_GIB = 20
_LEAST_SECONDS = 60
# Spot prices move; fractions of 0.30 (Sydney) and 0.34 (Sao Paulo) of the on-demand price were seen.
_SPOT_FACTOR = 0.32
# State transitions of a task: RunTask, AssembleStac, the choice, the end, and the Map iteration; and those of each
# further round, with its pause.
_TRANSITIONS_PER_TASK = 5
_TRANSITIONS_PER_ROUND = 4
_TRANSITIONS_PER_SCENE = 8
# AssembleStac reads a manifest and writes an item for each burst, with half a GB of memory.
_LAMBDA_GB_SECONDS_PER_BURST = 0.3
# PlanScene, CheckStaticLayers and SummarizeScene.
_LAMBDA_GB_SECONDS_PER_SCENE = 5.0
_LAMBDA_CALLS_PER_SCENE = 3
# Files of a product, its manifest, its item and its records; each task is one more file.
_OBJECTS_PER_BURST = 12
# A campaign's child around a scene: follow, choice, run, follow, choice, end, and the child's own start.
_TRANSITIONS_PER_CAMPAIGN_SCENE = 7
_LAMBDA_CALLS_PER_CAMPAIGN_SCENE = 2


class _Prices(NamedTuple):
    """USD: Fargate per hour, Lambda per GB second and call, Step Functions per transition, S3 per PUT."""

    vcpu_hour: float
    gb_hour: float
    storage_gb_hour: float
    lambda_gb_second: float
    lambda_call: float
    transition: float
    put: float


_PRICES: dict[tuple[str, Architecture], _Prices] = {
    ("us-west-2", "arm64"): _Prices(0.03238, 0.00356, 0.000111, 1.33334e-5, 2e-7, 2.5e-5, 5e-6),
    ("us-west-2", "x86_64"): _Prices(0.04048, 0.004445, 0.000111, 1.33334e-5, 2e-7, 2.5e-5, 5e-6),
    ("ap-southeast-2", "arm64"): _Prices(0.03885, 0.00426, 0.000133, 1.33334e-5, 2e-7, 2.5e-5, 5.5e-6),
    ("ap-southeast-2", "x86_64"): _Prices(0.04856, 0.00532, 0.000133, 1.33334e-5, 2e-7, 2.5e-5, 5.5e-6),
}
DEFAULT_REGION = "ap-southeast-2"


class TaskSize(NamedTuple):
    """Size of a Fargate task; memory and storage in GiB."""

    vcpu: float
    memory_gib: float
    storage_gib: float
    architecture: Architecture = "arm64"


class TaskCost(NamedTuple):
    """USD of one task with its bursts."""

    compute: float
    storage: float
    orchestration: float
    requests: float

    @property
    def total(self) -> float:
        """Sum of all parts, USD."""
        return sum(self)


def _prices_in(region: str, architecture: Architecture) -> _Prices:
    """Prices of a region; those of ap-southeast-2 if the table lacks the region."""
    return _PRICES.get((region, architecture), _PRICES[(DEFAULT_REGION, architecture)])


def task_cost(
    size: TaskSize,
    *,
    region: str,
    bursts: int,
    spot_s: float = 0.0,
    on_demand_s: float = 0.0,
    attempts: int = 1,
) -> TaskCost:
    """Cost of one task.

    Parameters
    ----------
    size : TaskSize
    region : str
        `us-west-2`.
    bursts : int
        Products that it made, including static ones.
    spot_s, on_demand_s : float
        Wall time of its containers on either capacity, from image pull to stop, s.
    attempts : int
        Containers that ran; each is billed for a minute at least.
    """
    prices = _prices_in(region, size.architecture)
    wall_s = spot_s + on_demand_s
    stretch = max(1.0, attempts * _LEAST_SECONDS / wall_s) if wall_s else 0.0
    hour = 3600 / stretch if stretch else 3600
    per_hour = size.vcpu * prices.vcpu_hour + size.memory_gib * prices.gb_hour
    return TaskCost(
        compute=(spot_s * _SPOT_FACTOR + on_demand_s) / hour * per_hour,
        storage=wall_s / hour * max(0.0, size.storage_gib - _FREE_STORAGE_GIB) * prices.storage_gb_hour,
        orchestration=(_TRANSITIONS_PER_TASK + _TRANSITIONS_PER_ROUND * max(0, attempts - 1))
        * prices.transition
        + bursts * _LAMBDA_GB_SECONDS_PER_BURST * prices.lambda_gb_second
        + attempts * prices.lambda_call,
        requests=(1 + bursts * _OBJECTS_PER_BURST) * prices.put,
    )


def shares(total: float, seconds: Sequence[float | None]) -> list[float]:
    """A task's cost divided among its bursts by their seconds, or equally if none are known."""
    known = [second or 0.0 for second in seconds]
    whole = sum(known)
    return [total * (own / whole if whole else 1 / len(known)) for own in known]


def scene_cost(tasks: Iterable[float], *, region: str, architecture: Architecture = "arm64") -> float:
    """USD of a scene: the totals of its tasks, and the states around them."""
    prices = _prices_in(region, architecture)
    return (
        sum(tasks)
        + _TRANSITIONS_PER_SCENE * prices.transition
        + _LAMBDA_CALLS_PER_SCENE * prices.lambda_call
        + _LAMBDA_GB_SECONDS_PER_SCENE * prices.lambda_gb_second
    )


def campaign_scene_cost(region: str, architecture: Architecture = "arm64") -> float:
    """USD of what a campaign adds to a scene: its states and Lambda calls, a second of half a GB each."""
    prices = _prices_in(region, architecture)
    calls = _LAMBDA_CALLS_PER_CAMPAIGN_SCENE
    return (
        _TRANSITIONS_PER_CAMPAIGN_SCENE * prices.transition
        + calls * prices.lambda_call
        + calls * 0.5 * prices.lambda_gb_second
    )
