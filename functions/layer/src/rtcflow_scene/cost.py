"""What a burst and a scene cost on AWS: list prices as a table, and the arithmetic as pure functions.

An estimate: list prices in USD before taxes and discounts; Spot at its usual fraction of the Fargate price. Where each
price was read is in docs/costs.md. Storage of the products month by month and data transfer out of the region are not
in it.
"""

from collections.abc import Iterable
from typing import Literal, NamedTuple

Architecture = Literal["arm64", "x86_64"]

# The first 20 GiB of a Fargate task's ephemeral storage are free; a task is billed for a minute at least.
_FREE_STORAGE_GIB = 20
_LEAST_SECONDS = 60
# Spot prices move; fractions of 0.30 (Sydney) and 0.34 (Sao Paulo) of the on-demand price were seen.
SPOT_FACTOR = 0.32
# State transitions of one burst: choice, task, assemble, and the Map iteration's own.
_TRANSITIONS_PER_BURST = 5
_TRANSITIONS_PER_SCENE = 8
# AssembleStac reads a manifest and writes an item; the others take a share of a burst.
_LAMBDA_GB_SECONDS_PER_BURST = 1.5
_LAMBDA_CALLS_PER_BURST = 1.2
_OBJECTS_PER_BURST = 16
# A campaign's child around a scene: follow, choice, run, follow, choice, end, and the child's own start.
_TRANSITIONS_PER_CAMPAIGN_SCENE = 7
_LAMBDA_CALLS_PER_CAMPAIGN_SCENE = 2


class Prices(NamedTuple):
    """USD: Fargate per hour, Lambda per GB second and call, Step Functions per transition, S3 per PUT."""

    vcpu_hour: float
    gb_hour: float
    storage_gb_hour: float
    lambda_gb_second: float
    lambda_call: float
    transition: float
    put: float


PRICES: dict[tuple[str, Architecture], Prices] = {
    ("us-west-2", "arm64"): Prices(0.03238, 0.00356, 0.000111, 1.33334e-5, 2e-7, 2.5e-5, 5e-6),
    ("us-west-2", "x86_64"): Prices(0.04048, 0.004445, 0.000111, 1.33334e-5, 2e-7, 2.5e-5, 5e-6),
    ("ap-southeast-2", "arm64"): Prices(0.03885, 0.00426, 0.000133, 1.33334e-5, 2e-7, 2.5e-5, 5.5e-6),
    ("ap-southeast-2", "x86_64"): Prices(0.04856, 0.00532, 0.000133, 1.33334e-5, 2e-7, 2.5e-5, 5.5e-6),
}
DEFAULT_REGION = "ap-southeast-2"


class TaskSize(NamedTuple):
    """Size of a Fargate task; memory and storage in GiB."""

    vcpu: float
    memory_gib: float
    storage_gib: float
    architecture: Architecture = "arm64"


class BurstCost(NamedTuple):
    """USD of one burst."""

    compute: float
    storage: float
    orchestration: float
    requests: float

    @property
    def total(self) -> float:
        """Sum of all parts, USD."""
        return sum(self)


def prices_in(region: str, architecture: Architecture) -> Prices:
    """Prices of a region; those of ap-southeast-2 where the table has none for it."""
    return PRICES.get((region, architecture), PRICES[(DEFAULT_REGION, architecture)])


def burst_cost(seconds: float, size: TaskSize, *, region: str, spot: bool, attempts: int = 1) -> BurstCost:
    """Cost of one burst.

    Parameters
    ----------
    seconds : float
        Wall time of one attempt's task, from image pull to stop.
    size : TaskSize
    region : str
        `us-west-2`.
    spot : bool
        Whether the task ran on Fargate Spot.
    attempts : int
        Tasks that were run; each is taken to have lasted `seconds`.
    """
    prices = prices_in(region, size.architecture)
    hours = max(seconds, _LEAST_SECONDS) / 3600 * attempts
    per_hour = size.vcpu * prices.vcpu_hour + size.memory_gib * prices.gb_hour
    return BurstCost(
        compute=hours * per_hour * (SPOT_FACTOR if spot else 1.0),
        storage=hours * max(0.0, size.storage_gib - _FREE_STORAGE_GIB) * prices.storage_gb_hour,
        orchestration=(_TRANSITIONS_PER_BURST + 2 * (attempts - 1)) * prices.transition
        + _LAMBDA_GB_SECONDS_PER_BURST * prices.lambda_gb_second
        + _LAMBDA_CALLS_PER_BURST * prices.lambda_call,
        requests=_OBJECTS_PER_BURST * prices.put,
    )


def scene_cost(bursts: Iterable[float], *, region: str, architecture: Architecture = "arm64") -> float:
    """USD of a scene: its bursts' totals and the states around them."""
    return sum(bursts) + _TRANSITIONS_PER_SCENE * prices_in(region, architecture).transition


def campaign_scene_cost(region: str, architecture: Architecture = "arm64") -> float:
    """USD of what a campaign adds to a scene: its states and Lambda calls, a second of half a GB each."""
    prices = prices_in(region, architecture)
    calls = _LAMBDA_CALLS_PER_CAMPAIGN_SCENE
    return (
        _TRANSITIONS_PER_CAMPAIGN_SCENE * prices.transition
        + calls * prices.lambda_call
        + calls * 0.5 * prices.lambda_gb_second
    )
