"""The acquisition: the pass, and the position of every burst in time and range.

Times are whole microseconds since the ascending node, the resolution of annotation.
"""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property

import numpy as np

from rtcflow_contract.scene_id import parse_scene_id
from rtcflow_local.sample.geodesy import to_earth_fixed, to_geodetic
from rtcflow_local.sample.orbit_model import Orbit, choose_track
from rtcflow_local.sample.scene_pass import pass_of_scene, seconds_to_node
from rtcflow_local.sample.sensor import (
    BURST_CYCLE,
    CYCLE_DAYS,
    CYCLE_FRACTION,
    IW2_MID_AFTER_START,
    LINE_INTERVAL,
    ORBIT_PERIOD,
    PLATFORMS,
    RANGE_SAMPLING_RATE,
    RANGE_SPACING,
    REFERENCE_TRACK,
    SPEED_OF_LIGHT,
    SWATHS,
    TRACKS,
    SwathDesign,
)
from rtcflow_local.sample.spec import SampleSpec

_CYCLES_PER_REPEAT = 375887
_LISTED_ALTITUDE = 701_400.0  # m
_RANGE_PER_HEIGHT = 1.2  # keeps the incidence angle


@dataclass(frozen=True)
class SimulatedBurst:
    """A burst; times in microseconds since the ascending node.

    Attributes
    ----------
    number : int
        ESA's relative burst number.
    absolute_number : int
        Burst number continued over repeat cycles.
    azimuth_us : int
        Annotated time of the first line.
    sensing_us : int
        Sensing time of the first raw line.
    """

    swath: str
    index: int
    number: int
    absolute_number: int
    track: int
    azimuth_us: int
    sensing_us: int

    @property
    def burst_id(self) -> str:
        """Burst id in the contract's spelling: `t071_151203_iw2`."""
        return f"t{self.track:03d}_{self.number:06d}_{self.swath}"


@dataclass(frozen=True)
class Swath:
    """A sub-swath of the scene: its design, burst size and bursts."""

    name: str
    design: SwathDesign
    lines: int
    samples: int
    bursts: tuple[SimulatedBurst, ...]

    @property
    def near_range(self) -> float:
        """Annotated slant range of the first sample, m."""
        return self.design.slant_range_time * SPEED_OF_LIGHT / 2

    @property
    def far_range(self) -> float:
        """Annotated slant range of the last sample, m."""
        return self.near_range + (self.samples - 1) * RANGE_SPACING

    @property
    def first_us(self) -> int:
        """Time of the first line."""
        return self.bursts[0].azimuth_us

    @property
    def last_us(self) -> int:
        """Time of the last line."""
        return self.bursts[-1].azimuth_us + round((self.lines - 1) * LINE_INTERVAL * 1e6)

    @property
    def valid_lines(self) -> tuple[int, int]:
        """First and last line of a burst with data."""
        margin = max(3, round(0.013 * self.lines))
        return margin, self.lines - 1 - margin

    @property
    def valid_samples(self) -> tuple[int, int]:
        """First and last sample with data."""
        margin = max(16, round(0.02 * self.samples))
        return margin, self.samples - 1 - margin


@dataclass(frozen=True)
class SimulatedAcquisition:
    """A scene's pass: track, ascending node, orbit numbers and sub-swaths."""

    spec: SampleSpec
    track: int
    absolute_orbit: int
    node: datetime
    swaths: tuple[Swath, ...]

    @cached_property
    def orbit(self) -> Orbit:
        """The orbit since the ascending node."""
        return Orbit.of_track(self.track)

    @property
    def start_us(self) -> int:
        """Time of the scene's first line."""
        return min(swath.first_us for swath in self.swaths)

    @property
    def stop_us(self) -> int:
        """Time of the scene's last line."""
        return max(swath.last_us for swath in self.swaths)

    @property
    def datatake(self) -> int:
        """Number of the data take."""
        if self.spec.scene is not None:
            return int(parse_scene_id(self.spec.scene).datatake, 16)
        return self.absolute_orbit * 15 // 2

    @property
    def cycle(self) -> int:
        """Number of the repeat cycle."""
        return self.absolute_orbit // TRACKS + 1

    def utc(self, microseconds: float) -> datetime:
        """UTC of a time since the ascending node."""
        return self.node + timedelta(microseconds=round(microseconds))

    def bulk_bistatic_time(self) -> float:
        """Two-way time at which the processor corrected the bistatic delay: the middle of IW2, s."""
        middle = next(swath for swath in self.swaths if swath.name == "iw2")
        return 2 * (middle.near_range + 0.5 * middle.samples * RANGE_SPACING) / SPEED_OF_LIGHT


