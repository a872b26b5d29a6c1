"""Scene ids: `S1A_IW_SLC__1SSH_20220101T124744_20220101T124814_041267_04E7A2_1DAD`."""

import re
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

from rtcflow_contract.errors import RefusedError

POLARIZATIONS: dict[str, tuple[str, ...]] = {
    "SH": ("HH",),
    "SV": ("VV",),
    "DH": ("HH", "HV"),
    "DV": ("VV", "VH"),
}

_ENDING = re.compile(r"(\.SAFE)?(\.zip)?$", re.IGNORECASE)
_PATTERN = re.compile(
    r"^(?P<platform>S1[A-D])_(?P<mode>IW|EW|WV|S[1-6])_(?P<type>SLC|GRD|RAW|OCN|ETA)(?P<resolution>[FHM_])_"
    r"(?P<level>[012A])(?P<class>[SAN])(?P<polarization>SH|SV|DH|DV|HH|HV|VV|VH)_"
    r"(?P<start>\d{8}T\d{6})_(?P<stop>\d{8}T\d{6})_(?P<orbit>\d{6})_(?P<datatake>[0-9A-F]{6})_(?P<unique>[0-9A-F]{4})$"
)


class SceneId(BaseModel):
    """The parts of a Sentinel-1 IW SLC scene id."""

    model_config = ConfigDict(frozen=True)

    id: str
    platform: str
    polarizations: tuple[str, ...]
    start: datetime
    stop: datetime
    absolute_orbit: int
    datatake: str


def parse_scene_id(text: str) -> SceneId:
    """Parse a scene id.

    Raises
    ------
    RefusedError
        When the text is not a Sentinel-1 scene id, or names a mode or product other than IW SLC.
    """
    name = _ENDING.sub("", text.strip())
    match = _PATTERN.fullmatch(name)
    start, stop = (_utc(match["start"]), _utc(match["stop"])) if match else (None, None)
    if match is None or start is None or stop is None:
        raise RefusedError(
            f"'{text}' is not a Sentinel-1 scene id; write it like "
            "S1A_IW_SLC__1SSH_20220101T124744_20220101T124814_041267_04E7A2_1DAD",
            reason="scene-id",
        )
    if match["mode"] != "IW":
        raise RefusedError(
            f"scene {name} was taken in {match['mode']} mode; give an IW scene, the only mode this pipeline processes",
            reason="mode",
        )
    if match["type"] != "SLC" or match["polarization"] not in POLARIZATIONS:
        raise RefusedError(
            f"scene {name} is not an SLC product; give the IW SLC scene of the same pass", reason="type"
        )
    return SceneId(
        id=name,
        platform=match["platform"],
        polarizations=POLARIZATIONS[match["polarization"]],
        start=start,
        stop=stop,
        absolute_orbit=int(match["orbit"]),
        datatake=match["datatake"],
    )


def polarizations_of(choice: str, scene: SceneId) -> tuple[str, ...]:
    """Polarizations of a scene that a choice selects, the co-polarized one first.

    Parameters
    ----------
    choice : str
        `all`, `co`, `cross`, or names with a plus sign between them, such as `VV+VH`.
    scene : SceneId

    Raises
    ------
    ValueError
        When the scene does not have what the choice names.
    """
    of_word = {"all": scene.polarizations, "co": scene.polarizations[:1], "cross": scene.polarizations[1:]}
    names = of_word.get(choice, tuple(choice.split("+")))
    if not names or not set(names) <= set(scene.polarizations):
        raise ValueError(
            f"the scene has {' and '.join(scene.polarizations)}, and no {choice.replace('+', ' and ')}"
        )
    return tuple(name for name in scene.polarizations if name in names)


def _utc(text: str) -> datetime | None:
    """Parse the digits of a time; None for a day or hour that does not exist."""
    try:
        return datetime.strptime(text, "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None


def _normalize(text: str) -> str:
    try:
        return parse_scene_id(text).id
    except RefusedError as error:
        raise ValueError(error.message) from error


SceneName = Annotated[str, AfterValidator(_normalize)]
