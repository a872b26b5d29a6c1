"""Fetch a whole scene from ASF for a burst that the extractor cannot deliver, by way of its zip."""

from pathlib import Path

from rtcflow.resources import Meter
from rtcflow.sources.download import Get, download
from rtcflow_archives.hosts import ArchiveHosts
from rtcflow_files.retry import Retry


def scene_url(hosts: ArchiveHosts, scene: str) -> str:
    """URL of a scene's zip."""
    return f"{hosts.asf_scene_url}/SLC/S{scene[2]}/{scene}.zip"


def fetch_scene_zip(
    hosts: ArchiveHosts, scene: str, folder: Path, get: Get, meter: Meter, retry: Retry, parts: Path
) -> Path:
    """Fetch the zip of a scene, some 4 to 8 GB, to a folder; errors are those of `download`."""
    return download(scene_url(hosts, scene), folder / f"{scene}.zip", get, meter, retry, parts)
