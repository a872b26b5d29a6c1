"""One raster of heights from tiles whose longitude spacing changes with latitude.

Copernicus DEM Product Handbook (GEO.2018-1988-2), tiling and spacing: the centre of a tile's first pixel lies on the
tile's upper left corner, so neighbours continue each other without overlap; spacing in longitude grows at 50, 60,
70, 80 and 85 degrees of latitude.
"""

import math
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import rasterio
from rasterio.errors import RasterioError
from rasterio.windows import Window

from rtcflow.sources.dem.dem_area import Area
from rtcflow.sources.dem.dem_values import HeightRaster, read_values, void_impossible
from rtcflow.sources.dem.tiles import Tile
from rtcflow.sources.shared import Shared
from rtcflow_contract.errors import RefusedError

# GLO-30's spacing, for an area that is all sea.
_SEA_SHAPE = (3600, 3600)
# Of a degree; a tenth of a second of arc.
_MOST_POSTINGS = 36_000
# Of a posting: what is nearer to one than this is on it, and need not be interpolated.
_ON_POSTING = 1e-6


def mosaic(tiles: Mapping[Tile, Path | None], area: Area, shared: Shared | None = None) -> HeightRaster:
    """Heights above the geoid over an area, zero over sea, NaN where void, at the finest spacing of the tiles.

    Parameters
    ----------
    tiles : mapping
        Every tile of the area, with None for sea.
    area : Area
    shared : Shared, optional
        Keeps tiles open for the bursts of one task.

    Raises
    ------
    RefusedError
        When a tile cannot be read or is not laid out as the archive's are.
    """
    rasters = {tile: _read(tile, path, area, shared) for tile, path in tiles.items() if path is not None}
    shapes = [raster.shape for raster in rasters.values()] or [_SEA_SHAPE]
    per_lat, per_lon = (max(shape[axis] for shape in shapes) for axis in (0, 1))
    first_row, last_row = math.ceil(area.north * per_lat), math.floor(area.south * per_lat)
    first_col, last_col = math.floor(area.west * per_lon), math.ceil(area.east * per_lon)
    row_index = np.arange(first_row, last_row - 1, -1)
    col_index = np.arange(first_col, last_col + 1)
    values = np.zeros((row_index.size, col_index.size), np.float32)
    # A tile's rows are centred on (lat, lat + 1]: its upper edge belongs to it, its lower edge does not.
    for lat in {tile.lat for tile in rasters}:
        in_band = np.flatnonzero((row_index > lat * per_lat) & (row_index <= (lat + 1) * per_lat))
        if in_band.size:
            # Rows fall one by one: those of the band that the area has are a run of them.
            rows = slice(in_band[0], in_band[-1] + 1)
            first = (lat + 1) * per_lat - int(row_index[rows.start])
            of_tiles = slice(first, first + in_band.size)
            in_row = {t.lon: r for t, r in rasters.items() if t.lat == lat}
            values[rows] = _band(in_row, per_lat, of_tiles, col_index / per_lon)
    return HeightRaster(values, row_index / per_lat, col_index / per_lon)


def sea_of(tiles: Mapping[Tile, Path | None], heights: HeightRaster) -> np.ndarray:
    """Postings of a mosaic that no tile holds, (rows, cols) bool."""
    land = {(tile.lat, tile.lon) for tile, path in tiles.items() if path is not None}
    # As in `mosaic`: the upper and the western edge belong to a tile.
    lats, lons = np.ceil(heights.y).astype(int) - 1, np.floor(heights.x).astype(int)
    found = np.ones(heights.values.shape, bool)
    for lat, lon in land:
        found[np.ix_(lats == lat, lons == lon)] = False
    return found


def _band(rasters: dict[int, np.ndarray], per_lat: int, rows: slice, longitudes: np.ndarray) -> np.ndarray:
    """Rows of the tiles of one degree of latitude side by side, (rows, cols), at the given longitudes."""
    per_lon = max(raster.shape[1] for raster in rasters.values())
    first = math.floor(longitudes[0])
    degrees = math.floor(longitudes[-1]) + 1 - first
    side_by_side = np.zeros((rows.stop - rows.start, degrees * per_lon + 1), np.float32)
    for lon, raster in rasters.items():
        at = (lon - first) * per_lon
        if 0 <= at < degrees * per_lon:
            side_by_side[:, at : at + per_lon] = _resized(raster, (per_lat, per_lon))[rows]
    side_by_side[:, -1] = side_by_side[:, -2]
    return _interpolated(side_by_side, (longitudes - first) * per_lon, axis=1)


