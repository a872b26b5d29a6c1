"""The campaign's processes: scenes of a distributed map, bursts of a scene, tasks of a burst."""

import math
from dataclasses import dataclass

import numpy as np

from rtcflow_local.simulate.events import Pool, Process, Rate, Simulation
from rtcflow_local.simulate.setup import Setup
from rtcflow_scene.cost import burst_cost, campaign_scene_cost, scene_cost

_LAUNCH_BURST, _RUN_TASK_BURST, _TRANSITIONS_BURST = 100, 20, 1000
_TRANSITIONS_PER_SCENE, _TRANSITIONS_PER_BURST = 8, 5
_MOST_ATTEMPTS = 4
_BACKOFF_S = 30.0
# Mean of what the state machine's eight retries of RunTask wait, with full jitter, before they give up.
PATIENCE_S = 457.0


@dataclass(frozen=True)
class Result:
    """What came out.

    Attributes
    ----------
    seconds : float
        From the start to the last scene's report.
    cost_usd : float
    peak_vcpu, mean_vcpu : float
    tasks, interrupted : int
        Tasks run, and those that Spot stopped.
    rates : dict of str to (float, float)
        Calls a second, mean and in the busiest second.
    waited : dict of str to float
        Seconds waited because of each limit, all processes together.
    impatient : int
        Bursts that waited longer for a task than retries of RunTask last.
    in_flight, sojourn : float
        Bursts at work on average over the campaign, and seconds that one was, from its slot to its item.
    """

    bursts: int
    scenes: int
    seconds: float
    cost_usd: float
    peak_vcpu: float
    mean_vcpu: float
    tasks: int
    interrupted: int
    rates: dict[str, tuple[float, float]]
    waited: dict[str, float]
    impatient: int
    in_flight: float
    sojourn: float


def simulate(setup: Setup) -> Result:
    """Run a campaign through; equal setups give equal results.

    What chance decides of a burst depends on the seed and the burst alone, so that setups can be compared.
    """
    return _Campaign(setup).run()


