"""Measurement TIFFs: find a burst's lines, so that they are read as one range of bytes, and write them.

TIFF revision 6.0, and its BigTIFF extension; complex integers are sample format 5 of the TIFF technical notes.
"""

import struct
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from rtcflow_contract.errors import RefusedError

_WIDTH, _LENGTH, _BITS, _COMPRESSION, _PHOTOMETRIC = 256, 257, 258, 259, 262
_OFFSETS, _SAMPLES, _ROWS_PER_STRIP, _COUNTS, _FORMAT = 273, 277, 278, 279, 339
_TILE_WIDTH = 322
_COMPLEX_INT = 5
_SHORT, _LONG = 3, 4
_TYPES = {_SHORT: "H", _LONG: "I", 16: "Q"}


class TiffLayout(NamedTuple):
    """Uncompressed complex int16 lines; `offsets` and `counts` of the strips, bytes; `order` is `<` or `>`."""

    name: str
    order: str
    lines: int
    samples: int
    rows_per_strip: int
    offsets: tuple[int, ...]
    counts: tuple[int, ...]

    @property
    def bytes_per_line(self) -> int:
        """Bytes of one line: int16 real and imaginary parts."""
        return 4 * self.samples


class OtherLayoutError(Exception):
    """The samples are not stored as contiguous lines, but compressed or tiled."""


def _is_other_layout(tags: dict[int, tuple[int, ...]]) -> bool:
    sample = (tags.get(_BITS), tags.get(_FORMAT), tags.get(_SAMPLES, (1,)))
    packed = tags.get(_COMPRESSION, (1,)) != (1,) or _TILE_WIDTH in tags
    return packed and sample == ((32,), (_COMPLEX_INT,), (1,))


