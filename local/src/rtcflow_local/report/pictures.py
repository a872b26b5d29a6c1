"""Shrink browse images so that many fit into one page."""

import io
from typing import NamedTuple

from PIL import Image, UnidentifiedImageError

# Base64 adds a third; with the rest the page stays below 8 MB.
_ALL_BYTES = 5_000_000
_MAX_ACROSS, _MIN_ACROSS = 1100, 240
_QUALITY = 82


class Picture(NamedTuple):
    """A WebP image, its size in pixels, and its opaque part as (x, y, width, height)."""

    data: bytes
    width: int
    height: int
    inside: tuple[int, int, int, int]


def shrink(png: bytes, count: int) -> Picture | None:
    """The image as WebP, small enough for `count` of them in a page; None if it is not an image.

    Parameters
    ----------
    png : bytes
        Image with transparency.
    count : int
        Images in the page.
    """
    try:
        with Image.open(io.BytesIO(png)) as opened:
            image = opened.convert("RGBA")
    except (UnidentifiedImageError, OSError):
        return None
    across = _MAX_ACROSS
    while True:
        smaller = image.copy()
        smaller.thumbnail((across, across), Image.Resampling.LANCZOS)
        out = io.BytesIO()
        smaller.save(out, "WEBP", quality=_QUALITY, method=4)
        if out.tell() <= _ALL_BYTES // max(count, 1) or across <= _MIN_ACROSS:
            return Picture(out.getvalue(), smaller.width, smaller.height, _inside(smaller))
        across = across * 3 // 4


def _inside(image: Image.Image) -> tuple[int, int, int, int]:
    left, upper, right, lower = image.getchannel("A").getbbox() or (0, 0, image.width, image.height)
    return left, upper, right - left, lower - upper
