"""Measurement TIFF like ESA's: complex int16, uncompressed, one strip per line, ground control points.

TIFF 6.0; GeoTIFF 1.0 for the control points (ModelTiepoint) and their coordinate system.
"""

import struct
from collections.abc import Sequence
from typing import NamedTuple

_SHORT, _LONG, _ASCII, _RATIONAL, _DOUBLE = 3, 4, 2, 5, 12
_FORMATS = {_SHORT: "H", _LONG: "I", _DOUBLE: "d"}
_COMPLEX_INT = 5
# Geographic model, pixel is point, WGS 84.
_GEO_KEYS = (1, 1, 0, 3, 1024, 0, 1, 2, 1025, 0, 1, 2, 2048, 0, 1, 4326)
BYTES_PER_PIXEL = 4


class ControlPoint(NamedTuple):
    """Position of a pixel; degrees and metres."""

    line: float
    sample: float
    longitude: float
    latitude: float
    height: float


def tiff_header(
    lines: int, samples: int, points: Sequence[ControlPoint], description: str, software: str, written: str
) -> bytes:
    """Everything before the first line; its length is the offset of the first pixel.

    Parameters
    ----------
    written : str
        Time of writing, `YYYY:MM:DD HH:MM:SS`.
    """
    ties = [value for p in points for value in (p.sample, p.line, 0.0, p.longitude, p.latitude, p.height)]
    row = samples * BYTES_PER_PIXEL

    def build(start: int) -> bytes:
        offsets = [start + row * line for line in range(lines)]
        return _directory(
            [
                (256, _LONG, [samples]),
                (257, _LONG, [lines]),
                (258, _SHORT, [8 * BYTES_PER_PIXEL]),
                (259, _SHORT, [1]),
                (262, _SHORT, [1]),
                (270, _ASCII, description),
                (273, _LONG, offsets),
                (277, _SHORT, [1]),
                (278, _LONG, [1]),
                (279, _LONG, [row] * lines),
                (282, _RATIONAL, (1, 1)),
                (283, _RATIONAL, (1, 1)),
                (284, _SHORT, [1]),
                (296, _SHORT, [1]),
                (305, _ASCII, software),
                (306, _ASCII, written),
                (339, _SHORT, [_COMPLEX_INT]),
                (33922, _DOUBLE, ties),
                (34735, _SHORT, list(_GEO_KEYS)),
            ]
        )

    return build(len(build(0)))


def _directory(entries: list[tuple[int, int, Sequence[float] | str]]) -> bytes:
    head = struct.pack("<2sHI", b"II", 42, 8)
    table = struct.pack("<H", len(entries))
    data = b""
    beyond = len(head) + 2 + 12 * len(entries) + 4
    for tag, kind, values in entries:
        packed, count = _pack(kind, values)
        if len(packed) <= 4:
            field = packed.ljust(4, b"\0")
        else:
            field = struct.pack("<I", beyond + len(data))
            data += packed + b"\0" * (len(packed) % 2)
        table += struct.pack("<HHI", tag, kind, count) + field
    return head + table + struct.pack("<I", 0) + data


def _pack(kind: int, values: Sequence[float] | str) -> tuple[bytes, int]:
    if isinstance(values, str):
        text = values.encode("ascii") + b"\0"
        return text, len(text)
    if kind == _RATIONAL:
        return struct.pack("<2I", *(int(value) for value in values)), 1
    whole = kind != _DOUBLE
    packed = struct.pack(f"<{len(values)}{_FORMATS[kind]}", *((int(v) for v in values) if whole else values))
    return packed, len(values)
