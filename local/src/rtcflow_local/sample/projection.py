"""Power of a burst: facets of the terrain projected into slant range by the area that they show to the radar.

Everything that the radar sees at one zero-Doppler time lies in one plane through the satellite, at right angles to its
velocity. The terrain's profile in that plane is walked from near to far. A piece of profile seen under the look angles
a to b at slant range R shows the radar the area R (b - a) w, w being the speed of the plane over the ground; its power
is gamma0 times this area, by the definition of gamma0. Pieces whose look angle lies below the largest one so far are in
shadow; pieces whose range falls back onto that of others add up, which is layover. Beta0 refers to the slant range
spacing times w, so w cancels.

Delays: bistatic residual after the processor's bulk correction by Gisinger et al. (2021, doi
10.1109/TGRS.2019.2961248), equation 21; troposphere by Breit et al. (2010, doi 10.1109/TGRS.2009.2035497).
"""

import math

import numpy as np
from numba import njit

from rtcflow_local.sample.acquisition import Acquisition, Burst, Swath
from rtcflow_local.sample.geodesy import to_geodetic
from rtcflow_local.sample.sensor import LINE_INTERVAL, RANGE_SPACING, SPEED_OF_LIGHT
from rtcflow_local.sample.terrain import HIGHEST, relief, undulation
from rtcflow_local.sample.world import World

ZENITH_DELAY = 2.3  # m, one way
DELAY_HEIGHT = 6000.0  # m
_PROFILES_PER_LINE = 2
_STEP = 3.0  # m over the ground
_MARGIN_NEAR, _MARGIN_FAR = 2500.0, 3500.0  # m over the ground, for terrain that leans into the burst
_EARTH = 6371000.0

# What a burst's projection counts, in pieces of profile.
SEEN, SHADOWED, LAID_OVER = range(3)


def azimuth_delay(acquisition: Acquisition, swath: Swath) -> tuple[float, float]:
    """Constant (s) and slope (s per m of slant range) of true minus annotated azimuth time."""
    if not acquisition.spec.corrections:
        return 0.0, 0.0
    constant = acquisition.bulk_bistatic_time() / 2 - swath.design.rank / swath.design.prf
    return constant, 1 / SPEED_OF_LIGHT


@njit(cache=True, nogil=True)
def range_delay(height: float, cos_incidence: float, zenith: float) -> float:
    """Annotated minus true slant range, m, at an ellipsoidal height."""
    return zenith / cos_incidence * math.exp(-height / DELAY_HEIGHT)


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
        Beta0; added to.
    counts : ndarray, shape (3,)
        Pieces seen, in shadow, and of those seen laid over.
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
        sx, sy, sz = positions[profile]
        vx, vy, vz = velocities[profile]
        speed = math.sqrt(vx * vx + vy * vy + vz * vz)
        vx, vy, vz = vx / speed, vy / speed, vz / speed
        lead = sx * vx + sy * vy + sz * vz
        ox, oy, oz = lead * vx, lead * vy, lead * vz
        ux, uy, uz = sx - ox, sy - oy, sz - oz
        altitude = math.sqrt(ux * ux + uy * uy + uz * uz)
        ux, uy, uz = ux / altitude, uy / altitude, uz / altitude
        rx, ry, rz = vy * uz - vz * uy, vz * ux - vx * uz, vx * uy - vy * ux
        radius, growth = _EARTH, 0.0
        largest, last_angle, last_range, last_bin = -1.0, 0.0, 0.0, 0.0
        for index in range(-1, steps + 1):
            turn = reach[0] + index * step
            c, s = math.cos(turn), math.sin(turn)
            dx, dy, dz = c * ux + s * rx, c * uy + s * ry, c * uz + s * rz
            guess = radius + growth
            height, ellipsoidal, cover = 0.0, 0.0, 0
            lat, lon = 0.0, 0.0
            for _ in range(8):
                lat, lon, found = to_geodetic(ox + guess * dx, oy + guess * dy, oz + guess * dz)
                height, cover = relief(lat, lon, frame, stages)
                ellipsoidal = height + undulation(lat, lon)
                change = ellipsoidal - found
                guess += change
                if abs(change) < 0.3:
                    break
            growth = guess - radius if index >= 0 else 0.0
            radius = guess
            across, below = radius * s, altitude - radius * c
            distance = math.sqrt(across * across + below * below)
            angle = math.atan2(across, below)
            cos_lat = math.cos(lat)
            normal = cos_lat * (math.cos(lon) * dx + math.sin(lon) * dy) + math.sin(lat) * dz
            # The look direction makes `turn` plus the look angle with the radial direction, which leaves the
            # ellipsoid's normal by less than 0.2 degrees.
            tilt_across = cos_lat * (
                math.cos(lon) * (c * rx - s * ux) + math.sin(lon) * (c * ry - s * uy)
            ) + math.sin(lat) * (c * rz - s * uz)
            cos_incidence = math.cos(turn + angle) * normal - math.sin(turn + angle) * tilt_across
            annotated = distance + range_delay(ellipsoidal, cos_incidence, zenith)
            place = (annotated - near_range) / spacing
            if index >= 0:
                if angle > largest:
                    whole = angle - last_angle
                    hidden = max(largest - last_angle, 0.0)
                    start = last_bin + (place - last_bin) * (hidden / whole)
                    middle_range = 0.5 * (last_range + distance)
                    line = (times[profile] - delay - delay_slope * middle_range) / interval
                    _spread(
                        power,
                        (line - half_width, line + half_width),
                        (start, place),
                        middle_range * (whole - hidden) / spacing,
                        gamma0,
                        cover,
                    )
                    counts[SEEN] += 1
                    if place < last_bin:
                        counts[LAID_OVER] += 1
                else:
                    counts[SHADOWED] += 1
            largest = max(largest, angle)
            last_angle, last_range, last_bin = angle, distance, place


def burst_beta0(
    acquisition: Acquisition, world: World, swath: Swath, burst: Burst, gamma0: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Expected beta0 of a burst without noise, shape (channels, lines, samples), and the counts of `project`."""
    delay, slope = azimuth_delay(acquisition, swath)
    shift = delay + slope * (swath.near_range + swath.far_range) / 2
    first = -0.5 - 0.5 / _PROFILES_PER_LINE
    profiles = np.arange(swath.lines * _PROFILES_PER_LINE + 4)
    times = (first + profiles / _PROFILES_PER_LINE) * LINE_INTERVAL + shift
    # Half a profile off, so that at mid-range profiles fill lines exactly.
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
    """Angles at the earth's centre that hold the swath and what may lean into it."""
    from_centre = float(np.linalg.norm(position))
    radius = _ground_radius(position)

    def angle(distance: float, height: float) -> float:
        ground = radius + height
        return math.acos((from_centre**2 + ground**2 - distance**2) / (2 * from_centre * ground))

    return (
        angle(swath.near_range, 0.0) - _MARGIN_NEAR / radius,
        angle(swath.far_range, HIGHEST) + _MARGIN_FAR / radius,
    )


def _ground_radius(position: np.ndarray) -> float:
    lat = math.asin(position[2] / float(np.linalg.norm(position)))
    a, b = 6378137.0, 6356752.314245
    return a * b / math.hypot(a * math.sin(lat), b * math.cos(lat))
