"""Open a SAFE: folder or zip, local or in S3."""

from pathlib import Path

from rtcflow.resources import Meter
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.scene_id import parse_scene_id
from rtcflow_files.files import Files
from rtcflow_files.storage import open_file, open_files
from rtcflow_files.zipped import ZipFiles


def scene_of_path(path: str) -> str:
    """Scene id from the name of a SAFE folder or zip.

    Raises
    ------
    RefusedError
        When the file or folder does not exist, or its name is not a scene id.
    """
    try:
        return parse_scene_id(Path(path.rstrip("/")).name).id
    except RefusedError as error:
        if error.reason != "scene-id":
            raise
        if path and "://" not in path and not Path(path).exists():
            raise RefusedError(
                f"{path} does not exist; give the SAFE folder or zip of a scene", reason="not-found"
            ) from error
        raise RefusedError(
            f"the name of '{path}' is not a Sentinel-1 scene id; give the SAFE folder or zip under its original name, "
            "S1A_IW_SLC__….SAFE",
            reason="scene-id",
        ) from error


def open_safe(source: str, scene: str, meter: Meter) -> Files:
    """Open a SAFE; names are relative to the folder that holds `manifest.safe`.

    Parameters
    ----------
    source : str
        Path or `s3://` / `https://` location of a SAFE folder or of its zip.
    scene : str
        Id that the scene must have.
    meter : Meter
        Counts the bytes fetched.

    Raises
    ------
    RefusedError
        When it is another scene or not a SAFE.
    """
    found = scene_of_path(source)
    if found != scene:
        raise RefusedError(
            f"{source} is scene {found}, not {scene}; give the SAFE of that scene", "scene-mismatch"
        )
    if source.rstrip("/").lower().endswith(".zip"):
        outer, name = open_file(source, meter.fetched)
        return ZipFiles(outer, name, f"{scene}.SAFE")
    return open_files(source, meter.fetched)
