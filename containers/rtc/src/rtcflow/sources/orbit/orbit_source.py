"""Fetch the orbit file of a scene: POEORB, else RESORB, else two RESORBs that together cover it."""

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import NamedTuple, Protocol

import urllib3

from rtcflow.resources import Meter
from rtcflow.sentinel1.orbit import has_state_vectors, join_orbits
from rtcflow.sources.access.cdse_keys import bearer_header
from rtcflow.sources.access.credentials import CDSE, find_login, login_of, not_accepted
from rtcflow.sources.cache import open_shared_files
from rtcflow.sources.download import download
from rtcflow_archives.cdse_orbits import list_cdse_orbits
from rtcflow_archives.hosts import ArchiveHosts
from rtcflow_contract.errors import RefusedError, RtcflowError, TransientError
from rtcflow_contract.orbit_file import (
    CDSE_ORBITS,
    MARGIN,
    PRECISE_AT_LAST,
    PUBLIC_ORBITS,
    OrbitName,
    OrbitType,
    choose_orbits,
    orbit_types,
    parse_orbit_name,
    wanted_orbit,
)
from rtcflow_contract.request import OrbitChoice
from rtcflow_contract.scene_id import SceneId
from rtcflow_files.retry import Retry
from rtcflow_files.storage import fetch_file
from rtcflow_files.web import request

_log = logging.getLogger("rtcflow-burst.orbit")


class _OrbitFiles(Protocol):
    """Orbit files of a source, listed by name and fetched whole."""

    def href(self, name: str) -> str:
        """URI of a file."""

    def names(self, folder: str = "") -> list[str]:
        """Names of the files below a folder."""

    def fetch(self, name: str, into: Path) -> Path:
        """A local path of the file."""


class FetchedOrbit(NamedTuple):
    """An orbit file on this machine; `id` is the name of the archive's file or files."""

    path: Path
    type: OrbitType
    id: str
    href: str


def fetch_orbit(
    source: str,
    scene: SceneId,
    choice: OrbitChoice,
    folder: Path,
    meter: Meter,
    now: datetime | None = None,
    *,
    cache: str = "",
    more: Sequence[str] = (),
) -> FetchedOrbit:
    """Fetch the best orbit file of a scene.

    Parameters
    ----------
    source : str
        An .EOF file; a prefix or folder with files in `AUX_POEORB/` and `AUX_RESORB/`, or all in one; or `cdse`.
    scene : SceneId
    choice : OrbitChoice
        `precise` accepts only a POEORB.
    folder : Path
        Where the file is written.
    meter : Meter
    now : datetime, optional
        Current time, UTC.
    cache : str
        Cache for orbits of the public archive, see `open_cache`.
    more : sequence of str
        Sources to try in order if the first has none or cannot be reached.

    Raises
    ------
    TransientError
        With reason `orbit-not-yet` when there is none yet but may be later.
    RefusedError
        When there is none for an old scene, or the given file does not cover the scene.
    """
    why: list[RtcflowError] = []
    for one in (source, *more):
        try:
            return _from_source(one, scene, choice, folder, meter, now or datetime.now(UTC), cache)
        except (RefusedError, TransientError) as error:
            if more:
                _log.warning("no orbit from %s: %s", one, error.message)
            why.append(error)
    # A transient error of any source makes the result transient.
    raise next((error for error in why if isinstance(error, TransientError)), why[0])


def _from_source(
    source: str,
    scene: SceneId,
    choice: OrbitChoice,
    folder: Path,
    meter: Meter,
    now: datetime,
    cache: str,
) -> FetchedOrbit:
    if source.rstrip("/").endswith(".EOF"):
        return _given(fetch_file(source, folder, meter.fetched), source, scene)
    if Path(source).is_file():
        raise RefusedError(
            f"{source} is not an orbit file; give one that ends in .EOF, or a folder of them", reason="orbit"
        )
    why: RtcflowError | None = None
    for place in _places(source, scene, meter, cache):
        try:
            fetched = _fetch_best(place, scene, choice, folder)
        except TransientError as error:
            why = why or error
            continue
        if fetched is not None:
            return fetched
    raise why or _missing(source, scene, choice, now)


def _places(source: str, scene: SceneId, meter: Meter, cache: str) -> Iterator[_OrbitFiles]:
    """The sources to try; the public bucket is followed by CDSE, its origin, if there is a login."""
    if source == CDSE_ORBITS:
        named = _cdse_orbits(scene, meter)
        if named is None:
            raise RefusedError(
                f"orbits from CDSE need a login; set {CDSE.variables}, or name another source", "credentials"
            )
        yield named
        return
    yield open_shared_files(source, meter, cache)
    if source.rstrip("/") == PUBLIC_ORBITS:
        behind = _cdse_orbits(scene, meter)
        if behind is not None:
            yield behind


def _fetch_best(place: _OrbitFiles, scene: SceneId, choice: OrbitChoice, folder: Path) -> FetchedOrbit | None:
    for kind in orbit_types(choice):
        for orbits in choose_orbits(_names(place, kind, scene), scene):
            fetched = _fetch(place, orbits, folder)
            if fetched is not None:
                return fetched
    return None


