"""One burst out of a scene: its metadata files whole, of its measurements only the burst's own lines."""

import fnmatch
import os
import xml.etree.ElementTree as ET
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple
from zipfile import BadZipFile

from rtcflow.progress import Progress
from rtcflow.resources import Meter
from rtcflow.sentinel1.files import BurstFiles
from rtcflow.sources.scene.safe import open_safe
from rtcflow.sources.scene.tiff import check_length, line_range, read_layout, write_lines
from rtcflow.sources.shared import Shared
from rtcflow_contract.annotation import AnnotatedBurst, list_bursts
from rtcflow_contract.burst_id import parse_burst_id
from rtcflow_contract.errors import NotFoundError, RefusedError
from rtcflow_contract.layers import Product
from rtcflow_contract.safe import relative_orbit
from rtcflow_files.files import Files

MANIFEST_SAFE = "manifest.safe"

# (SAFE, name of a measurement, first line, number of lines, folder) to a local TIFF that has the lines, and the line of
# the sub-swath's raster that is its first.
LineReader = Callable[[Files, str, int, int, Path], tuple[Path, int]]


class FetchedScene(NamedTuple):
    """A burst of a scene, on this machine.

    `safe` is a local folder in the layout of the SAFE, `files` are by polarization in the order asked for.
    """

    scene: str
    href: str
    safe: Path
    files: dict[str, BurstFiles]
    burst: AnnotatedBurst


def fetch_burst(
    source: str,
    scene: str,
    burst_id: str,
    polarizations: Sequence[str],
    product: Product,
    folder: Path,
    meter: Meter,
    progress: Progress,
    shared: Shared | None = None,
) -> FetchedScene:
    """Fetch what an engine needs of one burst; a local SAFE folder is used where it is.

    Static layers need no pixels: their measurements stay where they are.

    Raises
    ------
    RefusedError
        When the burst or a polarization is not in the scene, or a file is missing or corrupt; names what and lists
        the bursts that are there.
    TransientError
        When the source cannot be reached.
    """
    safe = open_safe(source, scene, meter)
    if shared is not None:
        safe = shared.files(safe)
    return fetch_from_place(safe, source, scene, burst_id, polarizations, product, folder, progress)


def fetch_from_place(
    safe: Files,
    href: str,
    scene: str,
    burst_id: str,
    polarizations: Sequence[str],
    product: Product,
    folder: Path,
    progress: Progress,
    read_lines: LineReader | None = None,
) -> FetchedScene:
    """Fetch what an engine needs of one burst from the place that holds the SAFE's files.

    Parameters
    ----------
    href : str
        Where the scene comes from, for provenance.
    read_lines : callable, optional
        Fetches a measurement's lines; from its own directory in the TIFF when None.
    """
    target = folder / f"{scene}.SAFE"
    track = relative_orbit(_fetch(safe, MANIFEST_SAFE, target).read_bytes())
    catalogue = _Catalogue(safe, sorted(safe.names("annotation")), track, scene)
    files, burst = {}, None
    for number, polarization in enumerate(polarizations):
        progress("fetch scene", number / len(polarizations))
        path = _fetch(safe, catalogue.annotation_of(burst_id, polarization), target)
        burst = catalogue.find(burst_id, path.read_bytes(), path.name)
        # The bistatic correction refers to the middle of IW2, whatever sub-swath the burst is in.
        _fetch(safe, _annotation_name(catalogue.names, "iw2", polarization, scene), target)
        files[polarization] = _fetch_files(
            safe,
            path,
            burst,
            target,
            None if product is Product.RTC_S1_STATIC else read_lines or _fetch_lines,
        )
    progress("fetch scene", 1.0)
    if burst is None:
        raise RefusedError("a job needs at least one polarization", reason="polarizations")
    root = safe.path("") or target
    return FetchedScene(scene, href, root, files, burst)


def find_burst(source: str, scene: str, burst_id: str, polarization: str, meter: Meter) -> AnnotatedBurst:
    """Look a burst up in a scene, reading its metadata only; raises as `fetch_burst` does."""
    catalogue = _open_catalogue(source, scene, meter)
    name = catalogue.annotation_of(burst_id, polarization)
    return catalogue.find(burst_id, catalogue.safe.read(name), name)


def list_annotated(source: str, scene: str, meter: Meter) -> list[AnnotatedBurst]:
    """Bursts of a scene in every polarization, from its metadata only.

    Raises
    ------
    RefusedError
        When the location holds no SAFE of the scene, or its metadata cannot be read.
    TransientError
        When the source cannot be reached.
    """
    return _open_catalogue(source, scene, meter).all()


