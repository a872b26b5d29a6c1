"""Read burst grids from a burst database with OPERA's sqlite schema.

Table `burst_id_map` has one row per burst: `burst_id_jpl`, `epsg` and the bounds `xmin, ymin, xmax, ymax` in metres.
Bounds are snapped outwards to the pixel size; for another CRS their densified outline is reprojected first.
"""

import json
import math
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError
from shapely import MultiPolygon, Polygon, affinity, box, unary_union
from shapely.errors import ShapelyError
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from rtcflow_contract.burst_id import normalize_burst_id
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.grid import Grid

_QUERY = "SELECT burst_id_jpl, epsg, xmin, ymin, xmax, ymax FROM burst_id_map ORDER BY epsg, burst_id_jpl"
_POINTS_A_SIDE = 8
_Bounds = tuple[float, float, float, float]


class DatabaseBurst(NamedTuple):
    """A burst of the database; `bounds` are left, bottom, right, top in metres, `outline` degrees."""

    burst_id: str
    epsg: int
    bounds: _Bounds
    outline: Polygon

    def grid(self, spacing: float, epsg: int | None = None) -> Grid:
        """The burst's grid with a pixel size in metres, in its own CRS or another.

        Raises
        ------
        RefusedError
            When the CRS does not cover the burst.
        """
        left, bottom, right, top = (
            self.bounds if epsg in (None, self.epsg) else self._bounds_in(int(epsg or 0))
        )
        left, bottom = (math.floor(value / spacing) * spacing for value in (left, bottom))
        right, top = (math.ceil(value / spacing) * spacing for value in (right, top))
        return Grid(
            epsg=epsg or self.epsg,
            left=left,
            top=top,
            spacing=spacing,
            rows=round((top - bottom) / spacing),
            cols=round((right - left) / spacing),
        )

    def _bounds_in(self, epsg: int) -> _Bounds:
        x, y = _ring(np.array([self.bounds]))
        try:
            x, y = Transformer.from_crs(self.epsg, epsg, always_xy=True).transform(x[0], y[0])
        except CRSError as error:
            raise RefusedError(
                f"output_crs {epsg} is not a known EPSG code; give one like 3031", "crs"
            ) from error
        if not (np.isfinite(x).all() and np.isfinite(y).all()):
            raise RefusedError(f"output_crs {epsg} does not cover burst {self.burst_id}; give another", "crs")
        return float(x.min()), float(y.min()), float(x.max()), float(y.max())


def read_database(path: Path, area: BaseGeometry) -> Iterator[DatabaseBurst]:
    """Bursts of a database whose grid intersects an area.

    Parameters
    ----------
    path : Path
    area : shapely geometry
        Degrees; longitudes may go beyond 180.

    Raises
    ------
    RefusedError
        When the file is not a burst database.
    """
    if not path.is_file():
        raise RefusedError(f"{path} is not a file; give the burst database", reason="burst-database")
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
            for epsg, rows in groupby(database.execute(_QUERY), key=lambda row: int(row[1])):
                yield from _meeting(epsg, list(rows), area)
    except (sqlite3.Error, CRSError, ValueError, TypeError) as error:
        raise RefusedError(
            f"{path} is not a burst database ({error}); it needs a table burst_id_map with burst_id_jpl, epsg, xmin, "
            "ymin, xmax and ymax",
            reason="burst-database",
        ) from error


def read_area(text: str) -> BaseGeometry:
    """Read an area from a GeoJSON file or from `west,south,east,north` in degrees.

    Raises
    ------
    RefusedError
        When it is neither.
    """
    if Path(text).suffix.lower() in (".json", ".geojson"):
        return _area_of_file(Path(text))
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        west = south = east = north = math.nan
    if not (south < north and west != east and south >= -90 and north <= 90):
        raise RefusedError(
            f"area '{text}' is neither a GeoJSON file nor west,south,east,north in degrees; give one of them",
            reason="area",
        )
    return box(west, south, east if east > west else east + 360.0, north)


def _area_of_file(path: Path) -> BaseGeometry:
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        features = content["features"] if content.get("type") == "FeatureCollection" else [content]
        area = unary_union([shape(feature.get("geometry", feature)) for feature in features])
    except (OSError, ValueError, RecursionError, KeyError, TypeError, AttributeError, ShapelyError) as error:
        raise RefusedError(
            f"{path} is not a GeoJSON file ({error}); give polygons in degrees", "area"
        ) from error
    if not isinstance(area, Polygon | MultiPolygon) or area.is_empty:
        raise RefusedError(f"{path} holds no polygon; give polygons in degrees", reason="area")
    return area


def _meeting(epsg: int, rows: list[tuple[Any, ...]], area: BaseGeometry) -> Iterator[DatabaseBurst]:
    """Bursts of one CRS that intersect the area, after a vectorized check of their boxes in degrees."""
    bounds = np.array([row[2:] for row in rows], float)
    x, y = _ring(bounds)
    lon, lat = Transformer.from_crs(CRS.from_epsg(epsg), 4326, always_xy=True).transform(x, y)
    lon = np.degrees(np.unwrap(np.radians(lon), axis=1))
    west, south, east, north = area.bounds
    for turn in (-360.0, 0.0, 360.0):
        near = (
            (lon.min(axis=1) + turn <= east)
            & (lon.max(axis=1) + turn >= west)
            & (lat.min(axis=1) <= north)
            & (lat.max(axis=1) >= south)
        )
        for k in np.flatnonzero(near):
            outline = Polygon(np.column_stack((lon[k], lat[k])))
            if affinity.translate(outline, turn).intersects(area):
                left, bottom, right, top = bounds[k]
                yield DatabaseBurst(
                    normalize_burst_id(str(rows[k][0])), epsg, (left, bottom, right, top), outline
                )


def _ring(bounds: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points along the outlines of boxes (n, 4), as x and y of shape (n, points)."""
    left, bottom, right, top = (bounds[:, k, None] for k in range(4))
    up = np.linspace(0, 1, _POINTS_A_SIDE, endpoint=False)
    x = np.hstack((left + up * (right - left), right + 0 * up, right - up * (right - left), left + 0 * up))
    y = np.hstack((bottom + 0 * up, bottom + up * (top - bottom), top + 0 * up, top - up * (top - bottom)))
    return x, y
