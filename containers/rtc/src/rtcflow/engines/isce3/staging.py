"""Stage inputs for s1-reader: a SAFE folder of links, an orbit file whose name covers the scene."""

import xml.etree.ElementTree as ET
from pathlib import Path
from xml.sax.saxutils import escape

from rtcflow.sentinel1.files import BurstFiles
from rtcflow.sources.orbit.orbit_source import FetchedOrbit
from rtcflow.sources.scene.safe_burst import FetchedScene
from rtcflow_contract.burst_id import parse_burst_id
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