def plan_acquisition(spec: SampleSpec) -> SimulatedAcquisition:
    """Choose the pass of a spec's scene id, else the one with the best view of its place, and lay out its bursts."""
    if spec.scene is not None:
        taken = pass_of_scene(parse_scene_id(spec.scene))
        return _laid_out(spec, taken.track, taken.absolute_orbit, taken.node, taken.first_cycle)
    place = spec.place
    point = np.array(to_earth_fixed(math.radians(place.latitude), math.radians(place.longitude), 0.0))
    near = SWATHS["iw2"].slant_range_time * SPEED_OF_LIGHT / 2
    track, time = choose_track(point, spec.ascending, near)
    node, absolute_orbit = _pass_of(spec, track)
    first = math.floor((time + seconds_to_node(track)) / BURST_CYCLE)
    return _laid_out(spec, track, absolute_orbit, node, first)


def _laid_out(
    spec: SampleSpec, track: int, absolute_orbit: int, node: datetime, first: int
) -> SimulatedAcquisition:
    before = seconds_to_node(track)
    swaths = tuple(_swath(spec, name, track, absolute_orbit, first, before) for name in spec.swaths)
    return SimulatedAcquisition(spec, track, absolute_orbit, node, swaths)


def _pass_of(spec: SampleSpec, track: int) -> tuple[datetime, int]:
    """Ascending node and absolute orbit of the first pass on a track from the spec's day on."""
    platform = PLATFORMS[spec.platform]
    orbits = (track - REFERENCE_TRACK) % TRACKS
    node = platform.node + timedelta(seconds=orbits * ORBIT_PERIOD)
    day = datetime(spec.day.year, spec.day.month, spec.day.day) if spec.day else platform.default_date
    cycles = math.ceil((day - node) / timedelta(days=CYCLE_DAYS))
    node += timedelta(days=CYCLE_DAYS * cycles)
    return node.replace(tzinfo=UTC), platform.absolute_orbit + orbits + TRACKS * cycles


def _at_altitude(design: SwathDesign, orbit: Orbit, time: float) -> SwathDesign:
    """The sub-swath for the altitude at a time: near ranges are listed for the altitude of their annotation."""
    (position,), _, _ = orbit.states(np.array([time]))
    altitude = to_geodetic(*position)[2]
    farther = (altitude - _LISTED_ALTITUDE) * _RANGE_PER_HEIGHT
    steps = round(2 * farther / SPEED_OF_LIGHT * RANGE_SAMPLING_RATE)
    return design._replace(slant_range_time=design.slant_range_time + steps / RANGE_SAMPLING_RATE)


def _swath(spec: SampleSpec, name: str, track: int, absolute_orbit: int, first: int, before: float) -> Swath:
    design = _at_altitude(SWATHS[name], Orbit.of_track(track), ((first + 1) * BURST_CYCLE) - before)
    lines = min(design.lines, spec.lines or design.lines)
    samples = min(design.samples, spec.samples or design.samples)
    bursts: list[SimulatedBurst] = []
    for index in range(spec.bursts):
        number = first + index + 1
        iw2_middle = (number - 1 + CYCLE_FRACTION) * BURST_CYCLE - before
        sensing = (
            iw2_middle - IW2_MID_AFTER_START - SWATHS["iw2"].sensing_after_iw1 + design.sensing_after_iw1
        )
        start = sensing + (design.sensing_duration - lines * LINE_INTERVAL) / 2
        azimuth_us = round(start * 1e6)
        if bursts:
            # All lines of a sub-swath are on one time raster.
            elapsed = round((start - bursts[0].azimuth_us * 1e-6) / LINE_INTERVAL)
            azimuth_us = bursts[0].azimuth_us + round(elapsed * LINE_INTERVAL * 1e6)
        absolute = number + (absolute_orbit // TRACKS) * _CYCLES_PER_REPEAT
        bursts.append(
            SimulatedBurst(
                name,
                index,
                (number - 1) % _CYCLES_PER_REPEAT + 1,
                absolute,
                track,
                azimuth_us,
                round(sensing * 1e6),
            )
        )
    return Swath(name, design, lines, samples, tuple(bursts))
