"""Absolute location error of reflectors, with every correction on and with each of them off.

Delays and tides of the image come from the simulator, which the engine does not import.
"""

import json
from datetime import date
from typing import NamedTuple

import numpy as np
import pytest
from pyproj import Transformer
from rasterio.warp import transform

from rtcflow_contract.backscatter import Backscatter
from rtcflow_contract.grid import Grid
from rtcflow_local.sample import SampleSpec, write_sample
from rtcflow_local.sample.acquisition import plan_acquisition
from rtcflow_local.sample.earth_tide import tide
from rtcflow_local.sample.geodesy import to_earth_fixed
from rtcflow_local.sample.projection import ZENITH_DELAY, azimuth_delay, range_delay
from rtcflow_local.sample.world import build_world
from tests.support.native_case import BurstCase

pytestmark = pytest.mark.engine

# Fine, so that the grid adds no error of its own to the centre of gravity.
_SPACING, _HALF = 2.0, 200
ALL = {"bistatic_correction": True, "troposphere_correction": True, "tide_correction": True}


class Located(NamedTuple):
    """Offsets of reflectors on the map, (targets, 2) metres east and north: found, and expected of what is off."""

    found: np.ndarray
    expected: np.ndarray

    @property
    def mean(self):
        """Mean offset, metres."""
        return float(np.hypot(*self.found.mean(axis=0)))


SPEC = SampleSpec(lines=300, samples=4000, bursts=1, tides=True, clutter=False, day=date(2023, 3, 21))


@pytest.fixture(scope="module")
def errors(tmp_path_factory):
    """Offsets in two sub-swaths on a day of a high tide, with all corrections and with each of them off."""
    sample = write_sample(tmp_path_factory.mktemp("scene"), SPEC)
    cases = [
        BurstCase(sample, ids[0], tmp_path_factory.mktemp(f"dem-{swath}"))
        for swath, ids in sample.bursts.items()
    ]
    choices = {"all": ALL} | {name: ALL | {name: False} for name in ALL}
    with pytest.MonkeyPatch.context() as patch:
        # The zeros around reflectors without background are measurements.
        patch.setattr("rtcflow.native.engine.find_fill", lambda pixels, valid: np.zeros((0, 3), np.int64))
        return {
            name: Located(
                *(np.concatenate(parts) for parts in zip(*(located(c, choice) for c in cases), strict=True))
            )
            for name, choice in choices.items()
        }


def located(case, choice):
    truth = json.loads(case.sample.truth.read_text())
    found, expected = [], []
    for target in truth["targets"]:
        if target["burst_id"] != case.burst_id:
            continue
        (x,), (y,) = transform(
            "EPSG:4326", f"EPSG:{case.grid.epsg}", [target["longitude"]], [target["latitude"]]
        )
        left = round(x / _SPACING) * _SPACING - _HALF * _SPACING
        top = round(y / _SPACING) * _SPACING + _HALF * _SPACING
        grid = Grid(epsg=case.grid.epsg, left=left, top=top, spacing=_SPACING, rows=2 * _HALF, cols=2 * _HALF)
        # beta0: area factors do not reach beyond so small a grid.
        made = case.compute(
            grid=grid,
            layers=(),
            shadow_masking=False,
            noise_removal=False,
            backscatter=Backscatter.BETA0,
            **choice,
        )
        power = made.arrays["VV"].astype(float)
        rows, cols = np.mgrid[: 2 * _HALF, : 2 * _HALF] + 0.5
        # The response is symmetric: its centre of gravity is where the reflector is.
        weight = np.nan_to_num(power)
        east = left + (weight * cols).sum() / weight.sum() * _SPACING - x
        north = top - (weight * rows).sum() / weight.sum() * _SPACING - y
        found.append((east, north))
        expected.append(shift(case, target, choice))
    return np.array(found), np.array(expected)


def shift(case, target, choice):
    """Apparent shift of a reflector, metres east and north, by the simulator's delays that are not corrected."""
    acquisition = plan_acquisition(SPEC)
    swath = next(swath for swath in acquisition.swaths if swath.name == case.burst_id[-3:])
    lat, lon = np.radians(target["latitude"]), np.radians(target["longitude"])
    point = np.array(to_earth_fixed(lat, lon, target["height"]))
    start = swath.bursts[0].azimuth_us * 1e-6
    time = acquisition.orbit.zero_doppler_time(point, start)
    (position,), (velocity,), _ = acquisition.orbit.states(np.array([time]))
    sight = point - position
    distance = np.linalg.norm(sight)
    up = np.array([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
    east = np.array([-np.sin(lon), np.cos(lon), 0.0])
    north = np.cross(up, east)
    moved = tide(point, acquisition.utc(time * 1e6)) if not choice["tide_correction"] else np.zeros(3)
    range_m, time_s = moved @ sight / distance, 0.0
    if not choice["troposphere_correction"]:
        range_m += range_delay(target["height"], float(-sight @ up) / distance, ZENITH_DELAY)
    if not choice["bistatic_correction"]:
        constant, slope = azimuth_delay(acquisition, swath)
        time_s -= constant + slope * distance
    along = velocity / np.linalg.norm(velocity)
    ground_speed = np.linalg.norm(velocity) * np.linalg.norm(point) / np.linalg.norm(position)
    # On the ground: the range grows by range_m, the time by time_s; the terrain rises by what it does on the way.
    system = np.array([[side @ sight / distance, side @ along] for side in (east, north)]).T
    world, risen, found = build_world(acquisition), 0.0, np.zeros(2)
    metre = np.degrees(1 / np.linalg.norm(point))
    for _ in range(6):
        found = np.linalg.solve(
            system,
            [
                range_m - risen * up @ sight / distance,
                moved @ along + time_s * ground_speed - risen * up @ along,
            ],
        )
        there = world.surface(
            target["latitude"] + found[1] * metre, target["longitude"] + found[0] * metre / np.cos(lat)
        )
        risen = there[0] - target["height"]
    # Grid north is not true north.
    to_map = Transformer.from_crs(4978, case.grid.epsg, always_xy=True)
    here, moved_to = (
        to_map.transform(*place) for place in (point, point + found[0] * east + found[1] * north)
    )
    return np.subtract(moved_to[:2], here[:2])


def test_with_every_correction_the_location_error_is_below_5_centimetres(errors):
    assert len(errors["all"].found) == 6
    assert errors["all"].mean < 0.05
    assert np.hypot(*errors["all"].found.T).max() < 0.08


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [("troposphere_correction", 3.0, 6.5), ("bistatic_correction", 0.5, 4.0), ("tide_correction", 0.1, 0.8)],
)
def test_without_a_correction_the_error_is_the_simulated_delay(errors, name, least, most):
    found, expected = errors[name]
    assert np.all((np.hypot(*expected.T) > least) & (np.hypot(*expected.T) < most))
    assert np.hypot(*(found - expected).mean(axis=0)) < 0.05
    assert np.abs(found - expected).max() < 0.08
