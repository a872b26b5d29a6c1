import re
from pathlib import Path

import pytest

from rtcflow_scene.cost import PRICES, SPOT_FACTOR, TaskSize, burst_cost, prices_in, scene_cost
from rtcflow_scene.cost_tags import cost_tags

SIZE = TaskSize(4, 16, 40)


def test_hour_of_a_task_costs_its_cpu_memory_and_storage_over_20_gib():
    cost = burst_cost(3600, SIZE, region="us-west-2", spot=False)
    assert cost.compute == pytest.approx(4 * 0.03238 + 16 * 0.00356)
    assert cost.storage == pytest.approx(20 * 0.000111)


def test_spot_lowers_compute_alone():
    spot = burst_cost(600, SIZE, region="us-west-2", spot=True)
    on_demand = burst_cost(600, SIZE, region="us-west-2", spot=False)
    assert spot.compute == pytest.approx(on_demand.compute * SPOT_FACTOR)
    assert spot.storage == on_demand.storage


def test_task_is_billed_a_minute_at_least():
    assert burst_cost(1, SIZE, region="us-west-2", spot=False) == burst_cost(
        60, SIZE, region="us-west-2", spot=False
    )


def test_every_attempt_costs():
    one = burst_cost(600, SIZE, region="us-west-2", spot=False)
    assert burst_cost(600, SIZE, region="us-west-2", spot=False, attempts=3).compute == pytest.approx(
        3 * one.compute
    )


def test_storage_within_the_free_20_gib_costs_nothing():
    assert burst_cost(600, TaskSize(4, 16, 20), region="us-west-2", spot=False).storage == 0


def test_unknown_region_is_estimated_with_the_default_one():
    assert prices_in("eu-north-1", "arm64") == PRICES[("ap-southeast-2", "arm64")]


def test_scene_costs_its_bursts_and_a_little_more():
    assert 1.0 < scene_cost([0.5, 0.5], region="us-west-2") < 1.001


PAGE = Path(__file__).resolve().parents[2] / "docs" / "costs.md"
ROW = re.compile(
    r"^\| \w+ \| (\d+) \| (\d+) \| (\w+) \| (\d+) \| ([\d.]+) USD \| ([\d.]+) USD \| ([\d.]+) USD \| ([\d.]+) USD \|$",
    re.MULTILINE,
)


def test_page_on_costs_says_what_the_function_says():
    rows = ROW.findall(PAGE.read_text())
    assert len(rows) == 4
    for vcpu, memory, architecture, minutes, *printed in rows:
        size = TaskSize(int(vcpu), int(memory), 40, architecture)
        bursts = [
            burst_cost(60 * int(minutes), size, region="us-west-2", spot=spot).total for spot in (True, False)
        ]
        scenes = [scene_cost([burst] * 27, region="us-west-2") for burst in bursts]
        assert [float(text) for text in printed] == [
            *(round(burst, 4) for burst in bursts),
            *(round(scene, 2) for scene in scenes),
        ]


PRICE = re.compile(r"^\| ([\w-]+) \| (arm64|x86_64) \| (0[\d.| ]+) \|$", re.MULTILINE)


def test_page_on_costs_has_the_prices_of_the_function():
    printed = {
        (region, architecture): [float(price) for price in prices.split("|")]
        for region, architecture, prices in PRICE.findall(PAGE.read_text())
    }
    assert printed == {
        key: pytest.approx([p.vcpu_hour, p.gb_hour, p.storage_gb_hour, 1000 * p.transition, 1000 * p.put])
        for key, p in PRICES.items()
    }


def test_tags_are_no_longer_than_ecs_takes():
    assert [len(tag["Value"]) for tag in cost_tags("S" * 67, "c" * 300)] == [67, 256]
