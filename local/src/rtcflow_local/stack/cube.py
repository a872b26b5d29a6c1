"""The cube of an area on disk: Zarr with CF attributes, to which new passes are appended."""

import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pystac
import shapely
import xarray as xr
import zarr
from dask.diagnostics.progress import Callback
from odc.geo.geobox import GeoBox
from shapely.geometry.base import BaseGeometry

from rtcflow_contract.errors import RefusedError
from rtcflow_local.stack.opening import ANGLE, TILE, common_grid, load_passes
from rtcflow_local.stack.pass_items import PassItems, group_items

CUBE = "cube.zarr"
# Attribute of a cube: completely written passes, each with a mark of its products.
_PASSES = "rtcflow_passes"
_GRID = "rtcflow_grid"

Progress = Callable[[float], None]


class CubeUpdate(NamedTuple):
    """A cube's passes in order of time, and those that this run added."""

    path: Path
    passes: tuple[str, ...]
    new: tuple[str, ...]


class _State(NamedTuple):
    """State of a cube: marks by pass, grid, and names of its variables and of its angles' orbits."""

    passes: dict[str, str]
    grid: dict[str, Any]
    bands: frozenset[str]
    orbits: frozenset[int]


def update_cube(
    path: Path,
    items: Sequence[pystac.Item],
    area: BaseGeometry | None = None,
    *,
    crs: int | None = None,
    resolution: float | None = None,
    progress: Progress = lambda done: None,
) -> CubeUpdate:
    """Update a cube with its products: write it, or append new passes.

    The whole cube is written again, beside the old one, if a pass is earlier than one in the cube, products were made
    again, a burst reaches beyond it, an orbit or polarization is new, or the cube was left half written.

    Parameters
    ----------
    path : Path
        Folder of the cube, `.zarr`.
    items : sequence of pystac.Item
        All products of the area, including those in the cube.
    area : shapely geometry, optional
        Degrees; the extent of the items by default.
    crs, resolution : optional
        EPSG code and metres; those of the cube, else of most items by default.
    progress : callable
        Called with the share that is written, 0 to 1.

    Raises
    ------
    RefusedError
        When the folder contains something else, or a cube of another grid or area.
    """
    passes = group_items(items)
    marks = {one.pass_id: _mark(one) for one in passes}
    state = _state(path)
    if state:
        _check(path, state, area, crs, resolution)
        kept = state.grid
        area = area or (shapely.from_wkt(kept["area"]) if kept["area"] else None)
        grid = common_grid(items, area, kept["crs"], kept["transform"][0])
    else:
        grid = common_grid(items, area, crs, resolution)
    record = _record(grid, area)
    whole = load_passes(passes, grid, area, None, {"time": 1, "y": TILE, "x": TILE})
    new = tuple(name for name in marks if not state or name not in state.passes)
    # New bursts may reach further than those of the cube.
    if state is None or record != state.grid or not _appendable(state, marks, whole):
        _write(path, whole, {_GRID: json.dumps(record)}, progress)
    elif new:
        fresh = whole.isel(time=np.isin(whole["pass_id"].values, new))
        # xarray writes the attributes anew: those that are there stay, until the passes are written to their end.
        fresh = fresh.assign_attrs({_GRID: json.dumps(record), _PASSES: json.dumps(state.passes)})
        with _Share(progress):
            fresh.drop_dims("angle_orbit", errors="ignore").drop_vars("spatial_ref").to_zarr(
                path, append_dim="time", consolidated=False
            )
    _note_passes(path, json.dumps(marks))
    return CubeUpdate(path, tuple(marks), new)


def _note_passes(path: Path, marks: str) -> None:
    """Note which passes are complete, last of all: a cube whose attribute lacks one was not written completely."""
    metadata = path / ".zmetadata"
    if metadata.is_file() and json.loads(metadata.read_text())["metadata"][".zattrs"].get(_PASSES) == marks:
        return
    zarr.open_group(str(path), mode="r+").attrs[_PASSES] = marks
    zarr.consolidate_metadata(str(path), zarr_format=2)


