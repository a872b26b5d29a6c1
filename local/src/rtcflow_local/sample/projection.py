"""Power of a burst: terrain facets projected to slant range by the area that they expose to the radar.

Everything that the radar sees at one zero-Doppler time is in one plane through the satellite, perpendicular to its
velocity. The terrain's profile in that plane is traversed from near to far. A piece of profile between look angles a
and b at slant range R exposes the area R (b - a) w to the radar, w being the speed of the plane over the ground; its
power is gamma0 times this area, by the definition of gamma0. Pieces with a look angle below the largest one so far are
in shadow; the power of pieces at the same range adds up, which is layover. Beta0 refers to the slant range spacing
times w, so w cancels.

Delays: bistatic residual after the processor's bulk correction by Gisinger et al. (2021, doi
10.1109/TGRS.2019.2961248), equation 21; troposphere by Breit et al. (2010, doi 10.1109/TGRS.2009.2035497).
"""

import math

import numpy as np
from numba import njit

from rtcflow_local.sample.acquisition import SimulatedAcquisition, SimulatedBurst, Swath
from rtcflow_local.sample.geodesy import to_earth_fixed, to_geodetic
from rtcflow_local.sample.sensor import LINE_INTERVAL, RANGE_SPACING, SPEED_OF_LIGHT
from rtcflow_local.sample.terrain import HIGHEST, relief, undulation
from rtcflow_local.sample.world import World

ZENITH_DELAY = 2.3  # m, one way
_DELAY_HEIGHT = 6000.0  # m
_PROFILES_PER_LINE = 2
_STEP = 3.0  # m over the ground
_MARGIN_NEAR, _MARGIN_FAR = 2500.0, 3500.0  # m over the ground, for terrain that leans into the burst
_EARTH = 6371000.0

# Counters of a burst's projection, in pieces of profile.
SEEN, SHADOWED, LAID_OVER = range(3)


def azimuth_delay(acquisition: SimulatedAcquisition, swath: Swath) -> tuple[float, float]:
    """Constant (s) and slope (s per m of slant range) of true minus annotated azimuth time."""
    if not acquisition.spec.corrections:
        return 0.0, 0.0
    constant = acquisition.bulk_bistatic_time() / 2 - swath.design.rank / swath.design.prf
    return constant, 1 / SPEED_OF_LIGHT


@njit(cache=True, nogil=True)
def range_delay(height: float, cos_incidence: float, zenith: float) -> float:
    """Annotated minus true slant range, m, at an ellipsoidal height."""
    return zenith / cos_incidence * math.exp(-height / _DELAY_HEIGHT)


@njit(cache=True, nogil=True)
def _spread(
    power: np.ndarray,
    lines: tuple[float, float],
    bins: tuple[float, float],
    total: float,
    gamma0: np.ndarray,
    cover: int,
) -> None:
    """Add `total` times gamma0, spread evenly over lines and bins; pixel i reaches from i - 1/2 to i + 1/2."""
    first, last = min(bins), max(bins)
    length = max(last - first, 1e-9)
    line_low = math.floor(lines[0] + 0.5)
    line_high = math.floor(lines[1] + 0.5)
    for sample in range(math.floor(first + 0.5), math.floor(last + 0.5) + 1):
        if sample < 0 or sample >= power.shape[2]:
            continue
        part = (min(last, sample + 0.5) - max(first, sample - 0.5)) / length if last - first > 1e-9 else 1.0
        for line in range(line_low, line_high + 1):
            if line < 0 or line >= power.shape[1]:
                continue
            overlap = min(lines[1], line + 0.5) - max(lines[0], line - 0.5)
            for channel in range(power.shape[0]):
                power[channel, line, sample] += total * part * overlap * gamma0[channel, cover]


