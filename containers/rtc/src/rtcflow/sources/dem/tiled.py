"""DEMs in square tiles of a projected CRS: find the tiles of an area, and read rows of heights across them.

Tiles share one lattice of postings and overlap a little. A missing tile is void: these archives have no list of tiles,
and end at the sea. Quarters of a tile are placed by their own georeference.
"""

import math
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import PurePosixPath
from typing import NamedTuple

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.errors import RasterioError
from rasterio.windows import Window

from rtcflow.sources.dem.dem_area import DemArea
from rtcflow.sources.dem.dem_values import (
    AROUND,
    check_raster,
    crs_text,
    read_values,
    refuse_size,
    void_impossible,
)
from rtcflow.sources.dem.remote import open_raster
from rtcflow_contract.dem import DemSpec, Tiling
from rtcflow_contract.errors import NotFoundError, RefusedError
from rtcflow_files.files import Files

# In postings: tiles that are off by more do not share a lattice.
_ON_LATTICE = 0.01


class ProjectedTile(NamedTuple):
    """An open tile, its path, and the row and column of its first posting in the window."""

    name: str
    source: rasterio.DatasetReader
    row: int
    col: int


class TiledWindow(NamedTuple):
    """The postings of an area: `y` falling and `x` rising, in the CRS's unit, and the tiles that may cover them."""

    y: NDArray[np.float64]
    x: NDArray[np.float64]
    crs: str
    tiles: tuple[ProjectedTile, ...]

    def rows(self, first: int, stop: int) -> NDArray[np.float32]:
        """Heights of rows, (rows, cols); NaN where no tile has a height.

        Raises
        ------
        RefusedError
            When a tile cannot be read.
        """
        found = np.full((stop - first, self.x.size), np.nan, np.float32)
        for tile in self.tiles:
            top, bottom = max(first, tile.row), min(stop, tile.row + tile.source.height)
            left, right = max(0, tile.col), min(self.x.size, tile.col + tile.source.width)
            if top >= bottom or left >= right:
                continue
            window = Window(left - tile.col, top - tile.row, right - left, bottom - top)
            with _refusing_corrupt(tile.name):
                values, _ = read_values(tile.source, window)
            void_impossible(values)
            there = found[top - first : bottom - first, left:right]
            np.copyto(there, values, where=np.isnan(there))
        return found


@contextmanager
def open_window(place: Files, spec: DemSpec, area: DemArea) -> Iterator[TiledWindow | None]:
    """Open the tiles of an area in the DEM's CRS; None if the archive has none of them.

    Raises
    ------
    RefusedError
        When a tile cannot be read, or is not at the place that its name says.
    """
    tiling = spec.tiling
    assert tiling is not None
    with ExitStack() as stack:
        opened = [
            (name, source)
            for row, col, name in tile_names(tiling, area)
            if (source := _open(stack, place, name)) is not None
            and _fits_name(source, name, spec, tiling, row, col)
        ]
        yield _window(opened, spec, area) if opened else None


def tile_names(tiling: Tiling, area: DemArea) -> Iterator[tuple[int, int, str]]:
    """Row, column and path of every tile, or quarter of one, that an area may touch."""
    size = tiling.size_m
    for row in range(
        math.floor((area.south - tiling.south) / size), math.ceil((area.north - tiling.south) / size)
    ):
        for col in range(
            math.floor((area.west - tiling.west) / size), math.ceil((area.east - tiling.west) / size)
        ):
            if 0 <= row <= 99 and 0 <= col <= 99:
                for part in tiling.parts:
                    yield row, col, tiling.path.format(row=row, col=col, part=part)


def _open(stack: ExitStack, place: Files, name: str) -> rasterio.DatasetReader | None:
    try:
        with _refusing_corrupt(name):
            return stack.enter_context(open_raster(place, name))
    except NotFoundError:
        return None


def _fits_name(
    source: rasterio.DatasetReader, name: str, spec: DemSpec, tiling: Tiling, row: int, col: int
) -> bool:
    """True; raises RefusedError for a tile that does not fit its name."""
    stem = PurePosixPath(name).name
    check_raster(source, stem)
    wrong = ""
    if crs_text(source) != f"EPSG:{tiling.epsg}":
        wrong = f"is in {source.crs}, not EPSG:{tiling.epsg}"
    elif max(abs(source.transform.a - spec.posting_m), abs(source.transform.e + spec.posting_m)) > 1e-6:
        wrong = f"has postings of {source.transform.a:g} m, not {spec.posting_m:g} m"
    else:
        left, bottom, right, top = source.bounds
        west, south = tiling.west + col * tiling.size_m, tiling.south + row * tiling.size_m
        beyond = max(west - left, south - bottom, right - west - tiling.size_m, top - south - tiling.size_m)
        if beyond > tiling.overlap_m:
            wrong = f"is at {left:.0f}, {bottom:.0f}, not in its place at {west:.0f}, {south:.0f}"
    if wrong:
        raise RefusedError(f"DEM tile {stem} {wrong}; fetch the archive's own tile", reason="dem-layout")
    return True


def _window(opened: list[tuple[str, rasterio.DatasetReader]], spec: DemSpec, area: DemArea) -> TiledWindow:
    posting, first = spec.posting_m, opened[0][1].transform
    origin_x, origin_y = first.c + posting / 2, first.f - posting / 2
    left = math.floor((area.west - origin_x) / posting) - AROUND
    right = math.ceil((area.east - origin_x) / posting) + AROUND
    top = math.floor((origin_y - area.north) / posting) - AROUND
    bottom = math.ceil((origin_y - area.south) / posting) + AROUND
    refuse_size((bottom - top + 1, right - left + 1), spec.title)
    tiles = []
    for name, source in opened:
        col = (source.transform.c - first.c) / posting - left
        row = (first.f - source.transform.f) / posting - top
        stem = PurePosixPath(name).stem
        if max(abs(col - round(col)), abs(row - round(row))) > _ON_LATTICE:
            raise RefusedError(
                f"DEM tile {stem} does not share the postings of {PurePosixPath(opened[0][0]).stem}; fetch the "
                "archive's own tiles",
                reason="dem-layout",
            )
        tiles.append(ProjectedTile(name, source, round(row), round(col)))
    return TiledWindow(
        origin_y - posting * np.arange(top, bottom + 1),
        origin_x + posting * np.arange(left, right + 1),
        f"EPSG:{spec.tiling.epsg}" if spec.tiling else "",
        tuple(tiles),
    )


@contextmanager
def _refusing_corrupt(name: str) -> Iterator[None]:
    try:
        yield
    except RasterioError as error:
        raise RefusedError(
            f"DEM tile {PurePosixPath(name).name} is corrupt ({error}); fetch it again", reason="dem-corrupt"
        ) from error
