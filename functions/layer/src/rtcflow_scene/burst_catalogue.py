"""List the bursts of a scene: one interface, with a catalogue for each kind of scene source."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

from rtcflow_archives.asf import list_asf_bursts
from rtcflow_archives.cdse import list_cdse_bursts
from rtcflow_contract.errors import RefusedError, RtcflowError, TransientError
from rtcflow_contract.keys import Location, parse_s3_uri
from rtcflow_contract.request import SceneRequest
from rtcflow_contract.scene_id import SceneId, parse_scene_id, polarizations_of
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


class _SafeCatalogue:
    """Lists bursts from the annotation of a SAFE on S3, as a folder or a zip, by ranged reads.

    Parameters
    ----------
    uri : str
        `s3://.../<scene>.SAFE` or `s3://.../<scene>.zip`.
    client : optional
        S3 client, the default one when None.
    polarizations : sequence of str
        Polarizations that the bursts must have; all of the scene if empty.
    """

    def __init__(self, uri: str, client: Any = None, polarizations: Sequence[str] = ()) -> None:
        self.uri = uri
        self.client = client
        self.polarizations = tuple(polarizations)

    def list_bursts(self, scene: str, wanted: Sequence[str] | None = None) -> list[SceneBurst]:
        """Bursts of the SAFE; refuses one that is missing, incomplete or of another scene."""
        at = parse_s3_uri(self.uri)
        name = at.key.rsplit("/", 1)[-1]
        if not name.startswith(scene) or name[len(scene) :].lower() not in (".safe", ".zip", ".safe.zip"):
            raise RefusedError(
                f"scene_source {self.uri} is not scene {scene}; give the SAFE of the scene",
                reason="other-scene",
            )
        safe = Safe(self._files(at, scene), scene)
        promised = [] if wanted else safe.manifest.annotation_names()
        absent = [path for path in promised if path not in safe.names and _is_of(path, self.polarizations)]
        if absent:
            raise safe.incomplete(absent[0])
        names = self.polarizations or parse_scene_id(scene).polarizations
        bursts = complete_bursts(safe.bursts(), names, wanted)
        return [burst._replace(ipf_version=safe.manifest.ipf_version) for burst in bursts]

    def _files(self, at: Location, scene: str) -> Files:
        if not at.key.lower().endswith(".zip"):
            return S3Files(at, self.client)
        folder, _, name = at.key.rpartition("/")
        return ZipFiles(S3Files(Location(at.bucket, folder), self.client), name, f"{scene}.SAFE")


class _AsfCatalogue:
    """Lists the bursts of ASF, from NASA's Common Metadata Repository."""

    def __init__(self, polarizations: Sequence[str] = ()) -> None:
        self.polarizations = tuple(polarizations)

    def list_bursts(self, scene: str, wanted: Sequence[str] | None = None) -> list[SceneBurst]:
        """Bursts of the scene; TransientError when the listing stays incomplete."""
        found = _with_polarizations(scene, self.polarizations)
        return bursts_of_listing(list_asf_bursts(found, wanted=wanted), found.polarizations)


class _CdseCatalogue:
    """Lists the bursts of the Copernicus Data Space Ecosystem, from its OData catalogue."""

    def __init__(self, polarizations: Sequence[str] = ()) -> None:
        self.polarizations = tuple(polarizations)

    def list_bursts(self, scene: str, wanted: Sequence[str] | None = None) -> list[SceneBurst]:
        """Bursts of the scene; TransientError when the listing stays incomplete."""
        found = _with_polarizations(scene, self.polarizations)
        listed = [located.burst for located in list_cdse_bursts(found, wanted=wanted)]
        return bursts_of_listing(listed, found.polarizations)


_ARCHIVES: dict[str, type[_AsfCatalogue] | type[_CdseCatalogue]] = {
    "asf": _AsfCatalogue,
    "cdse": _CdseCatalogue,
}


def _catalogue_of(source: str, polarizations: Sequence[str] = ()) -> BurstCatalogue:
    """The catalogue of a scene source; a SAFE lists its own bursts."""
    archive = _ARCHIVES.get(source)
    return archive(polarizations) if archive else _SafeCatalogue(source, polarizations=polarizations)


class SceneListing(NamedTuple):
    """Bursts of a scene and the sources to fetch them from, starting with the one that listed them."""

    bursts: Sequence[SceneBurst]
    sources: tuple[str, ...]


def list_from_first(
    request: SceneRequest, catalogue_for: Callable[[str, Sequence[str]], BurstCatalogue] = _catalogue_of
) -> SceneListing:
    """List the bursts of a scene from the first of a request's sources that has them.

    A source without the scene is not used to fetch it; one that did not answer is tried last.

    Raises
    ------
    RefusedError, TransientError
        When no source lists them.
    """
    polarizations = polarizations_of(request.polarizations, parse_scene_id(request.scene))
    down: list[str] = []
    failures: list[RtcflowError] = []
    for number, source in enumerate(request.scene_source):
        try:
            bursts = catalogue_for(source, polarizations).list_bursts(request.scene, request.burst_id_list)
            return SceneListing(bursts, (source, *request.scene_source[number + 1 :], *down))
        except TransientError as error:
            down.append(source)
            failures.append(error)
        except RefusedError as error:
            failures.append(error)
    raise next((error for error in failures if isinstance(error, TransientError)), failures[0])


def _with_polarizations(scene: str, polarizations: Sequence[str]) -> SceneId:
    """The scene with these polarizations only, so that others are not looked for."""
    found = parse_scene_id(scene)
    return found.model_copy(update={"polarizations": tuple(polarizations)}) if polarizations else found


def _is_of(path: str, polarizations: Sequence[str]) -> bool:
    """Whether an annotation file is of one of the polarizations; True if none are named."""
    return not polarizations or any(f"-{name.lower()}-" in path.rsplit("/", 1)[-1] for name in polarizations)
