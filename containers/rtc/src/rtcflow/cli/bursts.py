"""`rtcflow bursts`: list the bursts of a scene, for `rtcflow burst --burst-id`."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from rtcflow.cli.input_choice import Safe, SceneSource, choose_scene
from rtcflow.resources import Meter
from rtcflow.sources.scene.safe_burst import open_scene
from rtcflow.sources.scene.scene_bursts import ARCHIVES, OutlinedBurst, by_swath_and_time, list_archived
from rtcflow_contract.burst_id import normalize_burst_id
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.keys import MANIFEST, parse_location
from rtcflow_contract.layers import Product
from rtcflow_contract.naming import Naming, folder_below_collection
from rtcflow_contract.scene_id import parse_scene_id
from rtcflow_files import storage
from rtcflow_scene.burst_choice import check_in_scene


def bursts(
    safe: Safe = None,
    scene: Annotated[
        str | None, typer.Option(help="Scene id, to list from an archive instead of a SAFE; needs no login.")
    ] = None,
    scene_source: SceneSource = "asf",
    burst_id: Annotated[
        list[str] | None, typer.Option(help="List only this burst; repeat for several.")
    ] = None,
    geojson: Annotated[
        Path | None, typer.Option(help="GeoJSON file for the outlines; - for the terminal.")
    ] = None,
    products: Annotated[
        str | None,
        typer.Option(
            help="Folder or s3:// prefix of a collection, to show the location of each burst's product."
        ),
    ] = None,
) -> None:
    """List the bursts of a scene: burst id, sensing time (UTC), sub-swath and polarizations."""
    source, scene_id = choose_scene(safe, scene, scene_source)
    asked = parse_scene_id(scene_id)
    # Retry an archive that does not answer for up to a minute.
    with Console(stderr=True, markup=False, emoji=False).status("listing bursts"):
        listed = (
            list_archived(source, asked)
            if source in ARCHIVES
            else open_scene(source, scene_id, Meter()).bursts()
        )
    found = by_swath_and_time(listed, asked.polarizations)
    if not found:
        raise RefusedError(f"scene {scene_id} lists no bursts; fetch the scene again", reason="no-bursts")
    found = _wanted(found, burst_id, scene_id)
    places = {burst.burst_id: _product(products, burst) for burst in found} if products else {}
    if geojson is None or str(geojson) != "-":
        for burst in found:
            typer.echo(_line(burst) + (f"  {places[burst.burst_id] or 'no product'}" if places else ""))
    if geojson is not None:
        _write(geojson, json.dumps(_features(scene_id, found, places), indent=1))


def _wanted(found: list[OutlinedBurst], burst_ids: list[str] | None, scene: str) -> list[OutlinedBurst]:
    if not burst_ids:
        return found
    try:
        wanted = [normalize_burst_id(text) for text in burst_ids]
    except ValueError as error:
        raise RefusedError(str(error), reason="burst-id") from error
    check_in_scene(wanted, [burst.burst_id for burst in found], scene)
    return [burst for burst in found if burst.burst_id in wanted]


def _product(products: str, burst: OutlinedBurst) -> str:
    """Folder of the burst's backscatter product of this pass; empty if there is none."""
    below = folder_below_collection(Naming.OPERA, Product.RTC_S1, burst.burst_id, burst.sensing_start, "")
    folder = parse_location(products).join(below)
    return str(folder) if storage.exists(folder.join(MANIFEST)) else ""


def _features(scene: str, found: list[OutlinedBurst], places: dict[str, str]) -> dict[str, object]:
    """Outlines as GeoJSON; a burst without an outline has no geometry."""
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "id": burst.burst_id,
                "geometry": {"type": "Polygon", "coordinates": [list(map(list, burst.outline))]}
                if burst.outline
                else None,
                "properties": {
                    "burst_id": burst.burst_id,
                    "scene": scene,
                    "sensing_start": burst.sensing_start.isoformat(),
                    "polarizations": list(burst.polarizations),
                    **({"product": places[burst.burst_id] or None} if places else {}),
                },
            }
            for burst in found
        ],
    }


def _write(path: Path, text: str) -> None:
    if str(path) == "-":
        typer.echo(text)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n", encoding="utf-8")


def _line(burst: OutlinedBurst) -> str:
    time = f"{burst.sensing_start:%Y-%m-%dT%H:%M:%S}.{burst.sensing_start.microsecond // 1000:03d}Z"
    return f"{burst.burst_id}  {time}  {burst.swath.upper()}  {' '.join(burst.polarizations)}"
