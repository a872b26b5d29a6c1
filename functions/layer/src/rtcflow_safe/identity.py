"""Identify a burst in ESA's burst map from the orbit, rather than from fields that are known to be imprecise.

A burst id means the same ground on every pass. Its number counts burst cycles since the ascending node of track 1
(Sentinel-1 Level-1 Detailed Algorithm Definition, S1-TN-MDA-52-7445, equations 9-89 and 9-91), so the time of the node
must be known to a second. `azimuthAnxTime` is off by seconds in real scenes, and may count from the previous node. The
node is therefore computed from state vectors: from those around it if an orbit file reaches back that far, else by
propagating the first ones back to the equator under gravity with the J2 term, which is accurate to a tenth of a second
over a revolution. The track follows from the node's longitude, which is different for each of the 175 tracks.
"""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from rtcflow_contract.burst_id import (
    NUMBERS,
    ORBIT_PERIOD_S,
    TRACKS,
    BurstIdParts,
    burst_id_from_anx_time,
    cycles_since_first_node,
)

Vector = tuple[float, ...]

# WGS 84: gravitational constant, rotation, radius; second zonal harmonic.
_MU, _ROTATION, _RADIUS_M, _J2 = 3.986004418e14, 7.2921151467e-5, 6378137.0, 1.08262668e-3
_STEP_S = 10.0
# Longitude of the ascending node of one track, degrees, from S1A's absolute orbit 32518; the others follow.
_NODE_LONGITUDE, _NODE_TRACK = 72.1464, 71
_DEGREES_PER_ORBIT = 360.0 * 12 / TRACKS
# Orbits stay within some 100 m of the reference; tracks are 2.06 degrees apart.
_OFF_TRACK_DEG = 0.5
# State vectors whose nodes differ by more than this, seconds, are not used.
_SPREAD_S = 0.2
# State vectors are 10 s apart in orbit files, up to 60 s in annotations.
_CLOSE_S = 90.0
# Near the boundary of two numbers, formula and ESA's map may differ; then the annotated number is used.
_NEAR_BORDER = 0.25


class StateVector(NamedTuple):
    """A satellite's state, Earth-fixed: UTC, position (3,) m, velocity (3,) m/s."""

    time: datetime
    position: Vector
    velocity: Vector


class _Node(NamedTuple):
    """An ascending node: UTC, longitude in degrees east."""

    time: datetime
    longitude: float


class ListedBurst(Protocol):
    """A burst as an annotation lists it; times in UTC."""

    @property
    def time(self) -> datetime:
        """Zero-Doppler time of the first line."""

    @property
    def sensed(self) -> datetime:
        """Time of the first echo."""

    @property
    def anx_time_s(self) -> float | None:
        """`time` since the ascending node, as annotated."""

    @property
    def number(self) -> int | None:
        """Burst number, as annotated."""


class BurstLabel(NamedTuple):
    """A burst's id, and remarks on sources that disagree; empty if all agree."""

    burst_id: str
    remark: str = ""


def label_bursts(
    swath: str,
    bursts: Sequence[ListedBurst],
    vectors: Sequence[StateVector],
    track: int,
) -> list[BurstLabel]:
    """Identify the bursts of a sub-swath.

    Parameters
    ----------
    swath : str
        `iw1` to `iw3`.
    bursts : sequence of ListedBurst
        In order of time.
    vectors : sequence of StateVector
        Around the scene; without them the annotated times are used.
    track : int
        Relative orbit number at the start of the scene, as its manifest gives it.

    Raises
    ------
    ValueError
        When neither state vectors nor annotated times give a node.
    """
    if not bursts:
        return []
    node = _node_of(vectors, bursts[0].sensed)
    return [_label(swath, burst, node, track) for burst in bursts]


def _burst_id_by_orbit(swath: str, sensed: datetime, vectors: Sequence[StateVector]) -> str | None:
    """Id of a burst from the time of its first echo and the orbit alone; None if the orbit gives no track."""
    node = _node_of(vectors, sensed)
    on = None if node is None else _track_of(node.longitude)
    return None if node is None or on is None else burst_id_from_anx_time(_since(sensed, node), on, swath)


