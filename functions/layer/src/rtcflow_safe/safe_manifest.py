"""Read manifest.safe: orbit numbers, processor, files with sizes and checksums.

Sentinel-1 SAFE specification (S1-RS-MDA-52-7441, manifest file).
"""

import hashlib
import re
import xml.etree.ElementTree as ET
from typing import NamedTuple

from rtcflow_contract.errors import RefusedError
from rtcflow_safe.xml import parse_xml

MANIFEST_SAFE = "manifest.safe"
# Namespaces of SAFE manifests, by the prefixes that written files keep.
NAMESPACES = {
    "xfdu": "urn:ccsds:schema:xfdu:1",
    "gml": "http://www.opengis.net/gml",
    "safe": "http://www.esa.int/safe/sentinel-1.0",
    "s1": "http://www.esa.int/safe/sentinel-1.0/sentinel-1",
    "s1sar": "http://www.esa.int/safe/sentinel-1.0/sentinel-1/sar",
    "s1sarl1": "http://www.esa.int/safe/sentinel-1.0/sentinel-1/sar/level-1",
    "s1sarl2": "http://www.esa.int/safe/sentinel-1.0/sentinel-1/sar/level-2",
    "gx": "http://www.google.com/kml/ext/2.2",
}
_MD5 = re.compile(r"[0-9a-fA-F]{32}")


class ListedFile(NamedTuple):
    """A file of the SAFE: path below its folder, MD5 in lower case or empty, size in bytes or None."""

    path: str
    md5: str
    size: int | None


class SafeManifest(NamedTuple):
    """A scene's manifest.

    Attributes
    ----------
    relative_orbit : int
        At the start of the scene, 1 to 175.
    ipf_version : str
        Of the processor, `003.20`; empty if not given.
    facility : dict
        Attributes of the processing facility: organisation, site, country.
    processing_stop : str
        When the product was made, ISO 8601; empty if not given.
    files : dict of str to ListedFile
        By path.
    """

    relative_orbit: int
    ipf_version: str
    facility: dict[str, str]
    processing_stop: str
    files: dict[str, ListedFile]

    def annotation_names(self) -> list[str]:
        """Paths of the annotation files, `annotation/s1a-iw1-slc-....xml`, sorted, without those of LUTs.

        Raises
        ------
        RefusedError
            When the manifest lists none.
        """
        names = sorted(
            path for path in self.files if path.endswith(".xml") and path.rpartition("/")[0] == "annotation"
        )
        if not names:
            raise _unreadable("it lists no annotation file")
        return names

    def differs(self, path: str, content: bytes) -> bool:
        """Whether a file's content does not match the manifest's checksum; False if it has none."""
        listed = self.files.get(path)
        return bool(
            listed and listed.md5 and listed.md5 != hashlib.md5(content, usedforsecurity=False).hexdigest()
        )


def read_manifest(data: str | bytes) -> SafeManifest:
    """Read manifest.safe.

    Raises
    ------
    RefusedError
        When the text is not the manifest of a Sentinel-1 SAFE.
    """
    root = parse_xml(data, "the scene's manifest.safe", "manifest-safe")
    facility = root.find(".//{*}processing/{*}facility")
    processing = root.find(".//{*}processing")
    files = [_listed(element) for element in root.iterfind(".//{*}byteStream")]
    return SafeManifest(
        _relative_orbit(root),
        next(
            (s.get("version", "") for s in root.iterfind(".//{*}software") if "IPF" in s.get("name", "")), ""
        ),
        {} if facility is None else dict(facility.attrib),
        "" if processing is None else processing.get("stop", ""),
        {file.path: file for file in files if file.path},
    )


def _listed(stream: ET.Element) -> ListedFile:
    location = stream.find("{*}fileLocation")
    checksum = stream.find("{*}checksum")
    md5 = ""
    if checksum is not None and checksum.get("checksumName", "").upper() == "MD5":
        found = _MD5.fullmatch((checksum.text or "").strip())
        md5 = found[0].lower() if found else ""
    size = stream.get("size", "")
    href = "" if location is None else location.get("href", "")
    return ListedFile(
        href.removeprefix("./"), md5, int(size) if size.isdecimal() and len(size) < 16 else None
    )


def _relative_orbit(root: ET.Element) -> int:
    for element in root.iterfind(".//{*}relativeOrbitNumber"):
        text = (element.text or "").strip()
        if element.get("type", "start") == "start" and text.isascii() and text.isdigit() and len(text) < 4:
            if not 1 <= int(text) <= 175:
                raise _unreadable(f"its relativeOrbitNumber is {text}, which is none of 1 to 175")
            return int(text)
    raise _unreadable("it gives no relativeOrbitNumber")


def _unreadable(why: str) -> RefusedError:
    return RefusedError(
        f"the scene's manifest.safe cannot be read ({why}); fetch the scene again", reason="manifest-safe"
    )
