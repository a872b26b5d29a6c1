"""Heights above the ellipsoid from Copernicus tiles of one degree, sea included.

Copernicus DEM Product Handbook (GEO.2018-1988-2), tiling and spacing: the centre of a tile's first pixel lies on the
tile's upper left corner, so neighbours continue each other without overlap; spacing in longitude grows at 50, 60,
70, 80 and 85 degrees of latitude.
"""

import math
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.errors import RasterioError
from rasterio.windows import Window

from rtcflow.resources import Meter
from rtcflow.sources.cache import open_shared_files
from rtcflow.sources.dem.dem_area import DemArea
from rtcflow.sources.dem.dem_values import HeightRaster, read_values, void_impossible
from rtcflow.sources.dem.geoid import add_geoid
from rtcflow.sources.dem.tiles import Tile, fetch_tiles, tiles_of
from rtcflow.sources.shared import Shared
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.manifest import InputRef

GLO_30, GLO_90 = "s3://copernicus-dem-30m", "s3://copernicus-dem-90m"
# GLO-30's spacing, for an area that is all sea.
_SEA_SHAPE = (3600, 3600)
# Per degree: a tenth of an arcsecond.
_MOST_POSTINGS = 36_000
# In postings: a point this near to a posting needs no interpolation.
_ON_POSTING = 1e-6


class Places(NamedTuple):
    """Where DEMs and the geoid come from, and where their files are kept."""

    dem: str
    geoid: str
    folder: Path
    meter: Meter
    shared: Shared
    cache: str


class CopernicusHeights(NamedTuple):
    """Heights over an area in degrees, NaN where void; `sea` marks postings without a tile, at the geoid's height."""

    heights: HeightRaster
    sea: NDArray[np.bool_]
    tiles: tuple[str, ...]
    href: str
    geoid: InputRef


def copernicus_heights(places: Places, area: DemArea, voids_on_geoid: bool = False) -> CopernicusHeights:
    """Fetch the tiles of an area, from GLO-90 where GLO-30 lacks them, and convert heights to the ellipsoid.

    Voids stay NaN, or get the height of the geoid with `voids_on_geoid`.

    Raises
    ------
    RefusedError
        When tiles over land are missing, or a file is invalid.
    """
    place = places.shared.files(open_shared_files(places.dem, places.meter, places.cache))
    archive = places.dem.rstrip("/") == GLO_30
    coarser = places.shared.files(open_shared_files(GLO_90, places.meter, places.cache)) if archive else place
    fetched = fetch_tiles(place, coarser, tiles_of(area), places.folder / "tiles", archive)
    land = sorted(local.stem for local in fetched.values() if local is not None)
    # One burst of a task at a time: a mosaic takes memory.
    with places.shared.alone:
        heights = mosaic(fetched, area, places.shared)
        sea = sea_of(fetched, heights)
        if voids_on_geoid:
            void = np.isnan(heights.values)
            heights.values[void] = 0.0
            sea |= void
        geoid = above_ellipsoid(heights, places.geoid, places)
    return CopernicusHeights(heights, sea, tuple(land), place.href("").rstrip("/"), geoid)


def above_ellipsoid(heights: HeightRaster, geoid: str, places: Places) -> InputRef:
    """Add the geoid heights of a raster to heights, in place; returns the raster's entry for the manifest."""
    head, _, name = geoid.rstrip("/").rpartition("/")
    files = places.shared.files(open_shared_files(head or ".", places.meter, places.cache), parts=True)
    add_geoid(files, name, heights)
    return InputRef(kind="geoid", id=Path(name).stem, href=files.href(name))


def mosaic(tiles: Mapping[Tile, Path | None], area: DemArea, shared: Shared | None = None) -> HeightRaster:
    """Heights above the geoid over an area, zero over sea, NaN where void, at the finest spacing of the tiles.

    Parameters
    ----------
    tiles : mapping
        Every tile of the area, with None for sea.
    area : DemArea
    shared : Shared, optional
        Keeps tiles open for the bursts of one task.

    Raises
    ------
    RefusedError
        When a tile cannot be read, or is not laid out as in the archive.
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
            # The band's rows of the area are consecutive.
            rows = slice(in_band[0], in_band[-1] + 1)
            first = (lat + 1) * per_lat - int(row_index[rows.start])
            of_tiles = slice(first, first + in_band.size)
            in_row = {t.lon: r for t, r in rasters.items() if t.lat == lat}
            values[rows] = _band(in_row, per_lat, of_tiles, col_index / per_lon)
    return HeightRaster(values, row_index / per_lat, col_index / per_lon)


def sea_of(tiles: Mapping[Tile, Path | None], heights: HeightRaster) -> np.ndarray:
    """Postings of a mosaic that no tile covers, (rows, cols) bool."""
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
            # A tile ends one cell before the next begins: extrapolate, or a coarse tile would end in a step.
            raster = _interpolated(raster, at, axis, beyond=True)
    return raster


def _interpolated(values: np.ndarray, at: np.ndarray, axis: int, beyond: bool = False) -> np.ndarray:
    """Linear interpolation along an axis at fractional indices; extrapolates with `beyond`, else ends are constant."""
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
    """A tile that stays open, so that neighbouring bursts reuse the blocks that GDAL decompressed for one."""

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
    # A tile is fetched once; each burst has its own link to that file.
    file = path.stat()
    tile = shared.once(("open tile", file.st_dev, file.st_ino), lambda: _OpenTile(path))
    with tile.reading() as source:
        yield source


def _read(tile: Tile, path: Path, area: DemArea, shared: Shared | None) -> np.ndarray:
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
