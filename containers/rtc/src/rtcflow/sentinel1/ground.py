"""The ground of a burst by its geolocation grid, and checks that orbit, grid and id agree with it.

A burst id, orbit or map grid of another place would silently give a wrong product, so each is checked against the
ground before anything is computed.
"""

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pyproj import Transformer
from shapely.geometry import Polygon, box

from rtcflow.sentinel1.burst_metadata import Burst
from rtcflow.sentinel1.orbit import OrbitPolynomial, fit_orbit, read_orbit, state_vectors_before
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.grid import Grid
from rtcflow_safe.annotation import SPEED_OF_LIGHT, Annotation, read_annotation
from rtcflow_safe.grid_points import GridPoint
from rtcflow_safe.identity import label_bursts

# Share of the burst's footprint on its grid. Grids of burst databases cut a few pixels at the edges of some passes.
_LEAST_COVER = 0.98
# Geolocation grids are accurate to metres, or to tens of metres if they were made from the satellite's own navigation.
# Larger differences are reported; hundreds of metres mean another time or place.
_SAID_TIME_S, _SAID_RANGE_M = 0.01, 50.0
_MOST_TIME_S, _MOST_RANGE_M = 0.03, 200.0
# Lines and samples; a scene of IPF 3.20 repeats them to an eighth.
_MOST_OFF_GRID = 5.0
_POINTS_A_SIDE = 9
_A_ROW_S = 0.5
_TO_ECEF = Transformer.from_crs(4979, 4978, always_xy=True)


def check_identity(burst: Burst, annotation: Path, orbit: Path, track: int) -> tuple[str, ...]:
    """Check a burst's id and its annotated ground against the orbit file; returns remarks for the user.

    Parameters
    ----------
    burst : Burst
    annotation, orbit : Path
    track : int
        Relative orbit number at the start of the scene, by its manifest.

    Raises
    ------
    RefusedError
        When by the orbit file it is another burst, or its ground is elsewhere.
    """
    read = read_annotation(annotation)
    entry = read.entries[burst.index]
    (label,) = label_bursts(burst.swath, [entry], state_vectors_before(orbit, entry.sensed), track)
    if label.burst_id != burst.burst_id:
        raise RefusedError(
            f"by orbit file {orbit.name} the burst sensed at {entry.sensed:%Y-%m-%dT%H:%M:%S} is "
            f"{label.burst_id}, not {burst.burst_id}: its time since the ascending node or its orbit is wrong; "
            "check scene and orbit file",
            reason="burst-id",
        )
    _check_raster(burst, read)
    middle = 0.5 * (burst.lines - 1) * burst.azimuth_interval_s
    vectors = read_orbit(orbit, burst.sensing_start)
    off = _check_ground(burst, read, fit_orbit(vectors, 0.0, 2 * middle), orbit.name)
    return tuple(f"{burst.burst_id}: {remark}" for remark in (label.remark, off) if remark)


