"""Zeros that were filled in where nothing was received, marked so that the workflow makes no data of them.

ISCE3 takes a zero for a measurement of nothing. A sample of NaN it takes into its sums, so that every pixel that it
touches is without data.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rtcflow.native.fill import filled_share, find_fill, refuse_empty
from rtcflow.native.image import radar_grid, valid_samples
from rtcflow.rasters import write_raster
from rtcflow.sentinel1.annotation import read_burst
from rtcflow.sentinel1.files import BurstFiles
from rtcflow.sentinel1.measurement import read_burst_pixels
from rtcflow.sources.scene.safe_burst import FetchedScene
from rtcflow_contract.layers import Product


class MarkedScene(NamedTuple):
    """The scene to lay out, and the filled share of the burst's valid samples, 0 to 1, by polarization."""

    scene: FetchedScene
    filled: dict[str, float]


def mark_fill(scene: FetchedScene, burst_id: str, folder: Path) -> MarkedScene:
    """Mark the filled samples of a burst, by the rule of the native engine.

    Parameters
    ----------
    scene : FetchedScene
        With measurements.
    burst_id : str
    folder : Path
        Where measurements with marks are written; those without filled samples stay as they are.

    Raises
    ------
    RefusedError
        When a measurement cannot be read, or nearly all of it is filled.
    """
    files, filled = dict(scene.files), {}
    for polarization, one in scene.files.items():
        burst = read_burst(one.annotation, burst_id)
        valid = valid_samples(burst, Product.RTC_S1, radar_grid(burst, Product.RTC_S1))
        pixels = read_burst_pixels(one, burst)
        runs = find_fill(pixels, valid)
        filled[polarization] = filled_share(runs, valid)
        if len(runs):
            path = folder / f"marked-{polarization}.tif"
            _write_marked(path, pixels, runs)
            files[polarization] = BurstFiles(
                one.annotation, one.calibration, one.noise, path, burst.first_line
            )
    refuse_empty(filled, burst_id)
    return MarkedScene(scene._replace(files=files), filled)


def _write_marked(path: Path, pixels: NDArray[np.int16], runs: NDArray[np.int64]) -> None:
    lines, samples = pixels.shape[:2]
    values = np.empty((lines, samples), np.complex64)
    values.real, values.imag = pixels[..., 0], pixels[..., 1]
    for line, first, stop in runs:
        values[line, first:stop] = np.nan
    profile = {
        "driver": "GTiff",
        "height": lines,
        "width": samples,
        "count": 1,
        "dtype": "complex64",
    }
    write_raster(path, profile, lambda out: out.write(values, 1))
