"""The simulator against what must hold of any queue, and against cases that can be worked out by hand."""

import json
import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inventory_case import Spec
from typer import Typer
from typer.testing import CliRunner

from rtcflow_contract.errors import RefusedError
from rtcflow_local.simulate.bottleneck import CANDIDATES, find_bottleneck, without
from rtcflow_local.simulate.campaign import simulate
from rtcflow_local.simulate.command import simulate as command
from rtcflow_local.simulate.durations import benchmark_seconds
from rtcflow_local.simulate.events import Pool, Rate, Simulation
from rtcflow_local.simulate.setup import ARCHIVES, Archive, Limits, Setup, Times
from rtcflow_scene.cost import burst_cost

FREE = Limits(**dict.fromkeys(Limits.__dataclass_fields__, math.inf))
EXACT = Times(provision=10, megabytes=100, compute=20, publish=5, assemble=1, plan=2, summarize=3, spread=0)
FAST = Archive(math.inf, 50.0)

setups = st.builds(
    Setup,
    bursts=st.integers(1, 400),
    bursts_per_scene=st.integers(1, 30),
    archive=st.sampled_from([ARCHIVES["asf"], ARCHIVES["cdse"], FAST]),
    limits=st.builds(
        Limits,
        vcpu_spot=st.integers(4, 400),
        vcpu_on_demand=st.integers(4, 400),
        run_task=st.floats(0.2, 20),
        scenes=st.integers(1, 20),
        bursts_of_a_scene=st.integers(1, 30),
    ),
    interruptions=st.sampled_from([0.0, 0.05, 5.0]),
    seed=st.integers(0, 3),
)


def run(*arguments):
    app = Typer()
    app.command()(command)
    result = CliRunner().invoke(app, list(arguments))
    if result.exception is not None:
        raise result.exception
    return result.output


def test_without_limits_a_campaign_lasts_as_long_as_a_burst_and_its_scene():
    result = simulate(Setup(100, FAST, EXACT, FREE, interruptions=0))
    # Plan, provision, fetch, compute and publish, assemble, summarize.
    assert result.seconds == pytest.approx(2 + 10 + 2 + 25 + 1 + 3)
    assert result.peak_vcpu == 400


def test_one_task_at_a_time_adds_up():
    limits = replace(FREE, vcpu_spot=4)
    result = simulate(Setup(10, FAST, EXACT, limits, interruptions=0))
    assert result.seconds == pytest.approx(2 + 10 * (10 + 2 + 25) + 1 + 3)
    assert result.mean_vcpu == pytest.approx(4 * 370 / 376)


def test_cost_is_that_of_the_bursts():
    setup = Setup(10, FAST, EXACT, FREE, interruptions=0)
    burst = burst_cost(37, setup.size, region=setup.region, spot=True).total
    assert simulate(setup).cost_usd == pytest.approx(10 * burst, rel=0.05)


def test_a_stopped_task_runs_again_on_demand_and_costs_more():
    calm = simulate(Setup(50, FAST, EXACT, FREE, interruptions=0))
    rough = simulate(Setup(50, FAST, EXACT, FREE, interruptions=600))
    assert rough.interrupted > 40
    assert rough.tasks == 50 + rough.interrupted
    assert rough.cost_usd > calm.cost_usd
    assert rough.seconds > calm.seconds


def test_rate_of_run_task_spreads_the_starts():
    limits = replace(FREE, run_task=0.5)
    result = simulate(Setup(100, FAST, EXACT, limits, interruptions=0))
    # Twenty at once, and one every two seconds after.
    assert result.seconds == pytest.approx(2 + (100 - 20) / 0.5 + 37 + 1 + 3)


@settings(max_examples=40, deadline=None)
@given(setups)
def test_littles_law(setup):
    result = simulate(setup)
    assert result.in_flight == pytest.approx(result.bursts / result.seconds * result.sojourn, rel=1e-6)


@settings(max_examples=40, deadline=None)
@given(setups)
def test_limits_are_kept(setup):
    result = simulate(setup)
    quota = setup.limits.vcpu_spot + setup.limits.vcpu_on_demand
    at_once = setup.limits.scenes * setup.limits.bursts_of_a_scene * setup.size.vcpu
    assert result.peak_vcpu <= min(quota, at_once)
    mean, _ = result.rates["RunTask"]
    assert mean * result.seconds == pytest.approx(result.tasks)
    assert result.tasks <= 20 + setup.limits.run_task * result.seconds


@settings(max_examples=40, deadline=None)
@given(setups, st.integers(1, 5))
def test_more_vcpu_are_not_slower(setup, times):
    more = replace(
        setup,
        limits=replace(
            setup.limits,
            vcpu_spot=setup.limits.vcpu_spot * times,
            vcpu_on_demand=setup.limits.vcpu_on_demand * times,
        ),
    )
    before, after = simulate(setup), simulate(more)
    # Scenes that end in another order may cost the time of a burst.
    assert after.seconds <= before.seconds + after.sojourn


