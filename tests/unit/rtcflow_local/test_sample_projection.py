import math

import numpy as np
import pytest

from rtcflow_local.sample.acquisition import plan_acquisition
from rtcflow_local.sample.cover import COVERS, FOREST, PASTURE, SEA, gamma0_table
from rtcflow_local.sample.geodesy import to_earth_fixed
from rtcflow_local.sample.geometry import ground_point
from rtcflow_local.sample.projection import LAID_OVER, SEEN, SHADOWED, burst_beta0
from rtcflow_local.sample.sensor import LINE_INTERVAL, RANGE_SPACING
from rtcflow_local.sample.spec import SampleSpec
from rtcflow_local.sample.terrain import relief, undulation
from rtcflow_local.sample.world import build_world
from tests.support.true_incidence import local_incidence

TINY = SampleSpec.tiny()


@pytest.fixture(scope="module")
def coast():
    acquisition = plan_acquisition(TINY)
    return acquisition, build_world(acquisition)


def only(cover: int) -> np.ndarray:
    """Gamma0 of 1 for one class, else 0; shape (1, classes)."""
    table = np.zeros((1, len(COVERS["temperate"])))
    table[0, cover] = 1.0
    return table


def facets_of(world, stage, cover, spacing=12.0):
    """Middles (facets, 3) and area vectors (facets, 3) of the facets of a class on a grid over a stage, m and m2."""
    _, _, half_across, half_along = world.stages[stage]
    east = np.arange(-half_across, half_across, spacing) / half_across
    along = np.arange(-half_along, half_along, spacing) / half_along
    points = np.empty((along.size, east.size, 3))
    covers = np.empty(points.shape[:2], int)
    for row, a in enumerate(along):
        for col, e in enumerate(east):
            lat, lon = (math.radians(value) for value in world.place(stage, e, a))
            height, covers[row, col] = relief(lat, lon, world.frame, world.stages)
            points[row, col] = to_earth_fixed(lat, lon, height + undulation(lat, lon))
    across = points[:-1, 1:] - points[:-1, :-1] + points[1:, 1:] - points[1:, :-1]
    ahead = points[1:, :-1] - points[:-1, :-1] + points[1:, 1:] - points[:-1, 1:]
    middles = (points[:-1, :-1] + points[1:, 1:] + points[:-1, 1:] + points[1:, :-1]) / 4
    chosen = covers[:-1, :-1] == cover
    return middles[chosen], (np.cross(across, ahead) / 4)[chosen]


def seen_from_orbit(acquisition, swath, burst, middles, areas):
    """Line, sample and shown area over ground speed (m s) of facets, each at its own zero-Doppler time."""
    times = np.full(len(middles), burst.azimuth_us * 1e-6 + swath.lines * LINE_INTERVAL / 2)
    for _ in range(6):
        position, velocity, acceleration = acquisition.orbit.states(times)
        offset = middles - position
        rate = np.einsum("ij,ij->i", acceleration, offset) - np.einsum("ij,ij->i", velocity, velocity)
        times -= np.einsum("ij,ij->i", velocity, offset) / rate
    distance = np.linalg.norm(offset, axis=1)
    shown = np.abs(np.einsum("ij,ij->i", areas, offset / distance[:, None]))
    speed = -rate / np.linalg.norm(velocity, axis=1)
    lines = (times - burst.azimuth_us * 1e-6) / LINE_INTERVAL
    return lines, (distance - swath.near_range) / RANGE_SPACING, shown / speed


@pytest.mark.parametrize("cover", [FOREST, PASTURE])
def test_power_of_a_class_is_gamma0_times_the_area_that_its_facets_show(cover):
    """Nothing is shared with the simulator's profiles but the orbit and the terrain."""
    acquisition = plan_acquisition(SampleSpec.tiny(corrections=False))
    world = build_world(acquisition)
    swath = acquisition.swaths[1]
    burst = swath.bursts[0]
    beta0, _ = burst_beta0(acquisition, world, swath, burst, only(cover))
    stage = len(acquisition.swaths[0].bursts)
    lines, samples, shown = seen_from_orbit(acquisition, swath, burst, *facets_of(world, stage, cover))
    # The hills: nothing there lies in shadow, which facets taken one by one cannot know of.
    hills = np.array([world.point(*world.place(stage, east, 0.0)) for east in (0.1, -0.42)])
    _, (near, far), _ = seen_from_orbit(acquisition, swath, burst, hills, hills)
    rows, cols = slice(20, swath.lines - 20), slice(round(near), round(far))
    inside = (np.round(lines) >= rows.start) & (np.round(lines) < rows.stop)
    inside &= (np.round(samples) >= cols.start) & (np.round(samples) < cols.stop)
    power = beta0[0, rows, cols].sum(dtype=np.float64) * RANGE_SPACING * LINE_INTERVAL
    assert cols.stop - cols.start > 400
    assert 10 * math.log10(power / shown[inside].sum()) == pytest.approx(0.0, abs=0.05)