def _given(path: Path, href: str, scene: SceneId) -> FetchedOrbit:
    name = parse_orbit_name(path.name)
    if name is None:
        raise RefusedError(
            f"{path.name} is not the name of a POEORB or RESORB file; keep ESA's name", "orbit-name"
        )
    if (
        name.platform != scene.platform
        or name.start > scene.start - MARGIN
        or name.stop < scene.stop + MARGIN
    ):
        raise RefusedError(
            f"orbit file {path.name} does not cover scene {scene.id}; give the {scene.platform} file "
            f"from before {scene.start:%Y-%m-%dT%H:%M:%S} to after {scene.stop:%Y-%m-%dT%H:%M:%S}",
            reason="orbit-coverage",
        )
    if not has_state_vectors(path):
        raise RefusedError(f"orbit file {path} holds no state vectors; fetch it again", reason="orbit-empty")
    return FetchedOrbit(path, name.type, path.stem, href)


def _names(place: _OrbitFiles, kind: str, scene: SceneId) -> list[str]:
    """Orbit files of a type, in the source's folder for it or, if there is none, in its root."""
    return _orbit_names(place, f"AUX_{kind}", kind, scene) or _orbit_names(place, "", kind, scene)


def _orbit_names(place: _OrbitFiles, folder: str, kind: str, scene: SceneId) -> list[str]:
    try:
        names = place.names(folder)
    except RefusedError as error:
        if error.reason != "not-found":
            raise
        return []
    start = f"{folder}/" if folder else ""
    return [name for name in names if name.startswith(f"{start}{scene.platform}_OPER_AUX_{kind}_")]


def _fetch(place: _OrbitFiles, orbits: Sequence[OrbitName], folder: Path) -> FetchedOrbit | None:
    """Fetch files; None if one is empty, which has happened in archives."""
    paths = [place.fetch(orbit.name, folder) for orbit in orbits]
    if not all(has_state_vectors(path) for path in paths):
        return None
    href = place.href(orbits[0].name)
    if len(paths) == 1:
        return FetchedOrbit(paths[0], orbits[0].type, paths[0].stem, href)
    joined = folder / f"{paths[0].stem}_joined.EOF"
    join_orbits(paths, joined)
    return FetchedOrbit(joined, orbits[0].type, "+".join(path.stem for path in paths), href)


def _missing(source: str, scene: SceneId, choice: OrbitChoice, now: datetime) -> RtcflowError:
    wanted = wanted_orbit(scene, choice)
    if source.rstrip("/") == PUBLIC_ORBITS and find_login(CDSE) is None:
        wanted += f" (CDSE was not tried: for that set {CDSE.variables})"
    if now - scene.stop < PRECISE_AT_LAST:
        return TransientError(
            f"{source} has no {wanted} yet; wait for it, or use the best available with orbit 'best'",
            reason="orbit-not-yet",
        )
    return RefusedError(f"{source} has no {wanted}; give another source of orbits", reason="orbit-missing")


def _cdse_orbits(
    scene: SceneId, meter: Meter, retry: Retry | None = None, environment: Mapping[str, str] = os.environ
) -> "_CdseOrbits | None":
    """CDSE as a source of orbit files, or None without a login for it."""
    if find_login(CDSE, environment) is None:
        return None
    hosts = ArchiveHosts.from_environment(environment)
    return _CdseOrbits(scene, hosts, meter, retry or Retry(), environment)


class _CdseOrbits:
    """Orbit files for one scene, like other sources in folders `AUX_POEORB` and `AUX_RESORB`."""

    def __init__(
        self,
        scene: SceneId,
        hosts: ArchiveHosts,
        meter: Meter,
        retry: Retry,
        environment: Mapping[str, str],
    ) -> None:
        self._scene, self._hosts, self._meter = scene, hosts, meter
        self._retry, self._environment = retry, environment
        self._ids: dict[str, str] = {}

    def href(self, name: str) -> str:
        """Address of a file in the download service."""
        return f"{self._hosts.cdse_download_url}/odata/v1/Products({self._ids.get(name, name)})/$value"

    def names(self, folder: str = "") -> list[str]:
        """Names of the files of a type around the scene's time."""
        kinds: tuple[OrbitType, ...] = ("POEORB", "RESORB")
        for kind in kinds:
            if folder == f"AUX_{kind}":
                listed = list_cdse_orbits(self._scene, kind, self._hosts, self._retry)
                found = {f"{folder}/{name}": entry for name, entry in listed.items()}
                self._ids |= found
                return list(found)
        return []

    def fetch(self, name: str, into: Path) -> Path:
        """Download a file listed by `names`."""
        bearer = bearer_header(self._hosts, self._retry, self._environment)

        def get(url: str, headers: Mapping[str, str]) -> urllib3.BaseHTTPResponse:
            answer = request("GET", url, {**headers, **bearer}, stream=True)
            if answer.status in (401, 403):
                answer.close()
                raise not_accepted(CDSE, login_of(CDSE, self._environment))
            return answer

        path = into / PurePosixPath(name).name
        return download(self.href(name), path, get, self._meter, self._retry, into / ".parts")
