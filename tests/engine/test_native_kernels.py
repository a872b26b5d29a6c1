"""Kernels against the NumPy expressions that they implement."""

import numba as nb
import numpy as np
import pytest

from rtcflow.native.burst_grid import default_epsg, default_grid
from rtcflow.native.edges import DENSITY, overlaps
from rtcflow.native.facets import BESIDE, PAD, finish_factors, spread_cell
from rtcflow.native.height_spline import Dem, sample_height, sample_heights, spline_table
from rtcflow.native.image import gamma0_lines
from rtcflow.native.lattice import CHANNELS, geodetic_to_ecef, zero_doppler_times
from rtcflow.native.points import NODE, PH, PR, PT, local_orbit, satellite, zero_doppler
from rtcflow.native.profiles import rdr2geo
from rtcflow.native.rows import terrain_row
from rtcflow.native.simd import LANES, pack
from rtcflow.native.visibility import LAYOVER, SHADOW, mask_lines
from rtcflow.sentinel1.orbit import OrbitPolynomial
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.grid import Grid

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def orbit():
    """A circular orbit at 700 km, as polynomials over a minute."""
    t = np.linspace(-60, 60, 200)
    radius, rate = 7.07e6, 2 * np.pi / 5924
    angle = 0.6 + rate * t
    inclination = np.radians(98.2)
    positions = radius * np.stack(
        (np.cos(angle), np.sin(angle) * np.cos(inclination), np.sin(angle) * np.sin(inclination)), axis=1
    )
    coefficients = np.polynomial.polynomial.polyfit(t / 60, positions, 9) / 60.0 ** np.arange(10)[:, None]
    return OrbitPolynomial(None, coefficients, (-60.0, 60.0))


@nb.njit
def height_at(heights, table, row, col):
    return sample_height(heights, table, row, col)


def test_spline_kernel_is_the_tensor_product():
    rng = np.random.default_rng(1)
    dem = Dem(rng.normal(size=(40, 50)).astype(np.float32) * 100, 0.0, 0.0, 1.0, -1.0)
    rows, cols = rng.uniform(5, 34, 200), rng.uniform(5, 44, 200)
    expected = sample_heights(dem, rows, cols)
    table = spline_table()
    found = [height_at(dem.heights, table, r, c) for r, c in zip(rows, cols, strict=True)]
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_spline_passes_through_the_postings_and_keeps_planes():
    rows, cols = np.mgrid[0:20, 0:20].astype(float)
    dem = Dem((3 * rows - 2 * cols).astype(np.float32), 0.0, 0.0, 1.0, -1.0)
    np.testing.assert_allclose(
        sample_heights(dem, np.array([7.0, 7.3]), np.array([9.0, 8.6])), [3.0, 4.7], atol=1e-6
    )


def test_heights_beside_a_void_are_void():
    heights = np.zeros((20, 20), np.float32)
    heights[10, 10] = np.nan
    assert np.isnan(height_at(heights, spline_table(), 9.5, 9.5))
    assert height_at(heights, spline_table(), 3.5, 3.5) == 0


def test_rdr2geo_and_geo2rdr_invert_each_other(orbit):
    times, ranges = np.meshgrid(np.linspace(-3, 3, 9), np.linspace(8.0e5, 9.6e5, 9), indexing="ij")
    heights = np.linspace(-50, 8000, 81).reshape(9, 9)
    points = rdr2geo(orbit, times, ranges, heights)
    found_times = zero_doppler_times(points, orbit)
    satellites = orbit.position(found_times.ravel()).reshape(points.shape)
    along_m = np.abs(found_times - times) * 7500
    across_m = np.abs(np.linalg.norm(points - satellites, axis=-1) - ranges)
    assert max(along_m.max(), across_m.max()) < 1e-3


def test_rdr2geo_looks_right(orbit):
    point = rdr2geo(orbit, np.zeros(1), np.array([8.8e5]), 0.0)[0]
    position, velocity = orbit.position(np.zeros(1))[0], orbit.velocity(np.zeros(1))[0]
    right = np.cross(velocity, position)
    assert np.dot(point - position, right) > 0


def test_one_newton_step_gives_zero_doppler_to_a_tenth_of_a_nanosecond(orbit):
    local = local_orbit(orbit.coefficients, 6.0)
    point = rdr2geo(orbit, np.array([2.0]), np.array([8.8e5]), 300.0)[0]
    t, r = zero_doppler(local, *point, 2.0 + 1e-4)
    assert abs(t - 2.0) < 1e-9
    assert abs(r - 8.8e5) < 1e-3


