"""Areas of interest: GeoJSON whose properties say what is made of the scenes that touch them."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import date
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from rtcflow_archives.granule import Direction, SceneGranule
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.request import SceneRequest, describe, parse_request

# Longitude, latitude of a closed ring, degrees.
Ring = tuple[tuple[float, float], ...]

_NAME = re.compile(r"^[a-z0-9][a-z0-9-]{0,23}$")
# CMR takes no more points in a polygon.
_MOST_POINTS = 5000
_ANY_BUCKET = "the-products-bucket-of-the-stack"


class Revisions(StrEnum):
    """What becomes of another processing of an acquisition that was started before."""

    SKIP = "skip"
    REPLACE = "replace"


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError(f"'{text}' is no name of an area; use up to 24 lower-case letters, digits and '-'")
    return text


def _split(value: Any) -> Any:
    """A list stays; a text, as GIS programs keep lists, is split at commas and white space."""
    return [part for part in re.split(r"[\s,]+", value) if part] if isinstance(value, str) else value


AreaName = Annotated[str, AfterValidator(_name)]
_LISTS = BeforeValidator(_split)
Polarizations = Annotated[tuple[Annotated[str, Field(pattern="^(HH|HV|VV|VH)$")], ...], _LISTS]
Directions = Annotated[tuple[Direction, ...], _LISTS]
Platforms = Annotated[tuple[Annotated[str, Field(pattern="^S1[A-D]$")], ...], _LISTS]
Tracks = Annotated[tuple[Annotated[int, Field(ge=1, le=175)], ...], _LISTS]


class Area(BaseModel):
    """An area of interest.

    Attributes
    ----------
    name : str
        Part of the names of executions.
    rings : tuple of Ring
        Outer rings, counter-clockwise; holes are not kept.
    enabled : bool
        False leaves the area alone.
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

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: AreaName
    rings: tuple[Ring, ...] = Field(min_length=1)
    enabled: bool = True
    polarizations: Polarizations = ()
    orbit_directions: Directions = ()
    platforms: Platforms = ()
    tracks: Tracks = ()
    start: date | None = None
    end: date | None = None
    revisions: Revisions = Revisions.SKIP
    payload: dict[str, Any] = {}

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
        """Payload of a scene."""
        filled = {
            field: value.replace("{scene}", scene) if isinstance(value, str) else value
            for field, value in self.payload.items()
        }
        return {"scene": scene, **filled}


def parse_areas(text: str, file: str) -> list[Area]:
    """Areas of a GeoJSON file: a Feature is one area, a FeatureCollection one a feature.

    Parameters
    ----------
    text : str
        GeoJSON. Properties of a feature are the fields of Area but `rings` and `payload`; every other property is a
        field of the scene payload.
    file : str
        Name of the file: in refusals, and as the name of an area that has none.

    Raises
    ------
    RefusedError
        When the file is no GeoJSON of polygons, or a property is unknown or wrong; names them all.
    """
    try:
        document = json.loads(text)
    except ValueError as error:
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
    given = {key: value for key, value in (feature.get("properties") or {}).items() if value is not None}
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
    example = "S1A_IW_SLC__1SDV_20220101T124744_20220101T124814_041267_04E7A2_1DAD"
    try:
        parse_request(area.payload_of(example), _ANY_BUCKET)
    except RefusedError as error:
        raise RefusedError(f"area {file}: {error.message}", reason="area") from error


def rings_of(feature: Mapping[str, Any], file: str) -> list[Ring]:
    """Outer rings of a GeoJSON feature, as the archive's search takes them; RefusedError where it is no polygon."""
    geometry = feature.get("geometry") or {}
    polygons = {
        "Polygon": lambda: [geometry["coordinates"]],
        "MultiPolygon": lambda: geometry["coordinates"],
    }.get(geometry.get("type", ""))
    if polygons is None:
        raise RefusedError(
            f"area {file} is a {geometry.get('type')}; draw a Polygon or MultiPolygon", reason="area"
        )
    try:
        rings = [
            counter_clockwise([(float(x), float(y)) for x, y, *_ in polygon[0]]) for polygon in polygons()
        ]
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise RefusedError(f"area {file} has wrong coordinates; export it again", reason="area") from error
    for ring in rings:
        if len(ring) < 4 or not all(-180 <= x <= 180 and -90 <= y <= 90 for x, y in ring):
            raise RefusedError(
                f"area {file} must be in degrees (EPSG:4326), with 3 corners at least; reproject it",
                reason="area",
            )
        if len(ring) > _MOST_POINTS:
            raise RefusedError(
                f"area {file} has {len(ring)} points; simplify it to {_MOST_POINTS}", reason="area"
            )
    return rings


def counter_clockwise(points: Sequence[tuple[float, float]]) -> Ring:
    """The ring closed, and in the order in which CMR reads the inside of a polygon.

    Corners on both sides of the antimeridian are taken as near each other when the ring would else be wider than half
    the globe.
    """
    closed = list(points) if points[0] == points[-1] else [*points, points[0]]
    wide = max(x for x, _ in closed) - min(x for x, _ in closed) > 180
    plane = [(x + 360 if wide and x < 0 else x, y) for x, y in closed]
    doubled = sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in pairwise(plane))
    return tuple(closed if doubled > 0 else reversed(closed))