def _node_of(vectors: Sequence[StateVector], at: datetime) -> _Node | None:
    """The last ascending node before a time; None if no sound state vectors are near enough."""
    sound = sorted((v for v in vectors if _sound(v)), key=lambda v: v.time)
    since = [(at - v.time).total_seconds() for v in sound]
    for k in range(len(sound) - 1, 0, -1):
        before, after = sound[k - 1], sound[k]
        crossed = before.position[2] < 0 <= after.position[2]
        if crossed and since[k - 1] - since[k] <= _CLOSE_S and 0 <= since[k - 1] < ORBIT_PERIOD_S + 60:
            node = _crossing(after)
            if node.time <= at:
                return node
    near = [v for v, s in zip(sound, since, strict=True) if -600 < s < ORBIT_PERIOD_S]
    if len(near) < 2:
        return None
    # The first vectors, and some later ones that must agree with them.
    later = min(near[1:], key=lambda v: abs((v.time - near[0].time).total_seconds() - 150.0))
    for move in (_fallen_back, _moved_back):
        first, second = move(near[0], at), move(later, at)
        if (
            first is not None
            and second is not None
            and abs((first.time - second.time).total_seconds()) < _SPREAD_S
        ):
            return first
    return None


def _track_of(node_longitude: float) -> int | None:
    """Relative orbit number from the longitude of an ascending node (degrees); None if no track has it."""

    def off(track: int) -> float:
        nominal = _NODE_LONGITUDE - (track - _NODE_TRACK) * _DEGREES_PER_ORBIT
        return abs(math.remainder(node_longitude - nominal, 360.0))

    nearest = min(range(1, TRACKS + 1), key=off)
    return nearest if off(nearest) < _OFF_TRACK_DEG else None


