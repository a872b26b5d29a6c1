"""Outer rings of areas in the form that the archive's catalogue accepts: closed, counter-clockwise, not too wide.

The catalogue treats the smaller side of a ring as its inside. With a ring that is too wide, or that goes around a pole,
it would search the rest of the globe.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

# Longitude, latitude of a closed ring, degrees.
Ring = tuple[tuple[float, float], ...]
Points = Sequence[tuple[float, float]]

# CMR's limit on the points of a polygon.
_MOST_POINTS = 5000
_WIDEST_DEG = 180.0
# A ring counts as lying at the antimeridian if all its corners are this near to it.
_NEAR_ANTIMERIDIAN_DEG = 45.0
_SMALLEST_DEG2 = 1e-9


def check_ring(points: Points) -> Ring:
    """Return the ring closed and counter-clockwise, with longitudes between -180 and 180.

    Longitudes from 0 to 360, and beyond 180 across the antimeridian, are wrapped.

    Raises
    ------
    ValueError
        Says in a sentence what is wrong and what to do.
    """
    if not all(
        math.isfinite(x) and math.isfinite(y) and -90 <= y <= 90 and -540 <= x <= 540 for x, y in points
    ):
        raise ValueError("must be in degrees (EPSG:4326); reproject it")
    if len(set(points)) < 3:
        raise ValueError("needs at least 3 corners; draw it again")
    if len(points) > _MOST_POINTS:
        raise ValueError(f"has {len(points)} points; simplify it to {_MOST_POINTS}")
    closed = _closed(points)
    plane = _unwrapped(closed)
    _check_width(closed, plane)
    crossing = _crossing(plane)
    if crossing is not None:
        x, y = crossing
        raise ValueError(f"crosses itself near longitude {_turned(x):.4f}, latitude {y:.4f}; draw it again")
    if abs(_doubled_area(plane)) < _SMALLEST_DEG2:
        raise ValueError("has no area; draw it again")
    ring = [(_turned(x), y) for x, y in closed]
    return tuple(ring if _doubled_area(plane) > 0 else reversed(ring))


def may_meet(one: Ring, other: Ring, margin_deg: float) -> bool:
    """Whether the bounding boxes of two rings, widened by a margin, intersect."""
    (west, south, east, north), (west2, south2, east2, north2) = box(one), box(other)
    if south - margin_deg > north2 or south2 - margin_deg > north:
        return False
    # A degree of longitude is shorter towards the poles.
    widest = max(abs(south), abs(north), abs(south2), abs(north2))
    margin = margin_deg / max(math.cos(math.radians(min(widest, 89.0))), 0.02)
    apart = (west2 - west) % 360
    return apart <= east - west + margin or 360 - apart <= east2 - west2 + margin


def box(ring: Ring) -> tuple[float, float, float, float]:
    """West, south, east, north of a ring; east is above 180 for a ring across the antimeridian."""
    plane = _unwrapped(ring)
    return (
        min(x for x, _ in plane),
        min(y for _, y in plane),
        max(x for x, _ in plane),
        max(y for _, y in plane),
    )


def _closed(points: Points) -> list[tuple[float, float]]:
    once = [point for number, point in enumerate(points) if not number or point != points[number - 1]]
    return once if once[0] == once[-1] else [*once, once[0]]


def _turned(x: float) -> float:
    """The longitude wrapped to -180 to 180."""
    return x if -180 <= x <= 180 else (x + 180) % 360 - 180


def _unwrapped(closed: Points) -> list[tuple[float, float]]:
    """The ring unwrapped on a plane: each corner is reached from the one before by the shorter way."""
    plane = [closed[0]]
    for x, y in closed[1:]:
        before = plane[-1][0]
        plane.append((before + (x - before + 180) % 360 - 180, y))
    return plane


def _check_width(closed: Points, plane: Points) -> None:
    if abs(plane[-1][0] - plane[0][0]) > 1:
        raise ValueError("goes around a pole; cut it into sectors")
    drawn = max(x for x, _ in closed) - min(x for x, _ in closed)
    width = max(x for x, _ in plane) - min(x for x, _ in plane)
    at_antimeridian = all(abs(_turned(x)) >= 180 - _NEAR_ANTIMERIDIAN_DEG for x, _ in closed)
    if width >= _WIDEST_DEG or drawn >= 360 or (drawn >= _WIDEST_DEG and not at_antimeridian):
        raise ValueError(
            f"is {max(width, drawn):.0f} degrees wide, and an area must be less than half the globe wide; cut it into "
            "sectors"
        )


def _doubled_area(plane: Points) -> float:
    return sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in pairwise(plane))


def _crossing(plane: Points) -> tuple[float, float] | None:
    """Where two sides that are not neighbours meet; None if none do."""
    sides = sorted(
        ((min(a[0], b[0]), max(a[0], b[0]), number, a, b) for number, (a, b) in enumerate(pairwise(plane))),
        key=lambda side: side[0],
    )
    last = len(sides) - 1
    open_sides: list[tuple[float, float, int, tuple[float, float], tuple[float, float]]] = []
    for side in sides:
        low, _, number, a, b = side
        open_sides = [other for other in open_sides if other[1] >= low]
        for _, _, before, c, d in open_sides:
            if abs(number - before) in (1, last):
                continue
            if _meet(a, b, c, d):
                return a
        open_sides.append(side)
    return None


def _meet(
    a: tuple[float, float], b: tuple[float, float], c: tuple[float, float], d: tuple[float, float]
) -> bool:
    if max(a[1], b[1]) < min(c[1], d[1]) or max(c[1], d[1]) < min(a[1], b[1]):
        return False
    sides = (_side(a, b, c), _side(a, b, d), _side(c, d, a), _side(c, d, b))
    if sides[0] * sides[1] < 0 and sides[2] * sides[3] < 0:
        return True
    # A corner on another side.
    return any(
        side == 0
        and min(p[0], q[0]) <= r[0] <= max(p[0], q[0])
        and min(p[1], q[1]) <= r[1] <= max(p[1], q[1])
        for side, p, q, r in zip(sides, (a, a, c, c), (b, b, d, d), (c, d, a, b), strict=True)
    )


def _side(a: tuple[float, float], b: tuple[float, float], point: tuple[float, float]) -> float:
    return (b[0] - a[0]) * (point[1] - a[1]) - (b[1] - a[1]) * (point[0] - a[0])
