"""Points of an annotation's geolocation grid, and outlines of bursts on it."""

import math
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any, NamedTuple

from rtcflow_safe.xml import text_of, time_of

# Longitude and latitude of a closed ring, degrees.
Ring = tuple[tuple[float, float], ...]


class GridPoint(NamedTuple):
    """A point of the geolocation grid in degrees and metres, with the two-way time in seconds."""

    time: datetime
    slant_range_time_s: float
    line: int
    pixel: int
    latitude: float
    longitude: float
    height_m: float
    incidence_deg: float


def read_point(element: ET.Element) -> GridPoint:
    """Read a point; raises ValueError if it is incomplete or not on the earth."""
    values: dict[str, Any] = {
        name: float(text_of(element, name))
        for name in ("slantRangeTime", "line", "pixel", "latitude", "longitude", "height", "incidenceAngle")
    }
    if not all(math.isfinite(value) for value in values.values()):
        raise ValueError("a point of the geolocation grid is not finite")
    if not (abs(values["latitude"]) <= 90 and abs(values["longitude"]) <= 360):
        raise ValueError("a point of the geolocation grid is not on the earth")
    if not 0 < values["incidenceAngle"] < 90:
        raise ValueError(
            f"a point of the geolocation grid has an incidence angle of {values['incidenceAngle']:g}"
        )
    return GridPoint(
        time_of(text_of(element, "azimuthTime")),
        values["slantRangeTime"],
        int(values["line"]),
        int(values["pixel"]),
        values["latitude"],
        values["longitude"],
        values["height"],
        values["incidenceAngle"],
    )


def outline(grid: Sequence[GridPoint], start: datetime, stop: datetime) -> Ring:
    """Ring around the ground that was imaged between two times; empty if the grid does not cover it."""
    rows = _grid_rows(grid)
    first, last = _edge(rows, start), _edge(rows, stop)
    return (*first, *reversed(last), first[0]) if first and last else ()


def _grid_rows(grid: Sequence[GridPoint]) -> list[list[GridPoint]]:
    """Rows of the geolocation grid by time, each from near to far."""
    rows: dict[int, list[GridPoint]] = {}
    for point in grid:
        rows.setdefault(point.line, []).append(point)
    return sorted((sorted(row, key=lambda p: p.pixel) for row in rows.values()), key=lambda row: row[0].time)


def _edge(rows: Sequence[Sequence[GridPoint]], time: datetime) -> list[tuple[float, float]]:
    """The ground line imaged at a time, interpolated between two rows of the grid; empty outside the grid."""
    for before, after in pairwise(rows):
        # The grid ends a line or two before or after the last burst does.
        if (before[0].time <= time or before is rows[0]) and (time <= after[0].time or after is rows[-1]):
            span = (after[0].time - before[0].time).total_seconds()
            share = min(max((time - before[0].time).total_seconds() / span, 0.0), 1.0)
            return [_between(a, b, share) for a, b in zip(before, after, strict=True)]
    return []


def _between(a: GridPoint, b: GridPoint, share: float) -> tuple[float, float]:
    turn = math.remainder(b.longitude - a.longitude, 360.0)
    return a.longitude + share * turn, a.latitude + share * (b.latitude - a.latitude)