def _label(swath: str, burst: ListedBurst, node: _Node | None, track: int) -> BurstLabel:
    remarks = []
    annotated, number = burst.anx_time_s, burst.number
    if node is None:
        if annotated is None:
            raise ValueError("it has neither state vectors nor azimuthAnxTime")
        # Counted from the previous node: the manifest's track is that of the scene's start.
        since, on = annotated % ORBIT_PERIOD_S + (burst.sensed - burst.time).total_seconds(), track
    else:
        since = _since(burst.sensed, node)
        on = _track_of(node.longitude) or track
        if on not in (track, track % TRACKS + 1, (track - 2) % TRACKS + 1) or (
            on != track and 60 < since < 5800
        ):
            remarks.append(f"the manifest says track {track}, and the orbit is that of track {on}")
        off = (
            0.0 if annotated is None else math.remainder(annotated - _since(burst.time, node), ORBIT_PERIOD_S)
        )
        if abs(off) > 0.5:
            remarks.append(f"azimuthAnxTime is off by {off:.1f} s from the orbit")
    derived = burst_id_from_anx_time(since, on, swath)
    if number is None:
        return BurstLabel(derived, "; ".join(remarks))
    parts = BurstIdParts(int(derived[1:4]), int(derived[5:11]), swath)
    apart = (number - parts.number + NUMBERS // 2) % NUMBERS - NUMBERS // 2
    fraction = cycles_since_first_node(since, on, swath) % 1.0
    at_border = (apart == 1 and fraction > 1 - _NEAR_BORDER) or (apart == -1 and fraction < _NEAR_BORDER)
    if apart == 0 or at_border or (node is None and 1 <= number <= NUMBERS):
        return BurstLabel(str(BurstIdParts(parts.track, number, swath)), "; ".join(remarks))
    remarks.append(f"the annotation says burst number {number}, and the orbit says {parts.number}")
    return BurstLabel(derived, "; ".join(remarks))


def _since(time: datetime, node: _Node) -> float:
    return (time - node.time).total_seconds()


def _sound(vector: StateVector) -> bool:
    radius, speed = math.hypot(*vector.position), math.hypot(*vector.velocity)
    return 6.9e6 < radius < 7.3e6 and 7.2e3 < speed < 8.0e3


def _crossing(vector: StateVector) -> _Node:
    """The node within seconds of a vector."""
    position, velocity = vector.position, vector.velocity
    seconds = 0.0
    for _ in range(4):
        step = -position[2] / velocity[2]
        position, velocity = _propagated(position, velocity, step)
        seconds += step
    return _Node(vector.time + timedelta(seconds=seconds), math.degrees(math.atan2(position[1], position[0])))


def _fallen_back(vector: StateVector, at: datetime) -> _Node | None:
    """The last node before a time, by propagating a vector under gravity."""
    position, velocity, time = vector.position, vector.velocity, vector.time
    while time < at:
        step = min(_STEP_S, (at - time).total_seconds())
        position, velocity = _propagated(position, velocity, step)
        time += timedelta(seconds=step)
    # At most a little more than a revolution.
    for _ in range(round(1.3 * ORBIT_PERIOD_S / _STEP_S)):
        before, slower = _propagated(position, velocity, -_STEP_S)
        if before[2] < 0 <= position[2]:
            node = _crossing(StateVector(time, position, velocity))
            if node.time <= at:
                return node
        position, velocity, time = before, slower, time - timedelta(seconds=_STEP_S)
    return None


def _moved_back(vector: StateVector, at: datetime) -> _Node | None:
    """The last node before a time for a uniform circular motion, as in simulated orbits; real ones deviate by 4 s."""
    x, y, z = vector.position
    vx, vy, vz = vector.velocity[0] - _ROTATION * y, vector.velocity[1] + _ROTATION * x, vector.velocity[2]
    hx, hy, hz = y * vz - z * vy, z * vx - x * vz, x * vy - y * vx
    # Unit vectors in the orbital plane: towards the node, and perpendicular to it.
    nx, ny = -hy, hx
    h, n = math.sqrt(hx * hx + hy * hy + hz * hz), math.hypot(nx, ny)
    qx, qy, qz = -hz * ny / (h * n), hz * nx / (h * n), (hx * ny - hy * nx) / (h * n)
    along = math.atan2(x * qx + y * qy + z * qz, (x * nx + y * ny) / n) % (2 * math.pi)
    time = vector.time - timedelta(seconds=along / (2 * math.pi) * ORBIT_PERIOD_S)
    time += timedelta(seconds=ORBIT_PERIOD_S * math.floor((at - time).total_seconds() / ORBIT_PERIOD_S))
    turned = (vector.time - time).total_seconds() / 86400.0 * 360.0
    return _Node(time, math.remainder(math.degrees(math.atan2(ny, nx)) + turned, 360.0))


def _propagated(position: Vector, velocity: Vector, seconds: float) -> tuple[Vector, Vector]:
    """Propagate a state by some seconds with a fourth-order Runge-Kutta step."""
    start = (*position, *velocity)
    one = _rates(start)
    two = _rates(_along(start, one, seconds / 2))
    three = _rates(_along(start, two, seconds / 2))
    four = _rates(_along(start, three, seconds))
    moved = tuple(
        s + seconds / 6 * (a + 2 * b + 2 * c + d)
        for s, a, b, c, d in zip(start, one, two, three, four, strict=True)
    )
    return moved[:3], moved[3:]


def _along(start: Vector, rate: Vector, seconds: float) -> Vector:
    return tuple(s + seconds * r for s, r in zip(start, rate, strict=True))


def _rates(state: Vector) -> Vector:
    """Velocity and acceleration in the rotating frame."""
    x, y, z, vx, vy, vz = state
    squared = x * x + y * y + z * z
    pull = -_MU / (squared * math.sqrt(squared))
    flat = 1.5 * _J2 * _RADIUS_M**2 / squared
    polar = 5 * z * z / squared
    return (
        vx,
        vy,
        vz,
        pull * x * (1 + flat * (1 - polar)) + 2 * _ROTATION * vy + _ROTATION**2 * x,
        pull * y * (1 + flat * (1 - polar)) - 2 * _ROTATION * vx + _ROTATION**2 * y,
        pull * z * (1 + flat * (3 - polar)),
    )