def _write(path: Path, whole: xr.Dataset, attributes: dict[str, str], progress: Progress) -> None:
    part, old = (path.with_name(f".{path.name}.{ending}") for ending in ("part", "old"))
    for left in (part, old):
        shutil.rmtree(left, ignore_errors=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    with _Share(progress):
        whole.assign_attrs(attributes).to_zarr(
            part, mode="w", zarr_format=2, consolidated=False, encoding=_encoding(whole)
        )
    if path.exists():
        path.rename(old)
    part.rename(path)
    shutil.rmtree(old, ignore_errors=True)


def _encoding(whole: xr.Dataset) -> dict[str, dict[str, Any]]:
    chunks = [min(TILE, whole.sizes["y"]), min(TILE, whole.sizes["x"])]
    encoding: dict[str, dict[str, Any]] = {str(name): {"chunks": [1, *chunks]} for name in whole.data_vars}
    # The same reference date for every append.
    encoding["time"] = {"units": "microseconds since 2014-01-01", "dtype": "int64", "chunks": [4096]}
    return encoding


def _appendable(state: _State, marks: dict[str, str], whole: xr.Dataset) -> bool:
    """Whether all new passes are later than existing ones, and those have not changed."""
    standing = list(state.passes.items())
    orbits = set(whole["angle_orbit"].values.tolist()) if ANGLE in whole else set()
    return (
        list(marks.items())[: len(standing)] == standing
        and frozenset(map(str, whole.data_vars)) == state.bands
        and orbits == state.orbits
    )


def _state(path: Path) -> _State | None:
    """The cube in a folder; None if there is none, or it was not written completely."""
    if not path.exists():
        return None
    try:
        cube = xr.open_zarr(path, consolidated=False, decode_coords="all")
    except (FileNotFoundError, KeyError, ValueError) as error:
        raise RefusedError(f"{path} is not a cube; remove it or give another folder", "cube") from error
    if _GRID not in cube.attrs:
        raise RefusedError(f"{path} is not a cube of rtcflow; remove it or give another folder", "cube")
    passes = json.loads(cube.attrs.get(_PASSES, "{}"))
    if list(passes) != [str(name) for name in cube["pass_id"].values]:
        return None
    orbits = cube["angle_orbit"].values.tolist() if ANGLE in cube else []
    return _State(
        passes, json.loads(cube.attrs[_GRID]), frozenset(map(str, cube.data_vars)), frozenset(orbits)
    )


def _record(grid: GeoBox, area: BaseGeometry | None) -> dict[str, Any]:
    return {
        "crs": str(grid.crs),
        "transform": list(grid.affine)[:6],
        "shape": list(grid.shape),
        "area": area.wkt if area is not None else None,
    }


def check_cube(path: Path, area: BaseGeometry | None, crs: int | None, resolution: float | None) -> None:
    """Refuse a folder that contains something else, or a cube of another area or grid, before making products for it.

    Raises
    ------
    RefusedError
        Names the differences.
    """
    state = _state(path)
    if state is not None:
        _check(path, state, area, crs, resolution)


def _check(
    path: Path, state: _State, area: BaseGeometry | None, crs: int | None, resolution: float | None
) -> None:
    """Refuse to add another area or grid to a cube."""
    grid = state.grid
    differing = [
        ("area", area is not None and area.wkt != grid["area"]),
        ("CRS", crs is not None and f"EPSG:{crs}" != grid["crs"]),
        ("resolution", resolution is not None and float(resolution) != grid["transform"][0]),
    ]
    names = [name for name, differs in differing if differs]
    if names:
        raise RefusedError(f"{path} is a cube of another {' and '.join(names)}; give another --out", "cube")


def _mark(one: PassItems) -> str:
    """Mark that changes when a product of a pass is made again."""
    return hashlib.sha256("\n".join(item.id for item in one.items).encode()).hexdigest()[:16]


class _Share(Callback):
    """Reports the share of a dask computation that is done."""

    def __init__(self, progress: Progress) -> None:
        super().__init__()
        self._progress = progress

    def _posttask(self, key: Any, result: Any, dsk: Any, state: Any, worker_id: Any) -> None:
        done = len(state["finished"])
        self._progress(
            done / max(1, done + sum(len(state[name]) for name in ("ready", "waiting", "running")))
        )
