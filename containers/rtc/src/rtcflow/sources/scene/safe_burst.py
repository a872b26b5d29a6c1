"""Fetch one burst of a SAFE: metadata files whole, only the burst's lines of measurements."""

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from rtcflow.progress import Progress
from rtcflow.resources import Meter
from rtcflow.sentinel1.burst_metadata import BurstFiles
from rtcflow.sources.scene.measurement_tiff import (
    OtherLayoutError,
    check_length,
    line_range,
    read_layout,
    write_lines,
)
from rtcflow.sources.scene.scene_safe import open_safe
from rtcflow.sources.shared import Shared
from rtcflow_contract.errors import NotFoundError, RefusedError
from rtcflow_contract.layers import Product
from rtcflow_files.files import Files
from rtcflow_safe.annotation import AnnotatedBurst, Annotation, read_annotation
from rtcflow_safe.safe import Safe
from rtcflow_safe.safe_manifest import MANIFEST_SAFE, SafeManifest, read_manifest
from rtcflow_safe.xml import read_xml

# (SAFE, name of a measurement, first line, number of lines, folder) to a local TIFF with the lines, and the line of the
# sub-swath's raster at which it starts.
LineReader = Callable[[Files, str, int, int, Path], tuple[Path, int]]


class FetchedScene(NamedTuple):
    """A burst of a scene, on this machine.

    `safe` is a local folder in the layout of the SAFE, `files` are by polarization in the requested order, `remarks`
    are sentences for the user, `unchecked` files that were read only in part, so that no checksum could be compared.
    """

    scene: str
    href: str
    safe: Path
    files: dict[str, BurstFiles]
    burst: AnnotatedBurst
    remarks: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()


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
    """Fetch what an engine needs of one burst; a local SAFE folder is used in place.

    Static layers need no pixels, so their measurements are not fetched.

    Raises
    ------
    RefusedError
        When the burst or a polarization is not in the scene, or a file is missing or corrupt; names it, or lists the
        scene's bursts.
    TransientError
        When the source cannot be reached.
    """
    safe = open_safe(source, scene, meter)
    if shared is not None:
        safe = shared.files(safe)
    return fetch_from_place(safe, source, scene, burst_id, polarizations, product, folder, progress)


def fetch_from_place(
    place: Files,
    href: str,
    scene: str,
    burst_id: str,
    polarizations: Sequence[str],
    product: Product,
    folder: Path,
    progress: Progress,
    read_lines: LineReader | None = None,
) -> FetchedScene:
    """Fetch what an engine needs of one burst from the files of a SAFE.

    Parameters
    ----------
    href : str
        Origin of the scene, for provenance.
    read_lines : callable, optional
        Fetches a measurement's lines; by default by the TIFF's directory.
    """
    target = folder / f"{scene}.SAFE"
    safe = _LocalCopy(place, scene, target)
    safe.fetch(MANIFEST_SAFE)
    files, burst = {}, None
    for number, polarization in enumerate(polarizations):
        progress("fetch scene", number / len(polarizations))
        burst = safe.find(burst_id, polarization)
        static = product is Product.RTC_S1_STATIC
        files[polarization] = _fetch_files(safe, burst, None if static else read_lines or _fetch_lines)
    _fetch_iw2(safe, polarizations, needed=product is not Product.RTC_S1_STATIC)
    progress("fetch scene", 1.0)
    if burst is None:
        raise RefusedError("a job needs at least one polarization", reason="polarizations")
    root = place.path("") or target
    return FetchedScene(scene, href, root, files, burst, safe.remarks(), tuple(safe.unchecked))


def open_scene(source: str, scene: str, meter: Meter) -> Safe:
    """Open a scene's SAFE for reading its metadata only.

    Raises
    ------
    RefusedError
        When the location holds no SAFE of the scene.
    TransientError
        When the source cannot be reached.
    """
    return Safe(open_safe(source, scene, meter), scene)