class _Campaign:
    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        limits = setup.limits
        self.clock = clock = Simulation()
        self.scenes = Pool(clock, limits.scenes)
        self.starts = Rate(clock, limits.starts, limits.starts)
        self.transitions = Rate(clock, limits.transitions, _TRANSITIONS_BURST)
        self.run_task = Rate(clock, limits.run_task, _RUN_TASK_BURST)
        self.launches = {spot: Rate(clock, limits.launches, _LAUNCH_BURST) for spot in (True, False)}
        self.vcpu = {True: Pool(clock, limits.vcpu_spot), False: Pool(clock, limits.vcpu_on_demand)}
        self.lambdas = Pool(clock, limits.lambdas)
        self.archive = Pool(clock, min(limits.archive, setup.archive.connections))
        # Never short: these count what is at work.
        self.at_work = Pool(clock)
        self.all_vcpu = Pool(clock)
        self.cost = self.sojourns = self.slots_waited = 0.0
        self.tasks = self.interrupted = self.impatient = 0
        self._draw()

    def _draw(self) -> None:
        random = np.random.default_rng(self.setup.seed)
        count, spread = self.setup.bursts, self.setup.times.spread
        # A mean of one, whatever the spread.
        self.factors = np.exp(random.normal(-spread * spread / 2, spread, count)).tolist()
        rate = self.setup.interruptions / 3600
        times = random.exponential(1.0, count)
        self.interruption = (times / rate).tolist() if rate else [math.inf] * count
        self.jitter = random.random(count).tolist()
        measured = self.setup.measured
        self.measured = random.choice(measured, count).tolist() if measured else None

    def run(self) -> Result:
        setup = self.setup
        for first in range(0, setup.bursts, setup.bursts_per_scene):
            self.clock.start(self.scene(range(first, min(first + setup.bursts_per_scene, setup.bursts))))
        self.clock.run()
        seconds = self.clock.now
        self.cost += scene_cost([], region=setup.region) * setup.scenes
        self.cost += campaign_scene_cost(setup.region) * setup.scenes
        rates = {
            "RunTask": self.run_task,
            "StartExecution": self.starts,
            "state transitions": self.transitions,
        }
        return Result(
            bursts=setup.bursts,
            scenes=setup.scenes,
            seconds=seconds,
            cost_usd=self.cost,
            peak_vcpu=self.all_vcpu.peak,
            mean_vcpu=self.all_vcpu.unit_seconds / seconds,
            tasks=self.tasks,
            interrupted=self.interrupted,
            rates={name: (rate.calls / seconds, rate.peak) for name, rate in rates.items()},
            waited={
                "vcpu_spot": self.vcpu[True].waited,
                "vcpu_on_demand": self.vcpu[False].waited,
                "run_task": self.run_task.waited,
                "launches": sum(rate.waited for rate in self.launches.values()),
                "starts": self.starts.waited,
                "transitions": self.transitions.waited,
                "lambdas": self.lambdas.waited,
                "scenes": self.scenes.waited,
                "bursts_of_a_scene": self.slots_waited,
                "archive": self.archive.waited,
            },
            impatient=self.impatient,
            in_flight=self.at_work.unit_seconds / seconds,
            sojourn=self.sojourns / setup.bursts,
        )

    def scene(self, bursts: range) -> Process:
        times = self.setup.times
        yield self.scenes.take()
        yield self.starts.wait()
        yield self.transitions.wait(_TRANSITIONS_PER_SCENE)
        yield from self.call(times.plan)
        slots = Pool(self.clock, self.setup.limits.bursts_of_a_scene)
        # All its units are free again when the last burst ended.
        left = Pool(self.clock, len(bursts))
        for number in bursts:
            yield left.take()
            self.clock.start(self.burst(number, slots, left))
        yield left.take(len(bursts))
        self.slots_waited += slots.waited
        yield from self.call(times.summarize)
        self.scenes.give()

    def call(self, seconds: float) -> Process:
        """A Lambda call."""
        yield self.lambdas.take()
        yield seconds
        self.lambdas.give()

    def burst(self, number: int, slots: Pool, left: Pool) -> Process:
        yield slots.take()
        yield self.at_work.take()
        began = self.clock.now
        yield self.transitions.wait(_TRANSITIONS_PER_BURST)
        spot = self.setup.spot
        for attempt in range(1, _MOST_ATTEMPTS + 1):
            stopped = yield from self.task(number, spot)
            if not stopped:
                break
            # What was stopped runs on demand after.
            spot = False
            yield self.jitter[number] * _BACKOFF_S * 2 ** (attempt - 1)
        yield from self.call(self.setup.times.assemble)
        self.at_work.give()
        self.sojourns += self.clock.now - began
        slots.give()
        left.give()

    def task(self, number: int, spot: bool) -> Process:
        """One attempt; True when Spot stopped it."""
        setup, times = self.setup, self.setup.times
        asked = self.clock.now
        yield self.run_task.wait()
        yield self.launches[spot].wait()
        yield self.vcpu[spot].take(setup.size.vcpu)
        self.impatient += self.clock.now - asked > PATIENCE_S
        yield self.all_vcpu.take(setup.size.vcpu)
        self.tasks += 1
        started = self.clock.now
        end = started + self.interruption[number] if spot else math.inf
        factor = self.factors[number]
        yield min(times.provision, end - self.clock.now)
        if self.measured is not None:
            yield min(self.measured[number], max(0.0, end - self.clock.now))
        else:
            fetch = setup.archive.delay + times.megabytes / setup.archive.mb_per_second * factor
            yield self.archive.take()
            yield min(fetch, max(0.0, end - self.clock.now))
            self.archive.give()
            rest = times.compute * factor + times.publish
            yield min(rest, max(0.0, end - self.clock.now))
        stopped = self.clock.now >= end
        self.interrupted += stopped
        self.vcpu[spot].give(setup.size.vcpu)
        self.all_vcpu.give(setup.size.vcpu)
        paid = burst_cost(self.clock.now - started, setup.size, region=setup.region, spot=spot)
        self.cost += paid.compute + paid.storage if stopped else paid.total
        return stopped
