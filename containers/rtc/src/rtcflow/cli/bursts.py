"""`rtcflow bursts`: what can be asked of a scene with `rtcflow burst --burst-id`."""

from typing import Annotated

import typer
from rich.console import Console

from rtcflow.cli.scene_choice import Safe, SceneSource, choose_scene
from rtcflow.resources import Meter
from rtcflow.sources.scene.safe_burst import open_scene
from rtcflow.sources.scene.scene_bursts import ARCHIVES, SceneBurst, by_swath_and_time, list_archived
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.scene_id import parse_scene_id


def bursts(
    safe: Safe = None,
    scene: Annotated[
        str | None, typer.Option(help="Scene id, to ask an archive in place of a SAFE; needs no login.")
    ] = None,
    scene_source: SceneSource = "asf",
) -> None:
    """List the bursts of a scene: burst id, sensing time (UTC), sub-swath and polarizations."""
    source, scene_id = choose_scene(safe, scene, scene_source)
    asked = parse_scene_id(scene_id)
    # An archive that does not answer is asked for up to a minute.
    with Console(stderr=True).status("listing bursts"):
        listed = (
            list_archived(source, asked)
            if source in ARCHIVES
            else open_scene(source, scene_id, Meter()).bursts()
        )
    found = by_swath_and_time(listed, asked.polarizations)
    if not found:
        raise RefusedError(f"scene {scene_id} lists no burst; fetch the scene again", reason="no-bursts")
    for burst in found:
        typer.echo(_line(burst))


def _line(burst: SceneBurst) -> str:
    time = f"{burst.sensing_start:%Y-%m-%dT%H:%M:%S}.{burst.sensing_start.microsecond // 1000:03d}Z"
    return f"{burst.burst_id}  {time}  {burst.swath.upper()}  {' '.join(burst.polarizations)}"
