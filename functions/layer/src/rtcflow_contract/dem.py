"""DEMs that are known by name: where their tiles are, what their heights refer to, and who provides them.

A DEM is a line of the table, which engines and sources read. `best` stands for one of them, chosen for each burst.
"""

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any, NamedTuple

DEFAULT_DEM = "cop_glo30"
BEST = "best"
# What heights refer to: the WGS 84 ellipsoid, the geoid that the stack knows, or another whose raster is named.
ELLIPSOID, EGM2008 = "ellipsoid", "egm2008"
# South of this latitude `best` is the first of these that has heights in the burst's bounds; else the default.
_BEST_SOUTH_OF = -50.0
_BEST_IN_THE_SOUTH = ("rema_32", DEFAULT_DEM)
# Heights of two DEMs are blended over this distance, so that a step of 30 m becomes a slope of 0.09.
BLEND_WIDTH_M = 480.0

# A raster or item by the ending of its name, or an item of a STAC API. Queries and logins are not allowed: products
# would publish them.
_RASTER = re.compile(
    r"((s3|https?)://[^\s,?@/]+/)?[^\s,?:][^\n,?:]*\.(tiff?|vrt|json)|https?://[^\s,?@/]+/[^\s,?]*items/[^\s,?]+",
    re.IGNORECASE,
)


class Tiling(NamedTuple):
    """Square tiles of a projected DEM, numbered in rows to the north and columns to the east.

    `path` is filled with `row`, `col` and, of tiles that come in quarters, `part`; neighbours overlap by at most
    `overlap_m`.
    """

    path: str
    epsg: int
    west: float
    south: float
    size_m: float = 100_000.0
    overlap_m: float = 2_000.0
    parts: tuple[str, ...] = ("",)


class DemSpec(NamedTuple):
    """A DEM by name.

    Parameters
    ----------
    title, version, posting_m, region : str or float
    place : str
        Its public archive.
    datum : str
        `ellipsoid` or `egm2008`.
    license, attribution : str
        SPDX id or `other`; the text that users of its heights must show.
    tiling : Tiling or None
        None for Copernicus tiles of one degree.
    fill : str or None
        The DEM that fills its voids; where that has none either, the height is that of the geoid. None leaves voids.
    folder : str
        Name in folders of naming `ga`.
    """

    title: str
    version: str
    posting_m: float
    region: str
    place: str
    datum: str
    license: str
    attribution: str
    tiling: Tiling | None = None
    fill: str | None = None
    folder: str = ""


_PGC = "s3://pgc-opendata-dems"
_QUARTERS = ("_1_1", "_1_2", "_2_1", "_2_2")
_REMA = (
    "REMA mosaic v2.0: Howat et al. 2022, The Reference Elevation Model of Antarctica - Mosaics, Version 2, "
    "https://doi.org/10.7910/DVN/EBW8UC; DEMs provided by the Polar Geospatial Center"
)
_ARCTICDEM = (
    "ArcticDEM mosaic v4.1: Porter et al. 2023, ArcticDEM - Mosaics, Version 4.1, "
    "https://doi.org/10.7910/DVN/3VDC4W; DEMs provided by the Polar Geospatial Center"
)
_COPERNICUS = (
    "(c) DLR e.V. 2010-2014 and (c) Airbus Defence and Space GmbH 2014-2018, provided under COPERNICUS by the European "
    "Union and ESA; all rights reserved"
)


def _polar(name: str, posting: int, version: str, tiling: Tiling, region: str, attribution: str) -> DemSpec:
    """A mosaic of the Polar Geospatial Center, whose postings of 2 m come in quarters of a tile."""
    path = (
        f"{name.lower()}/mosaics/v{version}/{posting}m/{{row:02d}}_{{col:02d}}/"
        f"{{row:02d}}_{{col:02d}}{{part}}_{posting}m_v{version}_dem.tif"
    )
    return DemSpec(
        f"{name} mosaic, {posting} m",
        f"v{version}",
        posting,
        region,
        _PGC,
        ELLIPSOID,
        "CC-BY-4.0",
        attribution,
        tiling._replace(path=path, parts=_QUARTERS if posting == 2 else ("",)),
        DEFAULT_DEM,
        f"{name}_{posting}",
    )


_SOUTH = Tiling("", 3031, -3_100_000.0, -3_100_000.0)
_NORTH = Tiling("", 3413, -4_000_000.0, -4_000_000.0)

DEMS: Mapping[str, DemSpec] = {
    DEFAULT_DEM: DemSpec(
        "Copernicus GLO-30",
        "",
        30,
        "the world",
        "s3://copernicus-dem-30m",
        EGM2008,
        "other",
        _COPERNICUS,
        folder=DEFAULT_DEM,
    ),
    **{f"rema_{m}": _polar("REMA", m, "2.0", _SOUTH, "Antarctica", _REMA) for m in (32, 10, 2)},
    **{
        f"arcticdem_{m}": _polar("ArcticDEM", m, "4.1", _NORTH, "the Arctic", _ARCTICDEM) for m in (32, 10, 2)
    },
}


def dem_choice(text: str) -> str:
    """The DEM that a text names: one of the table or `best`, in any case, or a raster or STAC item of the user.

    Raises
    ------
    ValueError
        When it is neither.
    """
    name = text.strip()
    if name.lower() in DEMS or name.lower() == BEST:
        return name.lower()
    if is_own(name):
        return name
    raise ValueError(
        f"{text!r} is not a DEM; use {BEST}, {', '.join(DEMS)}, or the URI of a GeoTIFF, VRT or STAC item"
    )


def datum_choice(text: str) -> str:
    """The datum that a text names: `ellipsoid`, `egm2008`, or the raster of a geoid.

    Raises
    ------
    ValueError
        When it is none of these.
    """
    name = text.strip()
    if name.lower() in (ELLIPSOID, EGM2008):
        return name.lower()
    if is_own(name):
        return name
    raise ValueError(
        f"{text!r} is not a datum of heights; use {ELLIPSOID}, {EGM2008}, or the URI of a geoid's raster"
    )


def is_own(dem: str) -> bool:
    """Whether a choice is a raster or STAC item of the user."""
    return dem not in DEMS and dem != BEST and bool(_RASTER.fullmatch(dem))


def candidates(dem: str, north: float) -> tuple[str, ...]:
    """DEMs to try in turn for a choice; `north` is the burst's northern latitude, degrees."""
    if dem != BEST:
        return (dem,)
    return _BEST_IN_THE_SOUTH if north < _BEST_SOUTH_OF else (DEFAULT_DEM,)


def folder_of(dem: str) -> str:
    """Name of a choice in folders: `REMA_32`, or the name of the user's file."""
    if dem in DEMS:
        return DEMS[dem].folder
    return re.sub(r"[^A-Za-z0-9_]+", "_", PurePosixPath(dem).stem).strip("_") or "own"


def heights_of(parameters: Mapping[str, Any]) -> str:
    """The DEM that a product was made with, by its manifest's parameters: the DEM that `best` chose, or the choice."""
    return str(parameters.get("dem_used") or parameters.get("dem") or DEFAULT_DEM)
