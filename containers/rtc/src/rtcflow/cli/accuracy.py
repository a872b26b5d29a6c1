"""`rtcflow accuracy`: the geometric accuracy of products, by point targets of known position.

The error of a target is the position of its peak in a product minus its surveyed position, along the map's axes: the
end-to-end error of the final product in map coordinates (ARD ALE, case B of CEOS-ARD's Geometric Accuracy).
"""

import csv
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import rasterio
import typer
from pyproj import Transformer
from rich.console import Console
from rich.table import Table

from rtcflow.cli.outputs import check_outputs
from rtcflow_contract.errors import RefusedError

console = Console(soft_wrap=True, highlight=False, markup=False, emoji=False)
if not console.is_terminal:
    # For a file or pipe, rich assumes 80 columns and would cut the names of files.
    console.width = 200
_LISTED = 40
# Half the search window for a target, in metres on the ground, and its minimum in pixels.
_REACH_M, _REACH_PIXELS = 120.0, 4
# Pixels on either side of a peak that contain its power.
_AROUND = 2
# A peak must exceed the median around it by this factor; otherwise the target is not visible.
_LEAST_CONTRAST_DB = 10.0
_WGS84 = "EPSG:4326"


class SurveyedTarget(NamedTuple):
    """A point target; degrees, and metres above the ellipsoid (for information: the DEM's height places the pixel)."""

    name: str
    longitude: float
    latitude: float
    height: float | None = None


class TargetError(NamedTuple):
    """Position where a target appears minus its surveyed position, metres along the map's axes."""

    name: str
    file: str
    error_x_m: float
    error_y_m: float
    contrast_db: float


class Accuracy(NamedTuple):
    """Errors of all targets found: bias, sample standard deviation, and root mean square, in metres."""

    targets: int
    bias_x_m: float
    bias_y_m: float
    stddev_x_m: float
    stddev_y_m: float
    rmse_x_m: float
    rmse_y_m: float


def accuracy(
    products: Annotated[list[Path], typer.Argument(help="Folders of products, or backscatter GeoTIFFs.")],
    targets: Annotated[
        Path, typer.Option(help="CSV with name, longitude, latitude, height of each corner reflector.")
    ],
    polarization: Annotated[str, typer.Option(help="Layer to look in.")] = "VV",
    table: Annotated[Path | None, typer.Option(help="CSV file for the error of every target.")] = None,
) -> None:
    """Measure the absolute location error of point targets: bias and standard deviation, per target and overall."""
    check_outputs(table=table)
    surveyed = read_targets(targets)
    rasters = [path for product in products for path in _rasters(product, polarization)]
    if not rasters:
        raise RefusedError(
            f"there is no layer {polarization} in {', '.join(map(str, products))}; give folders of products",
            reason="not-found",
        )
    errors = measure(surveyed, rasters)
    found = summarize(errors)
    console.print(_table(errors))
    _say(found, len(surveyed), len(rasters))
    if table is not None:
        _write(table, errors)


def _rasters(path: Path, polarization: str) -> list[Path]:
    if path.is_file():
        return [path]
    names = (f"*_{polarization}.tif", f"*_{polarization}-gamma0.tif")
    return sorted(found for name in names for found in path.rglob(name))


def _table(errors: list[TargetError]) -> Table:
    table = Table("Target", "East, m", "North, m", "Contrast, dB", "File", box=None, pad_edge=False)
    for error in errors[:_LISTED]:
        table.add_row(
            error.name,
            f"{error.error_x_m:.2f}",
            f"{error.error_y_m:.2f}",
            f"{error.contrast_db:.1f}",
            error.file,
        )
    return table


def _say(found: Accuracy, surveyed: int, rasters: int) -> None:
    console.print(
        f"\n{found.targets} sightings of {surveyed} targets in {rasters} layers\n"
        f"bias      {found.bias_x_m:8.2f} {found.bias_y_m:8.2f} m\n"
        f"std dev   {found.stddev_x_m:8.2f} {found.stddev_y_m:8.2f} m\n"
        f"RMSE      {found.rmse_x_m:8.2f} {found.rmse_y_m:8.2f} m\n\n"
        "To put it into products, set GEOMETRIC_ACCURACY, with a link to the method:\n"
        f'  GEOMETRIC_ACCURACY="{found.bias_x_m} {found.bias_y_m} {found.stddev_x_m} {found.stddev_y_m} https://…"'
    )


