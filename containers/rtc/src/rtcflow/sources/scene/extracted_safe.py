"""The extractor's XML of a scene: split into annotation files, and written as a SAFE folder of one burst.

ASF's burst extractor returns one file per burst: `manifest`, with the scene's manifest.safe, and `metadata`, with an
element for each annotation file (`product`, `calibration`, `noise`, `rfi`) of `swath`, `polarisation` and `content`.
"""

import hashlib
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from rtcflow_contract.errors import RefusedError
from rtcflow_safe.safe_manifest import MANIFEST_SAFE, NAMESPACES
from rtcflow_safe.xml import parse_xml

_MANIFEST = "{urn:ccsds:schema:xfdu:1}XFDU"
# Folder and file prefix in the SAFE, by type of file.
_PLACES = {
    "product": ("annotation", ""),
    "calibration": ("annotation/calibration", "calibration-"),
    "noise": ("annotation/calibration", "noise-"),
    "rfi": ("annotation/rfi", "rfi-"),
}


class SceneFile(NamedTuple):
    """An annotation file of the scene: its path below the SAFE folder and its text."""

    kind: str
    swath: str
    polarization: str
    path: str
    content: bytes


class SceneXml(NamedTuple):
    """Content of the extractor's XML: the manifest's element and all annotation files."""

    manifest: ET.Element
    files: list[SceneFile]

    def polarizations(self) -> set[str]:
        """Polarizations with annotation, calibration and noise."""
        kinds: dict[str, set[str]] = {}
        for file in self.files:
            kinds.setdefault(file.polarization, set()).add(file.kind)
        return {name for name, found in kinds.items() if {"product", "calibration", "noise"} <= found}


def split_scene_xml(text: bytes, name: str) -> SceneXml:
    """Split the extractor's XML.

    Parameters
    ----------
    text : bytes
    name : str
        Name of the file in messages.

    Raises
    ------
    RefusedError
        When it does not have the extractor's form.
    """
    for prefix, uri in NAMESPACES.items():
        ET.register_namespace(prefix, uri)
    try:
        root = parse_xml(text, name, "extractor-xml")
        manifest = root.find(f"manifest/{_MANIFEST}")
        metadata = root.find("metadata")
        if manifest is None or metadata is None:
            raise ValueError("it has no manifest or no metadata")
        return SceneXml(manifest, list(_files(metadata)))
    except ValueError as error:
        raise RefusedError(
            f"the burst extractor's {name} has an unknown form ({error})", reason="extractor-xml"
        ) from error


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


def _files(metadata: ET.Element) -> Iterator[SceneFile]:
    for element in metadata:
        place = _PLACES.get(element.tag)
        content = element.find("content")
        if place is None or content is None:
            continue
        folder, prefix = place
        swath, polarization = (_text(element, tag).upper() for tag in ("swath", "polarisation"))
        file = ET.Element(element.tag)
        file.extend(list(content))
        name = PurePosixPath(element.get("source_filename", "")).name or f"{prefix}{_stem(file)}.xml"
        text = ET.tostring(file, encoding="utf-8", xml_declaration=True)
        yield SceneFile(element.tag, swath, polarization, f"{folder}/{name}", text)


def _stem(file: ET.Element) -> str:
    """Name of an annotation file, from its header: `s1a-iw1-slc-vv-20220101t124745-...-041267-04e7a2-004`."""
    header = file.find("adsHeader")
    if header is None:
        raise ValueError(f"a {file.tag} has no adsHeader")
    start, stop = (
        f"{datetime.fromisoformat(_text(header, tag)):%Y%m%dT%H%M%S}" for tag in ("startTime", "stopTime")
    )
    return (
        f"{_text(header, 'missionId')}-{_text(header, 'swath')}-slc-{_text(header, 'polarisation')}-{start}-{stop}"
        f"-{int(_text(header, 'absoluteOrbitNumber')):06d}-{int(_text(header, 'missionDataTakeId')):06x}"
        f"-{int(_text(header, 'imageNumber')):03d}"
    ).lower()


def _text(element: ET.Element, path: str) -> str:
    text = element.findtext(path)
    if text is None:
        raise ValueError(f"<{path}> is missing in <{element.tag}>")
    return text.strip()
