"""manifest.safe: product, processing, and files with sizes and checksums.

Sentinel-1 Product Specification (S1-RS-MDA-52-7441), section on the manifest.
"""

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from rtcflow_local.sample.acquisition import SimulatedAcquisition
from rtcflow_local.sample.geometry import ground_point
from rtcflow_local.sample.safe.names import IPF_VERSION, Image
from rtcflow_local.sample.safe.xml_elements import document, timestamp
from rtcflow_local.sample.sensor import PLATFORMS
from rtcflow_local.sample.terrain import PLAIN_HEIGHT
from rtcflow_safe.safe_manifest import NAMESPACES

_VERSION = "esa/safe/sentinel-1.0/sentinel-1/sar/level-1/slc/standard/iw{}"
_UNIT_TEXT = "Sentinel-1 IW Level-1 SLC Product"


class FileEntry(NamedTuple):
    """A file of the product: path, schema, size in bytes and MD5 checksum."""

    path: str
    schema: str
    size: int
    md5: str

    @property
    def object_id(self) -> str:
        """Identifier inside the manifest: kind and file name without punctuation."""
        name = self.path.rsplit("/", 1)[1].rsplit(".", 1)[0]
        kind = "product" if self.schema == "s1Level1ProductSchema" else ""
        return kind + name.replace("-", "")


def manifest_xml(
    acquisition: SimulatedAcquisition, images: Sequence[Image], files: Sequence[FileEntry]
) -> bytes:
    """The manifest's bytes."""
    for prefix, uri in NAMESPACES.items():
        ET.register_namespace(prefix, uri)
    kind = "dp" if len(acquisition.spec.polarizations) == 2 else "sp"
    root = ET.Element(_name("xfdu:XFDU"), version=_VERSION.format(kind))
    root.append(_package_map(files))
    metadata = ET.SubElement(root, "metadataSection")
    for entry in files:
        if entry.schema != "s1Level1MeasurementSchema":
            attributes = {
                "ID": f"{entry.object_id}Annotation",
                "classification": "DESCRIPTION",
                "category": "DMD",
            }
            held = ET.SubElement(metadata, "metadataObject", attributes)
            ET.SubElement(held, "dataObjectPointer", dataObjectID=entry.object_id)
    for identifier, text, content in _descriptions(acquisition, images):
        provenance = identifier == "processing"
        attributes = {
            "ID": identifier,
            "classification": "PROVENANCE" if provenance else "DESCRIPTION",
            "category": "PDI" if provenance else "DMD",
        }
        held = ET.SubElement(metadata, "metadataObject", attributes)
        wrap = ET.SubElement(held, "metadataWrap", mimeType="text/xml", vocabularyName="SAFE", textInfo=text)
        ET.SubElement(wrap, "xmlData").append(content)
    objects = ET.SubElement(root, "dataObjectSection")
    for entry in files:
        held = ET.SubElement(objects, "dataObject", ID=entry.object_id, repID=entry.schema)
        mime = "application/octet-stream" if entry.path.endswith(".tiff") else "text/xml"
        stream = ET.SubElement(held, "byteStream", mimeType=mime, size=str(entry.size))
        ET.SubElement(stream, "fileLocation", locatorType="URL", href=f"./{entry.path}")
        ET.SubElement(stream, "checksum", checksumName="MD5").text = entry.md5
    return document(root)


def _name(qualified: str) -> str:
    prefix, _, local = qualified.partition(":")
    return f"{{{NAMESPACES[prefix]}}}{local}" if local else qualified


def _node(
    qualified: str, *children: ET.Element, text: str | int | None = None, **attributes: str
) -> ET.Element:
    made = ET.Element(_name(qualified), attributes)
    made.text = None if text is None else str(text)
    made.extend(children)
    return made


def _package_map(files: Sequence[FileEntry]) -> ET.Element:
    package = ET.Element("informationPackageMap")
    unit = ET.SubElement(
        package,
        _name("xfdu:contentUnit"),
        unitType="SAFE Archive Information Package",
        textInfo=_UNIT_TEXT,
        dmdID="acquisitionPeriod platform generalProductInformation measurementOrbitReference measurementFrameSet",
        pdiID="processing",
    )
    for entry in files:
        measured = entry.schema == "s1Level1MeasurementSchema"
        inner = ET.SubElement(
            unit,
            _name("xfdu:contentUnit"),
            unitType="Measurement Data Unit" if measured else "Metadata Unit",
            repID=entry.schema,
        )
        ET.SubElement(inner, "dataObjectPointer", dataObjectID=entry.object_id)
    return package


def _descriptions(
    acquisition: SimulatedAcquisition, images: Sequence[Image]
) -> list[tuple[str, str, ET.Element]]:
    return [
        ("processing", "Processing", _processing(acquisition)),
        ("platform", "Platform Description", _platform(acquisition)),
        ("measurementOrbitReference", "Orbit Reference", _orbit_reference(acquisition)),
        ("generalProductInformation", "General Product Information", _general(acquisition)),
        ("acquisitionPeriod", "Acquisition Period", _period(acquisition)),
        ("measurementFrameSet", "Frame Set", _frame_set(acquisition)),
    ]


