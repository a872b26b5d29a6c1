"""Geolocation grid of a sub-swath at the height of the plain."""

import math
from typing import NamedTuple

import numpy as np

from rtcflow_local.sample.acquisition import SimulatedAcquisition, Swath
from rtcflow_local.sample.geometry import GroundPoint, ground_point
from rtcflow_local.sample.sensor import LINE_INTERVAL, RANGE_SPACING
from rtcflow_local.sample.terrain import PLAIN_HEIGHT, undulation
from rtcflow_local.sample.tiff import ControlPoint

_COLUMNS = 21


class TiePoint(NamedTuple):
    """A point of the grid; `time_us` since the ascending node, annotated."""

    line: int
    sample: int
    time_us: float
    ground: GroundPoint


def geolocation_grid(acquisition: SimulatedAcquisition, swath: Swath) -> list[TiePoint]:
    """A row at the first line of every burst and at the last line of the last, 21 samples across."""
    rows = [(burst.index * swath.lines, float(burst.azimuth_us)) for burst in swath.bursts]
    last = swath.lines * len(swath.bursts) - 1
    rows.append((last, swath.bursts[-1].azimuth_us + (swath.lines - 1) * LINE_INTERVAL * 1e6))
    samples = np.unique(np.linspace(0, swath.samples - 1, _COLUMNS).astype(int))
    first = ground_point(acquisition.orbit, rows[0][1] * 1e-6, swath.near_range, PLAIN_HEIGHT)
    height = PLAIN_HEIGHT + undulation(math.radians(first.latitude), math.radians(first.longitude))
    return [
        TiePoint(
            line,
            int(sample),
            time,
            ground_point(acquisition.orbit, time * 1e-6, swath.near_range + sample * RANGE_SPACING, height),
        )
        for line, time in rows
        for sample in samples
    ]


def control_points(grid: list[TiePoint]) -> list[ControlPoint]:
    """The grid as ground control points of a TIFF."""
    return [
        ControlPoint(p.line, p.sample, p.ground.longitude, p.ground.latitude, p.ground.height) for p in grid
    ]


def angles_along_range(grid: list[TiePoint], samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Incidence and elevation angle at samples, in the grid's middle row, degrees, each of shape (samples,)."""
    lines = sorted({point.line for point in grid})
    row = [point for point in grid if point.line == lines[len(lines) // 2]]
    at = [point.sample for point in row]
    return (
        np.interp(samples, at, [point.ground.incidence for point in row]),
        np.interp(samples, at, [point.ground.elevation for point in row]),
    )