class _LocalCopy(Safe):
    """A SAFE whose files are copied to this machine as they are read."""

    def __init__(self, place: Files, scene: str, target: Path) -> None:
        super().__init__(place, scene)
        self.place = place
        self.target = target
        self._fetched: dict[str, Path] = {}
        self.unchecked: list[str] = []

    @cached_property
    def manifest(self) -> SafeManifest:
        """manifest.safe, from the local copy."""
        return read_manifest(read_xml(self.fetch(MANIFEST_SAFE), reason="manifest-safe"))

    def fetch(self, name: str) -> Path:
        """A local path of a file."""
        if name not in self._fetched:
            try:
                self._fetched[name] = self.place.fetch(name, self.target)
            except NotFoundError as error:
                raise self.incomplete(name) from error
        return self._fetched[name]

    def annotation(self, name: str) -> Annotation:
        """The annotation at a path, from the local copy."""
        if name not in self._annotations:
            path = self.fetch(name)
            self._compare(name, path)
            self._annotations[name] = read_annotation(path)
        return self._annotations[name]

    def lookup_table(self, name: str) -> Path:
        """A calibration or noise file.

        One that does not match its checksum is refused, since wrong values would not be noticed otherwise.
        """
        path = self.fetch(name)
        if self._compare(name, path):
            raise RefusedError(
                f"{self.files.href(name)} does not match its checksum in manifest.safe; fetch the scene again",
                reason="checksum",
            )
        return path

    def report(self, name: str) -> None:
        """Fetch an optional file that no value depends on."""
        if name in self.manifest.files or name in self.names:
            with suppress(NotFoundError):
                self._compare(name, self.place.fetch(name, self.target))

    def verify(self, name: str) -> None:
        """Compare the checksum of a file that was read in part, if possible."""
        if not self.place.verify(name):
            self.unchecked.append(name)

    def remarks(self) -> tuple[str, ...]:
        """Remarks on the files for the user."""
        if not self.changed:
            return ()
        return (f"changed since the archive wrote it: {', '.join(sorted(self.changed))}",)

    def _compare(self, name: str, path: Path) -> bool:
        differs = self.manifest.differs(name, read_xml(path))
        if differs:
            self.changed.add(name)
        return differs


def _fetch_iw2(safe: _LocalCopy, polarizations: Sequence[str], needed: bool) -> None:
    """Fetch IW2's annotation: the bistatic correction of every sub-swath refers to the middle of IW2."""
    for polarization in (*polarizations, *(p for p in ("VV", "VH", "HH", "HV") if p not in polarizations)):
        name = safe.annotation_name("iw2", polarization)
        if name is not None:
            safe.annotation(name)
            return
    if needed:
        raise RefusedError(
            f"scene {safe.scene} has no annotation of sub-swath IW2, which every burst needs for its bistatic "
            "correction; give the whole SAFE, or add the annotation file of IW2",
            reason="scene-incomplete",
        )


def _fetch_files(safe: _LocalCopy, burst: AnnotatedBurst, read_lines: LineReader | None) -> BurstFiles:
    name = safe.annotation_of(burst.burst_id, burst.polarization)
    stem = PurePosixPath(name).stem
    annotation = safe.fetch(name)
    calibration, noise = (
        safe.lookup_table(f"annotation/calibration/{kind}-{stem}.xml") for kind in ("calibration", "noise")
    )
    if read_lines is None:
        return BurstFiles(annotation, calibration, noise, "", 0)
    safe.report(f"annotation/rfi/rfi-{stem}.xml")
    lines = read_annotation(annotation).lines_per_burst
    name = f"measurement/{stem}.tiff"
    try:
        measurement, first_line = read_lines(safe.place, name, burst.burst_index * lines, lines, safe.target)
        safe.verify(name)
    except NotFoundError as error:
        raise safe.incomplete(name) from error
    return BurstFiles(annotation, calibration, noise, measurement, first_line)


def _fetch_lines(safe: Files, name: str, first: int, count: int, target: Path) -> tuple[Path, int]:
    """A local TIFF with the burst's lines, and the line of the sub-swath's raster at which it starts."""
    local = safe.path(name)
    with safe.open(name) as file:
        try:
            layout = read_layout(file, safe.href(name))
        except OtherLayoutError:
            # Someone tiled or compressed it: GDAL reads the lines from the whole file.
            return local or safe.fetch(name, target), 0
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
