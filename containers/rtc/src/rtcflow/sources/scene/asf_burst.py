"""Fetch a burst from ASF's extractor: an XML of the scene's annotation, and a TIFF of the burst per polarization.

`<service>/<scene>/<swath>/<polarization>/<index>.xml` and `.tiff`; the service answers 202 while it extracts.
"""

import copy
import logging
import shutil
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import rasterio
from rasterio.errors import RasterioError

from rtcflow.progress import Progress
from rtcflow.resources import Meter
from rtcflow.sources.download import Get, download
from rtcflow.sources.scene.extracted_safe import SceneXml, split_scene_xml, write_burst_safe
from rtcflow.sources.scene.measurement_tiff import write_sparse_measurement
from rtcflow.sources.shared import Shared
from rtcflow_contract.burst_id import parse_burst_id
from rtcflow_contract.errors import RefusedError, TransientError
from rtcflow_files.retry import Attempts, Retry
from rtcflow_safe.annotation import AnnotatedBurst, Annotation
from rtcflow_safe.safe_manifest import read_manifest

# Attempts at a burst whose TIFF arrives complete but cannot be read.
_EXTRACTIONS = 3

_log = logging.getLogger("rtcflow-burst.scene")


class BurstRequest(NamedTuple):
    """A burst to fetch; `burst_index` is its position in its sub-swath, None if unknown."""

    scene: str
    burst_id: str
    burst_index: int | None
    polarizations: tuple[str, ...]
    with_pixels: bool = True


class Extractor(NamedTuple):
    """The extractor and how to fetch from it; `parts` is the folder of unfinished downloads.

    The XML of a scene, needed for each of its bursts, is fetched once per task.
    """

    url: str
    get: Get
    meter: Meter
    retry: Retry
    parts: Path
    shared: Shared

    def fetch(self, wanted: BurstRequest, folder: Path, progress: Progress) -> Path:
        """Fetch a burst as a SAFE folder below `folder`; returns that folder.

        Raises
        ------
        RefusedError
            When the burst is not in the scene (lists those that are), access is refused, or the answer cannot be read.
        TransientError
            When the service does not deliver it.
        """
        work = folder / "extracted"
        safe = folder / f"{wanted.scene}.SAFE"
        found: list[SceneXml] = []
        for polarization in wanted.polarizations:
            # The XML of one polarization may contain the files of the other.
            if not any(polarization in xml.polarizations() for xml in found):
                found.append(self._scene_xml(wanted, polarization, work))
        burst, shape, stems = self._locate(wanted, found)
        progress("fetch scene", 0.1)
        for polarization in wanted.polarizations[1:] if wanted.with_pixels else ():
            self._begin(self._address(wanted, polarization, burst.burst_index, "tiff"))
        for number, polarization in enumerate(wanted.polarizations if wanted.with_pixels else ()):
            pixels = self._pixels(wanted, polarization, burst.burst_index, shape, work)
            first, lines = burst.burst_index * shape.lines, shape.bursts * shape.lines
            write_sparse_measurement(safe / f"measurement/{stems[polarization]}.tiff", pixels, first, lines)
            progress("fetch scene", 0.1 + 0.9 * (number + 1) / len(wanted.polarizations))
        files = {file.path: file for xml in found for file in xml.files}
        write_burst_safe(safe, copy.deepcopy(found[0].manifest), files.values())
        shutil.rmtree(work, ignore_errors=True)
        return safe

    def _scene_xml(self, wanted: BurstRequest, polarization: str, work: Path) -> SceneXml:
        return self.shared.once(
            ("scene xml", wanted.scene, polarization),
            lambda: self._fetch_scene_xml(wanted, polarization, work),
        )

    def _fetch_scene_xml(self, wanted: BurstRequest, polarization: str, work: Path) -> SceneXml:
        # Every burst's XML contains the whole scene's, so the first one's is used if the index is unknown.
        path = self._download(wanted, polarization, wanted.burst_index or 0, "xml", work)
        xml = split_scene_xml(path.read_bytes(), path.name)
        if polarization not in xml.polarizations():
            raise RefusedError(
                f"the burst extractor's XML of scene {wanted.scene} lacks annotation of {polarization}",
                reason="scene-incomplete",
            )
        return xml

    def _pixels(
        self, wanted: BurstRequest, polarization: str, index: int, shape: "_Shape", work: Path
    ) -> np.ndarray:
        attempts = Attempts(replace(self.retry, attempts=_EXTRACTIONS))
        while True:
            tiff = self._download(wanted, polarization, index, "tiff", work)
            try:
                return _read_extract(tiff, shape)
            except TransientError as error:
                attempts.again(error)
            finally:
                tiff.unlink()

    def _download(self, wanted: BurstRequest, polarization: str, index: int, ending: str, work: Path) -> Path:
        url = self._address(wanted, polarization, index, ending)
        return download(url, work / f"{polarization}.{ending}", self.get, self.meter, self.retry, self.parts)

    def _address(self, wanted: BurstRequest, polarization: str, index: int, ending: str) -> str:
        swath = parse_burst_id(wanted.burst_id).swath.upper()
        return f"{self.url}/{wanted.scene}/{swath}/{polarization}/{index}.{ending}"

    def _begin(self, url: str) -> None:
        """Start the extraction of what is fetched later."""
        with suppress(TransientError):
            self.get(url, {"Range": "bytes=0-0"}).close()

    def _locate(
        self, wanted: BurstRequest, found: Sequence[SceneXml]
    ) -> tuple[AnnotatedBurst, "_Shape", dict[str, str]]:
        """Find the burst in the annotation: its shape, and the name of each polarization's measurement."""
        swath = parse_burst_id(wanted.burst_id).swath.upper()
        track = read_manifest(ET.tostring(found[0].manifest)).relative_orbit
        stems, shapes, bursts = {}, [], []
        for file in (file for xml in found for file in xml.files):
            if (file.kind, file.swath) != ("product", swath) or file.polarization not in wanted.polarizations:
                continue
            stems[file.polarization] = Path(file.path).stem
            annotation = Annotation(file.content, Path(file.path).name)
            shapes.append(_shape(annotation))
            bursts.append(_find(annotation.bursts(track), wanted, found, track))
        missing = [name for name in wanted.polarizations if name not in stems]
        if missing:
            raise RefusedError(
                f"burst {wanted.burst_id} is not in scene {wanted.scene}: the archive has no {swath} "
                f"{missing[0]} of it",
                reason="burst-not-in-scene",
            )
        return bursts[0], shapes[0], stems


