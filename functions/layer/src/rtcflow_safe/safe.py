"""A SAFE anywhere: its manifest, annotations and bursts."""

import fnmatch
from collections.abc import Iterable
from functools import cached_property
from pathlib import PurePosixPath
from typing import Protocol

from rtcflow_contract.burst_id import parse_burst_id
from rtcflow_contract.errors import NotFoundError, RefusedError
from rtcflow_safe.annotation import AnnotatedBurst, Annotation
from rtcflow_safe.safe_manifest import MANIFEST_SAFE, SafeManifest, read_manifest


class SafeFiles(Protocol):
    """Files of a SAFE, by path below its folder."""

    def href(self, name: str, /) -> str:
        """Where a file is, for people."""

    def names(self, folder: str = "", /) -> Iterable[str]:
        """Paths of the files below a folder."""

    def read(self, name: str, /) -> bytes:
        """Read a whole file; NotFoundError if it does not exist."""


class Safe:
    """The SAFE of a scene; every file is read and parsed once.

    Parameters
    ----------
    files : SafeFiles
    scene : str
        The scene's id, for messages.
    """

    def __init__(self, files: SafeFiles, scene: str) -> None:
        self.files = files
        self.scene = scene
        self._annotations: dict[str, Annotation] = {}
        self.changed: set[str] = set()

    @cached_property
    def manifest(self) -> SafeManifest:
        """manifest.safe; RefusedError where there is none."""
        return read_manifest(self.read(MANIFEST_SAFE))

    @cached_property
    def names(self) -> list[str]:
        """Paths of all files below annotation/, sorted."""
        return sorted(
            name for name in self.files.names("annotation") if ".." not in PurePosixPath(name).parts
        )

    def read(self, name: str) -> bytes:
        """Read a whole file; one that does not match the manifest's checksum is noted in `changed`.

        Raises
        ------
        RefusedError
            When there is no such file.
        """
        try:
            content = self.files.read(name)
        except NotFoundError as error:
            raise self.incomplete(name) from error
        if name != MANIFEST_SAFE and self.manifest.differs(name, content):
            self.changed.add(name)
        return content

    def incomplete(self, name: str) -> RefusedError:
        """The refusal of a SAFE without a file that it must have."""
        if name == MANIFEST_SAFE:
            return RefusedError(
                f"there is no scene at {self.files.href('').rstrip('/')}: {self.files.href(name)} does not exist; "
                "check the location of the scene or fetch it again",
                reason="unknown-scene",
            )
        return RefusedError(
            f"{self.files.href(name)} does not exist; check the location of the scene or fetch it again",
            reason="scene-incomplete",
        )

    def annotation_name(self, swath: str, polarization: str) -> str | None:
        """Path of a sub-swath's annotation in a polarization; None if there is none."""
        found = fnmatch.filter(self.names, f"annotation/s1?-{swath}-slc-{polarization.lower()}-*.xml")
        if len(found) > 1:
            raise RefusedError(
                f"scene {self.scene} has {len(found)} annotation files of {swath.upper()} {polarization} where there "
                "must be one; fetch the scene again",
                reason="scene-incomplete",
            )
        return found[0] if found else None

    def annotation(self, name: str) -> Annotation:
        """The parsed annotation at a path."""
        if name not in self._annotations:
            self._annotations[name] = Annotation(self.read(name), PurePosixPath(name).name)
        return self._annotations[name]

    def annotation_of(self, burst_id: str, polarization: str) -> str:
        """Path of the annotation that must list a burst; RefusedError if it does not exist."""
        swath = parse_burst_id(burst_id).swath
        name = self.annotation_name(swath, polarization)
        if name is not None:
            return name
        if not fnmatch.filter(self.names, f"annotation/s1?-{swath}-slc-*.xml"):
            raise self.not_there(burst_id)
        raise RefusedError(
            f"scene {self.scene} has no annotation of {swath.upper()} in {polarization}, which its name promises; "
            "fetch the scene again",
            reason="scene-incomplete",
        )

    def find(self, burst_id: str, polarization: str) -> AnnotatedBurst:
        """Find a burst in one polarization.

        Raises
        ------
        RefusedError
            When it is missing; says which polarizations have it, or lists the scene's bursts.
        """
        annotation = self.annotation(self.annotation_of(burst_id, polarization))
        for burst in annotation.bursts(self.manifest.relative_orbit):
            if burst.burst_id == burst_id:
                return burst
        raise self.not_there(burst_id, polarization)

    def bursts(self) -> list[AnnotatedBurst]:
        """Every burst in every polarization."""
        return [
            burst
            for name in fnmatch.filter(self.names, "annotation/s1?-iw?-slc-*.xml")
            for burst in self.annotation(name).bursts(self.manifest.relative_orbit)
        ]

    def not_there(self, burst_id: str, polarization: str = "") -> RefusedError:
        """The refusal for a missing burst, with what the scene has."""
        listed = self._readable_bursts()
        having = sorted({burst.polarization for burst in listed if burst.burst_id == burst_id})
        if having:
            return RefusedError(
                f"{polarization} of scene {self.scene} lacks burst {burst_id}, which {' and '.join(having)} has; "
                "fetch the scene again",
                reason="scene-incomplete",
            )
        there = {burst.burst_id for burst in listed}
        return RefusedError(
            f"burst {burst_id} is not in scene {self.scene}; it has {', '.join(sorted(there)) or 'none'}",
            reason="burst-not-in-scene",
        )

    def _readable_bursts(self) -> list[AnnotatedBurst]:
        """Bursts of the readable files only: a message must not fail because of another file."""
        found: list[AnnotatedBurst] = []
        for name in fnmatch.filter(self.names, "annotation/s1?-iw?-slc-*.xml"):
            try:
                found += self.annotation(name).bursts(self.manifest.relative_orbit)
            except RefusedError:
                continue
        return found
