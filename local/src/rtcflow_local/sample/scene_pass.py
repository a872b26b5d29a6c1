"""The pass of a scene id, and the sample scene that has this id.

The id determines platform, direction, polarizations, times and number of bursts.
"""

import math
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np

from rtcflow_contract.errors import RefusedError
from rtcflow_contract.scene_id import POLARIZATIONS, SceneId, parse_scene_id
from rtcflow_local.sample.geodesy import to_geodetic
from rtcflow_local.sample.orbit_model import Orbit
from rtcflow_local.sample.sensor import (
    BURST_CYCLE,
    CYCLE_FRACTION,
    IW2_MID_AFTER_START,
    ORBIT_PERIOD,
    PLATFORMS,
    PREAMBLE,
    REFERENCE_TRACK,
    SWATHS,
    TRACKS,
)
from rtcflow_local.sample.spec import SampleSpec

_POLAR = 60.0


class ScenePass(NamedTuple):
    """The pass of a scene id: track, absolute orbit, ascending node, first burst cycle, and number of cycles."""

    track: int
    absolute_orbit: int
    node: datetime
    first_cycle: int
    cycles: int


def pass_of_scene(scene: SceneId) -> ScenePass:
    """The pass of a scene by its absolute orbit, and the burst cycles within its times."""
    platform = PLATFORMS[scene.platform]
    known = ((platform.absolute_orbit, platform.node), *platform.later)
    nearest, node = min(known, key=lambda one: abs(one[0] - scene.absolute_orbit))
    node += timedelta(seconds=(scene.absolute_orbit - nearest) * ORBIT_PERIOD)
    node = node.replace(tzinfo=UTC)
    track = (scene.absolute_orbit - platform.absolute_orbit + REFERENCE_TRACK - 1) % TRACKS + 1
    start, stop = ((time - node).total_seconds() for time in (scene.start, scene.stop))
    # From the middle of a cycle's IW2 burst to the first line of its IW1 burst and to the last of its IW3 burst.
    ahead = IW2_MID_AFTER_START + SWATHS["iw2"].sensing_after_iw1
    behind = SWATHS["iw3"].sensing_after_iw1 + SWATHS["iw3"].sensing_duration - ahead
    first = math.ceil((start + ahead + seconds_to_node(track)) / BURST_CYCLE - CYCLE_FRACTION)
    last = math.floor((stop - behind + seconds_to_node(track)) / BURST_CYCLE - CYCLE_FRACTION)
    return ScenePass(track, scene.absolute_orbit, node, first, last - first + 1)


def seconds_to_node(track: int) -> float:
    """Seconds from the start of a repeat cycle's burst count to a track's ascending node."""
    return (track - 1) * ORBIT_PERIOD - PREAMBLE


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
