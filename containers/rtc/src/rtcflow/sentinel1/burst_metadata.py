"""The files of a burst, and what the annotation of its sub-swath says of it.

Sentinel-1 Product Specification (S1-RS-MDA-52-7441), Level-1 product annotation data set.
"""

import math
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from rtcflow_contract.burst_id import parse_burst_id
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.manifest import Acquisition
from rtcflow_safe.annotation import Annotation, read_annotation
from rtcflow_safe.safe_manifest import MANIFEST_SAFE, SafeManifest, read_manifest
from rtcflow_safe.xml import read_xml, text_of

# A full burst has 38 million.
_MOST_SAMPLES = 120_000_000
HEADING = "generalAnnotation/productInformation/platformHeading"
_FREQUENCY = "imageAnnotation/imageInformation/azimuthFrequency"
_CLEARLY_NORTH = 0.3
# 5.405 GHz; the modes of IW pulse 1452 to 1717 times a second.
_C_BAND_HZ = 5.3e9, 5.5e9
_PRF_HZ = 1000.0, 2500.0
_PLATFORMS, _ORBIT_STATES = (
    get_args(Acquisition.model_fields[name].annotation) for name in ("platform", "orbit_state")
)


@dataclass(frozen=True)
class BurstFiles:
    """Paths of a burst's annotation and pixels.

    `measurement` is any path that GDAL opens; `first_line` is the line of the annotation's raster at which the TIFF
    starts: 0 for a whole measurement, burst index times lines per burst for a TIFF with only the burst's lines.
    """

    annotation: Path
    calibration: Path
    noise: Path
    measurement: str | Path
    first_line: int = 0


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
        Slant range in the middle of IW2, to which the processor's bulk bistatic correction refers, metres; NaN if the
        scene has no annotation of IW2.
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


def read_burst(annotation: Path, burst_id: str) -> Burst:
    """Read a burst from the annotation.

    Raises
    ------
    RefusedError
        When the file is not an IW SLC annotation, or does not have the burst; lists those it has.
    """
    read = read_annotation(annotation)
    listed = read.bursts(_manifest(annotation, parse_burst_id(burst_id).track).relative_orbit)
    index = next((b.burst_index for b in listed if b.burst_id == burst_id), None)
    if index is None:
        ids = ", ".join(b.burst_id for b in listed)
        raise RefusedError(
            f"{annotation.name} has no burst {burst_id}; it has {ids or 'none'}", "burst-not-in-scene"
        )
    try:
        return _burst(read, annotation, burst_id, index)
    except (ValueError, OverflowError) as error:
        raise read.unreadable(str(error)) from error


def _burst(read: Annotation, annotation: Path, burst_id: str, index: int) -> Burst:
    image, general = "imageAnnotation/imageInformation", "generalAnnotation"
    downlink = f"{general}/downlinkInformationList/downlinkInformation"
    lines, samples = read.lines_per_burst, read.samples_per_burst
    if lines * samples > _MOST_SAMPLES:
        raise ValueError(f"bursts of {lines} x {samples} samples")
    platform = text_of(read.root, "adsHeader/missionId").upper()
    orbit_state = text_of(read.root, f"{general}/productInformation/pass").lower()
    for name, value, known in (("missionId", platform, _PLATFORMS), ("pass", orbit_state, _ORBIT_STATES)):
        if value not in known:
            raise ValueError(f"<{name}> is '{value[:20]}', and not one of {', '.join(known)}")
    interval = read.number(f"{image}/azimuthTimeInterval", 1e-4, 1e-2)
    _check_repeated(read, orbit_state, interval)
    top, bottom, left, right = _valid(read.entries[index].element, lines, samples)
    manifest = _manifest(annotation, parse_burst_id(burst_id).track)
    return Burst(
        burst_id=burst_id,
        swath=read.swath,
        polarization=read.polarization,
        platform=platform,
        orbit_state=orbit_state,
        absolute_orbit=read.whole("adsHeader/absoluteOrbitNumber", 1, 999_999),
        relative_orbit=parse_burst_id(burst_id).track,
        index=index,
        sensing_start=read.entries[index].time,
        lines=lines,
        samples=samples,
        starting_range_m=read.starting_range_m,
        range_spacing_m=read.range_spacing_m,
        azimuth_interval_s=interval,
        azimuth_spacing_m=read.number(f"{image}/azimuthPixelSpacing", 0.1, 1000.0),
        first_valid_line=top,
        last_valid_line=bottom,
        first_valid_sample=left,
        last_valid_sample=right,
        center_frequency_hz=read.number(f"{general}/productInformation/radarFrequency", *_C_BAND_HZ),
        prf_hz=read.number(f"{downlink}/prf", *_PRF_HZ),
        rank=read.whole(f"{downlink}/downlinkValues/rank", 1, 20),
        iw2_mid_range_m=_iw2_mid_range(annotation, read),
        ipf_version=manifest.ipf_version,
        incidence_angle_deg=read.number(f"{image}/incidenceAngleMidSwath", 1.0, 89.0),
    )


