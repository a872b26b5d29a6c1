"""What holds a campaign up: the limit without which it would be over soonest."""

from dataclasses import replace
from typing import NamedTuple

from rtcflow_local.simulate.campaign import Result, simulate
from rtcflow_local.simulate.setup import Setup

# Each limit that was felt is taken away in turn; more bursts than these say no more about it.
SAMPLE = 20_000
# Less than this share of the time is chance.
_LEAST_GAIN = 0.01

NAMES = {
    "vcpu_spot": "vCPU quota of Fargate Spot",
    "vcpu_on_demand": "vCPU quota of Fargate on demand",
    "run_task": "rate of RunTask",
    "launches": "launch rate of Fargate",
    "starts": "rate of StartExecution",
    "transitions": "rate of state transitions",
    "lambdas": "concurrency of Lambda",
    "scenes": "scenes at once",
    "bursts_of_a_scene": "bursts of a scene at once",
    "archive": "connections to the archive",
}


class Bottleneck(NamedTuple):
    """A limit by its name in Limits, and the share of the time that goes without it; no name when none helps."""

    name: str | None
    gain: float

    def __str__(self) -> str:
        if self.name is None:
            return "none: every burst runs at once"
        return f"{NAMES[self.name]}: without it {self.gain:.0%} faster"


def find_bottleneck(setup: Setup, result: Result) -> Bottleneck:
    """The limit whose removal helps most.

    Parameters
    ----------
    setup : Setup
    result : Result
        Of the setup; a limit that nothing waited for in it is not tried.
    """
    if setup.bursts > SAMPLE:
        setup = replace(setup, bursts=SAMPLE)
        result = simulate(setup)
    gains = [
        Bottleneck(name, 1 - simulate(_without(setup, name)).seconds / result.seconds)
        for name, waited in result.waited.items()
        if waited > 0
    ]
    best = max(gains, key=lambda found: found.gain, default=Bottleneck(None, 0.0))
    return best if best.gain >= _LEAST_GAIN else Bottleneck(None, 0.0)


def _without(setup: Setup, name: str) -> Setup:
    found = replace(setup, limits=setup.limits.without(name))
    if name == "archive":
        return replace(found, archive=replace(setup.archive, connections=float("inf")))
    return found
