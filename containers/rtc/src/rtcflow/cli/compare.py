"""`rtcflow compare`: differences of two products, layer by layer, as a table, JSON and maps."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from PIL import Image, ImageDraw
from rich.console import Console
from rich.table import Table

from rtcflow.cli.outputs import check_outputs
from rtcflow.compare.differences import (
    CLASSES,
    Differences,
    Limits,
    Measured,
    differences_of,
    exceeded,
    p95_limit,
)
from rtcflow.compare.pairs import common_layers, find_layers, read_pair

_D = Limits()
_OUTSIDE = 1
_TABLE_WIDTH = 110
_ACROSS = 640
_COLUMNS = 2
_MARGIN, _TITLE, _TEXT = 12, 22, 360
_PAPER, _INK, _NOTHING = (255, 255, 255), (40, 40, 40), (214, 214, 214)
# Colours for second product lower, equal, higher; colour-blind readers can tell them apart.
_LOWER, _EQUAL, _HIGHER = (33, 102, 172), (247, 247, 247), (178, 24, 43)


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
    check_outputs(json=json_file, picture=picture)
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


def draw(measured: Sequence[Measured], limits: Limits, path: Path) -> None:
    """Write a PNG with a difference map of each layer and its scale.

    Blue means that the second product is lower, red that it is higher (for the mask, that the class differs), grey that
    one of them is invalid. A scale ends at the 99th percentile of the layer's absolute difference, or at the limit of
    its 95th percentile if that is larger, so that rounding does not look like a difference.
    """
    tiles = [_tile(one, limits) for one in measured]
    width, height = (max(tile.size[axis] for tile in tiles) for axis in (0, 1))
    rows = -(-len(tiles) // _COLUMNS)
    columns = min(_COLUMNS, len(tiles))
    picture = Image.new(
        "RGB", (_MARGIN + columns * (width + _MARGIN), _MARGIN + rows * (height + _MARGIN)), _PAPER
    )
    for number, tile in enumerate(tiles):
        row, column = divmod(number, _COLUMNS)
        picture.paste(tile, (_MARGIN + column * (width + _MARGIN), _MARGIN + row * (height + _MARGIN)))
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path, format="PNG")


def _tile(measured: Measured, limits: Limits) -> Image.Image:
    differences = measured.differences
    if differences.unit == CLASSES:
        reach, text = 1.0, f"{differences.layer}: red where the class differs"
    else:
        reach = max(differences.p99 or 0.0, p95_limit(differences.unit, limits), 1e-9)
        text = f"{differences.layer}: {-reach:.2g} to {reach:+.2g} {differences.unit}"
    factor = _factor(measured.map.shape)
    if factor > 1:
        text += f", largest of {factor} x {factor} pixels"
    image = Image.fromarray(_coloured(_shrunk(measured.map, factor), reach))
    tile = Image.new("RGB", (max(image.width, _TEXT), image.height + _TITLE), _PAPER)
    ImageDraw.Draw(tile).text((0, 4), text, fill=_INK)
    tile.paste(image, (0, _TITLE))
    return tile


def _factor(shape: tuple[int, ...]) -> int:
    """Downsampling factor that makes the longer side fit."""
    factor = -(-max(shape) // _ACROSS)
    return factor if min(shape) >= factor else 1


def _shrunk(values: np.ndarray, factor: int) -> np.ndarray:
    """The largest difference of each square block, with its sign; a mean would hide small spots."""
    if factor == 1:
        return values
    rows, cols = (size // factor for size in values.shape)
    blocks = values[: rows * factor, : cols * factor].reshape(rows, factor, cols, factor)
    flat = blocks.transpose(0, 2, 1, 3).reshape(rows, cols, factor * factor)
    largest = np.abs(np.nan_to_num(flat)).argmax(axis=2)[..., None]
    picked = np.take_along_axis(flat, largest, axis=2)[..., 0]
    return np.where(np.isfinite(flat).any(axis=2), np.nan_to_num(picked), np.nan)


def _coloured(values: np.ndarray, reach: float) -> np.ndarray:
    share = np.clip(np.nan_to_num(values) / reach, -1, 1)[..., None]
    equal = np.array(_EQUAL, float)
    end = np.where(share < 0, np.array(_LOWER, float), np.array(_HIGHER, float))
    colours = equal + np.abs(share) * (end - equal)
    return np.where(np.isfinite(values)[..., None], colours, np.array(_NOTHING, float)).astype(np.uint8)
