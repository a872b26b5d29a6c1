"""Solid earth tides of the engine, against the example of IERS and against the simulator, which shares no code."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from rtcflow.native.tides import displacement_by, moon_position, sun_position, tide_displacement
from rtcflow_local.sample.earth_tide import tide

# Test case of routine DEHANTTIDEINEL, IERS Conventions (2010), chapter 7: station, sun, moon and displacement, metres.
STATION = np.array([4075578.385, 931852.890, 4801570.154])
WHEN = datetime(2009, 4, 13, tzinfo=UTC)
SUN = np.array([137859926952.015, 54228127881.4350, 23509422341.6960])
MOON = np.array([-179996231.920342, -312468450.131567, -169288918.592160])
DISPLACEMENT = np.array([0.0770042, 0.0630406, 0.0551657])


def test_the_example_of_the_conventions_is_reproduced_except_for_step_2():
    assert np.abs(displacement_by(STATION, SUN, MOON) - DISPLACEMENT).max() < 0.01


def test_positions_of_sun_and_moon_match_the_example():
    # The example gives them to the equinox.
    for found, expected in ((sun_position(WHEN), SUN), (moon_position(WHEN), MOON)):
        assert np.linalg.norm(found - expected) / np.linalg.norm(expected) < 0.004


@pytest.mark.parametrize(("lat", "lon"), [(-34.4, 150.5), (-77.5, 180.0), (0.1, 113.0), (64.0, -20.0)])
def test_two_derivations_agree_through_a_month(lat, lon):
    phi, lam = np.radians((lat, lon))
    up = np.array([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)])
    point = 6371000.0 * up
    start = datetime(2023, 3, 1, tzinfo=UTC)
    times = [start + timedelta(hours=7 * step) for step in range(100)]
    ours = np.array([tide_displacement(point, when) for when in times])
    theirs = np.array([tide(point, when) for when in times])
    assert np.abs(ours - theirs).max() < 0.01
    assert 0.08 < np.ptp(ours @ up) < 0.7
