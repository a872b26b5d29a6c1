"""Lay out a map of footprints and browse images, in a projection around the scene.

Lambert azimuthal equal-area around the footprints' centre: works at the poles and the antimeridian, with north up at
the centre and true distances within a scene.
"""

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from pyproj import CRS, Transformer

from rtcflow_contract.grid import Grid
from rtcflow_local.report.coastline import coast_in

Point = tuple[float, float]
_WIDTH, _MAX_HEIGHT, _MARGIN = 900.0, 640.0, 34.0
_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0)
_BARS_KM = (1, 2, 5, 10, 20, 50, 100, 200, 500)
_LINE_POINTS = 33


class Shape(NamedTuple):
    """A burst's footprint (GeoJSON geometry), and the grid and size in pixels of its image."""

    key: str
    footprint: dict[str, Any]
    grid: Grid | None = None
    picture: tuple[int, int] | None = None


class Placed(NamedTuple):
    """A burst on the map: SVG path, position of its label, and matrix from image pixels to the map."""

    key: str
    path: str
    label: Point
    matrix: str | None


class GridLine(NamedTuple):
    """A meridian or parallel: an SVG path, and its label at the map's edge."""

    path: str
    text: str
    at: Point
    vertical: bool


@dataclass(frozen=True)
class Map:
    """A map of `width` by `height`; the scale bar is `bar` wide and represents `bar_km` kilometres."""

    width: float
    height: float
    bursts: tuple[Placed, ...]
    lines: tuple[GridLine, ...]
    bar: float
    bar_km: int
    coast: tuple[str, ...] = ()


def make_map(shapes: Sequence[Shape]) -> Map | None:
    """Lay out a map; None without shapes.

    Parameters
    ----------
    shapes : sequence of Shape
        Longitude and latitude in degrees, WGS 84.
    """
    rings = {shape.key: _rings(shape.footprint) for shape in shapes}
    every = [point for parts in rings.values() for ring in parts for point in ring]
    if not every:
        return None
    lon, lat = _middle(every)
    local = CRS.from_dict({"proj": "laea", "lat_0": lat, "lon_0": lon, "datum": "WGS84", "units": "m"})
    project = Transformer.from_crs(4326, local, always_xy=True)
    plane = {key: [_projected(project, ring) for ring in parts] for key, parts in rings.items()}
    flat = [point for parts in plane.values() for ring in parts for point in ring]
    frame = _Frame.around(flat)
    placed = tuple(
        Placed(
            shape.key,
            " ".join(_path([frame.to_map(point) for point in ring]) + "Z" for ring in plane[shape.key]),
            frame.to_map(_mean([point for ring in plane[shape.key] for point in ring])),
            _matrix(shape.grid, shape.picture, local, frame) if shape.picture and shape.grid else None,
        )
        for shape in shapes
    )
    bar_km = max((km for km in _BARS_KM if km * 1000 * frame.scale <= frame.width / 4), default=_BARS_KM[0])
    lines = tuple(_graticule(project, frame))
    coast = tuple(_coast(project, frame))
    return Map(frame.width, frame.height, placed, lines, bar_km * 1000 * frame.scale, bar_km, coast)


class _Frame(NamedTuple):
    """Transforms metres in the plane to map coordinates, y down."""

    left: float
    top: float
    scale: float
    width: float
    height: float

    @classmethod
    def around(cls, points: Iterable[Point]) -> "_Frame":
        xs, ys = zip(*points, strict=True)
        wide, tall = max(max(xs) - min(xs), 1.0), max(max(ys) - min(ys), 1.0)
        scale = min((_WIDTH - 2 * _MARGIN) / wide, (_MAX_HEIGHT - 2 * _MARGIN) / tall)
        # A narrow scene is centred in a map of full width.
        spare = (_WIDTH / scale - wide) / 2
        return cls(min(xs) - spare, max(ys) + _MARGIN / scale, scale, _WIDTH, tall * scale + 2 * _MARGIN)

    def to_map(self, point: Point) -> Point:
        return (point[0] - self.left) * self.scale, (self.top - point[1]) * self.scale

    def to_plane(self, x: float, y: float) -> Point:
        return x / self.scale + self.left, self.top - y / self.scale


def _rings(geometry: dict[str, Any]) -> list[list[Point]]:
    polygons = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
    return [[(p[0], p[1]) for p in polygon[0]] for polygon in polygons]


