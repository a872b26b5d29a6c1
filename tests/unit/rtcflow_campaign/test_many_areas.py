"""Many areas are searched in parallel within a run's time, and none waits for ever."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import count
from threading import Barrier
from types import SimpleNamespace

from rtcflow_campaign.area_sweep import Swept, sweep_all

NEVER = datetime.min.replace(tzinfo=UTC)
START = datetime(2026, 1, 1, tzinfo=UTC)
AREAS = [SimpleNamespace(name=f"area-{number:03d}") for number in range(120)]


def swept(area):
    return Swept(area.name, 0, 0, 0, 0, 0, 0, ())


def test_areas_are_searched_side_by_side():
    together = Barrier(4)

    def sweep_one(area):
        # Passes only when four areas are in hand at once.
        together.wait(10)
        return swept(area)

    done, left = sweep_all(AREAS, sweep_one, lambda area: NEVER, lambda: True)
    assert [area.name for area, _ in done] == [area.name for area in AREAS]
    assert not left


def test_runs_that_are_too_short_for_all_areas_reach_each_in_turn():
    searched, times = {}, Counter()
    for run in range(14):
        asked = count()

        def sweep_one(area, now=START + run * timedelta(minutes=10)):
            searched[area.name] = now
            times[area.name] += 1
            return swept(area)

        done, left = sweep_all(
            AREAS,
            sweep_one,
            lambda area: searched.get(area.name, NEVER),
            lambda asked=asked: next(asked) < 17,
        )
        assert (len(done), len(left)) == (17, len(AREAS) - 17)
        # No area has its second turn before each had its first.
        assert max(times.values()) - min(times[area.name] for area in AREAS) <= 1
    assert len(searched) == len(AREAS)


def test_areas_that_fail_do_not_stop_the_others():
    done, left = sweep_all(
        AREAS,
        lambda area: ValueError(area.name) if area.name.endswith("7") else swept(area),
        lambda area: NEVER,
        lambda: True,
    )
    assert sum(isinstance(result, ValueError) for _, result in done) == 12
    assert sum(isinstance(result, Swept) for _, result in done) == 108
    assert not left