def _write(path: Path, errors: list[TargetError]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(TargetError._fields)
        writer.writerows(errors)


def read_targets(path: Path) -> list[SurveyedTarget]:
    """Read targets from a CSV with columns `name`, `longitude`, `latitude` and, if known, `height`.

    Raises
    ------
    RefusedError
        When a column is missing or a value is not a number.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
        return [
            SurveyedTarget(
                row["name"],
                float(row["longitude"]),
                float(row["latitude"]),
                float(row["height"]) if row.get("height") else None,
            )
            for row in rows
        ]
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise RefusedError(
            f"{path} is not a table of targets ({error}); give a CSV with columns name, longitude, latitude, height",
            reason="targets",
        ) from error


def measure(targets: Iterable[SurveyedTarget], rasters: Iterable[Path]) -> list[TargetError]:
    """Measure the error of every target in every backscatter raster that shows it."""
    found = []
    targets = list(targets)
    for raster in rasters:
        with rasterio.open(raster) as source:
            to_map = Transformer.from_crs(_WGS84, source.crs, always_xy=True)
            for target in targets:
                error = _error(source, to_map, target, raster.name)
                if error is not None:
                    found.append(error)
    return found


def summarize(errors: Iterable[TargetError]) -> Accuracy:
    """Compute bias and spread of errors.

    Raises
    ------
    RefusedError
        When there are fewer than two, too few for a standard deviation.
    """
    values = np.array([(error.error_x_m, error.error_y_m) for error in errors])
    if len(values) < 2:
        raise RefusedError(
            f"{len(values)} targets were found, and a standard deviation needs two; check that targets and products "
            "overlap",
            reason="targets-not-seen",
        )
    bias, spread = values.mean(axis=0), values.std(axis=0, ddof=1)
    rms = np.sqrt((values**2).mean(axis=0))
    return Accuracy(len(values), *(round(float(value), 3) for value in (*bias, *spread, *rms)))


def _error(
    source: rasterio.DatasetReader, to_map: Transformer, target: SurveyedTarget, file: str
) -> TargetError | None:
    x, y = to_map.transform(target.longitude, target.latitude)
    col, row = ~source.transform * (x, y)
    reach = max(_REACH_PIXELS, math.ceil(_REACH_M / source.transform.a))
    window = rasterio.windows.Window(int(col) - reach, int(row) - reach, 2 * reach + 1, 2 * reach + 1)
    if not (0 <= col < source.width and 0 <= row < source.height):
        return None
    values = source.read(1, window=window, boundless=True, fill_value=np.nan)
    if not np.isfinite(values).any():
        return None
    peak_row, peak_col = np.unravel_index(int(np.nanargmax(values)), values.shape)
    contrast = 10 * math.log10(values[peak_row, peak_col] / max(float(np.nanmedian(values)), 1e-9))
    inside = 0 < peak_row < values.shape[0] - 1 and 0 < peak_col < values.shape[1] - 1
    if contrast < _LEAST_CONTRAST_DB or not inside:
        return None
    d_row, d_col = _centroid(values, int(peak_row), int(peak_col))
    # Pixel centres are half a pixel from the corner that the transform gives.
    at_x, at_y = source.transform * (
        window.col_off + peak_col + d_col + 0.5,
        window.row_off + peak_row + d_row + 0.5,
    )
    return TargetError(target.name, file, round(at_x - x, 3), round(at_y - y, 3), round(contrast, 1))


def _centroid(values: np.ndarray, row: int, col: int) -> tuple[float, float]:
    """Centre of power of the pixels around a peak, background subtracted, in pixels from the peak's centre.

    Averaging by area spreads a target over the pixels that it overlaps, in proportion to the overlap, so the centre of
    power is its position to a small fraction of a pixel, for any pixel size.
    """
    top, left = max(row - _AROUND, 0), max(col - _AROUND, 0)
    part = values[top : row + _AROUND + 1, left : col + _AROUND + 1] - np.nanmedian(values)
    part = np.nan_to_num(part)
    rows, cols = np.arange(top, top + part.shape[0]) - row, np.arange(left, left + part.shape[1]) - col
    total = part.sum()
    return float((part.sum(axis=1) * rows).sum() / total), float((part.sum(axis=0) * cols).sum() / total)