def _resized(raster: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    for axis in (0, 1):
        if raster.shape[axis] != shape[axis]:
            at = np.arange(shape[axis]) * (raster.shape[axis] / shape[axis])
            # A tile ends a cell before the next begins: the slope goes on, or a coarse tile would end in a step.
            raster = _interpolated(raster, at, axis, beyond=True)
    return raster


def _interpolated(values: np.ndarray, at: np.ndarray, axis: int, beyond: bool = False) -> np.ndarray:
    """Linear interpolation along an axis at fractional indices; `beyond` the ends linear too, or held constant."""
    on = np.rint(at)
    if np.abs(at - on).max() < _ON_POSTING and on[0] >= 0 and on[-1] < values.shape[axis]:
        return values.take(on.astype(np.intp), axis)
    if not beyond:
        at = np.clip(at, 0, values.shape[axis] - 1)
    low = np.minimum(np.floor(at).astype(np.intp), max(values.shape[axis] - 2, 0))
    weight = (at - low).astype(np.float32)
    weight = weight[None, :] if axis else weight[:, None]
    lower, upper = np.take(values, low, axis), np.take(values, low + 1, axis)
    return lower + weight * (upper - lower)


class _OpenTile:
    """A tile that stays open, so that blocks which GDAL unpacked for one burst serve its neighbours."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._source = rasterio.open(path)

    @contextmanager
    def reading(self) -> Iterator[rasterio.DatasetReader]:
        """The tile, for one thread at a time."""
        with self._lock:
            yield self._source


@contextmanager
def _opened(path: Path, shared: Shared | None) -> Iterator[rasterio.DatasetReader]:
    if shared is None:
        with rasterio.open(path) as source:
            yield source
        return
    # A tile that was fetched once is the same file under each burst's own name.
    file = path.stat()
    tile = shared.once(("open tile", file.st_dev, file.st_ino), lambda: _OpenTile(path))
    with tile.reading() as source:
        yield source


def _read(tile: Tile, path: Path, area: Area, shared: Shared | None) -> np.ndarray:
    """A tile's heights, read where the area is and left at zero elsewhere."""
    try:
        with _opened(path, shared) as source:
            _check_layout(source, tile, path)
            per_lat, per_lon = source.shape
            top = max(0, math.floor((tile.lat + 1 - area.north) * per_lat) - 1)
            bottom = min(per_lat, math.ceil((tile.lat + 1 - area.south) * per_lat) + 2)
            left = max(0, math.floor((area.west - tile.lon) * per_lon) - 1)
            right = min(per_lon, math.ceil((area.east - tile.lon) * per_lon) + 2)
            values = np.zeros(source.shape, np.float32)
            window, _ = read_values(source, Window(left, top, right - left, bottom - top))
            void_impossible(window)
            values[top:bottom, left:right] = window
    except RasterioError as error:
        raise RefusedError(
            f"DEM tile {path.name} is corrupt ({error}); fetch it again", reason="dem-corrupt"
        ) from error
    return values


def _check_layout(source: rasterio.DatasetReader, tile: Tile, path: Path) -> None:
    spacing = (source.transform.a, -source.transform.e)
    first = (source.transform.c + spacing[0] / 2, source.transform.f - spacing[1] / 2)
    lon = (tile.lon + 180) % 360 - 180
    off = max(abs(first[0] - lon) / spacing[0], abs(first[1] - tile.lat - 1) / spacing[1])
    if (
        max(source.shape) > _MOST_POSTINGS
        or abs(spacing[0] * source.width - 1) > 1e-6
        or abs(spacing[1] * source.height - 1) > 1e-6
        or off > 0.01
    ):
        raise RefusedError(
            f"DEM tile {path.name} is not laid out as Copernicus tiles are: one degree, first pixel centred on "
            "its upper left corner; give the archive's own tile",
            reason="dem-layout",
        )
