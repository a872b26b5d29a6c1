"""A burst's acquisition, as its sub-swath's annotation file describes it.

Sentinel-1 Product Specification (S1-RS-MDA-52-7441), Level-1 product annotation data set.
"""

import math
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from rtcflow_contract.annotation import list_bursts
from rtcflow_contract.burst_id import parse_burst_id
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.safe import relative_orbit

SPEED_OF_LIGHT = 299792458.0


@dataclass(frozen=True)
class Burst:
    """Geometry and timing of a burst in one polarization; times are zero-Doppler times, UTC.

    Parameters
    ----------
    burst_id, swath, polarization, platform, orbit_state
        `t071_151203_iw2`, `iw2`, `VV`, `S1A`, `ascending` or `descending`.
    index : int
        Position of the burst in its sub-swath, from 0.
    sensing_start : datetime
        Time of the first line.
    lines, samples : int
        Size of the burst in the annotation's raster.
    starting_range_m, range_spacing_m : float
        Slant range of the first sample, and between samples, metres.
    azimuth_interval_s : float
        Time between lines, seconds.
    first_valid_line, last_valid_line, first_valid_sample, last_valid_sample : int
        Valid samples, all inclusive.
    center_frequency_hz, prf_hz : float
    rank : int
        Pulses in the air between transmission and reception.
    iw2_mid_range_m : float
        Slant range in the middle of IW2, to which the processor's bulk bistatic correction refers, metres.
    """

    burst_id: str
    swath: str
    polarization: str
    platform: str
    orbit_state: str
    absolute_orbit: int
    relative_orbit: int
    index: int
    sensing_start: datetime
    lines: int
    samples: int
    starting_range_m: float
    range_spacing_m: float
    azimuth_interval_s: float
    azimuth_spacing_m: float
    first_valid_line: int
    last_valid_line: int
    first_valid_sample: int
    last_valid_sample: int
    center_frequency_hz: float
    prf_hz: float
    rank: int
    iw2_mid_range_m: float
    ipf_version: str
    incidence_angle_deg: float

    @property
    def sensing_stop(self) -> datetime:
        """Time of the last line."""
        return self.sensing_start + timedelta(seconds=(self.lines - 1) * self.azimuth_interval_s)

    @property
    def first_line(self) -> int:
        """Line of the sub-swath's raster that is the first of the burst."""
        return self.index * self.lines

    @property
    def wavelength_m(self) -> float:
        """Radar wavelength, metres."""
        return SPEED_OF_LIGHT / self.center_frequency_hz


def read_burst(annotation: Path, burst_id: str) -> Burst:
    """Read a burst's description.

    Raises
    ------
    RefusedError
        When the file is no IW SLC annotation, or has no such burst (lists those it has).
    """
    wanted = parse_burst_id(burst_id)
    try:
        text = annotation.read_bytes()
        root = ET.fromstring(text)
        listed = list_bursts(text, _track(annotation, wanted.track))
        index = next((b.burst_index for b in listed if b.burst_id == burst_id), None)
        if index is None:
            ids = ", ".join(b.burst_id for b in listed)
            raise RefusedError(
                f"{annotation.name} has no burst {burst_id}; it has {ids}", "burst-not-in-scene"
            )
        return _burst(root, annotation, burst_id, index)
    except (OSError, ET.ParseError, ValueError, TypeError, AttributeError) as error:
        raise RefusedError(
            f"annotation {annotation.name} cannot be read ({error}); fetch the scene again", "annotation"
        ) from error