def test_local_orbit_follows_the_orbit_to_a_hundredth_of_a_millimetre(orbit):
    local = local_orbit(orbit.coefficients, 6.0)
    for t in np.linspace(-6, 6, 25):
        position = np.array(satellite(local, t)[:3])
        assert np.linalg.norm(position - orbit.position(np.array([t]))[0]) < 1e-5


def polygon_cover(vertices, lines, samples, steps=200):
    """Share of each sample inside a convex polygon, by counting points."""
    points = (np.arange(steps * samples) + 0.5) / steps
    cover = np.zeros((lines, samples))
    for row in range(lines * steps):
        y = (row + 0.5) / steps
        crossings = []
        for (y0, x0), (y1, x1) in zip(vertices, [*vertices[1:], vertices[0]], strict=True):
            if (y0 <= y) != (y1 <= y):
                crossings.append(x0 + (y - y0) * (x1 - x0) / (y1 - y0))
        if len(crossings) == 2:
            inside = (points > min(crossings)) & (points < max(crossings))
            cover[row // steps] += inside.reshape(samples, steps).sum(axis=1) / steps**2
    return cover


@nb.njit
def overlaps_of(corners, window, edges, columns):
    y, x = corners[:, 0], corners[:, 1]
    return overlaps(
        window, edges, pack(y[0], y[1], y[2], y[3]), pack(x[0], x[1], x[2], x[3]), window.shape[0], columns
    )


def area_of(vertices):
    """Signed area of a polygon by the shoelace formula."""
    y, x = np.transpose(vertices)
    return 0.5 * np.sum(y * np.roll(x, -1) - x * np.roll(y, -1))


@pytest.mark.parametrize(
    "corners",
    [
        [(0.3, 4.2), (3.7, 1.1), (4.1, 6.4), (2.1, 9.4)],
        [(0.3, 4.2), (2.1, 9.4), (3.7, 1.1), (3.7, 1.1)],
        [(1.0, 2.0), (3.0, 2.0), (3.0, 6.0), (1.0, 6.0)],
        [(1.2, 2.1), (1.2, 8.7), (1.9, 8.7), (1.9, 2.1)],
    ],
)
def test_overlaps_of_a_polygon_are_exact(corners):
    window = np.empty((5, 12 + LANES))
    covered, crossed = overlaps_of(np.array(corners), window, np.empty((DENSITY, LANES)), 12)
    np.testing.assert_allclose(np.abs(window[:, :12]), polygon_cover(corners, 5, 12), atol=0.01)
    assert abs(covered) == pytest.approx(abs(area_of(corners)), abs=1e-12)
    assert not crossed


def test_crossing_sides_are_detected():
    corners = np.array([(0.0, 0.0), (3.0, 8.0), (3.0, 0.0), (0.0, 8.0)])
    covered, crossed = overlaps_of(corners, np.empty((3, 8 + LANES)), np.empty((DENSITY, LANES)), 8)
    assert crossed
    assert covered == pytest.approx(0.0, abs=1e-12)


@nb.njit
def spread(sums, channels, edges, corners, middle):
    y, x = corners[:, 0], corners[:, 1]
    spread_cell(
        sums, channels, edges, pack(y[0], y[1], y[2], y[3]), pack(x[0], x[1], x[2], x[3]), middle[0], middle[1],
        min(y.min(), middle[0]), max(y.max(), middle[0]), min(x.min(), middle[1]), max(x.max(), middle[1]),
    )  # fmt: skip


def spread_over(lines, corners, middle, densities):
    """Sums of a cell whose four triangles have the given densities, (lines, channels, columns)."""
    edges = np.empty((DENSITY + 3, 2 * LANES))
    for channel, own in enumerate(densities):
        edges[DENSITY + channel] = [*own, *(own - np.roll(own, 1))]
    sums = np.zeros((lines * len(densities), 20 + LANES))
    spread(sums, len(densities), edges, np.array(corners), np.array(middle))
    return sums.reshape(lines, len(densities), -1)[..., :20]


CELL = [(0.4, 3.2), (1.3, 9.6), (3.8, 11.1), (2.9, 4.3)]


@pytest.mark.parametrize("middle", [(2.0, 7.1), (2.2, 13.5)])
def test_a_cell_is_spread_like_its_four_triangles(middle):
    rng = np.random.default_rng(5)
    densities = rng.uniform(0.5, 2, (3, 4))
    expected = np.zeros((5, 3, 20))
    for side in range(4):
        triangle = [middle, CELL[side], CELL[(side + 1) % 4]]
        sign = np.sign(area_of([CELL[side], CELL[(side + 1) % 4], middle]))
        cover = sign * polygon_cover(triangle, 5, 20)
        expected += densities[:, side, None] * cover[:, None, :]
    found = spread_over(5, CELL, middle, densities)
    sign = np.sign(np.vdot(found, expected))
    np.testing.assert_allclose(found, sign * expected, atol=0.03)


def test_parts_outside_the_lines_are_cut_off():
    below = [(y - 2.0, x) for y, x in CELL]
    densities = np.ones((2, 4))
    whole = spread_over(5, CELL, (2.0, 7.1), densities)
    np.testing.assert_allclose(spread_over(2, below, (0.0, 7.1), densities), whole[2:4], atol=1e-12)
    np.testing.assert_allclose(spread_over(2, CELL, (2.0, 7.1), densities), whole[:2], atol=1e-12)


@pytest.mark.parametrize("first", [1, 6])
def test_terrain_along_a_row_equals_that_of_single_points(orbit, first):
    rng = np.random.default_rng(2)
    local = local_orbit(orbit.coefficients, 6.0)
    dem = Dem(rng.normal(size=(60, 60)).astype(np.float32) * 30, 0.0, 0.0, 1.0, -1.0)
    corner = rdr2geo(orbit, np.array([0.5]), np.array([8.8e5]), 0.0)[0]
    normal = corner / np.linalg.norm(corner)
    line = np.zeros((4, CHANNELS))
    # Columns of 20 m along a straight line; two columns of the grid are one posting.
    line[:, 0:3] = corner + 320.0 * np.arange(4)[:, None] * np.cross(normal, [0.0, 0.0, 1.0])
    line[:, 3:6] = normal
    line[:, 6], line[:, 7] = 20.3, 10.0 + 8.0 * np.arange(4)
    line[:, 8] = zero_doppler_times(line[:, 0:3], orbit)
    out = np.full((NODE, 40 + LANES), np.nan)
    terrain_row(out, line, first, 37, 0.5, 1, 16, 0, dem.heights, spline_table(), local)
    at = (np.arange(first, 37) + 0.5) / 16
    heights = sample_heights(dem, np.full(at.size, 20.3), 10.0 + 8.0 * at)
    points = (
        np.stack([np.interp(at, np.arange(4), line[:, c]) for c in range(3)], axis=1)
        + heights[:, None] * normal
    )
    times = zero_doppler_times(points, orbit)
    ranges = np.linalg.norm(points - orbit.position(times), axis=1)
    found = out[:, first:37]
    np.testing.assert_allclose(found[0:3].T, points, atol=1e-4)
    np.testing.assert_allclose(found[PH], heights, atol=1e-4)
    np.testing.assert_allclose(found[PT], times, atol=1e-9)
    np.testing.assert_allclose(found[PR], ranges, atol=1e-3)


def test_factors_are_the_ratio_of_the_sums():
    sums = np.zeros((1, 3, 4 + BESIDE))
    sums[0, :, PAD : PAD + 2] = np.array([2.0, 4.0, 3.0])[:, None]
    factor, sigma = np.empty((1, 4), np.float32), np.empty((1, 4), np.float32)
    finish_factors(sums, 30.0, 1e-3, factor, sigma)
    np.testing.assert_array_equal(factor, [[0.5, 0.5, np.nan, np.nan]])
    np.testing.assert_array_equal(sigma, [[0.75, 0.75, np.nan, np.nan]])


def test_gamma0_is_power_minus_noise_over_calibration_and_factor():
    rng = np.random.default_rng(3)
    pixels = rng.integers(-300, 300, (6, 9, 2)).astype(np.int16)
    azimuth, across = rng.uniform(0.5, 1.5, 6), rng.uniform(100, 200, 9)
    calibration, factor = rng.uniform(0.1, 0.2, 9), rng.uniform(0.5, 2, (6, 9)).astype(np.float32)
    out = np.empty((6, 9), np.float32)
    gamma0_lines(pixels, azimuth, across, calibration, 0.0, factor, out)
    power = (pixels.astype(float) ** 2).sum(axis=-1) - np.outer(azimuth, across)
    np.testing.assert_allclose(out, np.maximum(power, 0) * calibration / factor, rtol=1e-5)


@pytest.mark.parametrize(
    ("lon", "lat", "epsg"),
    [
        (149.1, -35.3, 32755),
        (-116.9, 38.2, 32611),
        (10, 76, 3413),
        (10, -61, 3031),
        (179.9, 10, 32660),
        (181, 10, 32601),
    ],
)
def test_default_crs(lon, lat, epsg):
    assert default_epsg(lon, lat) == epsg


def test_grid_is_snapped_and_reprojected():
    ring = [(149.0, -35.0), (150.0, -35.0), (150.0, -34.8), (149.0, -34.8)]
    grid = default_grid(ring, 30)
    assert grid.epsg == 32755
    assert grid.left % 30 == 0
    assert grid.top % 30 == 0
    albers = default_grid(ring, 30, 3577)
    assert albers.epsg == 3577
    assert not (grid.left <= albers.left <= grid.right and grid.bottom <= albers.top <= grid.top)


@pytest.mark.parametrize("epsg", [4326, 999999])
def test_a_crs_that_is_not_projected_is_refused(epsg):
    with pytest.raises(RefusedError, match=str(epsg)):
        default_grid([(149.0, -35.0), (150.0, -34.8)], 20, epsg)


@pytest.mark.parametrize(
    ("epsg", "lon", "lat", "serves"),
    [
        (32755, 149, -35, True),
        (32756, 149, -35, True),
        (32633, 149, -35, False),
        (3413, 149, -35, False),
        (3031, 73, -53, True),
        (3031, 149, -35, False),
        (3577, 115, -33, True),
        (32701, 179.5, -17, True),
        (32760, -179.5, -17, True),
        (3832, -170, 5, True),
        (3857, 20, 60, True),
    ],
)
def test_a_crs_can_be_used_in_its_part_of_the_world(epsg, lon, lat, serves):
    ring = [(lon, lat), (lon + 1, lat), (lon + 1, lat + 0.2), (lon, lat + 0.2)]
    if serves:
        assert default_grid(ring, 20, epsg).epsg == epsg
    else:
        with pytest.raises(RefusedError, match=f"output_crs {epsg} .* another part of the world"):
            default_grid(ring, 20, epsg)


def ridge(height, width, cells=400):
    """A flat strip with one triangular ridge across it, as heights (rows, cols) with 10 m cells."""
    x = np.arange(cells) * 10.0
    profile = np.maximum(0, height * (1 - np.abs(x - 2000) / (width / 2)))
    return np.tile(profile, (40, 1)).astype(np.float32)


def mask_of(heights, incidence_deg):
    """Mask of one radar line over a strip of a flat Earth, seen from the left at an incidence angle."""
    distance = 880e3
    angle = np.radians(incidence_deg)
    nodes = np.zeros((3, 3, 10))
    # A local frame: x to the right along the strip, z up from an Earth so large that it is flat.
    big = 1e9
    for i, row in enumerate((-2, 198, 398)):
        for j, col in enumerate((-2, 198, 398)):
            nodes[i, j] = (col * 10.0, 0.0, big, 0, 0, 1, row, col, 0, 0)
    orbit = np.zeros((6, 3))
    orbit[0] = (-distance * np.sin(angle), 0, big + distance * np.cos(angle))
    track = np.array([[[20.0, 0.0, 0.0], [20.0, 390.0, 3900.0]]])
    ground = np.arange(391) * 10.0
    ranges = np.hypot(ground + distance * np.sin(angle), distance * np.cos(angle))
    first, spacing = ranges[0] - 3000, 2.3
    mask = np.zeros((1, 4000), np.uint8)
    radar = np.array([0.0, 1.0, first, spacing])
    terrain = (heights, spline_table(), orbit, radar, 0, track, 5.0)
    mask_lines(mask, np.zeros((1, 1000), np.uint8), nodes, 200, -2, -2, *terrain)
    return mask


def test_a_steep_ridge_casts_layover_and_a_gentle_one_does_not():
    assert (mask_of(ridge(300, 400), 35) & LAYOVER).any()
    assert not (mask_of(ridge(50, 1000), 35) & LAYOVER).any()


def test_layover_has_the_width_given_by_the_geometry():
    # Fore slope of 300 m over 200 m: the top comes before the foot by 300 cos(35) - 200 sin(35) = 131 m of range.
    seen = ((mask_of(ridge(300, 400), 35) & LAYOVER) > 0).sum() * 2.3
    assert seen == pytest.approx(300 * np.cos(np.radians(35)) - 200 * np.sin(np.radians(35)), abs=12)


def test_a_back_slope_steeper_than_the_line_of_sight_is_in_shadow():
    assert (mask_of(ridge(400, 400), 45) & SHADOW).any()
    assert not (mask_of(ridge(150, 400), 45) & SHADOW).any()


def test_positions_on_the_ellipsoid():
    points, normal = geodetic_to_ecef(np.array([0.0]), np.array([0.0]), np.array([100.0]))
    np.testing.assert_allclose(points, [[6378237.0, 0, 0]])
    np.testing.assert_allclose(normal, [[1, 0, 0]])
    assert Grid(epsg=3031, left=0, top=0, spacing=20, rows=1, cols=1).transform[0] == 20
