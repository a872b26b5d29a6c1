"""Areas of interest: GeoJSON whose properties say what is made of the scenes that touch them."""

import json
import re
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError

from rtcflow_archives.granule import Direction, SceneGranule
from rtcflow_archives.rings import Ring, check_ring
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.model import FrozenModel, describe
from rtcflow_contract.request import SceneRequest, parse_request

_NAME = re.compile(r"^[a-z0-9][a-z0-9-]{0,23}$")
_ANY_BUCKET = "the-products-bucket-of-the-stack"
# Stands for any scene when only a payload's settings matter.
_EXAMPLE = "S1A_IW_SLC__1SDV_20220101T124744_20220101T124814_041267_04E7A2_1DAD"


class Revisions(StrEnum):
    """What to do with another processing of an acquisition that was started before."""

    SKIP = "skip"
    REPLACE = "replace"


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError(
            f"'{text}' is not a name of an area; use up to 24 lower-case letters, digits and '-'"
        )
    return text


def _split(value: Any) -> Any:
    """Keep a list; split a text, as GIS programs store lists, at commas and white space."""
    return [part for part in re.split(r"[\s,]+", value) if part] if isinstance(value, str) else value


_AreaName = Annotated[str, AfterValidator(_name)]
_LISTS = BeforeValidator(_split)
_Polarizations = Annotated[tuple[Annotated[str, Field(pattern="^(HH|HV|VV|VH)$")], ...], _LISTS]
_Directions = Annotated[tuple[Direction, ...], _LISTS]
_Platforms = Annotated[tuple[Annotated[str, Field(pattern="^S1[A-D]$")], ...], _LISTS]
_Tracks = Annotated[tuple[Annotated[int, Field(ge=1, le=175)], ...], _LISTS]


class Area(FrozenModel):
    """An area of interest.

    Attributes
    ----------
    name : str
        Used in logs, refusals and the name of the position file.
    rings : tuple of Ring
        Outer rings, counter-clockwise; holes are not kept.
    enabled : bool
        Whether the area is searched.
    polarizations : tuple of str
        Those that a scene must have, such as `VV`; empty takes all scenes.
    orbit_directions : tuple of str
        `ascending`, `descending`; empty takes both.
    platforms : tuple of str
        `S1A` to `S1D`; empty takes all.
    tracks : tuple of int
        Relative orbits; empty takes all.
    start, end : date or None
        Days of acquisition, both included; None is open.
    revisions : Revisions
    payload : dict
        Fields of the scene payload. `{scene}` in a text stands for the scene's name.
    """

    name: _AreaName
    rings: tuple[Ring, ...] = Field(min_length=1)
    enabled: bool = True
    polarizations: _Polarizations = ()
    orbit_directions: _Directions = ()
    platforms: _Platforms = ()
    tracks: _Tracks = ()
    start: date | None = None
    end: date | None = None
    revisions: Revisions = Revisions.SKIP
    payload: dict[str, Any] = Field(default_factory=dict)

    def wants(self, granule: SceneGranule) -> bool:
        """Whether a scene that touches the area has the right polarizations, direction, platform, track and day."""
        scene = granule.scene
        return (
            set(self.polarizations) <= set(scene.polarizations)
            and (not self.orbit_directions or granule.direction in self.orbit_directions)
            and (not self.platforms or scene.platform in self.platforms)
            and (not self.tracks or granule.track in self.tracks)
            and (self.start is None or self.start <= scene.start.date())
            and (self.end is None or scene.start.date() <= self.end)
        )

    def payload_of(self, scene: str) -> dict[str, Any]:
        """The payload for a scene of the area."""
        filled = {
            field: value.replace("{scene}", scene) if isinstance(value, str) else value
            for field, value in self.payload.items()
        }
        return {"scene": scene, **filled}

    def request(self, default_bucket: str) -> SceneRequest:
        """The settings of the area's scenes, as a request for a made-up scene.

        Raises
        ------
        RefusedError
            When the payload would be refused for every scene.
        """
        return parse_request(self.payload_of(_EXAMPLE), default_bucket)


