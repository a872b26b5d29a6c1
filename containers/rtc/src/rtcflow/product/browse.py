"""The browse image: a PNG for a first look, transparent where there is no data."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from rtcflow_contract.errors import DefectError

MAX_BYTES = 500 * 1000
_MAX_PIXELS_ACROSS = 1024
_CO, _CROSS = ("VV", "HH"), ("VH", "HV")
# Static layers: the layer that shows the terrain best, else the first one.
_STATIC = ("local_incidence_angle", "rtc_anf_gamma0_to_beta0", "incidence_angle")


def write_browse(path: Path, layers: Mapping[str, np.ndarray]) -> None:
    """Write the browse image of a product.

    Dual polarization: red co-polarized, green cross-polarized, blue their ratio. One polarization: grey. Static
    layers: local incidence angle, in grey, dark where steep. Backscatter is shown in dB, each channel from its 2nd to
    its 98th percentile.

    Parameters
    ----------
    path : Path
    layers : mapping of str to ndarray, shape (rows, cols)
        By layer name; NaN where there is no data.
    """
    channels = [_shrunk(channel) for channel in _channels(layers)]
    save_browse(path, _rgba(channels))


def save_browse(path: Path, image: Image.Image) -> None:
    """Write an image as PNG below `MAX_BYTES`, shrinking it in steps of a seventh if needed."""
    while True:
        image.save(path, format="PNG", optimize=False, compress_level=6)
        if path.stat().st_size < MAX_BYTES:
            return
        size = max(1, image.width * 6 // 7), max(1, image.height * 6 // 7)
        image = image.resize(size, Image.Resampling.BOX)


def _channels(layers: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    co = next((layers[name] for name in _CO if name in layers), None)
    cross = next((layers[name] for name in _CROSS if name in layers), None)
    if co is not None and cross is not None:
        return [co, cross]
    if co is not None or cross is not None:
        return [co if co is not None else cross]  # type: ignore[list-item]
    static = next((layers[name] for name in _STATIC if name in layers), None)
    if static is None:
        raise DefectError("a product has no layer to make a browse image of", reason="browse")
    return [-static]


def shrink_factor(rows: int, cols: int) -> int:
    """Downsampling factor of the browse image."""
    return -(-max(rows, cols) // _MAX_PIXELS_ACROSS)


def _shrunk(values: np.ndarray) -> np.ndarray:
    """Mean over square blocks, so that the longer side fits; NaN only if a whole block is NaN."""
    factor = shrink_factor(*values.shape)
    if factor == 1:
        return values
    rows, cols = (size // factor * factor for size in values.shape)
    inside = values[:rows, :cols]
    valid = np.isfinite(inside)
    count = _block_sums(valid, factor, np.int32)
    total = _block_sums(np.where(valid, inside, np.float32(0)), factor, np.float32)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan).astype(np.float32)


def _block_sums(values: np.ndarray, factor: int, dtype: type) -> np.ndarray:
    """Sums over square blocks; whole rows first, which lie in memory one after the other."""
    rows, cols = values.shape
    of_rows = values.reshape(rows // factor, factor, cols).sum(axis=1, dtype=dtype)
    return np.asarray(of_rows.reshape(rows // factor, cols // factor, factor).sum(axis=2, dtype=dtype))


def _rgba(channels: list[np.ndarray]) -> Image.Image:
    valid = np.all([np.isfinite(channel) for channel in channels], axis=0)
    if len(channels) == 2:
        co, cross = (_decibel(channel) for channel in channels)
        grey = [_stretched(band, valid) for band in (co, cross, co - cross)]
        return Image.fromarray(np.dstack([*grey, np.where(valid, 255, 0).astype(np.uint8)]), "RGBA")
    band = channels[0]
    if np.nanmin(band, initial=0) >= 0:
        band = _decibel(band)
    alpha = np.where(valid, 255, 0).astype(np.uint8)
    return Image.merge("LA", (Image.fromarray(_stretched(band, valid)), Image.fromarray(alpha)))


def _decibel(power: np.ndarray) -> np.ndarray:
    # Noise removal leaves samples at or below zero; they are shown black.
    return 10 * np.log10(np.maximum(power, 1e-5))


def _stretched(band: np.ndarray, valid: np.ndarray) -> np.ndarray:
    inside = band[valid & np.isfinite(band)]
    if inside.size == 0:
        return np.zeros(band.shape, np.uint8)
    low, high = np.percentile(inside, (2, 98))
    scaled = (band - low) / max(high - low, 1e-6)
    return (np.clip(np.nan_to_num(scaled), 0, 1) * 254 + 1).astype(np.uint8) * valid.astype(np.uint8)
