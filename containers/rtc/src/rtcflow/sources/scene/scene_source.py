"""Fetch a job's burst: from an archive, with its fallbacks, or from a SAFE by location."""

import logging
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from rtcflow.progress import Progress
from rtcflow.resources import Meter
from rtcflow.sources.access.cdse_keys import has_credentials
from rtcflow.sources.access.credentials import EARTHDATA, login_of
from rtcflow.sources.access.earthdata import EarthdataSession
from rtcflow.sources.access.lease import Slots, no_slots
from rtcflow.sources.download import Get, download
from rtcflow.sources.scene.asf_burst import BurstRequest, Extractor
from rtcflow.sources.scene.cdse_burst import Cdse
from rtcflow.sources.scene.safe_burst import FetchedScene, fetch_burst
from rtcflow.sources.shared import Shared
from rtcflow_archives.cdse import CDSE_CONNECTIONS
from rtcflow_archives.hosts import ArchiveHosts
from rtcflow_contract.errors import NotFoundError, RefusedError, RtcflowError, TransientError
from rtcflow_contract.job import BurstJob
from rtcflow_contract.keys import lease_folder
from rtcflow_contract.layers import Product
from rtcflow_files.retry import Retry

# Beside the work folder, which is removed with its job, so that downloads survive the process.
DOWNLOADS = ".rtcflow-downloads"

# Reasons of refusals that are the extractor's fault, not the job's.
_FAULTS_OF_EXTRACTOR = {"not-found", "http", "web-page", "extractor-xml", "scene-incomplete", "annotation"}

_log = logging.getLogger("rtcflow-burst.scene")


class _Archives(NamedTuple):
    """Fetches a job's burst from the archives."""

    job: BurstJob
    wanted: BurstRequest
    hosts: ArchiveHosts
    folder: Path
    parts: Path
    meter: Meter
    progress: Progress
    retry: Retry
    environment: Mapping[str, str]
    shared: Shared

    def from_asf(self) -> FetchedScene:
        """Fetch from ASF's extractor; if that fails, from CDSE if there are credentials, else from the scene's zip."""
        session = EarthdataSession(
            login_of(EARTHDATA, self.environment), self.hosts.earthdata_url, self.hosts.asf_login_url
        )
        extractor = Extractor(
            self.hosts.asf_burst_url, session.get, self.meter, self.retry, self.parts, self.shared
        )
        try:
            safe = extractor.fetch(self.wanted, self.folder, self.progress)
        except (RefusedError, TransientError) as error:
            if isinstance(error, RefusedError) and error.reason not in _FAULTS_OF_EXTRACTOR:
                raise
            _log.warning("the burst extractor did not deliver the burst: %s", error.message)
            return self._instead_of_extractor(session, error)
        return self._local(safe, f"{self.hosts.asf_burst_url}/{self.wanted.scene}")

    def from_cdse(self) -> FetchedScene:
        """Fetch from CDSE's S3."""
        work = self.job.work
        slots = None if work.is_local else Slots(lease_folder(work.bucket, "cdse"), CDSE_CONNECTIONS)
        hold = slots.hold if slots else no_slots
        cdse = Cdse(self.hosts, self.meter, self.retry, self.parts, hold, self.environment, self.shared)
        return cdse.fetch(self.wanted, self.folder, self.progress)

    def _instead_of_extractor(self, session: EarthdataSession, first: RtcflowError) -> FetchedScene:
        if has_credentials(self.environment):
            try:
                return self.from_cdse()
            except (RefusedError, TransientError) as error:
                _log.warning("CDSE did not deliver the burst either: %s", error.message)
        try:
            path = self.shared.once(("zip", self.wanted.scene), lambda: self._scene_zip(session))
        except (NotFoundError, TransientError) as error:
            _log.warning("ASF did not deliver the whole scene either: %s", error.message)
            # An error that may pass must not become a refusal.
            if isinstance(first, RefusedError) and isinstance(error, TransientError):
                raise
            raise first from error
        return self._local(path, scene_url(self.hosts, self.wanted.scene))

    def _scene_zip(self, session: EarthdataSession) -> Path:
        folder = self.shared.folder / "scene"
        return _fetch_scene_zip(
            self.hosts, self.wanted.scene, folder, session.get, self.meter, self.retry, self.parts
        )

    def _local(self, path: Path, href: str) -> FetchedScene:
        """The burst of a SAFE that is on this machine now."""
        fetched = fetch_burst(
            str(path),
            self.wanted.scene,
            self.wanted.burst_id,
            self.wanted.polarizations,
            self.job.product,
            self.folder,
            Meter(),
            self.progress,
        )
        return fetched._replace(href=href)


