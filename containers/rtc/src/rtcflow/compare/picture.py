"""Difference maps of all layers in one picture."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from rtcflow.compare.differences import CLASSES, Measured
from rtcflow.compare.limits import Limits, p95_limit

_ACROSS = 640
_COLUMNS = 2
_MARGIN, _TITLE, _TEXT = 12, 22, 360
_PAPER, _INK, _NOTHING = (255, 255, 255), (40, 40, 40), (214, 214, 214)
# Colours for second product lower, equal, higher; colour-blind readers can tell them apart.
_LOWER, _EQUAL, _HIGHER = (33, 102, 172), (247, 247, 247), (178, 24, 43)


def draw(measured: Sequence[Measured], limits: Limits, path: Path) -> None:
    """Write a PNG with a difference map of each layer and its scale.

    Blue means that the second product is lower, red that it is higher (for the mask, that the class differs), grey that
    not both are valid. A scale ends at the 99th percentile of the layer's absolute difference, or at the limit of its
    95th percentile if that is larger, so that rounding does not look like a difference.
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
