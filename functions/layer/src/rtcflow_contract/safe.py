"""What a SAFE's manifest.safe says for planning: relative orbit, annotation files, processor.

Sentinel-1 SAFE specification (S1-RS-MDA-52-7441, manifest file).
"""

import xml.etree.ElementTree as ET

from rtcflow_contract.errors import RefusedError


def relative_orbit(manifest: str | bytes) -> int:
    """Relative orbit number at the start of the scene, 1 to 175.

    Raises
    ------
    RefusedError
        When the text is no manifest of a Sentinel-1 SAFE.
    """
    for element in _parse(manifest).iterfind(".//{*}relativeOrbitNumber"):
        if element.get("type", "start") == "start" and (element.text or "").strip().isdigit():
            return int(str(element.text))
    raise _unreadable("it gives no relativeOrbitNumber")


def annotation_names(manifest: str | bytes) -> list[str]:
    """Paths of the annotation files in the SAFE, `annotation/s1a-iw1-slc-....xml`, sorted.

    Raises
    ------
    RefusedError
        When the text is no manifest of a Sentinel-1 SAFE, or lists no annotation.
    """
    hrefs = (element.get("href", "") for element in _parse(manifest).iterfind(".//{*}fileLocation"))
    paths = (href.removeprefix("./") for href in hrefs)
    names = sorted({path for path in paths if path.endswith(".xml") and _is_annotation(path)})
    if not names:
        raise _unreadable("it lists no annotation file")
    return names


def ipf_version(manifest: str | bytes) -> str:
    """Version of the processor that made the scene, `003.20`; empty where the manifest does not say."""
    for software in _parse(manifest).iterfind(".//{*}software"):
        if "IPF" in software.get("name", ""):
            return software.get("version", "")
    return ""


def _is_annotation(path: str) -> bool:
    # Calibration, noise and RFI files lie in folders below annotation/.
    folder, _, _name = path.rpartition("/")
    return folder == "annotation"


def _parse(manifest: str | bytes) -> ET.Element:
    try:
        return ET.fromstring(manifest)
    except ET.ParseError as error:
        raise _unreadable(str(error)) from error


def _unreadable(why: str) -> RefusedError:
    return RefusedError(
        f"the scene's manifest.safe cannot be read ({why}); fetch the scene again", reason="manifest-safe"
    )
