"""Read the pixels of a burst: complex int16, only its lines."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.errors import RasterioError
from rasterio.windows import Window

from rtcflow.sentinel1.burst_metadata import Burst, BurstFiles
from rtcflow_contract.errors import RefusedError
from rtcflow_safe.annotation import read_annotation

# Lines that GDAL reads at once, as complex float32.
_READ_LINES = 128


class Lines(Protocol):
    """Lines of a burst, read when they are asked for: a slice gives (lines, samples, 2) int16, I and Q."""

    def __getitem__(self, lines: slice, /) -> NDArray[np.int16]:
        """Some of the lines."""


def read_burst_pixels(files: BurstFiles, burst: Burst) -> NDArray[np.int16]:
    """In-phase and quadrature of the burst, (lines, samples, 2) int16; errors as `open_burst_pixels`."""
    return open_burst_pixels(files, burst)[:]


def open_burst_pixels(files: BurstFiles, burst: Burst) -> Lines:
    """Lines of the burst.

    Those of local uncompressed TIFFs, as ESA writes them, are mapped into memory for as long as they are in use;
    anything else GDAL reads as a whole.

    Raises
    ------
    RefusedError
        When the TIFF is missing, truncated, corrupt, or has another size than its annotation says.
    """
    name = Path(str(files.measurement)).name
    top = burst.first_line - files.first_line
    try:
        with rasterio.open(str(files.measurement)) as tiff:
            if tiff.width != burst.samples or top < 0 or top + burst.lines > tiff.height:
                raise RefusedError(
                    f"measurement {name} is {tiff.height} x {tiff.width}, too small for lines {top} to "
                    f"{top + burst.lines} of {burst.samples} samples; fetch the scene again",
                    "measurement",
                )
            whole = len(read_annotation(files.annotation).entries) * burst.lines
            if tiff.height not in (burst.lines, whole):
                raise RefusedError(
                    f"measurement {name} has {tiff.height} lines where its annotation has {whole}; fetch the scene "
                    "again",
                    "measurement",
                )
            if (tiff.count, tiff.dtypes[0]) != (1, "complex_int16"):
                raise RefusedError(
                    f"measurement {name} has {tiff.count} x {tiff.dtypes[0]} where one of complex int16 belongs; fetch "
                    "the scene again",
                    "measurement",
                )
            mapped = _map_strips(Path(str(files.measurement)), tiff, top, burst.lines)
            if mapped is not None:
                return mapped
            return _read_lines(tiff, top, burst)
    except RasterioError as error:
        raise RefusedError(
            f"measurement {name} cannot be read ({error}); fetch the scene again", "measurement"
        ) from error


def _read_lines(tiff: rasterio.DatasetReader, top: int, burst: Burst) -> NDArray[np.int16]:
    split = np.empty((burst.lines, burst.samples, 2), np.int16)
    for first in range(0, burst.lines, _READ_LINES):
        part = split[first : first + _READ_LINES]
        pixels = tiff.read(1, window=Window(0, top + first, burst.samples, len(part)))
        part[..., 0], part[..., 1] = pixels.real, pixels.imag
    return split


@dataclass(frozen=True)
class _MappedLines:
    """Lines that follow each other in a file from an offset on, (lines, samples)."""

    path: Path
    offset: int
    shape: tuple[int, int]

    def __getitem__(self, lines: slice) -> NDArray[np.int16]:
        first, last, _ = lines.indices(self.shape[0])
        start = self.offset + first * self.shape[1] * 4
        return np.memmap(self.path, np.int16, "r", start, (last - first, self.shape[1], 2))


def _map_strips(path: Path, tiff: rasterio.DatasetReader, top: int, lines: int) -> _MappedLines | None:
    """The lines as they lie in the file, or None if they are not contiguous in a local file."""
    if not path.is_file() or tiff.dtypes[0] != "complex_int16" or tiff.compression is not None:
        return None
    if tiff.block_shapes[0] != (1, tiff.width):
        return None
    with path.open("rb") as file:
        if file.read(2) != b"II":
            return None
    line_bytes = tiff.width * 4
    first, last = (_strip_offset(tiff, line) for line in (top, top + lines - 1))
    if first is None or last is None or last - first != (lines - 1) * line_bytes:
        return None
    if last + line_bytes > path.stat().st_size:
        raise RefusedError(f"measurement {path.name} is cut short; fetch the scene again", "measurement")
    return _MappedLines(path, first, (lines, tiff.width))


def _strip_offset(tiff: rasterio.DatasetReader, line: int) -> int | None:
    value = tiff.get_tag_item(f"BLOCK_OFFSET_0_{line}", "TIFF", bidx=1)
    return int(value) if value else None
