"""The DEM of a burst: heights above the ellipsoid around its grid, as one GeoTIFF in the DEM's own CRS and postings.

A named DEM may have holes, which another DEM fills; what that one lacks too gets the height of the geoid. See
`rtcflow_contract.dem`.
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rtcflow.progress import Progress
from rtcflow.resources import Meter
from rtcflow.sources.cache import open_shared_files
from rtcflow.sources.dem.copernicus import GLO_30, Places, copernicus_heights
from rtcflow.sources.dem.dem_area import DemArea, area_of_grid, grid_in
from rtcflow.sources.dem.dem_values import (
    postings_in,
    refuse_void,
    transform_of,
    void_share,
    write_height_rows,
    write_heights,
)
from rtcflow.sources.dem.filling import GEOID, Filling
from rtcflow.sources.dem.own import own_heights
from rtcflow.sources.dem.tiled import open_window
from rtcflow.sources.shared import Shared
from rtcflow_contract.dem import BLEND_WIDTH_M, DEFAULT_DEM, DEMS, ELLIPSOID, candidates, is_own
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.grid import Grid
from rtcflow_contract.manifest import InputRef

_SUFFIXES = (".tif", ".tiff", ".vrt")


class DemPart(NamedTuple):
    """A source of a DEM, or the geoid: its share of the heights in the burst's bounds, 0 to 1, and its tiles."""

    name: str
    share: float
    tiles: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Its entry in the manifest."""
        spec = DEMS.get(self.name)
        known = (
            {"title": spec.title, "version": spec.version, "attribution": spec.attribution} if spec else {}
        )
        found = {"name": self.name, **known, "share": self.share, "tiles": list(self.tiles)}
        return {name: value for name, value in found.items() if value not in ("", [])}


class FetchedDem(NamedTuple):
    """A GeoTIFF of heights above the WGS 84 ellipsoid in metres, NaN where void, and what it is made of.

    `void_share` is the share of the burst's ground without height, 0 to 1; `sea_only` says that no tile covers it.
    `used` is the DEM that was chosen; `parts` are the sources of the heights, whose shares sum to 1.
    """

    path: Path
    inputs: tuple[InputRef, ...]
    void_share: float = 0.0
    sea_only: bool = False
    used: str = ""
    parts: tuple[DemPart, ...] = ()

    def notes(self) -> tuple[str, ...]:
        """Sentences on the heights for the user."""
        found = []
        if self.sea_only:
            found.append(
                "no DEM tile covers this burst: all of it was taken as sea, at the height of the geoid"
            )
        if self.void_share > 0:
            found.append(
                f"the DEM has no height for {100 * self.void_share:.2g} % of the burst's ground; no data there"
            )
        filled = [part for part in self.parts[1:] if part.share > 0]
        if filled and self.parts[0].name != GEOID and DEMS.get(self.used) and DEMS[self.used].fill:
            from_where = " and ".join(f"{100 * part.share:.2g} % from {part.name}" for part in filled)
            found.append(
                f"holes of {self.used} were filled, {from_where}, and blended over {BLEND_WIDTH_M:g} m at the seams"
            )
        return tuple(found)

    def facts(self) -> dict[str, Any]:
        """Parameters for the manifest."""
        found: dict[str, Any] = {"dem_void_percent": round(100 * self.void_share, 3)}
        if self.used:
            found["dem_used"] = self.used
        if self.parts:
            found["dem_sources"] = [part.as_json() for part in self.parts]
        return found

    def description(self) -> str:
        """DEM, tiles and shares in one line."""
        refs = [ref.id for ref in self.inputs if ref.kind == "dem"]
        shares = [f"{part.name} {100 * part.share:.2f} %" for part in self.parts]
        return "; ".join([*refs, *([", ".join(shares)] if len(shares) > 1 else [])])


def fetch_dem(
    source: str,
    geoid: str,
    name: str,
    grid: Grid,
    folder: Path,
    meter: Meter,
    progress: Progress,
    ground: DemArea | None = None,
    shared: Shared | None = None,
    cache: str = "",
    datum: str | None = None,
) -> FetchedDem:
    """Heights over a grid and a margin.

    Parameters
    ----------
    source : str
        A prefix or folder with all DEMs in the layout of their archives; or the public GLO-30, and other DEMs then come
        from their own public archives; or one raster of ellipsoidal heights. Tiles that GLO-30 lacks come from GLO-90:
        the public one, or that in the same folder.
    geoid : str
        Raster of EGM2008 heights, added to DEMs whose heights are above it.
    name : str
        Name of the DEM (`cop_glo30`), `best`, or a user's own raster or STAC item.
    grid : Grid
        The burst's grid, which determines the area; a scene's footprint would be too small.
    folder : Path
        Folder for fetched files and the mosaic.
    meter, progress
    ground : DemArea, optional
        Where voids are counted; the grid's own area when None.
    shared : Shared, optional
        Inputs that the bursts of a task fetch once.
    cache : str
        Cache for tiles of the public archives, see `open_cache`.
    datum : str, optional
        Vertical reference of a user's own DEM.

    Raises
    ------
    RefusedError
        When the DEM does not cover the grid, lacks tiles over land, or is void in much of the burst's area.
    """
    bounds = area_of_grid(grid, margin_m=0.0)
    ground = ground or bounds
    places = Places(source, geoid, folder, meter, shared or Shared(folder / "shared"), cache)
    progress("fetch DEM", 0.0)
    if is_own(name):
        return _own(name, datum or ELLIPSOID, grid, places, ground)._replace(used=name)
    is_raster = source.lower().endswith(_SUFFIXES)
    if Path(source).is_file() and not is_raster:
        raise RefusedError(
            f"{source} is not a DEM; give a GeoTIFF ({', '.join(_SUFFIXES)}), or a folder of tiles",
            reason="dem",
        )
    if name == DEFAULT_DEM and is_raster:
        return _own(source, ELLIPSOID, grid, places, ground)
    for choice in candidates(name, bounds.north):
        found = (
            _projected(choice, grid, places)
            if DEMS[choice].tiling
            else _in_degrees(choice, grid, places, ground)
        )
        if found is not None:
            progress("fetch DEM", 1.0)
            return found
    raise RefusedError(
        f"{name} has no heights in the burst's bounds; give best, cop_glo30, or another DEM",
        reason="dem-coverage",
    )


def _own(where: str, datum: str, grid: Grid, places: Places, ground: DemArea) -> FetchedDem:
    where = where if "://" in where else str(Path(where).expanduser())
    heights, path, refs = own_heights(where, datum, grid, places)
    share = void_share(heights, ground)
    refuse_void(share, f"DEM {where.rpartition('/')[2]}")
    if path is None:
        path = places.folder / "dem.tif"
        write_heights(path, heights)
    return FetchedDem(path, tuple(refs), share, parts=(DemPart(refs[0].id, 1.0),))


def _in_degrees(name: str, grid: Grid, places: Places, ground: DemArea) -> FetchedDem:
    found = copernicus_heights(places, area_of_grid(grid))
    share = void_share(found.heights, ground)
    refuse_void(share, f"the DEM of tiles {', '.join(found.tiles)}")
    path = places.folder / "dem.tif"
    write_heights(path, found.heights)
    inside = postings_in(found.heights, ground)
    sea = found.sea[inside][~np.isnan(found.heights.values[inside])]
    counts = {name: float(sea.size - sea.sum()), GEOID: float(sea.sum())}
    refs = (_ref(name, found.tiles or ("sea only",), found.href), found.geoid)
    return FetchedDem(path, refs, share, not found.tiles, name, _parts(counts, {name: found.tiles}))


def _projected(name: str, grid: Grid, places: Places) -> FetchedDem | None:
    """Heights of a mosaic in a projected CRS; None if it has none in the burst's bounds."""
    spec = DEMS[name]
    assert spec.tiling is not None
    crs = f"EPSG:{spec.tiling.epsg}"
    own_place = not places.dem.lower().endswith(_SUFFIXES) and places.dem.rstrip("/") != GLO_30
    where = places.dem if own_place else spec.place
    place = places.shared.files(open_shared_files(where, places.meter, places.cache), parts=True)
    with open_window(place, spec, grid_in(crs, grid)) as window:
        if window is None:
            return None
        filling = Filling(window, name, grid, places)
        path = places.folder / "dem.tif"
        transform = transform_of(window.x, window.y)
        write_height_rows(path, (window.y.size, window.x.size), crs, transform, filling.strips())
        tiles = tuple(Path(tile.name).stem.removesuffix("_dem") for tile in window.tiles)
    if not filling.counts[name]:
        return None
    refs = [_ref(name, tiles, place.href("").rstrip("/"))]
    fill = filling.fill
    if fill is not None:
        refs += [_ref(str(spec.fill), fill.tiles or ("sea only",), fill.href), fill.geoid]
    parts = _parts(filling.counts, {name: tiles, str(spec.fill): fill.tiles if fill else ()})
    return FetchedDem(path, tuple(refs), used=name, parts=parts)


def _ref(name: str, tiles: tuple[str, ...], href: str) -> InputRef:
    return InputRef(kind="dem", id=f"{name}: {', '.join(tiles)}", href=href)


def _parts(counts: dict[str, float], tiles: dict[str, tuple[str, ...]]) -> tuple[DemPart, ...]:
    """The sources with counts above zero; their shares sum to 1."""
    total = sum(counts.values()) or 1
    shares = {name: round(count / total, 6) for name, count in counts.items() if count / total >= 5e-7}
    first = next(iter(shares), None)
    if first is not None:
        shares[first] = round(shares[first] + 1 - sum(shares.values()), 6)
    return tuple(DemPart(name, share, tiles.get(name, ())) for name, share in shares.items())
