"""Write a SAFE folder of one burst: the scene's annotation, and measurements with only the burst's lines.

The annotation is unchanged and describes the whole sub-swath. So the measurement has the size of the sub-swath too,
with strips only for the burst. Readers take missing strips as zeros (TIFF with offset and count 0, like GDAL's sparse
files), and all line numbers of annotation, calibration and noise remain valid.
"""

import hashlib
import struct
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from rtcflow.sources.scene.burst_xml import SceneFile

MANIFEST_SAFE = "manifest.safe"
_COMPLEX_INT = 5
_SHORT, _LONG = 3, 4


def write_burst_safe(folder: Path, manifest: ET.Element, files: Iterable[SceneFile]) -> None:
    """Write annotation files and manifest; measurements must exist already, so that the manifest lists them.

    Parameters
    ----------
    folder : Path
        The SAFE folder.
    manifest : xml.etree.ElementTree.Element
        That of the whole scene; files that do not exist are left out, sizes and checksums are updated.
    files : iterable of SceneFile
    """
    for file in files:
        path = folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)
    _list_files(manifest, folder)
    (folder / MANIFEST_SAFE).write_bytes(ET.tostring(manifest, encoding="utf-8", xml_declaration=True))


def _list_files(manifest: ET.Element, folder: Path) -> None:
    section = manifest.find("dataObjectSection")
    if section is None:
        return
    gone = set()
    for entry in list(section):
        location = entry.find(".//fileLocation")
        path = folder / ("" if location is None else location.get("href", "")).removeprefix("./")
        if not path.is_file():
            gone.add(entry.get("ID"))
            section.remove(entry)
            continue
        stream, checksum = entry.find("byteStream"), entry.find(".//checksum")
        if stream is not None:
            stream.set("size", str(path.stat().st_size))
        if checksum is not None:
            with path.open("rb") as file:
                checksum.text = hashlib.file_digest(file, "md5").hexdigest()
            checksum.set("checksumName", "MD5")
    _drop_pointers(manifest, gone)


def _drop_pointers(element: ET.Element, gone: set[str | None]) -> None:
    """Remove units and metadata objects that point to missing files."""
    for child in list(element):
        pointer = child.find("dataObjectPointer")
        if pointer is not None and pointer.get("dataObjectID") in gone:
            element.remove(child)
        else:
            _drop_pointers(child, gone)


def write_sparse_measurement(path: Path, pixels: np.ndarray, first: int, lines: int) -> None:
    """Write a measurement TIFF of a sub-swath with data for one burst only.

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
        (256, _LONG, 1, samples),
        (257, _LONG, 1, lines),
        (258, _SHORT, 1, 32),
        (259, _SHORT, 1, 1),
        (262, _SHORT, 1, 1),
        (273, _LONG, lines, tables),
        (277, _SHORT, 1, 1),
        (278, _LONG, 1, 1),
        (279, _LONG, lines, tables + 4 * lines),
        (339, _SHORT, 1, _COMPLEX_INT),
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