def read_layout(file: BinaryIO, name: str) -> TiffLayout:
    """Read the directory of a measurement TIFF.

    Raises
    ------
    RefusedError
        When the file is not a TIFF of complex int16 samples; names the file.
    OtherLayoutError
        When it is compressed or tiled.
    """
    try:
        order, tags = _read_tags(file)
        if _is_other_layout(tags):
            raise OtherLayoutError
        layout = TiffLayout(
            name,
            order,
            tags[_LENGTH][0],
            tags[_WIDTH][0],
            min(tags.get(_ROWS_PER_STRIP, tags[_LENGTH])[0], tags[_LENGTH][0]),
            tags[_OFFSETS],
            tags[_COUNTS],
        )
        kind = (tags[_BITS], tags.get(_COMPRESSION, (1,)), tags.get(_FORMAT, (1,)), tags.get(_SAMPLES, (1,)))
    except (struct.error, KeyError, IndexError, ValueError, EOFError) as error:
        raise _corrupt(name, f"its directory cannot be read: {error!r}") from error
    if kind != ((32,), (1,), (_COMPLEX_INT,), (1,)):
        raise _corrupt(name, "it does not hold complex int16 samples")
    strips = -(-layout.lines // layout.rows_per_strip) if layout.rows_per_strip else 0
    if not strips == len(layout.offsets) == len(layout.counts):
        raise _corrupt(name, "its strips do not match its number of lines")
    return layout


def line_range(layout: TiffLayout, first: int, count: int) -> tuple[int, int]:
    """Start and length in bytes of `count` lines from line `first`.

    Raises
    ------
    RefusedError
        When they are not contiguous in the file.
    """
    if first + count > layout.lines:
        raise _corrupt(
            layout.name, f"it has {layout.lines} lines, and the burst ends at line {first + count}"
        )
    per_strip, per_line = layout.rows_per_strip, layout.bytes_per_line
    strips = range(first // per_strip, (first + count - 1) // per_strip + 1)
    start = layout.offsets[strips[0]]
    for strip in strips:
        rows = min(per_strip, layout.lines - strip * per_strip)
        expected = start + (strip - strips[0]) * per_strip * per_line
        if layout.offsets[strip] != expected or layout.counts[strip] != rows * per_line:
            raise _corrupt(layout.name, "the lines of the burst are not contiguous")
    return start + (first % per_strip) * per_line, count * per_line


def check_length(layout: TiffLayout, first: int, count: int, file_size: int) -> None:
    """Refuse a file that ends before the strips of `count` lines from line `first` do."""
    if first + count > layout.lines:
        raise _corrupt(
            layout.name, f"it has {layout.lines} lines, and the burst ends at line {first + count}"
        )
    strips = slice(first // layout.rows_per_strip, (first + count - 1) // layout.rows_per_strip + 1)
    ends = (o + c for o, c in zip(layout.offsets[strips], layout.counts[strips], strict=True))
    if max(ends) > file_size:
        raise _corrupt(layout.name, f"it ends at byte {file_size}, before the burst does")


def write_lines(path: Path, lines: bytes, layout: TiffLayout) -> None:
    """Write lines of complex int16 samples as a TIFF of one strip.

    Parameters
    ----------
    path : Path
    lines : bytes
        Whole lines, in the byte order of `layout`.
    layout : TiffLayout
        Of the file that the lines come from.
    """
    start = 8
    directory = start + len(lines)
    count = len(lines) // layout.bytes_per_line
    entries = (
        (_WIDTH, _LONG, layout.samples),
        (_LENGTH, _LONG, count),
        (_BITS, _SHORT, 32),
        (_COMPRESSION, _SHORT, 1),
        (_PHOTOMETRIC, _SHORT, 1),
        (_OFFSETS, _LONG, start),
        (_SAMPLES, _SHORT, 1),
        (_ROWS_PER_STRIP, _LONG, count),
        (_COUNTS, _LONG, len(lines)),
        (_FORMAT, _SHORT, _COMPLEX_INT),
    )
    order = layout.order
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as out:
        out.write(struct.pack(order + "2sHI", b"II" if order == "<" else b"MM", 42, directory))
        out.write(lines)
        out.write(struct.pack(order + "H", len(entries)))
        for tag, kind, value in entries:
            packed = struct.pack(order + _TYPES[kind], value).ljust(4, b"\0")
            out.write(struct.pack(order + "HHI", tag, kind, 1) + packed)
        out.write(struct.pack(order + "I", 0))


def write_sparse_measurement(path: Path, pixels: np.ndarray, first: int, lines: int) -> None:
    """Write a measurement TIFF of a sub-swath with data for one burst only.

    The TIFF has the size of the sub-swath, so that all line numbers of annotation, calibration and noise stay valid.
    Readers take its missing strips, with offset and count 0 like in GDAL's sparse files, as zeros.

    Parameters
    ----------
    path : Path
    pixels : numpy.ndarray
        (lines of the burst, samples, 2) int16, real and imaginary parts.
    first : int
        First line of the burst in the sub-swath's raster.
    lines : int
        Lines of the sub-swath's raster.
    """
    count, samples = pixels.shape[:2]
    per_line = 4 * samples
    # TIFF offsets have 32 bits, enough for a burst of 150 MB.
    at = 8
    directory = at + count * per_line
    tables = directory + 2 + 10 * 12 + 4
    offsets, sizes = np.zeros(lines, "<u4"), np.zeros(lines, "<u4")
    offsets[first : first + count] = at + per_line * np.arange(count)
    sizes[first : first + count] = per_line
    entries = (
        (_WIDTH, _LONG, 1, samples),
        (_LENGTH, _LONG, 1, lines),
        (_BITS, _SHORT, 1, 32),
        (_COMPRESSION, _SHORT, 1, 1),
        (_PHOTOMETRIC, _SHORT, 1, 1),
        (_OFFSETS, _LONG, lines, tables),
        (_SAMPLES, _SHORT, 1, 1),
        (_ROWS_PER_STRIP, _LONG, 1, 1),
        (_COUNTS, _LONG, lines, tables + 4 * lines),
        (_FORMAT, _SHORT, 1, _COMPLEX_INT),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as out:
        out.write(struct.pack("<2sHI", b"II", 42, directory))
        out.write(np.ascontiguousarray(pixels, "<i2").data)
        out.write(struct.pack("<H", len(entries)))
        for tag, kind, number, value in entries:
            out.write(struct.pack("<HHII", tag, kind, number, value))
        out.write(struct.pack("<I", 0))
        out.write(offsets.tobytes() + sizes.tobytes())


def _read_tags(file: BinaryIO) -> tuple[str, dict[int, tuple[int, ...]]]:
    order = {b"II": "<", b"MM": ">"}[_exactly(file, 2)]
    (version,) = struct.unpack(order + "H", _exactly(file, 2))
    big = {42: False, 43: True}[version]
    entry_count, entry, field = ("Q", "HHQ8s", 8) if big else ("H", "HHI4s", 4)
    if big:
        _exactly(file, 4)
    (at,) = struct.unpack(order + ("Q" if big else "I"), _exactly(file, field))
    file.seek(at)
    (count,) = struct.unpack(order + entry_count, _exactly(file, struct.calcsize(order + entry_count)))
    if count > 1000:
        raise ValueError(f"{count} entries")
    size = struct.calcsize(order + entry)
    raw = _exactly(file, count * size)
    tags = {}
    for number in range(count):
        tag, kind, length, value = struct.unpack_from(order + entry, raw, number * size)
        if kind in _TYPES:
            tags[tag] = _values(file, order + f"{length}{_TYPES[kind]}", value, order + ("Q" if big else "I"))
    return order, tags


def _values(file: BinaryIO, layout: str, field: bytes, pointer: str) -> tuple[int, ...]:
    size = struct.calcsize(layout)
    if size > 64 * 1024 * 1024:
        raise ValueError("an entry is too long")
    if size > len(field):
        file.seek(struct.unpack(pointer, field)[0])
        field = _exactly(file, size)
    return struct.unpack_from(layout, field)


def _exactly(file: BinaryIO, size: int) -> bytes:
    data = file.read(size)
    if len(data) != size:
        raise EOFError("the file ends too early")
    return data


def _corrupt(name: str, why: str) -> RefusedError:
    return RefusedError(
        f"measurement {name} is corrupt ({why}); fetch the scene again", reason="corrupt-tiff"
    )
