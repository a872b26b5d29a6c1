"""A user's own DEM: a GeoTIFF, a VRT, or a STAC item that names one; in any CRS, above the ellipsoid or a geoid."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import rasterio
from rasterio.errors import RasterioError

from rtcflow.sources.cache import open_shared_files
from rtcflow.sources.dem.copernicus import Places, above_ellipsoid
from rtcflow.sources.dem.dem_area import DemArea, grid_in
from rtcflow.sources.dem.dem_values import (
    HeightRaster,
    check_raster,
    crs_text,
    heights_in,
    turn_to,
    vertical_of,
)
from rtcflow.sources.dem.remote import open_raster
from rtcflow_contract.dem import EGM2008, ELLIPSOID
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.grid import Grid
from rtcflow_contract.manifest import InputRef

# Names of assets with heights, in order of preference.
_ASSETS = ("dem", "elevation", "data")
_RASTERS = (".tif", ".tiff", ".vrt")


def own_heights(
    where: str, datum: str, grid: Grid, places: Places
) -> tuple[HeightRaster, Path | None, list[InputRef]]:
    """Heights above the ellipsoid around a grid.

    Returns
    -------
    heights : HeightRaster
        In the raster's CRS, NaN where void.
    path : Path or None
        The raster itself if it can be used unchanged: on this machine, above the ellipsoid, and NaN where void.
    inputs : list of InputRef

    Raises
    ------
    RefusedError
        When it cannot be read, or does not cover the grid.
    """
    raster = _raster_of(where, places)
    head, _, name = raster.rpartition("/")
    files = places.shared.files(open_shared_files(head or ".", places.meter, "off"), parts=True)
    try:
        with open_raster(files, name) as source:
            check_raster(source, raster)
            _refuse_other_datum(source, raster, datum)
            _refuse_small(source, raster, grid)
            heights, serves = heights_in(source, grid_in(crs_text(source), grid))
    except RasterioError as error:
        raise RefusedError(
            f"DEM {raster} cannot be read ({error}); correct the path, or fetch it again",
            reason="dem-corrupt",
        ) from error
    refs = [InputRef(kind="dem", id=Path(name).stem, href=raster)]
    if datum == ELLIPSOID:
        return heights, files.path(name) if serves else None, refs
    refs.append(above_ellipsoid(heights, places.geoid if datum == EGM2008 else datum, places))
    return heights, None, refs


def _refuse_other_datum(source: rasterio.DatasetReader, name: str, datum: str) -> None:
    said = vertical_of(source)
    if said and (said == ELLIPSOID) != (datum == ELLIPSOID):
        raise RefusedError(
            f"DEM {name} has heights above the {said} by its own CRS, and dem_datum is {datum}; correct one of them",
            reason="dem-datum",
        )


def _refuse_small(source: rasterio.DatasetReader, name: str, grid: Grid) -> None:
    crs = crs_text(source)
    left, bottom, right, top = source.bounds
    covered, needed = (
        DemArea(left, min(bottom, top), right, max(bottom, top)),
        grid_in(crs, grid, margin_m=0.0),
    )
    turn = turn_to(crs, 0.5 * (covered.west + covered.east), 0.5 * (needed.west + needed.east))
    if not (
        covered.west <= needed.west + turn
        and needed.east + turn <= covered.east
        and covered.south <= needed.south
        and needed.north <= covered.north
    ):
        raise RefusedError(
            f"DEM {name} covers {_text(covered, crs)} and not the burst's grid at {_text(needed, crs)}; give a larger "
            "DEM",
            reason="dem-coverage",
        )


def _text(area: DemArea, crs: str) -> str:
    if crs == "EPSG:4326":
        return f"{area.west:.2f} to {area.east:.2f} E, {area.south:.2f} to {area.north:.2f} N"
    return f"x {area.west:.6g} to {area.east:.6g}, y {area.south:.6g} to {area.north:.6g} of its CRS"


def _raster_of(where: str, places: Places) -> str:
    """The raster that a text names, directly or as an asset of a STAC item."""
    if where.lower().partition("?")[0].endswith(_RASTERS):
        return where
    head, _, name = where.rpartition("/")
    try:
        item = json.loads(open_shared_files(head or ".", places.meter, "off").read(name))
        assets = {key: asset["href"] for key, asset in item["assets"].items() if _is_raster(asset)}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RefusedError(
            f"DEM {where} is neither a GeoTIFF, a VRT nor a STAC item with assets; give one of these",
            reason="dem-layout",
        ) from error
    key = next((key for key in (*_ASSETS, *assets) if key in assets), None)
    if key is None or (key not in _ASSETS and len(assets) > 1):
        has = f"rasters {', '.join(assets)} and none named {_ASSETS[0]}" if assets else "no raster"
        raise RefusedError(
            f"the STAC item {where} has {has} among its assets; name the one with heights {_ASSETS[0]}, or give the "
            "raster itself",
            reason="dem-layout",
        )
    href: str = assets[key]
    if "://" in href or href.startswith("/"):
        return href
    scheme, _, path = where.rpartition("://")
    # urljoin does not know s3, whose paths are joined like those of https.
    return urljoin(f"https://{path}", href).replace("https", scheme, 1) if scheme else urljoin(where, href)


def _is_raster(asset: dict[str, Any]) -> bool:
    kind = str(asset.get("type", ""))
    return "tiff" in kind or str(asset["href"]).lower().endswith(_RASTERS)
