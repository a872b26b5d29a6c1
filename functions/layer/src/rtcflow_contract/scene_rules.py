"""Refuse scenes that can never give a product, before anything is fetched."""

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from typing import NamedTuple, TypeVar

from rtcflow_contract.errors import RefusedError
from rtcflow_contract.request import Engine
from rtcflow_contract.scene_id import SceneId

_T = TypeVar("_T")


class _Uncalibrated(NamedTuple):
    platform: str
    until: date


# Products of the commissioning phase, before the radiometry was calibrated.
_UNCALIBRATED = (_Uncalibrated("S1C", date(2025, 5, 20)),)

# OPERA's workflow needs metadata that the processor writes from this version on (April 2016).
_OLDEST_IPF = {Engine.ISCE3: (2, 70)}


def refuse_uncalibrated(scene: SceneId) -> None:
    """Refuse a scene taken before its platform was calibrated.

    Raises
    ------
    RefusedError
        Names the platform and the date.
    """
    for rule in _UNCALIBRATED:
        first = datetime(rule.until.year, rule.until.month, rule.until.day, tzinfo=UTC)
        if scene.platform == rule.platform and scene.start < first:
            raise RefusedError(
                f"scene {scene.id} was taken before Sentinel-1{rule.platform[2:]} was calibrated; "
                f"give a scene from {rule.until} on",
                reason="uncalibrated",
            )


def split_uncalibrated(
    found: Iterable[_T], scene_of: Callable[[_T], SceneId]
) -> tuple[list[_T], dict[str, str]]:
    """Split into what can give a product, in order, and the reasons why the others cannot, by scene id."""
    usable: list[_T] = []
    left_out: dict[str, str] = {}
    for one in found:
        try:
            refuse_uncalibrated(scene_of(one))
            usable.append(one)
        except RefusedError as error:
            left_out[scene_of(one).id] = error.message
    return usable, left_out


def refuse_old_processor(scene: str, ipf_version: str, engine: Engine) -> None:
    """Refuse a scene that was processed with a version too old for the chosen engine.

    Parameters
    ----------
    scene : str
    ipf_version : str
        `002.60`; nothing is refused when it is empty.
    engine : Engine
        As in the request; `auto` can fall back to an engine that accepts every version.

    Raises
    ------
    RefusedError
        Names both versions.
    """
    oldest = _OLDEST_IPF.get(engine)
    if oldest is None or not ipf_version:
        return
    version = tuple(int(part) for part in ipf_version.split("."))
    if version < oldest:
        raise RefusedError(
            f"scene {scene} was processed with IPF {ipf_version}, and engine {engine.value} takes "
            f"{oldest[0]:03d}.{oldest[1]:02d} or later; choose engine native",
            reason="ipf-version",
        )
