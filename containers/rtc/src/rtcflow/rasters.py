"""Write rasters by way of memory and Python, which reports a full disk; GDAL often does not."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from rasterio.io import DatasetWriter, MemoryFile


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
