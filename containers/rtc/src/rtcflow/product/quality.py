"""Quality of a burst from the scene's files, for every engine: noise, angles, flight, interference."""

import math
import xml.etree.ElementTree as ET
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from pyproj import Transformer

from rtcflow.sentinel1.burst_metadata import HEADING, Burst, BurstFiles, read_burst
from rtcflow.sentinel1.interference import read_interference
from rtcflow.sentinel1.orbit import read_orbit
from rtcflow.sentinel1.radiometry import read_beta0, read_noise
from rtcflow.sources.scene.safe_burst import FetchedScene
from rtcflow.sources.scene.source_data import SourceData
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.grid import Grid
from rtcflow_contract.layers import Product
from rtcflow_contract.manifest import NoiseLevel, Quality, Rfi
from rtcflow_safe.annotation import read_annotation
from rtcflow_safe.xml import parse_xml, read_xml

# Mean noise equivalent sigma0 of IW, dB: the requirement is -22 (Sentinel-1 Product Definition), usual are -24 to -33.
_NOISE_DB = -40.0, -12.0
# Slant range and azimuth resolution of IW SLC in metres: Sentinel-1 Product Definition (S1-RS-MDA-52-7440), table of
# IW SLC characteristics.
RESOLUTIONS_M = {"IW1": (2.7, 22.5), "IW2": (3.1, 22.7), "IW3": (3.5, 22.6)}


def burst_quality(
    scene: FetchedScene, source: SourceData, orbit: Path, burst_id: str, product: Product, grid: Grid
) -> Quality:
    """Collect the quality of a burst; static layers have no noise and no interference.

    Raises
    ------
    RefusedError
        When a file of the scene cannot be read, or its noise is far from that of a Sentinel-1.
    """
    range_m, azimuth_m = RESOLUTIONS_M[source.burst.swath.upper()]
    annotation = next(iter(scene.files.values())).annotation
    noise: dict[str, NoiseLevel] = {}
    reports: dict[str, dict[str, Any]] = {}
    if product is Product.RTC_S1:
        for name, files in scene.files.items():
            burst = read_burst(files.annotation, burst_id)
            # An engine that needs the noise will refuse the scene.
            tables = None
            with suppress(RefusedError):
                tables = read_noise(files.noise, burst), read_beta0(files.calibration, burst)
            if tables is not None:
                noise[name] = noise_level(*tables, source)
                refuse_implausible(noise[name], files)
            report = read_interference(files.annotation, burst)
            if report is not None:
                reports[name] = report
    return Quality(
        near_incidence_deg=source.near_incidence_deg,
        far_incidence_deg=source.far_incidence_deg,
        heading_deg=heading_deg(annotation),
        altitude_m=_altitude(orbit, source.burst),
        range_resolution_m=range_m,
        azimuth_resolution_m=azimuth_m,
        equivalent_looks=_equivalent_looks(source, grid),
        noise_equivalent_sigma0_db=noise,
        rfi=_rfi(reports) if reports else None,
        timeliness=_timeliness(scene.safe),
    )


def noise_level(noise: Any, beta0_factor: np.ndarray, source: SourceData) -> NoiseLevel:
    """Noise equivalent sigma0 on the ellipsoid: thermal noise as beta0 times the sine of the incidence angle."""
    incidence = np.radians(
        np.linspace(source.near_incidence_deg, source.far_incidence_deg, beta0_factor.size)
    )
    across = noise.range / beta0_factor**2 * np.sin(incidence)
    along = noise.azimuth
    # Outside the valid samples the vectors may be zero.
    across, along = across[across > 0], along[along > 0]
    low, mean, high = (
        round(10 * math.log10(value), 2)
        for value in (across.min() * along.min(), across.mean() * along.mean(), across.max() * along.max())
    )
    return NoiseLevel(minimum=low, mean=mean, maximum=high)


def refuse_implausible(level: NoiseLevel, files: BurstFiles) -> None:
    """Refuse calibration or noise of an impossible scale, which would change all backscatter."""
    low, high = _NOISE_DB
    if not low < level.mean < high:
        raise RefusedError(
            f"the noise of {files.noise.name}, calibrated by {files.calibration.name}, is equivalent to a sigma0 of "
            f"{level.mean:g} dB, and that of Sentinel-1 lies between {low:g} and {high:g} dB: one of the two is wrong; "
            "fetch the scene again",
            reason="noise",
        )


def _equivalent_looks(source: SourceData, grid: Grid) -> float:
    """Resolution cells per pixel at mid range on flat ground."""
    range_m, azimuth_m = RESOLUTIONS_M[source.burst.swath.upper()]
    incidence = math.radians((source.near_incidence_deg + source.far_incidence_deg) / 2)
    return round(max(1.0, grid.spacing**2 / (range_m / math.sin(incidence) * azimuth_m)), 2)


def heading_deg(annotation: Path) -> float | None:
    """Heading of the platform, 0 to 360 degrees from north; None where the annotation does not say."""
    read = read_annotation(annotation)
    if not read.root.findtext(HEADING):
        return None
    try:
        return round(read.number(HEADING, -360.0, 360.0) % 360, 4)
    except ValueError as error:
        raise read.unreadable(str(error)) from error


def _altitude(orbit: Path, burst: Burst) -> float | None:
    try:
        vectors = read_orbit(orbit, burst.sensing_start)
    except RefusedError:
        return None
    nearest = int(np.argmin(np.abs(vectors.seconds)))
    x, y, z = vectors.positions[nearest]
    _, _, height = Transformer.from_crs("EPSG:4978", "EPSG:4979", always_xy=True).transform(x, y, z)
    return round(float(height), 0)


def _timeliness(safe: Path) -> str | None:
    manifest = safe / "manifest.safe"
    if not manifest.is_file():
        return None
    return next((e.text for e in _parsed(manifest).iterfind(".//{*}productTimelinessCategory")), None)


def _rfi(reports: dict[str, dict[str, Any]]) -> Rfi:
    return Rfi(
        mitigation_performed=any(report["rfiMitigationPerformed"] for report in reports.values()),
        report=reports,
    )


def _parsed(path: Path) -> ET.Element:
    return parse_xml(read_xml(path), path.name)
