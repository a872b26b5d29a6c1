"""`rtcflow accuracy`: the geometric accuracy of products, by point targets of known position."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from rtcflow.accuracy.targets import Accuracy, TargetError, measure, read_targets, summarize
from rtcflow_contract.errors import RefusedError

console = Console(soft_wrap=True, highlight=False, markup=False, emoji=False)
_LISTED = 40


def accuracy(
    products: Annotated[list[Path], typer.Argument(help="Folders of products, or backscatter GeoTIFFs.")],
    targets: Annotated[
        Path, typer.Option(help="CSV with name, longitude, latitude, height of each corner reflector.")
    ],
    polarization: Annotated[str, typer.Option(help="Layer to look in.")] = "VV",
    table: Annotated[Path | None, typer.Option(help="CSV file for the error of every target.")] = None,
) -> None:
    """Measure the absolute location error of point targets: bias and standard deviation, per target and overall."""
    surveyed = read_targets(targets)
    rasters = [path for product in products for path in _rasters(product, polarization)]
    if not rasters:
        raise RefusedError(
            f"there is no layer {polarization} in {', '.join(map(str, products))}; give folders of products",
            reason="not-found",
        )
    errors = measure(surveyed, rasters)
    found = summarize(errors)
    if table is not None:
        _write(table, errors)
    console.print(_table(errors))
    _say(found, len(surveyed), len(rasters))


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
    import csv

    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(TargetError._fields)
        writer.writerows(errors)