_SOURCES: dict[str, Callable[[_Archives], FetchedScene]] = {
    "asf": _Archives.from_asf,
    "cdse": _Archives.from_cdse,
}


def fetch_scene(
    job: BurstJob,
    polarizations: tuple[str, ...],
    work: Path,
    meter: Meter,
    progress: Progress,
    retry: Retry | None = None,
    environment: Mapping[str, str] = os.environ,
    shared: Shared | None = None,
) -> FetchedScene:
    """Fetch what an engine needs of the job's burst from the first of its sources that has it.

    Parameters
    ----------
    job : BurstJob
    polarizations : tuple of str
    work : Path
        The job's work folder. Unfinished downloads are kept beside it.
    meter, progress
    retry : Retry, optional
    environment : mapping
        Credentials, and hosts of the archives if they are not the public ones.
    shared : Shared, optional
        Inputs that the bursts of a task fetch once.

    Raises
    ------
    RefusedError
        When the burst does not exist, or the archive accepts none of the credentials.
    TransientError
        When neither the source nor its fallbacks can be reached.
    """
    why: list[RtcflowError] = []
    for name in (job.sources.scene, *job.sources.more_scenes):
        try:
            return _from_source(name, job, polarizations, work, meter, progress, retry, environment, shared)
        except (RefusedError, TransientError) as error:
            if job.sources.more_scenes:
                _log.warning("%s did not deliver the burst: %s", name, error.message)
            why.append(error)
    # An error that may pass must not become a refusal.
    raise next((error for error in why if isinstance(error, TransientError)), why[0])


def _from_source(
    name: str,
    job: BurstJob,
    polarizations: tuple[str, ...],
    work: Path,
    meter: Meter,
    progress: Progress,
    retry: Retry | None,
    environment: Mapping[str, str],
    shared: Shared | None,
) -> FetchedScene:
    source = _SOURCES.get(name)
    folder = work / "scene"
    if source is None:
        return fetch_burst(
            name,
            job.scene,
            job.burst_id,
            polarizations,
            job.product,
            folder,
            meter,
            progress,
            shared,
        )
    wanted = BurstRequest(
        job.scene, job.burst_id, job.burst_index, polarizations, job.product is not Product.RTC_S1_STATIC
    )
    archives = _Archives(
        job,
        wanted,
        ArchiveHosts.from_environment(environment),
        folder,
        work.parent / DOWNLOADS,
        meter,
        progress,
        retry or Retry(),
        environment,
        shared or Shared(work / "shared"),
    )
    fetched = source(archives)
    with suppress(OSError):
        # Unfinished downloads of other processes are kept.
        archives.parts.rmdir()
    return fetched


def scene_url(hosts: ArchiveHosts, scene: str) -> str:
    """URL of a scene's zip."""
    return f"{hosts.asf_scene_url}/SLC/S{scene[2]}/{scene}.zip"


def _fetch_scene_zip(
    hosts: ArchiveHosts, scene: str, folder: Path, get: Get, meter: Meter, retry: Retry, parts: Path
) -> Path:
    """Fetch the zip of a scene, some 4 to 8 GB, to a folder; errors are those of `download`."""
    return download(scene_url(hosts, scene), folder / f"{scene}.zip", get, meter, retry, parts)
