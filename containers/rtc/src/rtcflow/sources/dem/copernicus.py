"""Heights of Copernicus tiles of one degree above the ellipsoid, sea included."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rtcflow.resources import Meter
from rtcflow.sources.cache import open_shared_files
from rtcflow.sources.dem.dem_area import Area
from rtcflow.sources.dem.dem_values import HeightRaster
from rtcflow.sources.dem.geoid import add_geoid
from rtcflow.sources.dem.mosaic import mosaic, sea_of
from rtcflow.sources.dem.tiles import fetch_tiles, tiles_of
from rtcflow.sources.shared import Shared
from rtcflow_contract.manifest import InputRef

GLO_30, GLO_90 = "s3://copernicus-dem-30m", "s3://copernicus-dem-90m"


class Places(NamedTuple):
    """Where DEMs and the geoid are taken from, and what is kept of them."""

    dem: str
    geoid: str
    folder: Path
    meter: Meter
    shared: Shared
    cache: str


class CopernicusHeights(NamedTuple):
    """Heights over an area in degrees, NaN where void; `sea` marks postings of no tile, on the geoid."""

    heights: HeightRaster
    sea: NDArray[np.bool_]
    tiles: tuple[str, ...]
    href: str
    geoid: InputRef


def copernicus_heights(places: Places, area: Area, voids_on_geoid: bool = False) -> CopernicusHeights:
    """Fetch the tiles of an area, with those of GLO-90 where GLO-30 lacks them, and put them on the ellipsoid.

    Voids stay, or lie on the geoid too.

    Raises
    ------
    RefusedError
        When tiles over land are missing, or a file is not what it must be.
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
    """Add the geoid of a raster to heights, in place; gives what the manifest says of it."""
    head, _, name = geoid.rstrip("/").rpartition("/")
    files = places.shared.files(open_shared_files(head or ".", places.meter, places.cache), parts=True)
    add_geoid(files, name, heights)
    return InputRef(kind="geoid", id=Path(name).stem, href=files.href(name))