def parse_areas(text: str, file: str) -> list[Area]:
    """Read the areas of a GeoJSON file: a Feature is one area, a FeatureCollection one area per feature.

    Parameters
    ----------
    text : str
        GeoJSON. Properties of a feature are the fields of Area, except `rings` and `payload`; every other property is a
        field of the scene payload.
    file : str
        Name of the file: in refusals, and as the name of an area that has none.

    Raises
    ------
    RefusedError
        When the file does not hold GeoJSON polygons, or properties are unknown or wrong; names all of them.
    """
    try:
        # Some programs write a byte order mark at the start.
        document = json.loads(text.lstrip("\ufeff"))
    except (ValueError, RecursionError) as error:
        raise RefusedError(f"area {file} is not JSON: {error}; export it again", reason="area") from error
    features = document.get("features") if isinstance(document, dict) else None
    found = features if isinstance(features, list) else [document]
    stem = file.rsplit("/", 1)[-1].removesuffix(".json").removesuffix(".geojson")
    return [
        _area(feature, stem if len(found) == 1 else f"{stem}-{number}", file)
        for number, feature in enumerate(found, start=1)
    ]


def _area(feature: Any, name: str, file: str) -> Area:
    if not isinstance(feature, dict) or feature.get("type") != "Feature":
        raise RefusedError(
            f"area {file} holds no GeoJSON feature; wrap the polygon in a Feature", reason="area"
        )
    properties = feature.get("properties") or {}
    if not isinstance(properties, dict):
        raise RefusedError(
            f"area {file} has properties that are not a JSON object; export it again", reason="area"
        )
    given = {key: value for key, value in properties.items() if value is not None}
    own = {key: given.pop(key) for key in list(given) if key in Area.model_fields}
    if set(own) & {"rings", "payload"} or "scene" in given:
        raise RefusedError(f"area {file} sets scene, rings or payload; leave these out", reason="area")
    try:
        area = Area.model_validate(
            {
                "name": name.lower().replace("_", "-"),
                **own,
                "rings": rings_of(feature, file),
                "payload": given,
            }
        )
    except ValidationError as error:
        raise RefusedError(f"area {file} was refused: {describe(error)}", reason="area") from error
    _check_payload(area, file)
    return area


def _check_payload(area: Area, file: str) -> None:
    unknown = sorted(set(area.payload) - set(SceneRequest.model_fields))
    if unknown:
        raise RefusedError(
            f"area {file} has unknown properties {', '.join(unknown)}; correct their names", reason="area"
        )
    try:
        area.request(_ANY_BUCKET)
    except RefusedError as error:
        raise RefusedError(f"area {file}: {error.message}", reason="area") from error


def rings_of(feature: Mapping[str, Any], file: str) -> list[Ring]:
    """Outer rings of a GeoJSON feature, as the archive's search takes them.

    Raises
    ------
    RefusedError
        When it is not a polygon, or one that the archive would misread: wider than half the globe, around a pole,
        self-intersecting, or without area.
    """
    given = feature.get("geometry")
    geometry: Mapping[str, Any] = given if isinstance(given, dict) else {}
    polygons = {
        "Polygon": lambda: [geometry["coordinates"]],
        "MultiPolygon": lambda: geometry["coordinates"],
    }.get(str(geometry.get("type", "")))
    if polygons is None:
        raise RefusedError(
            f"area {file} is a {geometry.get('type')}; draw a Polygon or MultiPolygon", reason="area"
        )
    try:
        outlines = [[(float(x), float(y)) for x, y, *_ in polygon[0]] for polygon in polygons()]
        if not outlines or not all(outlines):
            raise ValueError("no corner")
    except (KeyError, IndexError, TypeError, ValueError, OverflowError) as error:
        raise RefusedError(f"area {file} has wrong coordinates; export it again", reason="area") from error
    try:
        return [check_ring(outline) for outline in outlines]
    except ValueError as error:
        raise RefusedError(f"area {file} {error}", reason="area") from error
