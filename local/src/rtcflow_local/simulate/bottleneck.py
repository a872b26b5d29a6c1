"""What holds a campaign up: the limit without which it would be over soonest."""

import math
from dataclasses import replace
from typing import NamedTuple

from rtcflow_local.simulate.campaign import Result, simulate
from rtcflow_local.simulate.setup import Setup

# Each limit that was felt is taken away in turn; more bursts than these say no more about it.
SAMPLE = 20_000
# Less than this share of the time is chance.
_LEAST_GAIN = 0.01


class Candidate(NamedTuple):
    """What may hold a campaign up: limits that are raised together, and what to call them."""

    limits: tuple[str, ...]
    text: str


CANDIDATES = {
    "vcpu_spot": Candidate(("vcpu_spot",), "vCPU quota of Fargate Spot"),
    "vcpu_on_demand": Candidate(("vcpu_on_demand",), "vCPU quota of Fargate on demand"),
    # Equal by default: neither alone would help.
    "task_starts": Candidate(("run_task", "launches"), "rate of task starts (RunTask, launches of Fargate)"),
    "starts": Candidate(("starts",), "rate of StartExecution"),
    "transitions": Candidate(("transitions",), "rate of state transitions"),
    "lambdas": Candidate(("lambdas",), "concurrency of Lambda"),
    "scenes": Candidate(("scenes",), "scenes at once"),
    "bursts_of_a_scene": Candidate(("bursts_of_a_scene",), "bursts of a scene at once"),
    "archive": Candidate(("archive",), "connections to the archive"),
}


class Bottleneck(NamedTuple):
    """A candidate by its name, and the share of the time that goes without it; no name when none helps."""

    name: str | None
    gain: float

    def __str__(self) -> str:
        if self.name is None:
            return "none: every burst runs at once"
        return f"{CANDIDATES[self.name].text}: without it {self.gain:.0%} faster"


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
        Bottleneck(name, 1 - simulate(without(setup, name)).seconds / result.seconds)
        for name, candidate in CANDIDATES.items()
        if any(result.waited[limit] > 0 for limit in candidate.limits)
    ]
    best = max(gains, key=lambda found: found.gain, default=Bottleneck(None, 0.0))
    return best if best.gain >= _LEAST_GAIN else Bottleneck(None, 0.0)


def without(setup: Setup, name: str) -> Setup:
    """A setup without the limits of a candidate."""
    found = replace(setup, limits=setup.limits.without(CANDIDATES[name].limits))
    if name == "archive":
        return replace(found, archive=replace(setup.archive, connections=math.inf))
    return found