def _middle(points: Iterable[Point]) -> Point:
    """Longitude and latitude of the mean direction, valid across the antimeridian."""
    x = y = z = 0.0
    for lon, lat in points:
        along, up = math.radians(lon), math.radians(lat)
        x, y, z = x + math.cos(up) * math.cos(along), y + math.cos(up) * math.sin(along), z + math.sin(up)
    return math.degrees(math.atan2(y, x)), math.degrees(math.atan2(z, math.hypot(x, y)))


def _projected(project: Transformer, points: Sequence[Point]) -> list[Point]:
    xs, ys = project.transform([p[0] for p in points], [p[1] for p in points])
    return list(zip(xs, ys, strict=True))


def _path(points: Sequence[Point]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)


def _mean(points: Sequence[Point]) -> Point:
    return sum(p[0] for p in points) / len(points), sum(p[1] for p in points) / len(points)


def _matrix(grid: Grid, size: tuple[int, int], local: CRS, frame: _Frame) -> str:
    """SVG matrix that places an image on its grid: affine through three corners, accurate to a pixel within a burst."""
    wide, tall = size
    to_local = Transformer.from_crs(grid.epsg, local, always_xy=True)
    corners = [(grid.left, grid.top), (grid.right, grid.top), (grid.left, grid.bottom)]
    (x0, y0), (x1, y1), (x2, y2) = (frame.to_map(p) for p in _projected(to_local, corners))
    values = ((x1 - x0) / wide, (y1 - y0) / wide, (x2 - x0) / tall, (y2 - y0) / tall, x0, y0)
    return " ".join(f"{value:.6g}" for value in values)


def _extent(project: Transformer, frame: _Frame) -> tuple[float, float, float, float]:
    """West, south, east and north of the map, degrees; beyond 180 if it crosses the antimeridian."""
    edge = [
        (x, y) for x in (0.0, frame.width / 2, frame.width) for y in (0.0, frame.height / 2, frame.height)
    ]
    inverse = [project.transform(*frame.to_plane(x, y), direction="INVERSE") for x, y in edge]
    south, north = min(p[1] for p in inverse), max(p[1] for p in inverse)
    middle = inverse[4][0]
    # Longitudes unwrapped around that of the centre.
    lons = [middle + (p[0] - middle + 180) % 360 - 180 for p in inverse]
    return min(lons), south, max(lons), north


def _coast(project: Transformer, frame: _Frame) -> Iterable[str]:
    for line in coast_in(*_extent(project, frame)):
        yield _path([frame.to_map(point) for point in _projected(project, line)])


def _graticule(project: Transformer, frame: _Frame) -> Iterable[GridLine]:
    west, south, east, north = _extent(project, frame)
    for low, high, meridian in ((west, east, True), (south, north, False)):
        step = next((s for s in _STEPS if (high - low) / s <= 7), _STEPS[-1])
        for number in range(math.ceil(low / step), math.floor(high / step) + 1):
            value = number * step
            line = _line(value, (south, north) if meridian else (west, east), meridian)
            points = [frame.to_map(point) for point in _projected(project, line)]
            at = _crossing(points, frame, meridian)
            if at is not None:
                yield GridLine(_path(points), _degrees(value, meridian, step), at, meridian)


def _line(value: float, span: tuple[float, float], meridian: bool) -> list[Point]:
    steps = [span[0] + (span[1] - span[0]) * i / (_LINE_POINTS - 1) for i in range(_LINE_POINTS)]
    return [(value, s) if meridian else (s, value) for s in steps]


def _crossing(points: Sequence[Point], frame: _Frame, meridian: bool) -> Point | None:
    """Where a line leaves the map: meridians at the upper, parallels at the left edge."""
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        a, b = (y0, y1) if meridian else (x0, x1)
        if a != b and min(a, b) <= 0.0 <= max(a, b):
            share = -a / (b - a)
            x, y = x0 + (x1 - x0) * share, y0 + (y1 - y0) * share
            inside = 0 <= (x if meridian else y) <= (frame.width if meridian else frame.height)
            return (x, y) if inside else None
    return None


def _degrees(value: float, meridian: bool, step: float) -> str:
    wrapped = (value + 180) % 360 - 180 if meridian else value
    digits = 0 if step >= 1 else 1 if step >= 0.1 else 2
    side = ("E" if wrapped >= 0 else "W") if meridian else ("N" if wrapped >= 0 else "S")
    return f"{abs(wrapped):.{digits}f}° {side}"