def test_the_sea_returns_its_gamma0_over_the_tangent_of_incidence():
    acquisition = plan_acquisition(SampleSpec.tiny(variant="sea", corrections=False))
    world = build_world(acquisition)
    swath = acquisition.swaths[0]
    beta0, counts = burst_beta0(
        acquisition, world, swath, swath.bursts[0], gamma0_table("temperate", ("VV",))
    )
    middle = swath.samples // 2
    time = swath.first_us * 1e-6 + swath.lines / 2 * LINE_INTERVAL
    level = ground_point(acquisition.orbit, time, swath.near_range + middle * RANGE_SPACING, 0.0)
    height = undulation(math.radians(level.latitude), math.radians(level.longitude))
    point = ground_point(acquisition.orbit, time, swath.near_range + middle * RANGE_SPACING, height)
    found = beta0[0, 10:-10, middle].mean() * math.tan(math.radians(point.incidence))
    assert 10 * math.log10(found) == pytest.approx(COVERS["temperate"][SEA].co_db, abs=0.005)
    assert counts[SHADOWED] == counts[LAID_OVER] == 0


def test_the_terrain_has_layover_and_shadow(coast):
    acquisition, world = coast
    for swath in acquisition.swaths:
        _, counts = burst_beta0(
            acquisition, world, swath, swath.bursts[0], gamma0_table("temperate", ("VV",))
        )
        assert counts[LAID_OVER] > 0.005 * counts[SEEN]
        assert counts[SHADOWED] > 0.001 * counts[SEEN]


def test_shadow_leaves_pixels_without_power(coast):
    acquisition, world = coast
    swath = acquisition.swaths[1]
    beta0, _ = burst_beta0(acquisition, world, swath, swath.bursts[0], gamma0_table("temperate", ("VV",)))
    (top, bottom), (left, right) = swath.valid_lines, swath.valid_samples
    dark = beta0[0, top : bottom + 1, left : right + 1] == 0
    assert 0.001 < dark.mean() < 0.1


def test_delays_move_the_image_by_metres(coast):
    acquisition, world = coast
    undelayed = plan_acquisition(SampleSpec.tiny(corrections=False))
    gamma0 = gamma0_table("temperate", ("VV",))
    moved, _ = burst_beta0(acquisition, world, acquisition.swaths[1], acquisition.swaths[1].bursts[0], gamma0)
    still, _ = burst_beta0(undelayed, world, undelayed.swaths[1], undelayed.swaths[1].bursts[0], gamma0)
    rows, cols = slice(10, -10), slice(40, -40)
    near, far = (
        np.corrcoef(moved[0, rows, cols].ravel(), np.roll(still[0], shift, axis=1)[rows, cols].ravel())[0, 1]
        for shift in (1, 0)
    )
    assert near > far
    assert near > 0.95


def test_local_incidence_on_the_plain_is_that_of_the_ellipsoid(coast):
    acquisition, world = coast
    swath = acquisition.swaths[1]
    time = swath.first_us * 1e-6 + swath.lines / 2 * LINE_INTERVAL
    level = ground_point(acquisition.orbit, time, swath.near_range + 300 * RANGE_SPACING, 58.0)
    (angle,), _ = local_incidence(acquisition, world, np.array([level.latitude]), np.array([level.longitude]))
    assert angle == pytest.approx(level.incidence, abs=0.02)


@pytest.mark.parametrize("cover", [FOREST, PASTURE])
def test_hills_of_a_class_face_the_radar_under_20_to_55_degrees(coast, cover):
    acquisition, world = coast
    east, along = np.meshgrid(np.linspace(-0.45, 0.1, 60), np.linspace(-0.6, 0.6, 60))
    places = np.array([world.place(2, e, a) for e, a in zip(east.ravel(), along.ravel(), strict=True)])
    angles, covers = local_incidence(acquisition, world, places[:, 0], places[:, 1])
    assert angles[covers == cover].min() < 20
    assert angles[covers == cover].max() > 55
