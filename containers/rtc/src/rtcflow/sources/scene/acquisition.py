"""What the scene's own metadata says of a burst's acquisition; the same for every engine.

Sentinel-1 Product Specification (S1-RS-MDA-52-7441): product annotation and manifest.safe.
"""

import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, cast

from rtcflow.sentinel1.annotation import Burst
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.manifest import Acquisition
from rtcflow_contract.orbit_file import OrbitType

_BANDWIDTH = (
    "imageAnnotation/processingInformation/swathProcParamsList/swathProcParams"
    "/rangeProcessing/processingBandwidth"
)


class SourceData(NamedTuple):
    """Facts of the source product beyond the acquisition record; frequencies in Hz, angles in degrees."""

    burst: Burst
    processing_center: str
    processing_time: str
    range_bandwidth_hz: float
    near_incidence_deg: float
    far_incidence_deg: float


def read_source_data(safe: Path, annotation: Path, burst: Burst) -> SourceData:
    """Read what the product's metadata need of the scene's.

    Parameters
    ----------
    safe : Path
        Folder that holds `manifest.safe`.
    annotation : Path
        Annotation of the burst's sub-swath, any polarization.
    burst : Burst

    Raises
    ------
    RefusedError
        When a field is missing.
    """
    try:
        root = ET.parse(annotation).getroot()
        center, time = _processing(ET.parse(safe / "manifest.safe").getroot())
        near, far = _incidence(root, burst.sensing_start)
        bandwidth = float(root.findtext(_BANDWIDTH) or "nan")
        return SourceData(burst, center, time, bandwidth, near, far)
    except (ET.ParseError, ValueError) as error:
        raise RefusedError(
            f"the scene's metadata cannot be read ({error}); fetch the scene again", reason="annotation"
        ) from error


def acquisition_of(source: SourceData, polarizations: tuple[str, ...], orbit_type: OrbitType) -> Acquisition:
    """The acquisition record of a burst."""
    burst = source.burst
    return Acquisition(
        platform=cast(Any, burst.platform),
        start=burst.sensing_start,
        stop=burst.sensing_stop,
        orbit_state=cast(Any, burst.orbit_state),
        absolute_orbit=burst.absolute_orbit,
        relative_orbit=burst.relative_orbit,
        polarizations=polarizations,
        swath=burst.swath.upper(),
        center_frequency_hz=burst.center_frequency_hz,
        range_spacing_m=burst.range_spacing_m,
        azimuth_spacing_m=burst.azimuth_spacing_m,
        incidence_angle_deg=round((source.near_incidence_deg + source.far_incidence_deg) / 2, 4),
        # `003.20` in manifest.safe
        ipf_version=burst.ipf_version.lstrip("0"),
        orbit_type=orbit_type,
        processed=_processed(source.processing_time),
    )


def _processed(text: str) -> datetime | None:
    """When a scene was processed; None where its manifest does not say so."""
    try:
        return _utc(text)
    except ValueError:
        return None


def _incidence(annotation: ET.Element, at: datetime) -> tuple[float, float]:
    """Incidence angles at near and far range of the geolocation grid's row nearest to a time, degrees."""
    points = [
        (abs((_utc(point.findtext("azimuthTime", "")) - at).total_seconds()), point)
        for point in annotation.iterfind("geolocationGrid/geolocationGridPointList/geolocationGridPoint")
    ]
    nearest = min(distance for distance, _ in points)
    angles = [float(p.findtext("incidenceAngle", "")) for distance, p in points if distance <= nearest + 0.5]
    return min(angles), max(angles)


def _processing(manifest: ET.Element) -> tuple[str, str]:
    facility = manifest.find(".//{*}processing/{*}facility")
    processing = manifest.find(".//{*}processing")
    given = {} if facility is None else facility.attrib
    center = ", ".join(
        f'{key}: "{given[name]}"'
        for key, name in (("organization", "organisation"), ("site", "site"), ("country", "country"))
        if name in given
    )
    return center, "" if processing is None else processing.get("stop", "")


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text.strip()).replace(tzinfo=UTC)
