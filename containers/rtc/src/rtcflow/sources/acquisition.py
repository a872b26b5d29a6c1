"""What the scene's own metadata says of a burst's acquisition; the same for every engine.

Sentinel-1 Product Specification (S1-RS-MDA-52-7441): product annotation and manifest.safe.
"""

import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple, cast

from rtcflow.sources.orbit import OrbitType
from rtcflow_contract.annotation import AnnotatedBurst
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.manifest import Acquisition

_SPEED_OF_LIGHT = 299792458.0


class SourceData(NamedTuple):
    """Facts of the source product beyond the acquisition record; lengths in metres, angles in degrees."""

    processing_center: str
    processing_time: str
    lines: int
    samples: int
    slant_range_start_m: float
    azimuth_time_interval_s: float
    range_bandwidth_hz: float
    near_incidence_deg: float
    far_incidence_deg: float


def read_acquisition(
    safe: Path, annotation: Path, burst: AnnotatedBurst, polarizations: tuple[str, ...], orbit_type: OrbitType
) -> tuple[Acquisition, SourceData]:
    """Acquisition of a burst.

    Parameters
    ----------
    safe : Path
        Folder that holds `manifest.safe`.
    annotation : Path
        Annotation of the burst's sub-swath, any polarization.
    burst : AnnotatedBurst
    polarizations : tuple of str
    orbit_type : str

    Raises
    ------
    RefusedError
        When a field is missing.
    """
    try:
        return _read(
            ET.parse(safe / "manifest.safe").getroot(),
            ET.parse(annotation).getroot(),
            burst,
            polarizations,
            orbit_type,
        )
    except (ET.ParseError, ValueError, IndexError, KeyError) as error:
        raise RefusedError(
            f"the scene's metadata cannot be read ({error}); fetch the scene again", reason="annotation"
        ) from error


def _read(
    manifest: ET.Element,
    annotation: ET.Element,
    burst: AnnotatedBurst,
    polarizations: tuple[str, ...],
    orbit_type: OrbitType,
) -> tuple[Acquisition, SourceData]:
    def text(path: str) -> str:
        found = annotation.findtext(path)
        if found is None:
            raise ValueError(f"<{path}> is missing")
        return found.strip()

    image = "imageAnnotation/imageInformation"
    lines, interval = int(text("swathTiming/linesPerBurst")), float(text(f"{image}/azimuthTimeInterval"))
    near, far = _incidence(annotation, burst.sensing_start)
    acquisition = Acquisition(
        platform=cast(Any, text("adsHeader/missionId")),
        start=burst.sensing_start,
        stop=burst.sensing_start + timedelta(seconds=(lines - 1) * interval),
        orbit_state=cast(Any, text("generalAnnotation/productInformation/pass").lower()),
        absolute_orbit=int(text("adsHeader/absoluteOrbitNumber")),
        relative_orbit=int(burst.burst_id[1:4]),
        polarizations=polarizations,
        swath=burst.swath.upper(),
        center_frequency_hz=float(text("generalAnnotation/productInformation/radarFrequency")),
        range_spacing_m=float(text(f"{image}/rangePixelSpacing")),
        azimuth_spacing_m=float(text(f"{image}/azimuthPixelSpacing")),
        incidence_angle_deg=round((near + far) / 2, 4),
        ipf_version=_ipf_version(manifest),
        orbit_type=orbit_type,
    )
    bandwidth = annotation.findtext(
        "imageAnnotation/processingInformation/swathProcParamsList/swathProcParams/rangeProcessing/processingBandwidth"
    )
    source = SourceData(
        *_processing(manifest),
        lines=lines,
        samples=int(text("swathTiming/samplesPerBurst")),
        slant_range_start_m=float(text(f"{image}/slantRangeTime")) * _SPEED_OF_LIGHT / 2,
        azimuth_time_interval_s=interval,
        range_bandwidth_hz=float(bandwidth) if bandwidth else float("nan"),
        near_incidence_deg=near,
        far_incidence_deg=far,
    )
    return acquisition, source


def _incidence(annotation: ET.Element, at: datetime) -> tuple[float, float]:
    """Incidence angles at near and far range of the geolocation grid's row nearest to a time, degrees."""
    points = [
        (abs((_utc(point.findtext("azimuthTime", "")) - at).total_seconds()), point)
        for point in annotation.iterfind("geolocationGrid/geolocationGridPointList/geolocationGridPoint")
    ]
    nearest = min(distance for distance, _ in points)
    angles = [float(p.findtext("incidenceAngle", "")) for distance, p in points if distance <= nearest + 0.5]
    return min(angles), max(angles)


def _ipf_version(manifest: ET.Element) -> str:
    for software in manifest.iterfind(".//{*}software"):
        if "IPF" in software.get("name", ""):
            major, _, minor = software.get("version", "").partition(".")
            return f"{int(major)}.{minor}"
    raise ValueError("manifest.safe names no IPF version")


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