def _check_repeated(read: Annotation, orbit_state: str, interval: float) -> None:
    """Compare values with others of the annotation that repeat them.

    The geolocation grid has one row a burst, so that it does not show a wrong interval between lines.
    """
    if read.root.findtext(_FREQUENCY):
        frequency = read.number(_FREQUENCY, 100.0, 10_000.0)
        if not math.isclose(interval * frequency, 1.0, abs_tol=1e-5):
            raise ValueError(
                f"<azimuthTimeInterval> is {interval:g} s, and its <azimuthFrequency> {frequency:g} Hz"
            )
    if read.root.findtext(HEADING):
        north = math.cos(math.radians(read.number(HEADING, -360.0, 360.0)))
        # Near the turning points of the orbit either is right.
        if abs(north) > _CLEARLY_NORTH and (north > 0) != (orbit_state == "ascending"):
            raise ValueError(f"<pass> is {orbit_state}, and its <platformHeading> says the other")


def _valid(entry: ET.Element, lines: int, samples: int) -> tuple[int, int, int, int]:
    """First and last valid line and sample, from the lists of a burst's lines."""
    first, last = (_whole_numbers(entry, name) for name in ("firstValidSample", "lastValidSample"))
    if not first.size == last.size == lines:
        raise ValueError(f"{first.size} and {last.size} valid samples are listed for {lines} lines")
    valid = np.flatnonzero((first >= 0) & (last >= 0))
    if valid.size == 0:
        raise ValueError("the burst has no valid line")
    top, bottom = int(valid[0]), int(valid[-1])
    left, right = int(max(first[top], first[bottom])), int(min(last[top], last[bottom]))
    if not left < right < samples:
        raise ValueError(f"its valid samples are {left} to {right} of {samples}")
    return top, bottom, left, right


def _whole_numbers(entry: ET.Element, name: str) -> NDArray[np.int64]:
    return np.array(text_of(entry, name).split(), np.int64)


def _iw2_mid_range(annotation: Path, read: Annotation) -> float:
    """Middle of IW2, from an IW2 annotation in any polarization; NaN if there is none."""
    if read.swath == "iw2":
        return read.starting_range_m + 0.5 * read.samples_per_burst * read.range_spacing_m
    found = sorted(
        annotation.parent.glob("s1?-iw2-slc-*.xml"),
        key=lambda path: path.name.split("-")[3:4] != [read.polarization.lower()],
    )
    if not found:
        return math.nan
    iw2 = read_annotation(found[0])
    return iw2.starting_range_m + 0.5 * iw2.samples_per_burst * iw2.range_spacing_m


def scene_track(annotation: Path, burst_id: str) -> int:
    """Relative orbit at the start of the scene, from its manifest, or of the burst if there is no manifest."""
    return _manifest(annotation, parse_burst_id(burst_id).track).relative_orbit


def _manifest(annotation: Path, track: int) -> SafeManifest:
    """The manifest.safe above the annotation folder; without one, a manifest with only the track."""
    path = annotation.parent.parent / MANIFEST_SAFE
    try:
        return _kept_manifest(path, path.stat().st_mtime_ns)
    except FileNotFoundError:
        return SafeManifest(track, "", {}, "", {})
    except OSError as error:
        raise RefusedError(
            f"{path} cannot be read ({error.strerror}); fetch the scene again", "manifest-safe"
        ) from error


@lru_cache(4)
def _kept_manifest(path: Path, changed: int) -> SafeManifest:
    return read_manifest(read_xml(path, reason="manifest-safe"))


def refuse_without_iw2(burst: Burst) -> None:
    """Refuse a burst whose bistatic delay cannot be corrected.

    Raises
    ------
    RefusedError
        When the range of IW2 is unknown.
    """
    if not math.isfinite(burst.iw2_mid_range_m):
        raise RefusedError(
            f"the scene has no annotation of sub-swath IW2, which a burst of {burst.swath.upper()} needs for its "
            "bistatic correction; give the whole SAFE, or add the annotation file of IW2",
            "annotation",
        )
