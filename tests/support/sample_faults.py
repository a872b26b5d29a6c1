"""Breaking a written sample the way real inputs break, for tests of faults."""

import shutil
from pathlib import Path

from rtcflow_local.sample.write import Sample


def truncate_measurement(
    sample: Sample, swath: str = "iw2", polarization: str = "", keep: float = 0.5
) -> Path:
    """Cut off the end of a measurement TIFF, like a broken download; gives the file."""
    channel = (polarization or sample.polarizations[0]).lower()
    (path,) = sample.safe.glob(f"measurement/*-{swath}-slc-{channel}-*.tiff")
    with path.open("r+b") as file:
        file.truncate(int(path.stat().st_size * keep))
    return path


def scramble_measurement(sample: Sample, swath: str = "iw2", polarization: str = "") -> Path:
    """Overwrite the header of a measurement TIFF; gives the file."""
    channel = (polarization or sample.polarizations[0]).lower()
    (path,) = sample.safe.glob(f"measurement/*-{swath}-slc-{channel}-*.tiff")
    with path.open("r+b") as file:
        file.write(b"\xff" * 64)
    return path


def drop_orbit(sample: Sample) -> Path:
    """Remove the orbit file; gives where it was."""
    sample.orbit.unlink()
    return sample.orbit


def empty_orbit(sample: Sample) -> Path:
    """Empty the orbit file, as archives have shown; gives the file."""
    sample.orbit.write_bytes(b"")
    return sample.orbit


def drop_dem_tile(sample: Sample, name: str | None = None) -> str:
    """Remove a tile over land, the first by default; the archive's list still names it."""
    name = name or sample.tiles[0]
    shutil.rmtree(sample.dem / name)
    return name


def drop_annotation(sample: Sample, swath: str = "iw2", polarization: str = "") -> Path:
    """Remove a product annotation; gives where it was."""
    channel = (polarization or sample.polarizations[0]).lower()
    (path,) = sample.safe.glob(f"annotation/*-{swath}-slc-{channel}-*.xml")
    path.unlink()
    return path