def _open_catalogue(source: str, scene: str, meter: Meter) -> "_Catalogue":
    safe = open_safe(source, scene, meter)
    try:
        track = relative_orbit(safe.read(MANIFEST_SAFE))
    except NotFoundError as error:
        raise _incomplete(safe, MANIFEST_SAFE) from error
    return _Catalogue(safe, sorted(safe.names("annotation")), track, scene)


def _fetch(safe: Files, name: str, target: Path) -> Path:
    try:
        return safe.fetch(name, target)
    except NotFoundError as error:
        raise _incomplete(safe, name) from error


def _incomplete(safe: Files, name: str) -> RefusedError:
    return RefusedError(
        f"{safe.href(name)} does not exist; check the location of the scene or fetch it again",
        reason="scene-incomplete",
    )


def _annotation_name(names: Sequence[str], swath: str, polarization: str, scene: str) -> str:
    found = fnmatch.filter(names, f"annotation/s1?-{swath}-slc-{polarization.lower()}-*.xml")
    if len(found) != 1:
        raise RefusedError(
            f"scene {scene} has {len(found)} annotation files of {swath} {polarization} where there must be one; "
            "fetch the scene again",
            reason="scene-incomplete",
        )
    return found[0]


class _Catalogue(NamedTuple):
    """Annotation of a scene: `names` of all files below annotation/, `track` its relative orbit number."""

    safe: Files
    names: Sequence[str]
    track: int
    scene: str

    def annotation_of(self, burst_id: str, polarization: str) -> str:
        """Name of the annotation that must list a burst."""
        swath = parse_burst_id(burst_id).swath
        if not fnmatch.filter(self.names, f"annotation/s1?-{swath}-slc-*.xml"):
            raise self.not_there(burst_id)
        return _annotation_name(self.names, swath, polarization, self.scene)

    def find(self, burst_id: str, annotation: bytes, name: str) -> AnnotatedBurst:
        """The burst in an annotation."""
        for burst in list_bursts(annotation, self.track, PurePosixPath(name).name):
            if burst.burst_id == burst_id:
                return burst
        raise self.not_there(burst_id)

    def all(self) -> list[AnnotatedBurst]:
        """Every burst in every polarization."""
        return [
            burst
            for name in fnmatch.filter(self.names, "annotation/s1?-iw?-slc-*.xml")
            for burst in list_bursts(self.safe.read(name), self.track, PurePosixPath(name).name)
        ]

    def not_there(self, burst_id: str) -> RefusedError:
        """The refusal that lists what the scene has."""
        there = {burst.burst_id for burst in self.all()}
        return RefusedError(
            f"burst {burst_id} is not in scene {self.scene}; it has {', '.join(sorted(there))}",
            reason="burst-not-in-scene",
        )


def _fetch_files(
    safe: Files, annotation: Path, burst: AnnotatedBurst, target: Path, read_lines: LineReader | None
) -> BurstFiles:
    stem = annotation.stem
    calibration, noise = (
        _fetch(safe, f"annotation/calibration/{kind}-{stem}.xml", target) for kind in ("calibration", "noise")
    )
    if read_lines is None:
        return BurstFiles(annotation, calibration, noise, "", 0)
    lines = int(ET.parse(annotation).findtext("swathTiming/linesPerBurst") or 0)
    if lines <= 0:
        raise RefusedError(f"{annotation.name} gives no linesPerBurst; fetch the scene again", "annotation")
    name = f"measurement/{stem}.tiff"
    try:
        measurement, first_line = read_lines(safe, name, burst.burst_index * lines, lines, target)
    except NotFoundError as error:
        raise _incomplete(safe, name) from error
    except (BadZipFile, EOFError, zlib.error) as error:
        raise RefusedError(
            f"measurement {safe.href(name)} is corrupt ({error}); fetch the scene again",
            reason="corrupt-tiff",
        ) from error
    return BurstFiles(annotation, calibration, noise, measurement, first_line)


def _fetch_lines(safe: Files, name: str, first: int, count: int, target: Path) -> tuple[Path, int]:
    """A local TIFF that has the burst's lines, and the line of the sub-swath's raster that is its first."""
    with safe.open(name) as file:
        layout = read_layout(file, safe.href(name))
        local = safe.path(name)
        if local is not None:
            check_length(layout, first, count, file.seek(0, os.SEEK_END))
            return local, 0
        start, length = line_range(layout, first, count)
        file.seek(start)
        lines = file.read(length)
    if len(lines) < length:
        check_length(layout, first, count, start + len(lines))
    write_lines(target / name, lines, layout)
    return target / name, first
