"""Footprint of valid data as GeoJSON in WGS 84, split at the antimeridian (RFC 7946, sections 3.1.9 and 5.2)."""

from typing import Any, NamedTuple

import numpy as np
from pyproj import Transformer
from rasterio.features import shapes
from rasterio.transform import Affine
from shapely import affinity, box, segmentize, transform, union_all
from shapely.geometry import MultiPolygon, Polygon, mapping, shape
from shapely.geometry.base import BaseGeometry
from shapely.geometry.polygon import orient

from rtcflow.sources.dem.dem_area import continuous
from rtcflow_contract.errors import DefectError
from rtcflow_contract.grid import Grid

_CELLS_ACROSS = 400
_SEGMENT_CELLS = 20
_DIGITS = 6


class Footprint(NamedTuple):
    """Geometry (Polygon or MultiPolygon) and its (west, south, east, north), west > east across the antimeridian."""

    geometry: dict[str, Any]
    bbox: tuple[float, float, float, float]


def footprint_of(valid: np.ndarray, grid: Grid) -> Footprint:
    """Outline of valid pixels, accurate to a four-hundredth of the grid's longer side.

    Parameters
    ----------
    valid : ndarray of bool, shape (rows, cols)
    grid : Grid

    Raises
    ------
    DefectError
        When no pixel is valid.
    """
    if not valid.any():
        raise DefectError("no pixel of the product is valid", reason="no-valid-pixels")
    factor = max(1, max(valid.shape) // _CELLS_ACROSS)
    outline = _outline(_coarse(valid, factor), grid, factor)
    lonlat = _to_lonlat(segmentize(outline, _SEGMENT_CELLS * factor * grid.spacing), grid.epsg)
    parts = _split(lonlat)
    west, east = parts[0].bounds[0], parts[-1].bounds[2]
    south = min(part.bounds[1] for part in parts)
    north = max(part.bounds[3] for part in parts)
    polygons = [orient(polygon) for part in parts for polygon in _polygons(part)]
    geometry = polygons[0] if len(polygons) == 1 else MultiPolygon(polygons)
    bbox = (round(west, _DIGITS), round(south, _DIGITS), round(east, _DIGITS), round(north, _DIGITS))
    return Footprint(_rounded(mapping(geometry)), bbox)


def _coarse(valid: np.ndarray, factor: int) -> np.ndarray:
    """Downsample by a factor: cells with any valid pixel."""
    rows, cols = (-(-size // factor) * factor for size in valid.shape)
    padded = np.zeros((rows, cols), bool)
    padded[: valid.shape[0], : valid.shape[1]] = valid
    # Whole rows first, which lie in memory one after the other.
    of_rows = padded.reshape(rows // factor, factor, cols).any(axis=1)
    return np.asarray(of_rows.reshape(rows // factor, cols // factor, factor).any(axis=2))


def _outline(cells: np.ndarray, grid: Grid, factor: int) -> BaseGeometry:
    size = grid.spacing * factor
    to_map = Affine(size, 0, grid.left, 0, -size, grid.top)
    found = [
        shape(geometry)
        for geometry, _ in shapes(cells.astype(np.uint8), cells, connectivity=8, transform=to_map)
    ]
    largest = max(polygon.area for polygon in found)
    # Specks and holes are left out of the outline.
    kept = [Polygon(polygon.exterior).buffer(0) for polygon in found if polygon.area >= 0.01 * largest]
    within = box(*grid.bounds)
    return union_all(kept).simplify(1.5 * size).intersection(within)


def _to_lonlat(geometry: BaseGeometry, epsg: int) -> BaseGeometry:
    to_geographic = Transformer.from_crs(epsg, 4326, always_xy=True)

    def project(points: np.ndarray) -> np.ndarray:
        lon, lat = to_geographic.transform(points[:, 0], points[:, 1])
        return np.column_stack([lon, lat])

    polygons = [transform(polygon, project) for polygon in _polygons(geometry)]
    rings = [np.array(polygon.exterior.coords) for polygon in polygons]
    for ring in rings:
        ring[:, 0] = continuous(ring[:, 0])
        # Within 180 degrees of the first part, so that neighbours on the ground stay neighbours.
        ring[:, 0] += 360.0 * round((rings[0][0, 0] - ring[0, 0]) / 360.0)
    return MultiPolygon([Polygon(ring).buffer(0) for ring in rings])


def _split(geometry: BaseGeometry) -> list[BaseGeometry]:
    """Parts in [-180, 180], from west to east on the ground."""
    turned = [
        affinity.translate(geometry.intersection(box(-180 + turn, -90, 180 + turn, 90)), xoff=-turn)
        for turn in (-360, 0, 360)
    ]
    return [part for part in turned if not part.is_empty and part.area > 0]


def _polygons(geometry: BaseGeometry) -> list[Polygon]:
    if isinstance(geometry, Polygon):
        return [geometry]
    return [
        part for part in getattr(geometry, "geoms", []) if isinstance(part, Polygon) and not part.is_empty
    ]


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return round(value, _DIGITS) if isinstance(value, float) else value