class _Shape(NamedTuple):
    """Lines and samples of a burst, and the number of bursts in the sub-swath."""

    lines: int
    samples: int
    bursts: int


def _shape(annotation: Annotation) -> _Shape:
    return _Shape(annotation.lines_per_burst, annotation.samples_per_burst, len(annotation.entries))


def _find(
    listed: Sequence[AnnotatedBurst], wanted: BurstRequest, found: Sequence[SceneXml], track: int
) -> AnnotatedBurst:
    for burst in listed:
        if burst.burst_id == wanted.burst_id:
            if wanted.burst_index not in (None, burst.burst_index):
                # The orbit decides on the burst's id; the archive's number is only a position in its list.
                _log.warning(
                    "the archive lists %s as burst %s of its sub-swath, but by the orbit it is burst %s, which is used",
                    wanted.burst_id,
                    wanted.burst_index,
                    burst.burst_index,
                )
            return burst
    if wanted.burst_index is not None and wanted.burst_index < len(listed):
        raise RefusedError(
            f"the archive says that burst {wanted.burst_index} of its sub-swath in scene {wanted.scene} is "
            f"{wanted.burst_id}, and by its orbit it is {listed[wanted.burst_index].burst_id}; ask for that one",
            reason="burst-id",
        )
    there = {
        burst.burst_id
        for xml in found
        for file in xml.files
        if file.kind == "product"
        for burst in Annotation(file.content, file.path).bursts(track)
    }
    raise RefusedError(
        f"burst {wanted.burst_id} is not in scene {wanted.scene}; it has {', '.join(sorted(there))}",
        reason="burst-not-in-scene",
    )


def _read_extract(path: Path, shape: _Shape) -> np.ndarray:
    """Read the pixels of an extracted burst, (lines, samples, 2) int16.

    Raises
    ------
    TransientError
        When the TIFF is damaged or has another size; it is then requested again.
    """
    try:
        with rasterio.open(path) as tiff:
            size, kind = (tiff.height, tiff.width), tiff.dtypes[0]
            values = tiff.read(1) if size == shape[:2] and kind == "complex_int16" else None
    except RasterioError as error:
        raise TransientError(
            f"the burst extractor's {path.name} cannot be read; try again", reason="extractor-tiff"
        ) from error
    if values is None:
        raise TransientError(
            f"the burst extractor's {path.name} is {size[0]} x {size[1]} {kind}, not {shape.lines} x "
            f"{shape.samples} complex int16; try again",
            reason="extractor-tiff",
        )
    pixels = np.empty((*values.shape, 2), np.int16)
    pixels[..., 0], pixels[..., 1] = values.real, values.imag
    return pixels
