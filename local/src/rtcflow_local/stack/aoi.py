"""The area of a search or stack, from a GeoJSON file, a bounding box, or a geometry."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import shapely
from shapely.geometry.base import BaseGeometry

from rtcflow_archives.area import rings_of
from rtcflow_archives.rings import Ring
from rtcflow_contract.errors import RefusedError

AreaLike: TypeAlias = str | Path | Sequence[float | str] | Mapping[str, Any] | BaseGeometry
# Limit of the file size; a country's whole coastline has 10 MB.
_LARGEST_FILE = 64 * 2**20


class AreaOfInterest(NamedTuple):
    """An area, longitude and latitude in degrees (WGS 84).

    Attributes
    ----------
    name : str
    rings : list of Ring
        Outer rings, as the archive's search takes them.
    geometry : shapely geometry
        Polygon or MultiPolygon; beyond 180 degrees if it crosses the antimeridian.
    """

    name: str
    rings: list[Ring]
    geometry: BaseGeometry


def area_of_interest(area: AreaLike) -> AreaOfInterest:
    """Read an area given by the user.

    Parameters
    ----------
    area
        Path of a GeoJSON file, `west,south,east,north` in degrees as a text or a sequence, a GeoJSON object, or
        a shapely geometry. A box whose east is less than its west crosses the antimeridian.

    Raises
    ------
    RefusedError
        When it is none of these, or not a polygon on the globe.
    """
    if isinstance(area, BaseGeometry):
        return _of_document(shapely.geometry.mapping(area), "geometry")
    if isinstance(area, Mapping):
        return _of_document(area, "geometry")
    if isinstance(area, str | Path) and not _is_box(str(area)):
        return _of_file(Path(area))
    numbers = str(area).split(",") if isinstance(area, str | Path) else list(area)
    return _of_box(numbers)


def _is_box(text: str) -> bool:
    return text.count(",") == 3 and all(_is_number(part) for part in text.split(","))


def _is_number(text: Any) -> bool:
    try:
        float(text)
    except (TypeError, ValueError):
        return False
    return True


def _of_box(numbers: Sequence[Any]) -> AreaOfInterest:
    if len(numbers) != 4 or not all(_is_number(number) for number in numbers):
        raise RefusedError(
            f"'{','.join(map(str, numbers))}' is not a bounding box; write west,south,east,north in degrees",
            "area",
        )
    west, south, east, north = map(float, numbers)
    if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south < north <= 90) or west == east:
        raise RefusedError(
            f"the box {west:g},{south:g},{east:g},{north:g} is not on the globe; write west,south,east,north in "
            "degrees, south before north",
            "area",
        )
    ring = [(west, south), (east, south), (east, north), (west, north), (west, south)]
    return _of_document({"type": "Polygon", "coordinates": [ring]}, f"{west:g},{south:g},{east:g},{north:g}")


def _of_file(path: Path) -> AreaOfInterest:
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise RefusedError(f"area {path} is larger than 64 MB; simplify it", "area")
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise RefusedError(
            f"area {path} cannot be read ({error.strerror}); give another path", "area"
        ) from error
    except (ValueError, RecursionError) as error:
        raise RefusedError(f"area {path} is no GeoJSON; export it again", "area") from error
    return _of_document(document, path.name)


def _of_document(document: Any, name: str) -> AreaOfInterest:
    if not isinstance(document, Mapping):
        raise RefusedError(f"area {name} is no GeoJSON; export it again", "area")
    if document.get("type") == "FeatureCollection":
        geometries = [feature.get("geometry") for feature in document.get("features") or []]
    else:
        geometries = [document.get("geometry") if document.get("type") == "Feature" else document]
    rings = [ring for geometry in geometries for ring in rings_of({"geometry": geometry}, name)]
    if not rings:
        raise RefusedError(f"area {name} has no polygon; draw one", "area")
    shapes = [shapely.Polygon(_unwrapped(ring)) for ring in rings]
    return AreaOfInterest(
        name.removesuffix(".json").removesuffix(".geojson"), rings, shapely.unary_union(shapes)
    )


def _unwrapped(ring: Ring) -> list[tuple[float, float]]:
    """The ring unwrapped: corners across the antimeridian are beyond 180 degrees."""
    wide = max(x for x, _ in ring) - min(x for x, _ in ring) > 180
    return [(x + 360 if wide and x < 0 else x, y) for x, y in ring]
