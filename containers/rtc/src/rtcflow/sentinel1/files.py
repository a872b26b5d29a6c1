"""The files of one burst in one polarization."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class BurstFiles:
    """Paths of a burst's annotation and pixels.

    `measurement` is any path that GDAL opens; `first_line` is the line of the annotation's raster at which the TIFF
    starts: 0 for a whole measurement, burst index times lines per burst for a TIFF with only the burst's lines.
    """

    annotation: Path
    calibration: Path
    noise: Path
    measurement: str | Path
    first_line: int = 0
