"""Search ASF's SLC collections for scenes, by area and time or by name."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from rtcflow_archives.cmr import Cmr
from rtcflow_archives.granule import SLC_COLLECTIONS, SceneGranule, granule_name, scene_granules
from rtcflow_archives.rings import Ring
from rtcflow_contract.scene_id import SceneId

_SLC: dict[str, Any] = {"shortName": list(SLC_COLLECTIONS)}


class Window(NamedTuple):
    """A span of time, both ends included; None is open."""

    start: datetime | None
    end: datetime | None

    def __str__(self) -> str:
        return ",".join(_text(time) if time else "" for time in self)


def find_scenes(
    cmr: Cmr,
    rings: Sequence[Ring],
    *,
    published: Window | None = None,
    acquired: Window | None = None,
) -> list[SceneGranule]:
    """IW scenes that touch an area, in order of publication.

    Parameters
    ----------
    cmr : Cmr
    rings : sequence of Ring
        Outer rings of the area.
    published : Window, optional
        When the scene was added to the catalogue.
    acquired : Window, optional
        When it was taken.

    Raises
    ------
    TransientError, RefusedError
        As Cmr.granules does.
    """
    keywords = polygon_keywords(rings)
    if published is not None:
        keywords.append(("created_at[]", str(published)))
    options = _SLC | (acquired or Window(None, None))._asdict()
    return scene_granules(cmr.granules(**options, cmr_keywords=keywords))


def processings_of(cmr: Cmr, scene: SceneId) -> list[SceneGranule]:
    """Every processing of a scene's acquisition in the catalogue, including the scene itself."""
    found = find_scenes(cmr, (), acquired=Window(scene.start, scene.stop))
    return [granule for granule in found if granule.scene.id[:-5] == scene.id[:-5]]


def find_scene(cmr: Cmr, scene: str, rings: Sequence[Ring] = ()) -> SceneGranule | None:
    """A scene by name; None if it is not in the catalogue, or does not touch the given area."""
    named = [granule_name(scene)]
    found = scene_granules(cmr.granules(**_SLC, product_list=named, cmr_keywords=polygon_keywords(rings)))
    return found[0] if found else None


def polygon_keywords(rings: Sequence[Ring]) -> list[tuple[str, str]]:
    """Search parameters for granules that touch any of several rings."""
    # CMR's own parameters: those of asf_search merge rings into one hull and thin out long ones.
    polygons = [("polygon[]", ",".join(f"{x:.6f},{y:.6f}" for x, y in ring)) for ring in rings]
    return [*polygons, ("options[polygon][or]", "true")] if len(polygons) > 1 else polygons


def _text(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
