"""`rtcflow compare`: differences of two products, layer by layer."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from rtcflow.compare.differences import Differences, Measured, differences_of
from rtcflow.compare.limits import Limits, exceeded
from rtcflow.compare.pairs import common_layers, find_layers, read_pair
from rtcflow.compare.picture import draw

_D = Limits()
_OUTSIDE = 1
_TABLE_WIDTH = 110


def compare(
    a: Annotated[Path, typer.Argument(help="Folder of a product: the reference.")],
    b: Annotated[Path, typer.Argument(help="Folder of the product to compare with it.")],
    layer: Annotated[
        list[str] | None, typer.Option(help="Layer, like VV or mask; repeat for several. All by default.")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="JSON file for the figures.")] = None,
    picture: Annotated[Path | None, typer.Option(help="PNG file for difference maps.")] = None,
    db_bias: Annotated[float, typer.Option(help="Limit of the mean difference, dB.")] = _D.db_bias,
    db_p95: Annotated[float, typer.Option(help="Limit of the difference of 95 % of pixels, dB.")] = _D.db_p95,
    db_p99: Annotated[float, typer.Option(help="Limit of the difference of 99 % of pixels, dB.")] = _D.db_p99,
    degrees_p95: Annotated[
        float, typer.Option(help="Limit of the difference of 95 % of angles.")
    ] = _D.degrees_p95,
    metres_p95: Annotated[
        float, typer.Option(help="Limit of the difference of 95 % of heights.")
    ] = _D.metres_p95,
    ratio_p95: Annotated[
        float, typer.Option(help="Limit of the relative difference of 95 % of looks.")
    ] = _D.ratio_p95,
    mask_agreement: Annotated[
        float, typer.Option(help="Minimum share of pixels with the same class.")
    ] = _D.mask_agreement,
    mask_iou: Annotated[
        float, typer.Option(help="Minimum intersection over union of a class.")
    ] = _D.mask_iou,
    validity: Annotated[
        float, typer.Option(help="Minimum share of pixels valid in both or neither.")
    ] = _D.validity,
) -> None:
    """Compare two products pixel by pixel; exit code 0 if all differences are within the limits, else 1."""
    limits = Limits(
        db_bias, db_p95, db_p99, degrees_p95, metres_p95, ratio_p95, mask_agreement, mask_iou, validity
    )
    files_a, files_b = find_layers(a), find_layers(b)
    names = common_layers(files_a, files_b, layer or ())
    measured = [differences_of(read_pair(name, files_a[name], files_b[name])) for name in names]
    outside = {one.differences.layer: exceeded(one.differences, limits) for one in measured}
    _say([one.differences for one in measured], outside)
    if json_file is not None:
        json_file.parent.mkdir(parents=True, exist_ok=True)
        json_file.write_text(json.dumps(_report(a, b, measured, outside, limits), indent=2) + "\n")
    if picture is not None:
        draw(measured, limits, picture)
    if any(outside.values()):
        raise typer.Exit(_OUTSIDE)


def _say(all_differences: Sequence[Differences], outside: dict[str, list[str]]) -> None:
    console = Console(soft_wrap=True, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        # For a file or pipe, rich assumes 80 columns and would cut the table.
        console.width = _TABLE_WIDTH
    table = Table(box=None, pad_edge=False)
    table.add_column("layer", no_wrap=True)
    for title in ("bias", "p50", "p95", "p99", "unit", "same class", "validity", "pixels", "limits"):
        table.add_column(title, justify="left" if title in ("unit", "limits") else "right")
    for one in all_differences:
        table.add_row(
            one.layer,
            *(_number(value) for value in (one.bias, one.p50, one.p95, one.p99)),
            one.unit,
            "" if one.agreement is None else f"{one.agreement:.5f}",
            f"{one.validity:.5f}",
            f"{one.pixels}",
            "outside" if outside[one.layer] else "within",
        )
    console.print(table)
    for one in all_differences:
        for name, overlap in one.classes.items():
            if overlap.iou is not None:
                console.print(
                    f"{one.layer} {name}: {overlap.a} and {overlap.b} pixels, "
                    f"intersection over union {overlap.iou:.3f}"
                )
    for name, phrases in outside.items():
        for phrase in phrases:
            console.print(f"outside: {name} {phrase}", style="bold red")


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _report(
    a: Path, b: Path, measured: Sequence[Measured], outside: dict[str, list[str]], limits: Limits
) -> dict[str, Any]:
    return {
        "a": str(a),
        "b": str(b),
        "within": not any(outside.values()),
        "limits": limits._asdict(),
        "layers": {
            one.differences.layer: {
                **one.differences.as_json(),
                "outside": outside[one.differences.layer],
            }
            for one in measured
        },
    }