def _processing(acquisition: SimulatedAcquisition) -> ET.Element:
    stop = acquisition.utc(acquisition.stop_us) + timedelta(hours=2)
    start = stop - timedelta(minutes=10)
    software = _node("safe:software", name="Sentinel-1 IPF", version=IPF_VERSION)
    facility = _node(
        "safe:facility",
        software,
        country="Australia",
        name="rtcflow sample",
        organisation="rtcflow",
        site="simulated",
    )
    return _node(
        "safe:processing", facility, name="SLC Post Processing", start=timestamp(start), stop=timestamp(stop)
    )


def _platform(acquisition: SimulatedAcquisition) -> ET.Element:
    swaths = [_node("s1sarl1:swath", text=swath.name.upper()) for swath in acquisition.swaths]
    mode = _node("s1sarl1:instrumentMode", _node("s1sarl1:mode", text="IW"), *swaths)
    family = _node("safe:familyName", text="Synthetic Aperture Radar", abbreviation="SAR")
    platform = acquisition.spec.platform
    return _node(
        "safe:platform",
        _node("safe:nssdcIdentifier", text=PLATFORMS[platform].nssdc_id),
        _node("safe:familyName", text="SENTINEL-1"),
        _node("safe:number", text=platform[2:]),
        _node("safe:instrument", family, _node("safe:extension", mode)),
    )


def _orbit_reference(acquisition: SimulatedAcquisition) -> ET.Element:
    direction = "ASCENDING" if acquisition.spec.ascending else "DESCENDING"
    properties = _node(
        "s1:orbitProperties",
        _node("s1:pass", text=direction),
        _node("s1:ascendingNodeTime", text=timestamp(acquisition.node)),
    )
    return _node(
        "safe:orbitReference",
        *(_node("safe:orbitNumber", text=acquisition.absolute_orbit, type=end) for end in ("start", "stop")),
        *(_node("safe:relativeOrbitNumber", text=acquisition.track, type=end) for end in ("start", "stop")),
        _node("safe:cycleNumber", text=acquisition.cycle),
        _node("safe:phaseIdentifier", text=1),
        _node("safe:extension", properties),
    )


def _general(acquisition: SimulatedAcquisition) -> ET.Element:
    start = acquisition.utc(min(swath.bursts[0].sensing_us for swath in acquisition.swaths))
    polarizations = [
        _node("s1sarl1:transmitterReceiverPolarisation", text=name) for name in acquisition.spec.polarizations
    ]
    values = {
        "productClass": "S",
        "productClassDescription": "SAR Standard L1 Product",
        "productComposition": "Slice",
        "productType": "SLC",
        "productTimelinessCategory": "Fast-24h",
        "sliceProductFlag": "true",
        "segmentStartTime": timestamp(start),
        "sliceNumber": "1",
        "totalSlices": "1",
    }
    return _node(
        "s1sarl1:standAloneProductInformation",
        _node("s1sarl1:instrumentConfigurationID", text=7),
        _node("s1sarl1:missionDataTakeID", text=acquisition.datatake),
        *polarizations,
        *(_node(f"s1sarl1:{name}", text=value) for name, value in values.items()),
    )


def _period(acquisition: SimulatedAcquisition) -> ET.Element:
    since_node = _node(
        "s1:timeANX",
        _node("s1:startTimeANX", text=f"{acquisition.start_us * 1e-3:.6e}"),
        _node("s1:stopTimeANX", text=f"{acquisition.stop_us * 1e-3:.6e}"),
    )
    return _node(
        "safe:acquisitionPeriod",
        _node("safe:startTime", text=timestamp(acquisition.utc(acquisition.start_us))),
        _node("safe:stopTime", text=timestamp(acquisition.utc(acquisition.stop_us))),
        _node("safe:extension", since_node),
    )


def _frame_set(acquisition: SimulatedAcquisition) -> ET.Element:
    coordinates = " ".join(f"{lat:.6f},{lon:.6f}" for lat, lon in footprint(acquisition))
    outline = _node("gml:coordinates", text=coordinates)
    print_of = _node("safe:footPrint", outline, srsName="http://www.opengis.net/gml/srs/epsg.xml#4326")
    return _node("safe:frameSet", _node("safe:frame", print_of))


def footprint(acquisition: SimulatedAcquisition) -> list[tuple[float, float]]:
    """Corners of the scene (latitude, longitude): last line near and far, first line far and near."""
    near = min(swath.near_range for swath in acquisition.swaths)
    far = max(swath.far_range for swath in acquisition.swaths)
    first, last = acquisition.start_us * 1e-6, acquisition.stop_us * 1e-6
    corners = ((last, near), (last, far), (first, far), (first, near))
    return [ground_point(acquisition.orbit, time, distance, PLAIN_HEIGHT)[:2] for time, distance in corners]
