"""The sample scene for a scene id, which determines platform, direction, polarizations and number of bursts."""

import math
from typing import Any

import numpy as np

from rtcflow_contract.errors import RefusedError
from rtcflow_contract.scene_id import POLARIZATIONS, parse_scene_id
from rtcflow_local.sample.acquisition import pass_of_scene
from rtcflow_local.sample.geodesy import to_geodetic
from rtcflow_local.sample.orbit import Orbit
from rtcflow_local.sample.sensor import PLATFORMS
from rtcflow_local.sample.spec import SampleSpec

_POLAR = 60.0


def spec_of_scene(scene: str, bursts: int | None = None, **changes: Any) -> SampleSpec:
    """The spec of a sample with a scene's id.

    Parameters
    ----------
    scene : str
    bursts : int, optional
        Bursts per sub-swath, from the first on; by default as many as fit the scene's times.
    **changes
        Other fields of the spec; the variant follows from the latitude, and all three sub-swaths are made.

    Raises
    ------
    RefusedError
        When it is not an IW SLC scene id, of an unknown platform, or its times contain no burst.
    """
    found = parse_scene_id(scene)
    if found.platform not in PLATFORMS:
        raise RefusedError(f"there is no orbit of platform {found.platform}", reason="sample-spec")
    taken = pass_of_scene(found)
    if taken.cycles < 1:
        raise RefusedError(f"the times of scene {found.id} contain no burst", reason="sample-spec")
    seconds = (found.start - taken.node).total_seconds()
    (position,), (velocity,), _ = Orbit.of_track(taken.track).states(np.array([seconds]))
    latitude = math.degrees(to_geodetic(*position)[0])
    polarization = next(code for code, names in POLARIZATIONS.items() if names == found.polarizations)
    values: dict[str, Any] = {
        "variant": "polar" if abs(latitude) > _POLAR else "coast",
        "swaths": ("iw1", "iw2", "iw3"),
        **changes,
        "scene": found.id,
        "platform": found.platform,
        "direction": "ascending" if velocity[2] > 0 else "descending",
        "polarization": polarization,
        "bursts": min(bursts or taken.cycles, taken.cycles),
    }
    return SampleSpec(**values)
