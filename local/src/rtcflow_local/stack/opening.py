"""Open items of any collection as one lazy dataset, on one grid, one time step per pass (xarray, odc-stac)."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import odc.stac
import pystac
import rasterio.features
import xarray as xr
from affine import Affine
from odc.geo.geobox import GeoBox
from odc.geo.geom import Geometry
from shapely.geometry.base import BaseGeometry

from rtcflow_contract.errors import RefusedError
from rtcflow_local.stack.aoi import AreaLike, area_of_interest
from rtcflow_local.stack.pass_items import PassItems, group_items, pass_id_of, read_items

POLARIZATIONS = ("VV", "VH", "HH", "HV")
MASK, ANGLE = "mask", "local_incidence_angle"
_MASK_FILL = 255
# Chunk size of the lazy dataset and of cubes on disk, pixels.
TILE = 1024

_ATTRIBUTES: dict[str, dict[str, Any]] = {
    **{
        name: {
            "long_name": f"radiometrically terrain corrected backscatter, {name}",
            "standard_name": "surface_backwards_scattering_coefficient_of_radar_wave",
            "units": "1",
        }
        for name in POLARIZATIONS
    },
    MASK: {
        "long_name": "layover and shadow",
        "flag_values": np.array([0, 1, 2, 3], "uint8"),
        "flag_meanings": "clear shadow layover layover_and_shadow",
    },
    ANGLE: {"long_name": "local incidence angle", "standard_name": "angle_of_incidence", "units": "degree"},
}


def open_stack(
    source: str | Path | Iterable[pystac.Item | Mapping[str, Any]],
    *,
    area: AreaLike | None = None,
    bands: Sequence[str] | None = None,
    crs: int | str | None = None,
    resolution: float | None = None,
    chunks: Mapping[str, int] | None = None,
) -> xr.Dataset:
    """Open products lazily on one grid, with one time step per pass; bursts of a pass are mosaicked.

    Parameters
    ----------
    source
        A cube that `rtcflow stack` wrote (`.zarr`), a folder of products, a STAC collection or item file, or items.
    area : optional
        GeoJSON file, `west,south,east,north`, or geometry to clip to; by default the extent of the items.
    bands : sequence of str, optional
        Of `VV`, `VH`, `HH`, `HV`, `mask`, `local_incidence_angle`; by default all that the items have.
    crs : optional
        EPSG code; that of most items by default.
    resolution : float, optional
        Metres; that of the items by default.
    chunks : mapping, optional
        Sizes of dask chunks; one pass of 1024 by 1024 pixels by default.

    Returns
    -------
    xarray.Dataset
        Polarizations as (time, y, x), linear power; `mask` likewise; `local_incidence_angle` as (angle_orbit, y, x) in
        degrees, by relative orbit. NaN, and 255 in the mask, where there is no data. Times are UTC and ascending.

    Raises
    ------
    RefusedError
        When there are no items, or none in the area.
    """
    if isinstance(source, str | Path) and str(source).rstrip("/").endswith(".zarr"):
        return xr.open_zarr(source, decode_coords="all").sortby("time")
    items = read_items(source)
    shape = area_of_interest(area).geometry if area is not None else None
    geobox = common_grid(items, shape, crs, resolution)
    return load_passes(group_items(items), geobox, shape, bands, chunks or {"time": 1, "y": TILE, "x": TILE})


def common_grid(
    items: Sequence[pystac.Item],
    area: BaseGeometry | None = None,
    crs: int | str | None = None,
    resolution: float | None = None,
) -> GeoBox:
    """A common grid for items, with pixel edges at multiples of the pixel size, like those of the products.

    Raises
    ------
    RefusedError
        When no item intersects the area.
    """
    codes = Counter(str(item.properties["proj:code"]) for item in items)
    code = f"EPSG:{str(crs).upper().removeprefix('EPSG:')}" if crs is not None else codes.most_common(1)[0][0]
    size = resolution or Counter(float(item.properties["gsd"]) for item in items).most_common(1)[0][0]
    boxes = [_box_of(item).to_crs(code) for item in items]
    left, bottom = (min(box.boundingbox[k] for box in boxes) for k in (0, 1))
    right, top = (max(box.boundingbox[k] for box in boxes) for k in (2, 3))
    if area is not None:
        wanted = Geometry(area, "EPSG:4326").segmented(0.05).to_crs(code).boundingbox
        left, bottom = max(left, wanted[0]), max(bottom, wanted[1])
        right, top = min(right, wanted[2]), min(top, wanted[3])
        if left >= right or bottom >= top:
            raise RefusedError("no product reaches the area; give another area", "area")
    return GeoBox.from_bbox((left, bottom, right, top), code, resolution=size, anchor="edge")


def load_passes(
    passes: Sequence[PassItems],
    geobox: GeoBox,
    area: BaseGeometry | None,
    bands: Sequence[str] | None,
    chunks: Mapping[str, int] | None,
) -> xr.Dataset:
    """Load passes on a grid, clipped to an area; lazily if `chunks` are given."""
    # odc-stac uses the bands of the first item for all.
    items = sorted((item for one in passes for item in one.items), key=lambda item: -len(item.assets))
    there = {name for item in items for name in item.assets}
    wanted = [name for name in (bands or (*POLARIZATIONS, MASK, ANGLE)) if name in there]
    if bands and set(bands) - there:
        raise RefusedError(
            f"the items have no {', '.join(sorted(set(bands) - there))}; they have "
            f"{', '.join(sorted(there & {*POLARIZATIONS, MASK, ANGLE}))}",
            "bands",
        )
    options: dict[str, Any] = {
        "geobox": geobox,
        "chunks": dict(chunks) if chunks else None,
        "resampling": "nearest",
    }
    loaded = odc.stac.load(
        items,
        bands=[name for name in wanted if name != ANGLE],
        groupby=lambda item, *_: pass_id_of(item),
        **options,
    )
    loaded = _with_passes(loaded, passes)
    if ANGLE in wanted:
        loaded = loaded.merge(_angles(items, options), compat="override", join="exact")
    return _described(_clipped(loaded, geobox, area))


def _with_passes(loaded: xr.Dataset, passes: Sequence[PassItems]) -> xr.Dataset:
    """Add the pass of every time step."""
    by_time = {
        np.datetime64(item.datetime.replace(tzinfo=None), "ns"): one
        for one in passes
        for item in one.items
        if item.datetime
    }
    found = [by_time[time].coordinates for time in loaded.time.values.astype("datetime64[ns]")]
    names = list(found[0])
    return loaded.assign_coords(
        {
            name: ("time", np.array([one[name] for one in found], dtype=_kind(found[0][name])))
            for name in names
        }
    ).sortby("time")


def _kind(value: Any) -> Any:
    return object if isinstance(value, str) else "int32"


def _angles(items: Sequence[pystac.Item], options: dict[str, Any]) -> xr.Dataset:
    """Local incidence angle of each relative orbit, from one item per burst, as it is the same on every pass."""
    once: dict[str, pystac.Item] = {}
    for item in items:
        if ANGLE in item.assets:
            once.setdefault(item.assets[ANGLE].href, item)
    angles = odc.stac.load(
        list(once.values()),
        bands=[ANGLE],
        groupby=lambda item, *_: int(item.properties["sat:relative_orbit"]),
        **options,
    )
    by_time = {
        np.datetime64(item.datetime.replace(tzinfo=None), "ns"): int(item.properties["sat:relative_orbit"])
        for item in once.values()
        if item.datetime
    }
    orbits = [by_time[time] for time in angles.time.values.astype("datetime64[ns]")]
    return (
        angles.rename(time="angle_orbit").assign_coords(
            angle_orbit=("angle_orbit", np.array(orbits, "int32"))
        )
    ).sortby("angle_orbit")


def _clipped(loaded: xr.Dataset, geobox: GeoBox, area: BaseGeometry | None) -> xr.Dataset:
    if area is None:
        return loaded
    shape = Geometry(area, "EPSG:4326").segmented(0.02).to_crs(str(geobox.crs))
    inside = xr.DataArray(
        rasterio.features.geometry_mask(
            [shape.json], out_shape=geobox.shape, transform=geobox.affine, all_touched=True, invert=True
        ),
        dims=("y", "x"),
    )
    return loaded.assign(
        {
            name: values.where(inside, _MASK_FILL if name == MASK else np.nan).astype(values.dtype)
            for name, values in loaded.data_vars.items()
        }
    )


def _described(loaded: xr.Dataset) -> xr.Dataset:
    """Add attributes by the CF conventions."""
    for name, values in loaded.data_vars.items():
        values.attrs = {**_ATTRIBUTES[str(name)], "grid_mapping": "spatial_ref"}
    for name in ("x", "y"):
        loaded[name].attrs |= {
            "standard_name": f"projection_{name}_coordinate",
            "units": "m",
            "axis": name.upper(),
        }
    loaded["time"].attrs |= {
        "standard_name": "time",
        "long_name": "sensing start of the pass, UTC",
        "axis": "T",
    }
    if "angle_orbit" in loaded.coords:
        loaded["angle_orbit"].attrs["long_name"] = "relative orbit that the local incidence angle is of"
    return loaded.assign_attrs(
        Conventions="CF-1.11", title="Sentinel-1 RTC backscatter, one time step a pass"
    )


def _box_of(item: pystac.Item) -> Geometry:
    rows, cols = item.properties["proj:shape"]
    affine = Affine(*item.properties["proj:transform"][:6])
    ring = [affine @ corner for corner in ((0, 0), (cols, 0), (cols, rows), (0, rows), (0, 0))]
    return Geometry({"type": "Polygon", "coordinates": [ring]}, item.properties["proj:code"]).segmented(5000)