def _check_raster(burst: Burst, read: Annotation) -> None:
    """Compare the timing of lines and samples with the geolocation grid, which repeats it."""
    last = len(read.entries) - 1
    samples, lines = [0.0], [0.0]
    for point in read.grid:
        index = min(point.line // burst.lines, last)
        if index not in (burst.index, last):
            continue
        line = point.line - index * burst.lines
        late = (point.time - read.entries[index].time).total_seconds() - line * burst.azimuth_interval_s
        far = point.slant_range_time_s * SPEED_OF_LIGHT / 2 - burst.starting_range_m
        lines.append(abs(late / burst.azimuth_interval_s))
        samples.append(abs(far / burst.range_spacing_m - point.pixel))
    if max(samples) > _MOST_OFF_GRID or max(lines) > _MOST_OFF_GRID:
        raise read.unreadable(
            f"its times and ranges contradict its geolocation grid by {max(lines):,.1f} lines and {max(samples):,.1f} "
            "samples"
        )


def _check_ground(burst: Burst, read: Annotation, orbit: OrbitPolynomial, name: str) -> str:
    """Compare the annotated ground with the orbit file; returns a remark if they differ by more than they should."""
    points = _rows_of(burst, read.grid)
    if not points:
        raise read.unreadable("its geolocation grid has no point of the burst")
    position = np.stack(
        _TO_ECEF.transform(
            [p.longitude for p in points], [p.latitude for p in points], [p.height_m for p in points]
        ),
        axis=1,
    )
    annotated = np.array([(p.time - burst.sensing_start).total_seconds() for p in points])
    seconds, ranges = _zero_doppler(position, annotated, orbit)
    late = float(np.median(np.abs(seconds - annotated)))
    far = float(np.median(np.abs(ranges - [p.slant_range_time_s * SPEED_OF_LIGHT / 2 for p in points])))
    if not (late < _MOST_TIME_S and far < _MOST_RANGE_M):
        raise RefusedError(
            f"the annotation puts the ground of {burst.burst_id} {late:.3f} s and {far:,.0f} m of range from where "
            f"orbit file {name} puts it (at most {_MOST_TIME_S} s and {_MOST_RANGE_M:.0f} m); times, geolocation grid "
            "or orbit are wrong: fetch scene and orbit file again",
            reason="burst-ground",
        )
    if late < _SAID_TIME_S and far < _SAID_RANGE_M:
        return ""
    return (
        f"the annotation puts its ground {late:.3f} s and {far:,.0f} m of range from where orbit file {name} has it, "
        "which is more than either's error"
    )


def _zero_doppler(
    points: NDArray[np.float64], guess: NDArray[np.float64], orbit: OrbitPolynomial
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Zero-Doppler times and slant ranges of Earth-fixed points (n, 3), by Newton's iteration."""
    seconds = guess.copy()
    for _ in range(6):
        offset, velocity = points - orbit.position(seconds), orbit.velocity(seconds)
        step = np.einsum("ij,ij->i", offset, velocity) / np.einsum("ij,ij->i", velocity, velocity)
        # Outside its window the polynomial is meaningless, but the residual is large enough anyway.
        seconds = np.clip(seconds + step, orbit.window_s[0], orbit.window_s[1])
    return seconds, np.linalg.norm(points - orbit.position(seconds), axis=1)


def _rows_of(burst: Burst, grid: list[GridPoint]) -> list[GridPoint]:
    """Points of the geolocation grid in the rows of a burst."""
    start, stop = burst.sensing_start, burst.sensing_stop

    def off(point: GridPoint) -> float:
        return max((start - point.time).total_seconds(), (point.time - stop).total_seconds(), 0.0)

    return [point for point in grid if off(point) < _A_ROW_S]


def outline(burst: Burst, annotation: Path) -> NDArray[np.float64]:
    """Ring of the burst's valid samples by the geolocation grid, (points, 2): longitude, continuous, and latitude.

    Raises
    ------
    RefusedError
        When the geolocation grid has no rows around the burst.
    """
    read = read_annotation(annotation)
    rows = sorted({point.line for point in read.grid})
    pixels = sorted({point.pixel for point in read.grid})
    by_place = {(point.line, point.pixel): point for point in read.grid}
    if len(rows) < 2 or len(pixels) < 2 or len(by_place) != len(rows) * len(pixels):
        raise read.unreadable("its geolocation grid is not a grid")
    # Bursts overlap or leave gaps, so a row belongs to a time, not to a line of the raster.
    times = [(by_place[row, pixels[0]].time - burst.sensing_start).total_seconds() for row in rows]
    lines = np.array([burst.first_valid_line, burst.last_valid_line]) * burst.azimuth_interval_s
    samples = np.array([burst.first_valid_sample, burst.last_valid_sample])
    share = np.linspace(0, 1, _POINTS_A_SIDE, endpoint=False)
    up, down = share, 1 - share
    along = np.concatenate([np.zeros(share.size), up, np.ones(share.size), down])
    across = np.concatenate([up, np.ones(share.size), down, np.zeros(share.size)])
    table = np.array(
        [
            [(by_place[row, pixel].longitude, by_place[row, pixel].latitude) for pixel in pixels]
            for row in rows
        ]
    )
    table[..., 0] = table[0, 0, 0] + np.vectorize(lambda lon: math.remainder(lon - table[0, 0, 0], 360.0))(
        table[..., 0]
    )
    return _bilinear(
        table,
        np.interp(lines[0] + along * (lines[1] - lines[0]), times, np.arange(len(rows))),
        np.interp(samples[0] + across * (samples[1] - samples[0]), pixels, np.arange(len(pixels))),
    )


def _bilinear(
    table: NDArray[np.float64], rows: NDArray[np.float64], cols: NDArray[np.float64]
) -> NDArray[np.float64]:
    i = np.minimum(rows.astype(int), table.shape[0] - 2)
    j = np.minimum(cols.astype(int), table.shape[1] - 2)
    f, g = (rows - i)[:, None], (cols - j)[:, None]
    return (1 - f) * ((1 - g) * table[i, j] + g * table[i, j + 1]) + f * (
        (1 - g) * table[i + 1, j] + g * table[i + 1, j + 1]
    )


def refuse_partial_grid(grid: Grid, ring: NDArray[np.float64], burst_id: str, origin: str) -> None:
    """Refuse a grid that does not cover the burst, because it belongs to another one or was cut.

    Raises
    ------
    RefusedError
        Gives the share of the burst's footprint that the grid covers.
    """
    x, y = Transformer.from_crs(4326, grid.epsg, always_xy=True).transform(ring[:, 0], ring[:, 1])
    covered = 0.0
    if np.isfinite(x).all() and np.isfinite(y).all():
        footprint = Polygon(np.stack((x, y), axis=1)).buffer(0)
        covered = footprint.intersection(box(*grid.bounds)).area / footprint.area if footprint.area else 0.0
    if covered < _LEAST_COVER:
        raise RefusedError(
            f"the grid of {burst_id} ({origin}, EPSG:{grid.epsg}, bounds {grid.bounds}) covers {100 * covered:.0f} "
            "% of the burst's footprint: it belongs to another burst or was cut; remove that grid, or give another",
            reason="grid-partial",
        )
