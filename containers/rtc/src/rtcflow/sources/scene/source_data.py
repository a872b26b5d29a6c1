"""A burst's acquisition from the scene's metadata, for every engine.

Sentinel-1 Product Specification (S1-RS-MDA-52-7441): product annotation and manifest.safe.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, cast

from rtcflow.sentinel1.burst_metadata import Burst
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.manifest import Acquisition
from rtcflow_contract.orbit_file import OrbitType
from rtcflow_safe.annotation import read_annotation
from rtcflow_safe.grid_points import GridPoint
from rtcflow_safe.safe_manifest import MANIFEST_SAFE, read_manifest
from rtcflow_safe.xml import read_xml, time_of

_BANDWIDTH = (
    "imageAnnotation/processingInformation/swathProcParamsList/swathProcParams"
    "/rangeProcessing/processingBandwidth"
)


class SourceData(NamedTuple):
    """Facts of the scene beyond the acquisition record; frequencies in Hz, angles in degrees."""

    burst: Burst
    processing_center: str
    processing_time: str
    range_bandwidth_hz: float
    near_incidence_deg: float
    far_incidence_deg: float


def read_source_data(safe: Path, annotation: Path, burst: Burst) -> SourceData:
    """Read the metadata of the scene that a product records.

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
        read = read_annotation(annotation)
        manifest = read_manifest(read_xml(safe / MANIFEST_SAFE, reason="manifest-safe"))
        near, far = _incidence(read.grid, burst.sensing_start)
        known = read.root.findtext(_BANDWIDTH)
        bandwidth = read.number(_BANDWIDTH, 1e6, 1e9) if known else math.nan
        return SourceData(burst, _center(manifest.facility), manifest.processing_stop, bandwidth, near, far)
    except (OSError, ValueError) as error:
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
    """When a scene was processed; None if its manifest does not say."""
    try:
        return time_of(text)
    except ValueError:
        return None


def _incidence(grid: Sequence[GridPoint], at: datetime) -> tuple[float, float]:
    """Incidence angles at near and far range of the geolocation grid's row nearest to a time, degrees."""
    if not grid:
        raise ValueError("its geolocation grid is empty")
    off = [abs((point.time - at).total_seconds()) for point in grid]
    angles = [point.incidence_deg for point, o in zip(grid, off, strict=True) if o <= min(off) + 0.5]
    return min(angles), max(angles)


def _center(facility: Mapping[str, str]) -> str:
    return ", ".join(
        f'{key}: "{facility[name]}"'
        for key, name in (("organization", "organisation"), ("site", "site"), ("country", "country"))
        if name in facility
    )
