"""Scenes of the archive by area and time, and scenes by name: the searches of ASF's SLC collections."""

from collections.abc import Sequence
from datetime import UTC, datetime

from rtcflow_cloud.cmr import Cmr
from rtcflow_contract.area import Ring
from rtcflow_contract.granule import SLC_COLLECTIONS, SceneGranule, granule_name, scene_granules

_COLLECTIONS = [("provider", "ASF"), *(("short_name[]", name) for name in SLC_COLLECTIONS)]


class Window:
    """A span of time, both ends included; None is open."""

    def __init__(self, start: datetime | None, end: datetime | None) -> None:
        self.start = start
        self.end = end

    def __str__(self) -> str:
        return ",".join(_text(time) if time else "" for time in (self.start, self.end))


def find_scenes(
    cmr: Cmr,
    rings: Sequence[Ring],
    *,
    published: Window | None = None,
    acquired: Window | None = None,
) -> list[SceneGranule]:
    """IW scenes that touch an area, those published first in front.

    Parameters
    ----------
    cmr : Cmr
    rings : sequence of Ring
        Outer rings of the area.
    published : Window, optional
        When the scene came into the catalogue.
    acquired : Window, optional
        When it was taken.

    Raises
    ------
    TransientError, RefusedError
        As Cmr.granules does.
    """
    spans = [("created_at[]", published), ("temporal[]", acquired)]
    parameters = [*_COLLECTIONS, *((name, str(window)) for name, window in spans if window is not None)]
    return scene_granules(cmr.granules([*parameters, *_polygons(rings)]))


def find_scene(cmr: Cmr, scene: str, rings: Sequence[Ring] = ()) -> SceneGranule | None:
    """A scene by name; None when the catalogue has none, or none that touches the area given."""
    named = ("granule_ur[]", granule_name(scene))
    found = scene_granules(cmr.granules([*_COLLECTIONS, named, *_polygons(rings)]))
    return found[0] if found else None


def _polygons(rings: Sequence[Ring]) -> list[tuple[str, str]]:
    polygons = [("polygon[]", ",".join(f"{x:.6f},{y:.6f}" for x, y in ring)) for ring in rings]
    return [*polygons, ("options[polygon][or]", "true")] if len(polygons) > 1 else polygons


def _text(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
