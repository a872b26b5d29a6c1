"""Orbits from CDSE, for when the open bucket lacks one or is down: `Products(<Id>)/$value` of its download service."""

import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import urllib3

from rtcflow.resources import Meter
from rtcflow.sources.access.cdse_keys import bearer_header
from rtcflow.sources.access.credentials import CDSE, find_login, login_of, not_accepted
from rtcflow.sources.download import download
from rtcflow_archives.cdse_orbits import list_cdse_orbits
from rtcflow_archives.hosts import ArchiveHosts
from rtcflow_contract.orbit_file import OrbitType
from rtcflow_contract.scene_id import SceneId
from rtcflow_files.retry import Retry
from rtcflow_files.web import request


def cdse_orbits(
    scene: SceneId, meter: Meter, retry: Retry | None = None, environment: Mapping[str, str] = os.environ
) -> "CdseOrbits | None":
    """CDSE as a source of orbit files, or None without a login for it."""
    if find_login(CDSE, environment) is None:
        return None
    hosts = ArchiveHosts.from_environment(environment)
    return CdseOrbits(scene, hosts, meter, retry or Retry(), environment)


class CdseOrbits:
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
