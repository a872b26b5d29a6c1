import math
import re
from pathlib import Path

import pytest

from rtcflow_scene.cost import _PRICES, _SPOT_FACTOR, TaskSize, _prices_in, scene_cost, shares, task_cost
from rtcflow_scene.estimate import ARCHIVES, BURST_S, BURSTS_PER_SCENE, Basis, _task_seconds
from rtcflow_scene.task_run import _cost_tags

SIZE = TaskSize(4, 16, 40)


def cost(spot_s=0.0, on_demand_s=0.0, size=SIZE, bursts=9, **more):
    return task_cost(size, region="us-west-2", bursts=bursts, spot_s=spot_s, on_demand_s=on_demand_s, **more)


def test_hour_of_a_task_costs_its_cpu_memory_and_storage_over_20_gib():
    hour = cost(on_demand_s=3600)
    assert hour.compute == pytest.approx(4 * 0.03238 + 16 * 0.00356)
    assert hour.storage == pytest.approx(20 * 0.000111)


def test_spot_lowers_compute_alone():
    spot, on_demand = cost(spot_s=600), cost(on_demand_s=600)
    assert spot.compute == pytest.approx(on_demand.compute * _SPOT_FACTOR)
    assert spot.storage == on_demand.storage


def test_both_capacities_of_a_task_are_paid():
    both = cost(spot_s=600, on_demand_s=300)
    assert both.compute == pytest.approx(cost(spot_s=600).compute + cost(on_demand_s=300).compute)


def test_task_is_billed_a_minute_at_least():
    assert cost(spot_s=1) == cost(spot_s=60)
    assert cost(spot_s=10, on_demand_s=10, attempts=2).storage == pytest.approx(cost(spot_s=120).storage)


def test_a_task_that_never_ran_costs_no_compute():
    assert cost().compute == cost().storage == 0


def test_every_attempt_and_every_burst_costs_its_requests():
    assert cost(spot_s=600, attempts=3).orchestration > cost(spot_s=600).orchestration
    assert cost(spot_s=600, bursts=18).requests == pytest.approx(2 * cost(spot_s=600).requests, rel=0.01)


def test_storage_within_the_free_20_gib_costs_nothing():
    assert cost(spot_s=600, size=TaskSize(4, 16, 20)).storage == 0


def test_unknown_region_is_estimated_with_the_default_one():
    assert _prices_in("eu-north-1", "arm64") == _PRICES[("ap-southeast-2", "arm64")]


def test_scene_costs_its_tasks_and_a_little_more():
    assert 1.0 < scene_cost([0.5, 0.5], region="us-west-2") < 1.001


def test_a_tasks_cost_is_shared_by_seconds_and_equally_where_none_is_known():
    assert shares(1.0, [30.0, 10.0, None]) == [0.75, 0.25, 0.0]
    assert shares(1.0, [None, None]) == [0.5, 0.5]


PAGE = Path(__file__).resolve().parents[3] / "docs" / "costs.md"
ROW = re.compile(
    r"^\| (\w+) \| (\d+) \| (\d+) \| (\w+) \| (\w+) \| (\d+) \| (\d+) s \| ([\d.]+) USD \| ([\d.]+) USD \| "
    r"([\d.]+) USD \| ([\d.]+) USD \|$",
    re.MULTILINE,
)


def test_page_on_costs_says_what_the_function_says():
    rows = ROW.findall(PAGE.read_text())
    assert len(rows) == 8
    for engine, vcpu, memory, architecture, archive, per_task, seconds, *printed in rows:
        size = TaskSize(int(vcpu), int(memory), 40, architecture)
        tasks = math.ceil(BURSTS_PER_SCENE / int(per_task))
        basis = Basis(burst_s=BURST_S[engine], archive=ARCHIVES[archive], size=size)
        found = _task_seconds(int(per_task), basis)
        assert round(found) == int(seconds)
        scenes = [
            scene_cost(
                [task_cost(size, region="us-west-2", bursts=int(per_task), **{where: found}).total] * tasks,
                region="us-west-2",
            )
            for where in ("spot_s", "on_demand_s")
        ]
        assert [float(text) for text in printed] == [
            *(round(scene / BURSTS_PER_SCENE, 4) for scene in scenes),
            *(round(scene, 3) for scene in scenes),
        ]


PRICE = re.compile(r"^\| ([\w-]+) \| (arm64|x86_64) \| (0[\d.| ]+) \|$", re.MULTILINE)


def test_page_on_costs_has_the_prices_of_the_function():
    printed = {
        (region, architecture): [float(price) for price in prices.split("|")]
        for region, architecture, prices in PRICE.findall(PAGE.read_text())
    }
    assert printed == {
        key: pytest.approx([p.vcpu_hour, p.gb_hour, p.storage_gb_hour, 1000 * p.transition, 1000 * p.put])
        for key, p in _PRICES.items()
    }


def test_tags_are_no_longer_than_ecs_takes():
    assert [len(tag["Value"]) for tag in _cost_tags("S" * 67, "c" * 300)] == [67, 256]
