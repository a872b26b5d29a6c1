"""Detect requests that would write different products to the same place."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple

from rtcflow_archives.area import Area
from rtcflow_archives.rings import may_meet
from rtcflow_contract.keys import collection_folder
from rtcflow_contract.layers import Product
from rtcflow_contract.request import OnMissingStatic, SceneRequest
from rtcflow_contract.standing import settings_of

# A scene that touches an area is made as a whole; it is some 250 km long and wide.
_SCENE_DEG = 2.5


class CollectionTarget(NamedTuple):
    """A product and the collection folder that a request writes it to."""

    folder: str
    product: Product


def destinations_of(request: SceneRequest) -> list[CollectionTarget]:
    """Where a request writes: its collection, and that of static layers that it makes."""
    own = collection_folder(request.s3_bucket, request.s3_project_folder, request.collection)
    found = [CollectionTarget(str(own), request.product)]
    if request.link_static_layers and request.on_missing_static is OnMissingStatic.CREATE:
        linked = collection_folder(
            request.linked_static_layers_s3_bucket,
            request.linked_static_layers_s3_project_folder,
            request.linked_static_layers_collection,
        )
        found.append(CollectionTarget(str(linked), Product.RTC_S1_STATIC))
    return found


def conflict(one: SceneRequest, other: SceneRequest) -> str:
    """Describe what two requests would write differently to one place; empty if nothing."""
    shared = set(destinations_of(one)) & set(destinations_of(other))
    for destination in sorted(shared):
        mine, theirs = settings_of(one, destination.product), settings_of(other, destination.product)
        differences = [
            f"{name} {_printed(mine[name])} and {_printed(theirs[name])}"
            for name in mine
            if mine[name] != theirs[name] and None not in _engines(name, mine, theirs)
        ]
        if differences:
            return f"{destination.product} to {destination.folder} with {', '.join(differences)}"
    return ""


def _engines(name: str, mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> tuple[Any, ...]:
    """Engine `auto` accepts any existing product."""
    return (mine[name], theirs[name]) if name == "engine" else ()


def _printed(value: Any) -> str:
    return "default" if value is None else str(value)


def conflicts_of_areas(areas: Sequence[Area], default_bucket: str) -> dict[str, str]:
    """Areas that could write different products to the same place, with reasons."""
    requests = {area.name: area.request(default_bucket) for area in areas}
    refused: dict[str, str] = {}
    for one, other in combinations(areas, 2):
        if not _may_share(one, other, requests):
            continue
        difference = conflict(requests[one.name], requests[other.name])
        if difference:
            sentence = (
                f"areas {one.name} and {other.name} write {difference}; give one of them another collection"
            )
            refused.setdefault(one.name, sentence)
            refused.setdefault(other.name, sentence)
    return refused


def _may_share(one: Area, other: Area, requests: Mapping[str, SceneRequest]) -> bool:
    """Whether two areas could write the same burst on the same day."""
    by_day = all(requests[area.name].product is Product.RTC_S1 for area in (one, other)) and not any(
        requests[area.name].link_static_layers for area in (one, other)
    )
    dates_apart = (one.end and other.start and one.end < other.start) or (
        other.end and one.start and other.end < one.start
    )
    return (
        _common(one.tracks, other.tracks)
        and _common(one.orbit_directions, other.orbit_directions)
        and not (by_day and dates_apart)
        and any(may_meet(a, b, _SCENE_DEG) for a in one.rings for b in other.rings)
    )


def _common(one: Iterable[Any], other: Iterable[Any]) -> bool:
    one, other = set(one), set(other)
    return not one or not other or bool(one & other)
