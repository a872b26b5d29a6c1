"""Write the SAFE: pixels burst by burst into measurement files, then annotation, then the manifest."""

import binascii
import hashlib
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rtcflow_local.sample.acquisition import SimulatedAcquisition, SimulatedBurst, Swath
from rtcflow_local.sample.cover import gamma0_table
from rtcflow_local.sample.pixels import NoiseTables, burst_pixels, noise_tables
from rtcflow_local.sample.projection import burst_beta0
from rtcflow_local.sample.reflectors import Target
from rtcflow_local.sample.safe.annotation_xml import annotation_xml
from rtcflow_local.sample.safe.geolocation_grid import TiePoint, control_points, geolocation_grid
from rtcflow_local.sample.safe.manifest_xml import FileEntry, manifest_xml
from rtcflow_local.sample.safe.names import IPF_VERSION, Image, images_of, scene_name
from rtcflow_local.sample.safe.radiometric import calibration_xml, noise_xml, rfi_xml
from rtcflow_local.sample.safe.statistics import PixelStatistics
from rtcflow_local.sample.tiff import BYTES_PER_PIXEL, tiff_header
from rtcflow_local.sample.world import World

_WORKERS = 2
_DESCRIPTION = "Sentinel-1{} IW SLC L1, simulated"


class WrittenSafe(NamedTuple):
    """A written SAFE; counts of `projection.project` by burst id."""

    scene: str
    path: Path
    counts: dict[str, tuple[int, ...]]


class _Job(NamedTuple):
    image: Image
    noise: NoiseTables
    grid: list[TiePoint]
    header: bytes


def write_safe(
    acquisition: SimulatedAcquisition,
    world: World,
    targets: list[Target],
    folder: Path,
    progress: Callable[[float], None],
) -> WrittenSafe:
    """Write the SAFE into a folder, replacing one of the same scene."""
    work = folder / "unnamed.SAFE"
    shutil.rmtree(work, ignore_errors=True)
    for name in ("annotation/calibration", "annotation/rfi", "measurement"):
        (work / name).mkdir(parents=True)
    jobs = [_job(acquisition, image) for image in images_of(acquisition)]
    for job in jobs:
        (work / job.image.measurement).write_bytes(job.header)
    counts, squares = _write_pixels(acquisition, world, targets, jobs, work, progress)
    files = [
        entry for job in jobs for entry in _write_annotation(acquisition, job, work, squares[job.image.stem])
    ]
    manifest = manifest_xml(acquisition, [job.image for job in jobs], files)
    (work / "manifest.safe").write_bytes(manifest)
    scene = scene_name(acquisition, binascii.crc_hqx(manifest, 0xFFFF))
    path = folder / f"{scene}.SAFE"
    shutil.rmtree(path, ignore_errors=True)
    work.rename(path)
    return WrittenSafe(scene, path, counts)


def _job(acquisition: SimulatedAcquisition, image: Image) -> _Job:
    grid = geolocation_grid(acquisition, image.swath)
    header = tiff_header(
        image.swath.lines * len(image.swath.bursts),
        image.swath.samples,
        control_points(grid),
        _DESCRIPTION.format(acquisition.spec.platform[2:]),
        f"Sentinel-1 IPF {IPF_VERSION} (rtcflow sample)",
        f"{acquisition.utc(acquisition.stop_us):%Y:%m:%d %H:%M:%S}",
    )
    return _Job(image, noise_tables(image.swath, image.polarization), grid, header)


def _write_pixels(
    acquisition: SimulatedAcquisition,
    world: World,
    targets: list[Target],
    jobs: list[_Job],
    work: Path,
    progress: Callable[[float], None],
) -> tuple[dict[str, tuple[int, ...]], dict[str, np.ndarray]]:
    gamma0 = gamma0_table(acquisition.spec.place.cover, acquisition.spec.polarizations)
    bursts = [(swath, burst) for swath in acquisition.swaths for burst in swath.bursts]
    squares = {job.image.stem: np.zeros(2) for job in jobs}

    def one(place: tuple[Swath, SimulatedBurst]) -> tuple[str, tuple[int, ...], dict[str, np.ndarray]]:
        swath, burst = place
        beta0, seen = burst_beta0(acquisition, world, swath, burst, gamma0)
        found = {}
        for job in jobs:
            if job.image.swath is swath:
                channel = job.image.channel
                pixels = burst_pixels(acquisition, swath, burst, channel, beta0[channel], job.noise, targets)
                offset = len(job.header) + burst.index * swath.lines * swath.samples * BYTES_PER_PIXEL
                _put(work / job.image.measurement, offset, pixels)
                found[job.image.stem] = np.einsum("ijk,ijk->k", pixels, pixels, dtype=np.float64)
        return burst.burst_id, tuple(int(count) for count in seen), found

    counts: dict[str, tuple[int, ...]] = {}
    with ThreadPoolExecutor(_WORKERS) as pool:
        for done, (burst_id, seen, found) in enumerate(pool.map(one, bursts), start=1):
            counts[burst_id] = seen
            for stem, total in found.items():
                squares[stem] += total
            progress(done / len(bursts))
    return counts, squares


def _put(path: Path, offset: int, pixels: np.ndarray) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(pixels.astype("<i2", copy=False).data)


def _write_annotation(
    acquisition: SimulatedAcquisition, job: _Job, work: Path, squares: np.ndarray
) -> list[FileEntry]:
    image = job.image
    count = image.swath.lines * len(image.swath.bursts) * image.swath.samples
    statistics = PixelStatistics(*(float(value) for value in np.sqrt(squares / count)))
    texts = {
        image.annotation: annotation_xml(acquisition, image, job.grid, len(job.header), statistics),
        image.calibration: calibration_xml(acquisition, image, job.grid),
        image.noise: noise_xml(acquisition, image, job.noise),
        image.rfi: rfi_xml(acquisition, image),
    }
    for path, text in texts.items():
        (work / path).write_bytes(text)
    schemas = ("Product", "Calibration", "Noise", "Rfi")
    entries = [
        FileEntry(path, f"s1Level1{schema}Schema", len(text), hashlib.md5(text).hexdigest())
        for schema, (path, text) in zip(schemas, texts.items(), strict=True)
    ]
    with (work / image.measurement).open("rb") as file:
        checksum = hashlib.file_digest(file, "md5").hexdigest()
    size = (work / image.measurement).stat().st_size
    return [*entries, FileEntry(image.measurement, "s1Level1MeasurementSchema", size, checksum)]
