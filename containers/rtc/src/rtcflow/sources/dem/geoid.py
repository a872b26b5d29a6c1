"""Height of the EGM2008 geoid above the WGS 84 ellipsoid, from a window of a global raster."""

import math

import numpy as np
import rasterio
from pyproj import CRS, Transformer
from rasterio.errors import RasterioIOError
from rasterio.windows import Window

from rtcflow.sources.dem.dem_area import area_of_bounds
from rtcflow.sources.dem.dem_values import HeightRaster
from rtcflow.sources.dem.remote import open_raster
from rtcflow_contract.errors import RefusedError
from rtcflow_files.files import Files

LOWEST_M, HIGHEST_M = -110.0, 90.0
# Nodes per degree.
_NODES = 120


def geoid_heights(place: Files, name: str, latitudes: np.ndarray, longitudes: np.ndarray) -> np.ndarray:
    """Geoid heights by bilinear interpolation.

    Parameters
    ----------
    place, name
        The raster, in geographic coordinates; global, or at least covering the area.
    latitudes : ndarray, shape (rows,)
        Degrees, falling.
    longitudes : ndarray, shape (cols,)
        Degrees, rising; may go beyond 180.

    Returns
    -------
    ndarray, shape (rows, cols)
        Metres, float32.

    Raises
    ------
    RefusedError
        When the raster cannot be read or does not cover the area.
    """
    href = place.href(name)
    try:
        with open_raster(place, name) as source:
            return _interpolate(source, href, latitudes, longitudes)
    except RasterioIOError as error:
        raise RefusedError(f"geoid {href} cannot be read ({error}); give another", reason="geoid") from error


def add_geoid(place: Files, name: str, heights: HeightRaster) -> None:
    """Convert heights above a geoid to heights above the ellipsoid, in place, in any CRS.

    In a projected CRS, the geoid is first sampled every half minute of arc.

    Raises
    ------
    RefusedError
        As `geoid_heights`.
    """
    if CRS(heights.crs).is_geographic:
        heights.values[:] += geoid_heights(place, name, heights.y, heights.x)
        return
    bounds = float(heights.x[0]), float(heights.y[-1]), float(heights.x[-1]), float(heights.y[0])
    area = area_of_bounds(bounds, heights.crs)
    first, last = (math.floor(area.south * _NODES) - 1, math.ceil(area.north * _NODES) + 1)
    lats = np.arange(min(last, 90 * _NODES), max(first, -90 * _NODES) - 1, -1) / _NODES
    lons = np.arange(math.floor(area.west * _NODES) - 1, math.ceil(area.east * _NODES) + 2) / _NODES
    nodes = geoid_heights(place, name, lats, lons)
    to_geographic = Transformer.from_crs(heights.crs, 4326, always_xy=True)
    for row, y in enumerate(heights.y):
        lon, lat = to_geographic.transform(heights.x, np.full_like(heights.x, y))
        lon = lon + 360.0 * np.round((0.5 * (lons[0] + lons[-1]) - lon) / 360.0)
        heights.values[row] += _bilinear(nodes, (lats[0] - lat) * _NODES, (lon - lons[0]) * _NODES)


def _bilinear(nodes: np.ndarray, row: np.ndarray, col: np.ndarray) -> np.ndarray:
    i = np.clip(np.floor(row).astype(np.intp), 0, nodes.shape[0] - 2)
    j = np.clip(np.floor(col).astype(np.intp), 0, nodes.shape[1] - 2)
    v, u = row - i, col - j
    upper = nodes[i, j] * (1 - u) + nodes[i, j + 1] * u
    lower = nodes[i + 1, j] * (1 - u) + nodes[i + 1, j + 1] * u
    return upper * (1 - v) + lower * v


def _interpolate(
    source: rasterio.DatasetReader, href: str, latitudes: np.ndarray, longitudes: np.ndarray
) -> np.ndarray:
    spacing_x, spacing_y = source.transform.a, -source.transform.e
    first_lon, first_lat = source.transform.c + spacing_x / 2, source.transform.f - spacing_y / 2
    turn = round(360.0 / spacing_x) if source.width * spacing_x > 359.9 else None
    row = np.clip((first_lat - latitudes) / spacing_y, 0, source.height - 1)
    col = (longitudes - first_lon) / spacing_x
    if turn is None:
        col -= 360.0 / spacing_x * math.floor(col[0] * spacing_x / 360.0)
    beyond = (first_lat - latitudes[[0, -1]]) / spacing_y - row[[0, -1]]
    outside = turn is None and (col[-1] > source.width - 1 or col[0] < 0)
    if outside or np.abs(beyond).max() > 1:
        raise RefusedError(
            f"geoid {href} does not cover the burst; give a global one", reason="geoid-coverage"
        )
    top, bottom = math.floor(row[0]), min(math.floor(row[-1]) + 1, source.height - 1)
    left, right = math.floor(col[0]), math.floor(col[-1]) + 1
    window = _columns(source, (top, bottom), (left, right), turn)
    low = np.floor(col).astype(np.intp)
    weight = (col - low).astype(np.float32)
    low = np.clip(low - left, 0, window.shape[1] - 2)
    across = window[:, low] + weight * (window[:, low + 1] - window[:, low])
    low = np.clip(np.floor(row).astype(np.intp) - top, 0, max(window.shape[0] - 2, 0))
    weight = (row - top - low).astype(np.float32)[:, None]
    # Geoid heights on Earth; a file with others is not a geoid, or damaged.
    if not (window.min() >= LOWEST_M and window.max() <= HIGHEST_M):
        raise RefusedError(
            f"geoid {href} has values of {window.min():g} to {window.max():g} m around the burst, where "
            f"{LOWEST_M:g} to {HIGHEST_M:g} m occur; give another",
            reason="geoid",
        )
    return across[low] + weight * (across[np.minimum(low + 1, window.shape[0] - 1)] - across[low])


def _columns(
    source: rasterio.DatasetReader, rows: tuple[int, int], cols: tuple[int, int], turn: int | None
) -> np.ndarray:
    """Rows and columns, both ends included; columns wrap around a global raster."""
    height = rows[1] - rows[0] + 1
    pieces = []
    at = cols[0]
    while at <= cols[1]:
        start = at % turn if turn else at
        width = min(cols[1] - at + 1, (turn or source.width) - start)
        if start >= source.width:
            start, width = source.width - 1, 1
        window = Window(start, rows[0], min(width, source.width - start), height)
        pieces.append(source.read(1, window=window).astype(np.float32))
        at += pieces[-1].shape[1]
    return np.concatenate(pieces, axis=1)
