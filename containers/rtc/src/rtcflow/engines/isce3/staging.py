"""Stage inputs for the workflow: a SAFE folder of links, an orbit file whose name covers the scene, marked fill.

ISCE3 takes a zero for a measurement of nothing. Samples that were filled with zeros where nothing was received are
marked as NaN: every pixel whose sums contain one becomes no data.
"""

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray

from rtcflow.native.fill import filled_share, find_fill, refuse_empty
from rtcflow.native.image import radar_grid, valid_samples
from rtcflow.rasters import write_raster
from rtcflow.sentinel1.burst_metadata import BurstFiles, read_burst
from rtcflow.sentinel1.measurement import read_burst_pixels
from rtcflow.sources.orbit.orbit_source import FetchedOrbit
from rtcflow.sources.scene.safe_burst import FetchedScene
from rtcflow_contract.burst_id import parse_burst_id
from rtcflow_contract.layers import Product
from rtcflow_contract.orbit_file import parse_orbit_name

_SWATHS = ("iw1", "iw2", "iw3")
_STAMP = "%Y%m%dT%H%M%S"


def stage_safe(scene: FetchedScene, burst_id: str, folder: Path) -> Path:
    """Lay out a SAFE folder of one burst.

    s1-reader opens the annotation of every sub-swath, though it needs only the burst's own and IW2's. For one that was
    not fetched, the burst's own annotation stands in; its bursts get other ids and are ignored.

    Parameters
    ----------
    scene : FetchedScene
    burst_id : str
    folder : Path
        Where the SAFE folder is made.

    Returns
    -------
    Path
        The SAFE folder, named as the scene, since the workflow reads polarization and times from the name.
    """
    safe = folder / f"{scene.scene}.SAFE"
    own = parse_burst_id(burst_id).swath
    _link(safe / "manifest.safe", scene.safe / "manifest.safe")
    for polarization, files in scene.files.items():
        for swath in _SWATHS:
            name = files.annotation.name.replace(f"-{own}-", f"-{swath}-")
            there = sorted(files.annotation.parent.glob(f"s1?-{swath}-slc-{polarization.lower()}-*.xml"))
            source = files.annotation if swath == own or not there else there[0]
            _link(safe / "annotation" / (source.name if there else name), source)
        for path in (files.calibration, files.noise):
            _link(safe / "annotation" / "calibration" / path.name, path)
        interference = files.annotation.parent / "rfi" / f"rfi-{files.annotation.name}"
        if interference.is_file():
            _link(safe / "annotation" / "rfi" / interference.name, interference)
        if str(files.measurement):
            _stage_measurement(safe / "measurement" / f"{files.annotation.stem}.tiff", files)
    return safe


def stage_orbit(orbit: FetchedOrbit, folder: Path) -> Path:
    """Stage an orbit file under a name that s1-reader accepts; for two joined files, one that spans both."""
    parts = [name for part in orbit.id.split("+") if (name := parse_orbit_name(f"{part}.EOF"))]
    if len(parts) < 2:
        return orbit.path.resolve()
    first, last = min(parts, key=lambda part: part.start), max(parts, key=lambda part: part.stop)
    path = folder / (
        f"{last.platform}_OPER_AUX_{last.type}_OPOD_{last.created:{_STAMP}}"
        f"_V{first.start:{_STAMP}}_{last.stop:{_STAMP}}.EOF"
    )
    _link(path, orbit.path)
    return path


def _stage_measurement(path: Path, files: BurstFiles) -> None:
    source = Path(files.measurement)
    if files.first_line == 0 and source.is_file():
        _link(path, source)
        return
    # Only the burst's lines were fetched: a virtual raster places them in the sub-swath.
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_virtual_measurement(files))


def _virtual_measurement(files: BurstFiles) -> str:
    """A GDAL virtual raster as large as the sub-swath's, with the burst's lines in place; s1-reader takes floats."""
    timing = ET.parse(files.annotation).find("swathTiming")
    if timing is None:
        raise ValueError(f"{files.annotation.name} has no swathTiming")
    lines, samples = (int(timing.findtext(name) or 0) for name in ("linesPerBurst", "samplesPerBurst"))
    bursts = len(timing.findall("burstList/burst"))
    source = escape(str(files.measurement))
    return (
        f'<VRTDataset rasterXSize="{samples}" rasterYSize="{lines * bursts}">'
        '<VRTRasterBand dataType="CFloat32" band="1"><SimpleSource>'
        f'<SourceFilename relativeToVRT="0">{source}</SourceFilename><SourceBand>1</SourceBand>'
        f'<SrcRect xOff="0" yOff="0" xSize="{samples}" ySize="{lines}"/>'
        f'<DstRect xOff="0" yOff="{files.first_line}" xSize="{samples}" ySize="{lines}"/>'
        "</SimpleSource></VRTRasterBand></VRTDataset>\n"
    )


def _link(path: Path, target: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.symlink_to(target.resolve())


class MarkedScene(NamedTuple):
    """The scene to lay out, and the filled share of the burst's valid samples, 0 to 1, by polarization."""

    scene: FetchedScene
    filled: dict[str, float]


def mark_fill(scene: FetchedScene, burst_id: str, folder: Path) -> MarkedScene:
    """Mark the filled samples of a burst, by the rule of the native engine.

    Parameters
    ----------
    scene : FetchedScene
        With measurements.
    burst_id : str
    folder : Path
        Where measurements with marks are written; those without filled samples stay as they are.

    Raises
    ------
    RefusedError
        When a measurement cannot be read, or nearly all of it is filled.
    """
    files, filled = dict(scene.files), {}
    for polarization, one in scene.files.items():
        burst = read_burst(one.annotation, burst_id)
        valid = valid_samples(burst, Product.RTC_S1, radar_grid(burst, Product.RTC_S1))
        pixels = read_burst_pixels(one, burst)
        runs = find_fill(pixels, valid)
        filled[polarization] = filled_share(runs, valid)
        if len(runs):
            path = folder / f"marked-{polarization}.tif"
            _write_marked(path, pixels, runs)
            files[polarization] = BurstFiles(
                one.annotation, one.calibration, one.noise, path, burst.first_line
            )
    refuse_empty(filled, burst_id)
    return MarkedScene(scene._replace(files=files), filled)


def _write_marked(path: Path, pixels: NDArray[np.int16], runs: NDArray[np.int64]) -> None:
    lines, samples = pixels.shape[:2]
    values = np.empty((lines, samples), np.complex64)
    values.real, values.imag = pixels[..., 0], pixels[..., 1]
    for line, first, stop in runs:
        values[line, first:stop] = np.nan
    profile = {
        "driver": "GTiff",
        "height": lines,
        "width": samples,
        "count": 1,
        "dtype": "complex64",
    }
    write_raster(path, profile, lambda out: out.write(values, 1))
