"""Area factors known by construction: analytic hills, each radar line's profile walked point by point.

Nothing of the engine's facets, spline or overlap. The ground that a radar sees at one time lies in one plane, at right
angles to the velocity. A piece of its profile seen under the look angles a to b at slant range R shows the radar the
area R (b - a) for each metre of flight, and a sample is as large as its range spacing: gamma0 to beta0 is the sum of
the pieces in a sample over that spacing.
"""

from typing import NamedTuple

import numpy as np
from pyproj import Transformer

from rtcflow.native.image import RadarGrid
from rtcflow.sentinel1.orbit import OrbitPolynomial
from rtcflow_contract.grid import Grid
from tests.support.terrain_truth import Hills, ecef, pixel_lonlat, zero_doppler

_TO_LONLAT = Transformer.from_crs(4978, 4979, always_xy=True)
_STEP_M, _BESIDE_M, _EARTH_M = 1.0, 3000.0, 6.371e6
_PARTS = 8


class Window(NamedTuple):
    """Lines and samples of a radar image, first and last + 1."""

    lines: tuple[int, int]
    samples: tuple[int, int]


def true_factors(hills: Hills, orbit: OrbitPolynomial, radar: RadarGrid, window: Window, shadows=True):
    """gamma0 to beta0 in a window of the image, (lines, samples); with `shadows`, ground in cast shadow shows none."""
    lines = np.arange(*window.lines)
    times = radar.first_time_s + lines * radar.interval_s
    return np.stack([_line(hills, orbit, radar, window.samples, time, shadows) for time in times])


def _line(hills, orbit, radar, samples, time, shadows):
    (satellite,), (velocity,) = orbit.position(np.array([time])), orbit.velocity(np.array([time]))
    ahead = velocity / np.linalg.norm(velocity)
    origin = (satellite @ ahead) * ahead
    altitude = np.linalg.norm(satellite - origin)
    up = (satellite - origin) / altitude
    right = np.cross(ahead, up)
    first_range = radar.first_range_m + samples[0] * radar.spacing_m
    last_range = radar.first_range_m + samples[1] * radar.spacing_m
    beside = _BESIDE_M / _EARTH_M
    start, stop = _angle(altitude, first_range) - beside, _angle(altitude, last_range) + beside
    angles = np.arange(start, stop, _STEP_M / _EARTH_M)
    directions = np.cos(angles)[:, None] * up + np.sin(angles)[:, None] * right
    radius = np.full(angles.size, _EARTH_M)
    for _ in range(5):
        lon, lat, height = _TO_LONLAT.transform(*(origin + radius[:, None] * directions).T)
        radius = radius + hills.heights(lon, lat) - height
    across, below = radius * np.sin(angles), altitude - radius * np.cos(angles)
    ranges, looks = np.hypot(across, below), np.arctan2(across, below)
    # What a nearer point hides shows nothing; of a piece that comes out of shadow, the part beyond it.
    shown = np.diff(np.maximum.accumulate(looks)) if shadows else np.maximum(np.diff(looks), 0.0)
    area = 0.5 * (ranges[1:] + ranges[:-1]) * shown
    # Pieces are shorter than a sample: they fall into one, or into two neighbours.
    at = (ranges - first_range) / radar.spacing_m + 0.5
    low, high = np.minimum(at[1:], at[:-1]), np.maximum(at[1:], at[:-1])
    first, last = np.floor(low).astype(int), np.floor(high).astype(int)
    share = np.where(first == last, 1.0, (last - low) / np.maximum(high - low, 1e-12))
    found = np.zeros(samples[1] - samples[0])
    for column, part in ((first, share), (last, 1.0 - share)):
        inside = (column >= 0) & (column < found.size)
        np.add.at(found, column[inside], (area * part)[inside])
    return found / radar.spacing_m


def _angle(altitude, distance):
    """Angle at the earth's centre of ground at a slant range."""
    cosine = (altitude**2 + _EARTH_M**2 - distance**2) / (2 * altitude * _EARTH_M)
    return np.arccos(np.clip(cosine, -1, 1))


def on_pixels(factors, window: Window, hills: Hills, orbit: OrbitPolynomial, radar: RadarGrid, grid: Grid):
    """Mean of the samples of a window over each pixel's footprint, NaN where it leaves them."""
    lines, samples = corners(hills, orbit, radar, grid)
    total, count = np.zeros(grid.shape), np.zeros(grid.shape, int)
    parts = (np.arange(_PARTS) + 0.5) / _PARTS
    for v in parts:
        for u in parts:
            line, sample = (
                (1 - v) * ((1 - u) * c[:-1, :-1] + u * c[:-1, 1:])
                + v * ((1 - u) * c[1:, :-1] + u * c[1:, 1:])
                for c in (lines, samples)
            )
            row = np.floor(line - window.lines[0] + 0.5).astype(int)
            col = np.floor(sample - window.samples[0] + 0.5).astype(int)
            inside = (row >= 0) & (row < factors.shape[0]) & (col >= 0) & (col < factors.shape[1])
            total[inside] += factors[row[inside], col[inside]]
            count += inside
    return np.where(count == _PARTS**2, total / _PARTS**2, np.nan)


def corners(hills: Hills, orbit: OrbitPolynomial, radar: RadarGrid, grid: Grid):
    """Fractional lines and samples of the corners of all pixels, (rows + 1, cols + 1)."""
    wider = grid.model_copy(
        update={
            "left": grid.left - grid.spacing / 2,
            "top": grid.top + grid.spacing / 2,
            "rows": grid.rows + 1,
            "cols": grid.cols + 1,
        }
    )
    lon, lat = (values.ravel() for values in pixel_lonlat(wider))
    points = ecef(lon, lat, hills.heights(lon, lat))
    times = zero_doppler(orbit, points)
    ranges = np.linalg.norm(points - orbit.position(times), axis=1)
    lines = (times - radar.first_time_s) / radar.interval_s
    samples = (ranges - radar.first_range_m) / radar.spacing_m
    return lines.reshape(wider.shape), samples.reshape(wider.shape)
