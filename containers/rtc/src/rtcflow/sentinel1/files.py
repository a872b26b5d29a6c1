"""The files of one burst in one polarization."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class BurstFiles:
    """Where a burst's annotation and pixels are.

    `measurement` is any path that GDAL opens; `first_line` the line of the annotation's raster that is the first of
    the TIFF: 0 for a whole measurement, burst index times lines per burst for an extract of the burst's lines alone.
    """

    annotation: Path
    calibration: Path
    noise: Path
    measurement: str | Path
    first_line: int = 0
