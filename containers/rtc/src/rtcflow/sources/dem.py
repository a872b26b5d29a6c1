"""The DEM of a burst: heights above the ellipsoid around its grid, as one GeoTIFF in EPSG:4326."""

from pathlib import Path
from typing import NamedTuple

import rasterio
from rasterio.errors import RasterioIOError
from rasterio.transform import Affine

from rtcflow.progress import Progress
from rtcflow.rasters import write_raster
from rtcflow.resources import Meter
from rtcflow.sources.area import Area, area_of_grid
from rtcflow.sources.cache import open_shared_place
from rtcflow.sources.geoid import geoid_heights
from rtcflow.sources.mosaic import Heights, mosaic
from rtcflow.sources.places import fetch_file
from rtcflow.sources.tiles import fetch_tiles, tiles_of
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.grid import Grid
from rtcflow_contract.manifest import InputRef

GLO_30, GLO_90 = "s3://copernicus-dem-30m", "s3://copernicus-dem-90m"
_SUFFIXES = (".tif", ".tiff")


class FetchedDem(NamedTuple):
    """A GeoTIFF of heights above the WGS 84 ellipsoid in metres, and what it is made of."""

    path: Path
    inputs: tuple[InputRef, ...]


def fetch_dem(
    source: str, geoid: str, name: str, grid: Grid, folder: Path, meter: Meter, progress: Progress
) -> FetchedDem:
    """Heights over a grid and a margin.

    Parameters
    ----------
    source : str
        Prefix or folder in the layout of the Copernicus archive, or one raster of ellipsoidal heights. Where the
        public GLO-30 lacks a tile, that of the public GLO-90 is taken; in any other place, one of GLO-90 beside it.
    geoid : str
        Raster of EGM2008 heights, added to those of tiles.
    name : str
        Name of the DEM (`cop_glo30`).
    grid : Grid
        The burst's grid: it sizes the area, since a scene's footprint falls short of it.
    folder : Path
        Where files are fetched to and the mosaic is written.
    meter, progress

    Raises
    ------
    RefusedError
        When the DEM does not cover the grid, or lacks tiles over land.
    """
    if source.rstrip("/").lower().endswith(_SUFFIXES):
        return _given(fetch_file(source, folder, meter), source, grid)
    place = open_shared_place(source, meter)
    area = area_of_grid(grid)
    tiles = tiles_of(area)
    progress("fetch DEM", 0.0)
    coarser = open_shared_place(GLO_90, meter) if source.rstrip("/") == GLO_30 else place
    fetched = fetch_tiles(place, coarser, tiles, folder / "tiles")
    progress("fetch DEM", 0.6)
    heights = mosaic(fetched, area)
    head, _, geoid_name = geoid.rstrip("/").rpartition("/")
    geoid_place = open_shared_place(head or ".", meter)
    heights.values[:] += geoid_heights(geoid_place, geoid_name, heights.latitudes, heights.longitudes)
    path = folder / "dem.tif"
    _write(path, heights)
    progress("fetch DEM", 1.0)
    land = sorted(local.stem for local in fetched.values() if local is not None)
    refs = (
        InputRef(kind="dem", id=f"{name}: {', '.join(land) or 'sea only'}", href=place.href("").rstrip("/")),
        InputRef(kind="geoid", id=Path(geoid_name).stem, href=geoid_place.href(geoid_name)),
    )
    return FetchedDem(path, refs)


def _given(path: Path, href: str, grid: Grid) -> FetchedDem:
    try:
        with rasterio.open(path) as source:
            if source.crs is None or source.crs.to_epsg() != 4326:
                raise RefusedError(
                    f"DEM {path} is in {source.crs or 'no CRS'}; give heights above the ellipsoid in EPSG:4326",
                    reason="dem-layout",
                )
            covered = Area(*source.bounds)
    except RasterioIOError as error:
        raise RefusedError(
            f"DEM {path} cannot be read ({error}); correct the path", reason="dem-corrupt"
        ) from error
    needed = area_of_grid(grid, margin_m=0.0)
    if not covered.contains(needed):
        raise RefusedError(
            f"DEM {path} covers {_text(covered)} and not the burst's grid at {_text(needed)}; give a larger DEM",
            reason="dem-coverage",
        )
    return FetchedDem(path, (InputRef(kind="dem", id=path.stem, href=href),))


def _text(area: Area) -> str:
    return f"{area.west:.2f} to {area.east:.2f} E, {area.south:.2f} to {area.north:.2f} N"


def _write(path: Path, heights: Heights) -> None:
    per_lon = (heights.longitudes[-1] - heights.longitudes[0]) / (heights.longitudes.size - 1)
    per_lat = (heights.latitudes[0] - heights.latitudes[-1]) / (heights.latitudes.size - 1)
    corner = (heights.longitudes[0] - per_lon / 2, heights.latitudes[0] + per_lat / 2)
    profile = {
        "driver": "GTiff",
        "height": heights.values.shape[0],
        "width": heights.values.shape[1],
        "count": 1,
        "dtype": "float32",
        "crs": "EPSG:4326",
        "transform": Affine(per_lon, 0.0, corner[0], 0.0, -per_lat, corner[1]),
        "nodata": float("nan"),
    }
    write_raster(path, profile, lambda out: out.write(heights.values, 1))
