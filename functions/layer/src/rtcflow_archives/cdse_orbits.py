"""Orbit files in CDSE's catalogue, which needs no login: OData `Products` by name and time span."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from rtcflow_archives.cdse import search_odata
from rtcflow_archives.hosts import ArchiveHosts
from rtcflow_contract.errors import DefectError
from rtcflow_contract.orbit_file import BEFORE, MARGIN, OrbitType
from rtcflow_contract.scene_id import SceneId
from rtcflow_files.retry import Attempts, Retry


def list_cdse_orbits(
    scene: SceneId, kind: OrbitType, hosts: ArchiveHosts | None = None, retry: Retry | None = None
) -> dict[str, str]:
    """Orbit files of a kind around a scene's time: their names, and their ids in the download service.

    Raises
    ------
    RefusedError, TransientError
        When the catalogue refuses the search, or does not answer.
    """
    hosts = hosts or ArchiveHosts.from_environment()
    start, stop = scene.start - BEFORE, scene.stop + MARGIN
    condition = (
        f"startswith(Name,'{scene.platform}_OPER_AUX_{kind}') and ContentDate/Start lt {_stamp(stop)} "
        f"and ContentDate/End gt {_stamp(start)}"
    )
    values, _ = search_odata(
        f"{hosts.cdse_catalogue_url}/odata/v1/Products", condition, Attempts(retry or Retry())
    )
    return {_field(value, "Name"): _field(value, "Id") for value in values}


def _field(value: Mapping[str, Any], name: str) -> str:
    try:
        return str(value[name])
    except KeyError:
        raise DefectError(f"CDSE lists an orbit file without {name}", reason="odata-form") from None


def _stamp(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%S}.000Z"