def _burst(root: ET.Element, annotation: Path, burst_id: str, index: int) -> Burst:
    image = _find(root, "imageAnnotation/imageInformation")
    general = _find(root, "generalAnnotation")
    timing = _find(root, "swathTiming")
    element = timing.findall("burstList/burst")[index]
    first = np.array(_text(element, "firstValidSample").split(), int)
    last = np.array(_text(element, "lastValidSample").split(), int)
    valid_lines = np.flatnonzero(first >= 0)
    if valid_lines.size == 0:
        raise ValueError("the burst has no valid line")
    top, bottom = int(valid_lines[0]), int(valid_lines[-1])
    spacing = SPEED_OF_LIGHT / (2 * float(_text(general, "productInformation/rangeSamplingRate")))
    samples = int(_text(timing, "samplesPerBurst"))
    starting_range = float(_text(image, "slantRangeTime")) * SPEED_OF_LIGHT / 2
    swath = _text(root, "adsHeader/swath").lower()
    return Burst(
        burst_id=burst_id,
        swath=swath,
        polarization=_text(root, "adsHeader/polarisation").upper(),
        platform=_text(root, "adsHeader/missionId"),
        orbit_state=_text(general, "productInformation/pass").lower(),
        absolute_orbit=int(_text(root, "adsHeader/absoluteOrbitNumber")),
        relative_orbit=parse_burst_id(burst_id).track,
        index=index,
        sensing_start=_time(_text(element, "azimuthTime")),
        lines=int(_text(timing, "linesPerBurst")),
        samples=samples,
        starting_range_m=starting_range,
        range_spacing_m=spacing,
        azimuth_interval_s=float(_text(image, "azimuthTimeInterval")),
        azimuth_spacing_m=float(_text(image, "azimuthPixelSpacing")),
        first_valid_line=top,
        last_valid_line=bottom,
        first_valid_sample=int(max(first[top], first[bottom])),
        last_valid_sample=int(min(last[top], last[bottom])),
        center_frequency_hz=float(_text(general, "productInformation/radarFrequency")),
        prf_hz=float(_text(general, "downlinkInformationList/downlinkInformation/prf")),
        rank=int(_text(general, "downlinkInformationList/downlinkInformation/downlinkValues/rank")),
        iw2_mid_range_m=_iw2_mid_range(annotation, swath, starting_range, samples, spacing),
        ipf_version=_ipf_version(annotation),
        incidence_angle_deg=float(_text(image, "incidenceAngleMidSwath")),
    )


def _iw2_mid_range(annotation: Path, swath: str, start: float, samples: int, spacing: float) -> float:
    """Middle of IW2 from the sub-swath's own annotation or its neighbour's."""
    if swath == "iw2":
        return start + 0.5 * samples * spacing
    name = annotation.name.split("-")
    found = sorted(annotation.parent.glob(f"{name[0]}-iw2-slc-{name[3]}-*.xml")) if len(name) > 3 else []
    if not found:
        raise RefusedError(
            f"the annotation of IW2 is missing beside {annotation.name}; the bistatic correction needs it: "
            "fetch the scene's whole annotation folder",
            "annotation",
        )
    root = ET.parse(found[0]).getroot()
    iw2_start = float(_text(root, "imageAnnotation/imageInformation/slantRangeTime")) * SPEED_OF_LIGHT / 2
    return iw2_start + 0.5 * int(_text(root, "swathTiming/samplesPerBurst")) * spacing


def _track(annotation: Path, assumed: int) -> int:
    """Relative orbit out of manifest.safe; where there is none beside the annotation folder, the assumed one."""
    manifest = annotation.parent.parent / "manifest.safe"
    return relative_orbit(manifest.read_bytes()) if manifest.is_file() else assumed


def _ipf_version(annotation: Path) -> str:
    """IPF version out of manifest.safe, empty where there is none beside the annotation folder."""
    manifest = annotation.parent.parent / "manifest.safe"
    if not manifest.is_file():
        return ""
    for software in ET.parse(manifest).getroot().iter():
        if software.tag.endswith("}software") and "IPF" in software.get("name", ""):
            return software.get("version", "")
    return ""


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _find(element: ET.Element, path: str) -> ET.Element:
    found = element.find(path)
    if found is None:
        raise ValueError(f"<{path}> is missing")
    return found


def _text(element: ET.Element, path: str) -> str:
    found = _find(element, path)
    if found.text is None:
        raise ValueError(f"<{path}> is empty")
    return found.text.strip()


def bistatic_delay_s(burst: Burst, slant_range_m: float) -> float:
    """Residual bistatic delay, seconds, to be added to the tagged azimuth time.

    Gisinger et al. (2021), IEEE TGRS 59(2), doi 10.1109/TGRS.2019.2961248, equation 21: the processor removed half
    the two-way delay of mid IW2 as a bulk; what remains depends on range.
    """
    tau0 = burst.rank / burst.prf_hz
    tau_mid = 2 * burst.iw2_mid_range_m / SPEED_OF_LIGHT
    tau = 2 * slant_range_m / SPEED_OF_LIGHT
    delay = tau_mid / 2 + tau / 2 - tau0
    return delay if math.isfinite(delay) else 0.0
