"""What the options of a command name: a scene and its archive, a DEM and where its tiles come from."""

from pathlib import Path
from typing import Annotated

import typer

from rtcflow.sources.scene.scene_bursts import ARCHIVES
from rtcflow.sources.scene.scene_safe import scene_of_path
from rtcflow_contract.dem import ELLIPSOID, is_own
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.scene_id import parse_scene_id

Safe = Annotated[
    str | None, typer.Option(help="SAFE folder or zip of the scene: a path or an s3:// location.")
]
SceneSource = Annotated[
    str, typer.Option(help="Archive of the scene, asf or cdse; the guide explains logins.")
]


def choose_scene(safe: str | None, scene: str | None, archive: str) -> tuple[str, str]:
    """Source of the scene, and its id.

    Raises
    ------
    RefusedError
        When both or none are given, or there is no such path, id or archive.
    """
    if (safe is None) == (scene is None):
        raise RefusedError("give either --safe with a SAFE or --scene with a scene id", reason="scene-source")
    if safe is not None:
        return safe, scene_of_path(safe)
    if archive not in ARCHIVES:
        raise RefusedError(
            f"'{archive}' is not an archive; use {' or '.join(ARCHIVES)}", reason="scene-source"
        )
    return archive, parse_scene_id(str(scene)).id


def choose_dem(text: str | None, datum: str | None, source: str) -> tuple[dict[str, str], str]:
    """Fields of the payload, and where tiles come from.

    Parameters
    ----------
    text, datum : str or None
        Of `--dem` and `--dem-datum`; heights of a raster on this machine's command line are above the ellipsoid unless
        it says otherwise.
    source : str
        Where tiles come from unless the text says so, or one raster of heights above the ellipsoid.
    """
    fields = {} if datum is None else {"dem_datum": datum}
    if text is None:
        return fields, _absolute(source) if is_own(source) else source
    if is_own(text):
        return {"dem": _absolute(text), "dem_datum": datum or ELLIPSOID}, source
    if "/" in text or Path(text).exists():
        return fields, text
    return {**fields, "dem": text}, source


def _absolute(path: str) -> str:
    """A path of this machine in full, so that it names the same file wherever the command runs; a URI as it is."""
    return path if "://" in path else str(Path(path).expanduser().absolute())
