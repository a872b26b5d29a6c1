import math
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from rtcflow_contract.burst_id import burst_id_from_anx_time
from rtcflow_contract.errors import RefusedError
from rtcflow_local.sample.acquisition import plan_acquisition
from rtcflow_local.sample.eof import _orbit_file_name
from rtcflow_local.sample.geodesy import to_earth_fixed, to_geodetic
from rtcflow_local.sample.geometry import ground_point
from rtcflow_local.sample.orbit_model import Orbit
from rtcflow_local.sample.sensor import BURST_CYCLE, LINE_INTERVAL, ORBIT_PERIOD, PREAMBLE
from rtcflow_local.sample.spec import SampleSpec

# Absolute orbit number of track 1's predecessor, from the relation that the mission performance centre gives.
ORBIT_OFFSETS = {"S1A": 73, "S1B": 27, "S1C": 172, "S1D": 42}
ALL_SWATHS = ("iw1", "iw2", "iw3")


def test_velocity_and_acceleration_are_derivatives_of_the_position():
    orbit = Orbit.of_track(70)
    step = 1e-2
    times = np.array([500.0, 2400.0, 5100.0])
    before, after = orbit.states(times - step), orbit.states(times + step)
    _, velocity, acceleration = orbit.states(times)
    np.testing.assert_allclose((after[0] - before[0]) / (2 * step), velocity, atol=1e-4)
    np.testing.assert_allclose((after[1] - before[1]) / (2 * step), acceleration, atol=1e-6)


def test_the_ground_track_repeats_after_175_orbits():
    orbit = Orbit.of_track(12)
    start, _, _ = orbit.states(np.array([100.0]))
    later, _, _ = orbit.states(np.array([100.0 + 175 * ORBIT_PERIOD]))
    np.testing.assert_allclose(start, later, atol=1e-3)


def test_geodetic_coordinates_come_back():
    lat, lon, height = to_geodetic(*to_earth_fixed(-0.7, 2.6, 850.0))
    assert (lat, lon) == pytest.approx((-0.7, 2.6), abs=1e-11)
    assert height == pytest.approx(850.0, abs=1e-6)


def test_a_ground_point_has_its_range_height_and_zero_doppler_time():
    orbit = Orbit.of_track(147)
    point = ground_point(orbit, 3550.0, 880e3, 120.0)
    place = np.array(
        to_earth_fixed(math.radians(point.latitude), math.radians(point.longitude), point.height)
    )
    time = orbit.zero_doppler_time(place, 3560.0)
    (position,), _, _ = orbit.states(np.array([time]))
    assert time == pytest.approx(3550.0, abs=1e-7)
    assert np.linalg.norm(place - position) == pytest.approx(880e3, abs=1e-3)


@pytest.mark.parametrize("platform", sorted(ORBIT_OFFSETS))
def test_relative_and_absolute_orbit_agree(platform):
    acquisition = plan_acquisition(SampleSpec(platform=platform))
    assert (acquisition.absolute_orbit - ORBIT_OFFSETS[platform]) % 175 + 1 == acquisition.track


@pytest.mark.parametrize("variant", ["coast", "sea", "antimeridian", "polar", "equator", "south"])
@pytest.mark.parametrize("direction", ["ascending", "descending"])
def test_burst_numbers_follow_from_sensing_time_as_esa_counts(variant, direction):
    acquisition = plan_acquisition(
        SampleSpec(variant=variant, direction=direction, swaths=ALL_SWATHS, bursts=3)
    )
    since_iw1 = {"iw1": 0.0, "iw2": 0.832, "iw3": 1.910}
    for swath in acquisition.swaths:
        for burst in swath.bursts:
            middle = burst.sensing_us * 1e-6 - since_iw1[swath.name] + 0.832 + 0.539
            passed = middle + (acquisition.track - 1) * ORBIT_PERIOD - PREAMBLE
            assert burst.number == 1 + math.floor(passed / BURST_CYCLE)


@pytest.mark.parametrize("spec", [SampleSpec(swaths=ALL_SWATHS), SampleSpec.full(swaths=ALL_SWATHS)])
def test_burst_ids_are_those_that_the_contract_derives_from_azimuth_time(spec):
    acquisition = plan_acquisition(spec)
    for swath in acquisition.swaths:
        for burst in swath.bursts:
            derived = burst_id_from_anx_time(burst.azimuth_us * 1e-6, acquisition.track, swath.name)
            assert burst.burst_id == derived


def test_bursts_of_a_swath_follow_each_other_at_the_burst_cycle_on_one_raster_of_lines():
    swath = plan_acquisition(SampleSpec(bursts=5)).swaths[0]
    starts = np.array([burst.azimuth_us for burst in swath.bursts]) * 1e-6
    np.testing.assert_allclose(np.diff(starts), BURST_CYCLE, atol=LINE_INTERVAL)
    lines = (starts - starts[0]) / LINE_INTERVAL
    np.testing.assert_allclose(lines, np.round(lines), atol=1e-3)


def test_full_size_bursts_overlap():
    swath = plan_acquisition(SampleSpec.full()).swaths[1]
    first, second = swath.bursts
    assert first.azimuth_us + swath.lines * LINE_INTERVAL * 1e6 > second.azimuth_us


def test_incidence_angles_are_those_of_the_sub_swaths():
    acquisition = plan_acquisition(SampleSpec.full(swaths=ALL_SWATHS))
    near = [ground_point(acquisition.orbit, s.first_us * 1e-6, s.near_range, 0.0) for s in acquisition.swaths]
    assert [point.incidence for point in near] == pytest.approx([31, 36, 41], abs=1)


def test_the_scene_is_taken_on_the_first_pass_from_the_day_on():
    day = date(2024, 7, 1)
    acquisition = plan_acquisition(SampleSpec(day=day))
    assert 0 <= (acquisition.node.date() - day).days < 12


@pytest.mark.parametrize("hour", [0, 0.6, 0.8, 1.1, 12, 23.9])
def test_the_orbit_file_reaches_from_an_orbit_before_the_scene_to_a_minute_after(hour):
    acquisition = plan_acquisition(SampleSpec())
    midnight = acquisition.node.replace(hour=0, minute=0, second=0, microsecond=0)
    node = midnight + timedelta(hours=hour) - timedelta(microseconds=acquisition.start_us)
    moved = replace(acquisition, node=node)
    start, stop = (
        datetime.strptime(text, "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
        for text in _orbit_file_name(moved).removesuffix(".EOF").split("_V")[1].split("_")
    )
    assert start <= moved.utc(moved.start_us) - timedelta(seconds=ORBIT_PERIOD + 60)
    assert stop >= moved.utc(moved.stop_us) + timedelta(seconds=60)


def test_the_antimeridian_variant_crosses_180_degrees_within_a_burst():
    acquisition = plan_acquisition(SampleSpec(variant="antimeridian"))
    swath = acquisition.swaths[1]
    ends = [
        ground_point(acquisition.orbit, swath.first_us * 1e-6, distance, 0.0).longitude
        for distance in (swath.near_range, swath.far_range)
    ]
    assert ends[0] < -179
    assert ends[1] > 179


def test_a_bad_spec_is_refused_with_every_fault_named():
    with pytest.raises(RefusedError) as refused:
        SampleSpec(platform="S1X", bursts=0, swaths=("iw1",))
    for word in ("S1X", "bursts", "iw2"):
        assert word in refused.value.message
