"""The DEM of a burst: heights above the ellipsoid around its grid, as one GeoTIFF in EPSG:4326."""

from pathlib import Path
from typing import NamedTuple

from rtcflow.progress import Progress
from rtcflow.resources import Meter
from rtcflow.sources.cache import open_shared_files
from rtcflow.sources.dem.dem_area import Area, area_of_grid
from rtcflow.sources.dem.dem_values import covered_area, read_heights, refuse_void, void_share, write_heights
from rtcflow.sources.dem.geoid import geoid_heights
from rtcflow.sources.dem.mosaic import mosaic
from rtcflow.sources.dem.tiles import fetch_tiles, tiles_of
from rtcflow.sources.shared import Shared
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.grid import Grid
from rtcflow_contract.manifest import InputRef
from rtcflow_files.storage import fetch_file

GLO_30, GLO_90 = "s3://copernicus-dem-30m", "s3://copernicus-dem-90m"
_SUFFIXES = (".tif", ".tiff")


class FetchedDem(NamedTuple):
    """A GeoTIFF of heights above the WGS 84 ellipsoid in metres, NaN where void, and what it is made of.

    `void_share` is the part of the burst's ground that has no height, 0 to 1; `sea_only` that no tile holds land there.
    """

    path: Path
    inputs: tuple[InputRef, ...]
    void_share: float = 0.0
    sea_only: bool = False

    def notes(self) -> tuple[str, ...]:
        """What a user should know of the heights."""
        found = []
        if self.sea_only:
            found.append(
                "no DEM tile holds land here: all of it was taken for sea, at the height of the geoid"
            )
        if self.void_share > 0:
            found.append(
                f"the DEM has no height for {100 * self.void_share:.2g} % of the burst's ground, a hole there"
            )
        return tuple(found)


def fetch_dem(
    source: str,
    geoid: str,
    name: str,
    grid: Grid,
    folder: Path,
    meter: Meter,
    progress: Progress,
    ground: Area | None = None,
    shared: Shared | None = None,
    cache: str = "",
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
    ground : Area, optional
        Where voids are counted; the grid's own area when None.
    shared : Shared, optional
        What bursts of one task fetch once.
    cache : str
        Where tiles of the public archives are kept, as `open_cache` takes it.

    Raises
    ------
    RefusedError
        When the DEM does not cover the grid, lacks tiles over land, or is void in much of the burst's ground.
    """
    ground = ground or area_of_grid(grid, margin_m=0.0)
    if source.rstrip("/").lower().endswith(_SUFFIXES):
        return _given(fetch_file(source, folder, meter.fetched), source, grid, folder, ground)
    shared = shared or Shared(folder / "shared")
    place = shared.files(open_shared_files(source, meter, cache))
    area = area_of_grid(grid)
    tiles = tiles_of(area)
    progress("fetch DEM", 0.0)
    archive = source.rstrip("/") == GLO_30
    coarser = shared.files(open_shared_files(GLO_90, meter, cache)) if archive else place
    fetched = fetch_tiles(place, coarser, tiles, folder / "tiles", archive)
    progress("fetch DEM", 0.6)
    heights = mosaic(fetched, area)
    land = sorted(local.stem for local in fetched.values() if local is not None)
    share = void_share(heights, ground)
    refuse_void(share, f"the DEM of tiles {', '.join(land)}")
    head, _, geoid_name = geoid.rstrip("/").rpartition("/")
    geoid_place = shared.files(open_shared_files(head or ".", meter, cache), parts=True)
    heights.values[:] += geoid_heights(geoid_place, geoid_name, heights.latitudes, heights.longitudes)
    path = folder / "dem.tif"
    write_heights(path, heights)
    progress("fetch DEM", 1.0)
    refs = (
        InputRef(kind="dem", id=f"{name}: {', '.join(land) or 'sea only'}", href=place.href("").rstrip("/")),
        InputRef(kind="geoid", id=Path(geoid_name).stem, href=geoid_place.href(geoid_name)),
    )
    return FetchedDem(path, refs, share, not land)


def _given(path: Path, href: str, grid: Grid, folder: Path, ground: Area) -> FetchedDem:
    covered = covered_area(path)
    needed = area_of_grid(grid, margin_m=0.0)
    if not covered.contains(needed):
        raise RefusedError(
            f"DEM {path} covers {_text(covered)} and not the burst's grid at {_text(needed)}; give a larger DEM",
            reason="dem-coverage",
        )
    heights, serves = read_heights(path, area_of_grid(grid))
    share = void_share(heights, ground)
    refuse_void(share, f"DEM {path.name}")
    refs = (InputRef(kind="dem", id=path.stem, href=href),)
    if serves:
        return FetchedDem(path, refs, share)
    write_heights(folder / "dem.tif", heights)
    return FetchedDem(folder / "dem.tif", refs, share)


def _text(area: Area) -> str:
    return f"{area.west:.2f} to {area.east:.2f} E, {area.south:.2f} to {area.north:.2f} N"