@settings(max_examples=20, deadline=None)
@given(setups)
def test_the_bottleneck_is_a_limit_whose_removal_helps(setup):
    result = simulate(setup)
    found = find_bottleneck(setup, result)
    if found.name is None:
        return
    assert any(result.waited[limit] > 0 for limit in CANDIDATES[found.name].limits)
    rid = simulate(without(setup, found.name))
    assert rid.seconds == pytest.approx(result.seconds * (1 - found.gain))
    assert found.gain >= 0.01


@pytest.mark.parametrize(
    ("limits", "archive", "name"),
    [
        ({"vcpu_spot": 40}, FAST, "vcpu_spot"),
        ({"run_task": 0.2}, FAST, "task_starts"),
        ({"run_task": 0.2, "launches": 0.2}, FAST, "task_starts"),
        ({"scenes": 1}, FAST, "scenes"),
        ({"bursts_of_a_scene": 1}, FAST, "bursts_of_a_scene"),
        ({}, ARCHIVES["cdse"], "archive"),
    ],
)
def test_a_limit_far_below_the_others_is_the_bottleneck(limits, archive, name):
    setup = Setup(300, archive, EXACT, replace(FREE, **limits), interruptions=0)
    assert find_bottleneck(setup, simulate(setup)).name == name


def test_no_limit_no_bottleneck():
    setup = Setup(300, FAST, EXACT, FREE)
    assert find_bottleneck(setup, simulate(setup)).name is None


def test_the_same_seed_gives_the_same_and_another_gives_another():
    assert simulate(Setup(500, seed=1)) == simulate(Setup(500, seed=1))
    assert simulate(Setup(500, seed=1)) != simulate(Setup(500, seed=2))


def test_a_pool_serves_in_the_order_of_asking():
    clock, served = Simulation(), []
    pool = Pool(clock, 2)

    def process(name, units):
        waited = yield pool.take(units)
        served.append((name, waited))
        yield 10.0
        pool.give(units)

    for name, units in (("a", 1), ("b", 2), ("c", 1)):
        clock.start(process(name, units))
    clock.run()
    assert served == [("a", 0), ("b", 10), ("c", 20)]
    assert pool.peak == 2


def test_a_rate_lets_a_burst_through_and_then_its_share():
    clock = Simulation()
    rate = Rate(clock, per_second=2, burst=3)
    assert [rate.wait() for _ in range(5)] == [0, 0, 0, 0.5, 1.0]
    assert rate.peak == 4


def test_the_command_tells_time_cost_and_bottleneck():
    said = run("--bursts", "200", "--vcpu-quota", "40")
    assert "200 of 8 scenes" in said
    assert "40 at most" in said
    assert "vCPU quota of Fargate Spot: without it" in said


def test_bursts_that_would_wait_too_long_for_a_task_are_told():
    assert "--scenes-at-once 1 the quota suffices" in run("--bursts", "1000", "--vcpu-quota", "40")


def test_json_has_the_numbers():
    told = json.loads(run("--bursts", "50", "--json"))
    assert told["bursts"] == 50
    assert told["tasks"] >= 50


def test_times_of_a_report_are_taken(tmp_path):
    from test_inventory_questions import outcome

    from rtcflow_contract.layers import Product
    from rtcflow_contract.report import SceneOutcome, SceneReport

    start = Spec().made
    report = SceneReport(
        execution="a",
        scene="s",
        product=Product.RTC_S1,
        collection="c",
        started=start,
        finished=start.replace(minute=5),
        outcome=SceneOutcome.SUCCEEDED,
        message="",
        bursts=[outcome(n).model_copy(update={"seconds": 100.0}) for n in range(3)],
    )
    (tmp_path / "report.json").write_text(report.model_dump_json())
    told = run(
        "--bursts", "3", "--report", str(tmp_path / "report.json"), "--provision", "0", "--interruptions", "0"
    )
    # Plan, the tasks, assemble, summarize.
    assert "wall time" in told
    assert "113 s" in told
    assert "measured: 3 bursts in 300 s" in told


def test_times_of_the_benchmark_leave_out_what_it_did_not_fetch(tmp_path):
    run_ = {"name": "RTC_S1 dual-pol 20 m", "wall_s": 20.0, "stages": {"fetch scene": 1.0, "compute": 12.0}}
    (tmp_path / "bench.json").write_text(json.dumps({"runs": [run_]}))
    assert benchmark_seconds(tmp_path / "bench.json") == 19.0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--engine", "auto"], "native or isce3"),
        (["--benchmark", "nowhere.json"], "make bench"),
        (["--report", "nowhere.json"], "no report.json"),
    ],
)
def test_wrong_input_is_refused(arguments, told):
    with pytest.raises(RefusedError, match=told):
        run("--bursts", "1", *arguments)
