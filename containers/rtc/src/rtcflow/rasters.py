"""Write rasters by way of memory and Python, which reports a full disk (GDAL often does not); read their grid."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from rasterio.io import DatasetReader, DatasetWriter, MemoryFile

from rtcflow_contract.grid import Grid

_TOLERANCE_M = 1e-6


def write_raster(path: Path, profile: dict[str, Any], fill: Callable[[DatasetWriter], None]) -> None:
    """Write a raster file.

    Parameters
    ----------
    path : Path
    profile : dict
        Driver, size, type, georeference and creation options, as for `rasterio.open`.
    fill : callable
        Writes values and tags into the open dataset.

    Raises
    ------
    OSError
        When the file cannot be written, with its errno.
    """
    with MemoryFile(ext=path.suffix) as memory:
        with memory.open(**profile) as out:
            fill(out)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(memory.getbuffer())


def grid_of(source: DatasetReader) -> Grid:
    """The grid of a raster.

    Raises
    ------
    ValueError
        When it is not north-up with square pixels, or has no EPSG code; names the file.
    """
    transform = source.transform
    name = Path(source.name).name
    if transform.b or transform.d or abs(transform.a + transform.e) > _TOLERANCE_M:
        raise ValueError(f"{name} is not north-up with square pixels")
    epsg = source.crs.to_epsg() if source.crs else None
    if epsg is None:
        raise ValueError(f"{name} has no EPSG code")
    return Grid(
        epsg=epsg,
        left=transform.c,
        top=transform.f,
        spacing=transform.a,
        rows=source.height,
        cols=source.width,
    )
