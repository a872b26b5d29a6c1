"""Choose the scene of a command: a SAFE, or a scene id and its archive."""

from typing import Annotated

import typer

from rtcflow.sources.scene.safe import scene_of_path
from rtcflow.sources.scene.scene_bursts import ARCHIVES
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
