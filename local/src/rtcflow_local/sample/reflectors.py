"""Corner reflectors: positions, radar cross section, and positions in the bursts."""

import math
from typing import NamedTuple

import numpy as np

from rtcflow_local.sample.acquisition import SimulatedAcquisition, SimulatedBurst, Swath
from rtcflow_local.sample.earth_tide import tide
from rtcflow_local.sample.geodesy import to_geodetic
from rtcflow_local.sample.projection import ZENITH_DELAY, azimuth_delay, range_delay
from rtcflow_local.sample.sensor import LINE_INTERVAL, RANGE_SAMPLING_RATE, RANGE_SPACING, WAVELENGTH
from rtcflow_local.sample.world import World

# Triangular trihedrals with legs of 1.5 m: peak radar cross section 4 pi a^4 / (3 wavelength^2).
_LEG = 1.5
_CO_RCS = 4 * math.pi * _LEG**4 / (3 * WAVELENGTH**2)  # m2
_CROSS_RCS = _CO_RCS * 10**-3.0
# Fractions of a stage's half sizes, across and along track.
_SITES = ((0.52, -0.45), (0.52, 0.0), (0.52, 0.45))
_REACH = 24  # pixels to either side that hold the impulse response


class Target(NamedTuple):
    """A corner reflector and its burst.

    Attributes
    ----------
    latitude, longitude, height : float
        Degrees and metres above the ellipsoid.
    line, sample : float
        Where it appears in the burst, counted from 0 at the middle of the first pixel.
    """

    burst_id: str
    latitude: float
    longitude: float
    height: float
    line: float
    sample: float
    ground_speed: float

    def rcs(self, polarization: str) -> float:
        """Radar cross section, m2."""
        return _CO_RCS if polarization[0] == polarization[1] else _CROSS_RCS


def place_targets(acquisition: SimulatedAcquisition, world: World) -> list[Target]:
    """Corner reflectors on the plain of every stage; none in the sea."""
    bursts = [(swath, burst) for swath in acquisition.swaths for burst in swath.bursts]
    targets: list[Target] = []
    for stage, (swath, burst) in enumerate(bursts):
        for east, along in _SITES:
            latitude, longitude = world.place(stage, east, along)
            height, cover = world.surface(latitude, longitude)
            if cover != world.covers[0].name:
                targets.append(_target(acquisition, world, swath, burst, latitude, longitude, height))
    return targets


def _target(
    acquisition: SimulatedAcquisition,
    world: World,
    swath: Swath,
    burst: SimulatedBurst,
    latitude: float,
    longitude: float,
    height: float,
) -> Target:
    point = world.point(latitude, longitude)
    if acquisition.spec.tides:
        point = point + tide(point, acquisition.utc(burst.azimuth_us))
    time = acquisition.orbit.zero_doppler_time(point, burst.azimuth_us * 1e-6)
    (position,), (velocity,), (acceleration,) = acquisition.orbit.states(np.array([time]))
    offset = point - position
    distance = float(np.linalg.norm(offset))
    lat, lon, _ = to_geodetic(*point)
    normal = np.array([math.cos(lat) * math.cos(lon), math.cos(lat) * math.sin(lon), math.sin(lat)])
    zenith = ZENITH_DELAY if acquisition.spec.corrections else 0.0
    annotated = distance + range_delay(height, float(-offset @ normal) / distance, zenith)
    constant, slope = azimuth_delay(acquisition, swath)
    line = (time - constant - slope * distance - burst.azimuth_us * 1e-6) / LINE_INTERVAL
    sample = (annotated - swath.near_range) / RANGE_SPACING
    speed = float((velocity @ velocity - acceleration @ offset) / np.linalg.norm(velocity))
    return Target(burst.burst_id, latitude, longitude, height, line, sample, speed)


def add_target(signal: np.ndarray, target: Target, swath: Swath, rcs: float) -> None:
    """Add a reflector to the complex root of beta0, shape (lines, samples).

    The impulse response is the inverse transform of the Hamming-weighted bands; its energy is the radar cross section
    divided by the area of a pixel, so that beta0 times pixel area sums to the cross section.
    """
    design = swath.design
    lines = np.arange(
        max(0, round(target.line) - _REACH), min(signal.shape[0], round(target.line) + _REACH + 1)
    )
    samples = np.arange(
        max(0, round(target.sample) - _REACH), min(signal.shape[1], round(target.sample) + _REACH + 1)
    )
    if not lines.size or not samples.size:
        return
    along = _response(lines - target.line, design.azimuth_bandwidth * LINE_INTERVAL, design.azimuth_window)
    across = _response(
        samples - target.sample, design.range_bandwidth / RANGE_SAMPLING_RATE, design.range_window
    )
    pixel_area = RANGE_SPACING * LINE_INTERVAL * target.ground_speed
    signal[lines[0] : lines[-1] + 1, samples[0] : samples[-1] + 1] += math.sqrt(rcs / pixel_area) * np.outer(
        along, across
    )


def _response(offsets: np.ndarray, band: float, window: float) -> np.ndarray:
    """Impulse response of unit energy for a band as a fraction of the sampling rate, with Hamming coefficient."""
    x = offsets * band
    shape = window * np.sinc(x) + (1 - window) / 2 * (np.sinc(x - 1) + np.sinc(x + 1))
    energy = (window**2 + (1 - window) ** 2 / 2) / band
    return shape / math.sqrt(energy)