@njit(cache=True, nogil=True)
def _plane(position: np.ndarray, velocity: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """The zero-Doppler plane: its point nearest to the earth's centre, directions up and right, altitude above it."""
    ahead = velocity / np.sqrt((velocity * velocity).sum())
    origin = (position * ahead).sum() * ahead
    up = position - origin
    altitude = np.sqrt((up * up).sum())
    up = up / altitude
    return origin, up, np.cross(ahead, up), altitude


@njit(cache=True, nogil=True)
def _meet_surface(
    origin: np.ndarray, direction: np.ndarray, radius: float, frame: np.ndarray, stages: np.ndarray
) -> tuple[float, float, float, float, int]:
    """Where a ray from near the earth's centre meets the terrain: radius, latitude, longitude, height, cover."""
    lat, lon, height, cover = 0.0, 0.0, 0.0, 0
    for _ in range(8):
        lat, lon, found = to_geodetic(
            origin[0] + radius * direction[0],
            origin[1] + radius * direction[1],
            origin[2] + radius * direction[2],
        )
        above_geoid, cover = relief(lat, lon, frame, stages)
        height = above_geoid + undulation(lat, lon)
        radius += height - found
        # The ray deviates from the vertical by at most 0.2 degrees, so the remaining error is below a millimetre.
        if abs(height - found) < 0.3:
            break
    return radius, lat, lon, height, cover


@njit(cache=True, nogil=True)
def project(
    power: np.ndarray,
    counts: np.ndarray,
    times: np.ndarray,
    positions: np.ndarray,
    velocities: np.ndarray,
    reach: tuple[float, float],
    radar: tuple[float, float, float, float, float, float],
    surface: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    """Add the beta0 of the terrain to a burst.

    Parameters
    ----------
    power : ndarray, shape (channels, lines, samples)
        Beta0, which is increased.
    counts : ndarray, shape (3,)
        Pieces that are visible, in shadow, and visible in layover.
    times : ndarray, shape (profiles,)
        Zero-Doppler times from the burst's first annotated line on, s.
    positions, velocities : ndarray, shape (profiles, 3)
        Of the satellite.
    reach : tuple of float
        Angles at the earth's centre between satellite and both ends of the profiles, radians.
    radar : tuple of float
        Annotated near range (m), range spacing (m), line interval (s), constant (s) and slope (s/m) of the azimuth
        delay, zenith delay (m).
    surface : tuple of ndarray
        Frame and stages of the terrain; linear gamma0, shape (channels, classes).
    """
    near_range, spacing, interval, delay, delay_slope, zenith = radar
    frame, stages, gamma0 = surface
    step = _STEP / _EARTH
    steps = math.ceil((reach[1] - reach[0]) / step)
    half_width = 0.5 / _PROFILES_PER_LINE
    for profile in range(times.size):
        origin, up, right, altitude = _plane(positions[profile], velocities[profile])
        radius, growth = _EARTH, 0.0
        largest, last_angle, last_range, last_bin = 0.0, 0.0, 0.0, 0.0
        for index in range(-1, steps + 1):
            turn = reach[0] + index * step
            direction = math.cos(turn) * up + math.sin(turn) * right
            met, lat, lon, height, cover = _meet_surface(origin, direction, radius + growth, frame, stages)
            growth = met - radius if index >= 0 else 0.0
            radius = met
            across, below = radius * math.sin(turn), altitude - radius * math.cos(turn)
            distance, angle = math.hypot(across, below), math.atan2(across, below)
            # Toward the satellite: up and, since it is on the left, against right.
            back = math.cos(angle) * up - math.sin(angle) * right
            cos_incidence = math.sin(lat) * back[2] + math.cos(lat) * (
                math.cos(lon) * back[0] + math.sin(lon) * back[1]
            )
            place = (distance + range_delay(height, cos_incidence, zenith) - near_range) / spacing
            if index >= 0 and angle > largest:
                whole = angle - last_angle
                hidden = max(largest - last_angle, 0.0)
                middle_range = 0.5 * (last_range + distance)
                line = (times[profile] - delay - delay_slope * middle_range) / interval
                _spread(
                    power,
                    (line - half_width, line + half_width),
                    (last_bin + (place - last_bin) * hidden / whole, place),
                    middle_range * (whole - hidden) / spacing,
                    gamma0,
                    cover,
                )
                counts[SEEN] += 1
                counts[LAID_OVER] += place < last_bin
            elif index >= 0:
                counts[SHADOWED] += 1
            largest = max(largest, angle)
            last_angle, last_range, last_bin = angle, distance, place


def burst_beta0(
    acquisition: SimulatedAcquisition, world: World, swath: Swath, burst: SimulatedBurst, gamma0: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Expected beta0 of a burst without noise, shape (channels, lines, samples), and the counts of `project`."""
    delay, slope = azimuth_delay(acquisition, swath)
    shift = delay + slope * (swath.near_range + swath.far_range) / 2
    first = -0.5 - 0.5 / _PROFILES_PER_LINE
    profiles = np.arange(swath.lines * _PROFILES_PER_LINE + 4)
    # Edges of profiles lie on edges of lines, at mid-range.
    times = (first + profiles / _PROFILES_PER_LINE) * LINE_INTERVAL + shift
    positions, velocities, _ = acquisition.orbit.states(burst.azimuth_us * 1e-6 + times)
    power = np.zeros((len(gamma0), swath.lines, swath.samples), np.float32)
    counts = np.zeros(3, np.int64)
    zenith = ZENITH_DELAY if acquisition.spec.corrections else 0.0
    radar = (swath.near_range, RANGE_SPACING, LINE_INTERVAL, delay, slope, zenith)
    project(
        power,
        counts,
        times,
        positions,
        velocities,
        _reach(swath, positions[len(positions) // 2]),
        radar,
        (world.frame, world.stages, gamma0),
    )
    return power, counts


def _reach(swath: Swath, position: np.ndarray) -> tuple[float, float]:
    """Angles at the earth's centre that contain the swath and terrain that may lean into it."""
    from_centre = float(np.linalg.norm(position))
    lat = math.asin(position[2] / from_centre)
    radius = float(np.linalg.norm(to_earth_fixed(lat, 0.0, 0.0)))

    def angle(distance: float, height: float) -> float:
        ground = radius + height
        return math.acos((from_centre**2 + ground**2 - distance**2) / (2 * from_centre * ground))

    return (
        angle(swath.near_range, 0.0) - _MARGIN_NEAR / radius,
        angle(swath.far_range, HIGHEST) + _MARGIN_FAR / radius,
    )
