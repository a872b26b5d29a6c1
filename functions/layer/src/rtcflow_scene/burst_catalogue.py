"""Where the bursts of a scene are listed: one interface, a catalogue for each kind of scene source."""

from collections.abc import Sequence
from typing import Any, Protocol

from rtcflow_archives.asf import list_asf_bursts
from rtcflow_archives.cdse import list_cdse_bursts
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.keys import Location, parse_s3_uri
from rtcflow_contract.request import SceneRequest
from rtcflow_contract.scene_id import parse_scene_id
from rtcflow_files.files import Files
from rtcflow_files.s3 import S3Files
from rtcflow_files.zipped import ZipFiles
from rtcflow_safe.safe import Safe
from rtcflow_scene.burst_choice import SceneBurst, bursts_of_listing, complete_bursts


class BurstCatalogue(Protocol):
    """Lists the bursts of a scene without reading a pixel."""

    def list_bursts(self, scene: str, wanted: Sequence[str] | None = None) -> Sequence[SceneBurst]:
        """Bursts of a scene; those wanted, or all, in all polarizations; raises RefusedError for an unknown scene."""
        ...


class SafeCatalogue:
    """Lists bursts from the annotation of a SAFE on S3, as a folder or a zip, by ranged reads.

    Parameters
    ----------
    uri : str
        `s3://.../<scene>.SAFE` or `s3://.../<scene>.zip`.
    client : optional
        S3 client, the default one when None.
    """

    def __init__(self, uri: str, client: Any = None) -> None:
        self.uri = uri
        self.client = client

    def list_bursts(self, scene: str, wanted: Sequence[str] | None = None) -> list[SceneBurst]:
        """Bursts of the SAFE; refuses a SAFE that is missing, incomplete or of another scene."""
        at = parse_s3_uri(self.uri)
        name = at.key.rsplit("/", 1)[-1]
        if not name.startswith(scene) or name[len(scene) :].lower() not in (".safe", ".zip", ".safe.zip"):
            raise RefusedError(
                f"scene_source {self.uri} is not scene {scene}; give the SAFE of the scene",
                reason="other-scene",
            )
        safe = Safe(self._files(at, scene), scene)
        promised = [] if wanted else safe.manifest.annotation_names()
        absent = [path for path in promised if path not in safe.names]
        if absent:
            raise safe.incomplete(absent[0])
        bursts = complete_bursts(safe.bursts(), parse_scene_id(scene).polarizations, wanted)
        return [burst._replace(ipf_version=safe.manifest.ipf_version) for burst in bursts]

    def _files(self, at: Location, scene: str) -> Files:
        if not at.key.lower().endswith(".zip"):
            return S3Files(at, self.client)
        folder, _, name = at.key.rpartition("/")
        return ZipFiles(S3Files(Location(at.bucket, folder), self.client), name, f"{scene}.SAFE")


class AsfCatalogue:
    """Lists bursts as ASF does, from NASA's Common Metadata Repository."""

    def list_bursts(self, scene: str, wanted: Sequence[str] | None = None) -> list[SceneBurst]:
        """Bursts of the scene; TransientError when the listing stays incomplete."""
        found = parse_scene_id(scene)
        return bursts_of_listing(list_asf_bursts(found, wanted=wanted), found.polarizations)


class CdseCatalogue:
    """Lists bursts as the Copernicus Data Space Ecosystem does, from its OData catalogue."""

    def list_bursts(self, scene: str, wanted: Sequence[str] | None = None) -> list[SceneBurst]:
        """Bursts of the scene; TransientError when the listing stays incomplete."""
        found = parse_scene_id(scene)
        listed = [located.burst for located in list_cdse_bursts(found, wanted=wanted)]
        return bursts_of_listing(listed, found.polarizations)


_ARCHIVES: dict[str, type[BurstCatalogue]] = {"asf": AsfCatalogue, "cdse": CdseCatalogue}


def catalogue_for(request: SceneRequest) -> BurstCatalogue:
    """The catalogue of a request's scene source; a SAFE is its own and needs no archive."""
    archive = _ARCHIVES.get(request.scene_source)
    return archive() if archive else SafeCatalogue(request.scene_source)
