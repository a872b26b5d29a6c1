"""A scene in the archive's catalogue: a granule of ASF's SLC collections in UMM-JSON."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple, cast, get_args

from rtcflow_contract.errors import RefusedError
from rtcflow_contract.scene_id import SceneId, parse_scene_id

SLC_COLLECTIONS = tuple(f"SENTINEL-1{letter}_SLC" for letter in "ABCD")
_SUFFIX = "-SLC"

Direction = Literal["ascending", "descending"]


class SceneGranule(NamedTuple):
    """A scene of the catalogue.

    Attributes
    ----------
    scene : SceneId
    published : datetime
        When the catalogue last changed it, UTC.
    processed : datetime
        When the scene was processed from raw data, UTC; distinguishes two processings of an acquisition.
    direction : {'ascending', 'descending'} or None
        Of the flight; None if the catalogue does not say.
    track : int or None
        Relative orbit number.
    since_node : float or None
        Seconds from the ascending node to the scene's start: passes of a track with the same value see the same bursts.
    """

    scene: SceneId
    published: datetime
    processed: datetime
    direction: Direction | None
    track: int | None
    since_node: float | None

    @property
    def acquisition(self) -> str:
        """The part of the name that all processings of an acquisition share: all but the last four characters."""
        return self.scene.id[:-5]


def granule_name(scene: str) -> str:
    """Name of a scene's granule: the scene's id followed by the product type."""
    return f"{scene}{_SUFFIX}"


def scene_of_granule(name: str) -> SceneId | None:
    """The scene that a granule's name gives; None for bursts, GRDs, other modes and other missions."""
    try:
        return parse_scene_id(name.removesuffix(_SUFFIX))
    except RefusedError:
        return None


def scene_granules(items: Iterable[Mapping[str, Any]]) -> list[SceneGranule]:
    """Scenes among the items of a search, in order of publication, without those of other modes."""
    found = [granule for item in items if (granule := _read(item)) is not None]
    return sorted(found, key=lambda granule: (granule.published, granule.scene.id))


def newest_processings(granules: Iterable[SceneGranule]) -> list[SceneGranule]:
    """One granule per acquisition, that of the latest processing, in the order given."""
    newest: dict[str, SceneGranule] = {}
    for granule in granules:
        known = newest.get(granule.acquisition)
        if known is None or (known.processed, known.scene.id) < (granule.processed, granule.scene.id):
            newest[granule.acquisition] = granule
    return list(newest.values())


def _read(item: Mapping[str, Any]) -> SceneGranule | None:
    umm = item["umm"]
    scene = scene_of_granule(str(umm["GranuleUR"]))
    if scene is None:
        return None
    values = {a["Name"]: a["Values"][0] for a in umm.get("AdditionalAttributes", []) if a.get("Values")}
    published = _time(item["meta"]["revision-date"])
    processed = umm.get("DataGranule", {}).get("ProductionDateTime")
    direction = str(values.get("ASCENDING_DESCENDING", "")).lower()
    node = values.get("ASC_NODE_TIME")
    return SceneGranule(
        scene=scene,
        published=published,
        processed=_time(processed) if processed else published,
        direction=cast(Direction, direction) if direction in get_args(Direction) else None,
        track=int(float(values["PATH_NUMBER"])) if "PATH_NUMBER" in values else None,
        since_node=(scene.start - _time(node)).total_seconds() if node else None,
    )


def _time(text: str) -> datetime:
    read = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return read if read.tzinfo else read.replace(tzinfo=UTC)
