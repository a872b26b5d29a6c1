"""How long a campaign takes and what it costs, in closed form."""

import math

import pytest

from rtcflow_scene.cost import TaskSize
from rtcflow_scene.estimate import ARCHIVES, Basis, CampaignPart, _task_seconds, estimate

SCENES = 37_038
MILLION = [CampaignPart(SCENES, 1_000_000)]
WIDE = Basis(region="us-west-2", max_scenes=1000, vcpu_quota=4000)


def test_a_million_bursts_from_asf_fit_into_six_hours_of_4000_vcpu_at_a_twentieth_of_a_cent():
    found = estimate(MILLION, WIDE)
    assert found.hours < 6
    assert found.peak_vcpu == 4000
    assert found.cost_usd / 1_000_000 <= 0.0004


@pytest.mark.parametrize(
    ("changes", "bound_by"),
    [
        ({"max_scenes": 20}, "scenes at once"),
        ({"max_scenes": 2000}, "vCPU quota"),
        ({"vcpu_quota": math.inf, "max_scenes": 10_000, "bursts_per_task": 1}, "rate of task starts"),
        ({"archive": ARCHIVES["cdse"]}, "connections of the archive"),
    ],
)
def test_the_bottleneck_of_a_campaign_is_named(changes, bound_by):
    assert estimate(MILLION, WIDE._replace(**changes)).bound_by == bound_by


def test_a_single_scene_takes_as_long_as_its_slowest_task():
    one = estimate([CampaignPart(1, 27)], WIDE._replace(bursts_per_task=9))
    assert one.bound_by == "one scene"
    assert one.hours * 3600 > _task_seconds(9, WIDE)
    assert one.hours * 3600 < 1.3 * _task_seconds(9, WIDE)


def test_tasks_of_several_bursts_cost_less_and_one_burst_a_task_is_no_faster_for_many():
    alone = estimate(MILLION, WIDE._replace(bursts_per_task=1))
    whole = estimate(MILLION, WIDE)
    assert whole.cost_usd < 0.4 * alone.cost_usd
    assert whole.hours < alone.hours


def test_tasks_wait_for_the_slower_of_engine_and_archive():
    fast, slow = WIDE._replace(burst_s=1.0), WIDE._replace(burst_s=60.0)
    asf = ARCHIVES["asf"]
    assert _task_seconds(10, fast) - _task_seconds(9, fast) == pytest.approx(asf.fetch_s / asf.ahead)
    assert _task_seconds(10, slow) - _task_seconds(9, slow) == pytest.approx(60)


def test_tasks_cost_money_while_they_wait_for_an_archive():
    narrow = estimate(MILLION, WIDE._replace(archive=ARCHIVES["cdse"], max_scenes=4))
    wide = estimate(MILLION, WIDE._replace(archive=ARCHIVES["cdse"], max_scenes=100))
    assert wide.hours == narrow.hours
    assert wide.cost_usd > 2 * narrow.cost_usd


def test_static_layers_come_first_and_are_included():
    alone = estimate([CampaignPart(10, 270)], WIDE)
    both = estimate([CampaignPart(10, 270, static=True), CampaignPart(10, 270)], WIDE)
    assert both.hours > 2 * alone.hours
    assert both.cost_usd > alone.cost_usd


def test_nothing_costs_nothing():
    assert estimate([], WIDE)[:3] == (0, 0, 0)
    assert estimate([CampaignPart(0, 0)], WIDE)[:3] == (0, 0, 0)


def test_on_demand_costs_more():
    assert estimate(MILLION, WIDE._replace(spot=False)).cost_usd > 1.5 * estimate(MILLION, WIDE).cost_usd


def test_the_size_of_a_task_counts():
    small = WIDE._replace(size=TaskSize(2, 4, 40))
    assert estimate(MILLION, small).cost_usd < estimate(MILLION, WIDE).cost_usd
