"""Orbit files (EOF), and the orbit over a burst as polynomials.

Sentinel-1 precise orbit file format: GMES-GSEG-EOPG-FS-10-0075; state vectors are Earth-fixed.
"""

import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.polynomial import polynomial
from numpy.typing import NDArray

from rtcflow_contract.burst_id import ORBIT_PERIOD_S
from rtcflow_contract.errors import RefusedError
from rtcflow_safe.identity import StateVector
from rtcflow_safe.xml import time_of

# A degree 7 fit over this many seconds on each side of the burst follows a real orbit to well below a millimetre.
_FIT_MARGIN_S = 45.0
_FIT_DEGREE = 7
# Vectors jump by centimetres where two solutions of restituted orbits meet; a jump of metres is damage.
_RESIDUAL_LIMIT_M = 0.5
# Bounds for a satellite in low orbit: Sentinel-1 is 7,070 km from the Earth's centre, and moves at 7.6 km/s.
_RADIUS_M, _SPEED_M_S = (6.4e6, 9e6), (5e3, 1e4)
_ROOT = re.compile(rb"<([A-Za-z_][\w.-]*)")
_COORDINATE = re.compile(rb"<(V?[XYZ])(?: [^>]*)?>\s*([-+0-9.eE]+)\s*<")
_HEADER = re.compile(rb"<(Ref_Frame|Time_Reference|Mission)>([^<]*)<")
_NAME = re.compile(r"S(1[A-Z])_OPER_AUX_(?:POE|RES)ORB_OPOD_")
_VECTOR = re.compile(rb"<OSV>.*?<UTC>\s*UTC=([^<]*?)\s*</UTC>.*?</OSV>", re.DOTALL)


@dataclass(frozen=True)
class StateVectors:
    """State vectors of an orbit file: seconds since `epoch`, positions (n, 3) m, velocities (n, 3) m/s."""

    name: str
    epoch: datetime
    seconds: NDArray[np.float64]
    positions: NDArray[np.float64]
    velocities: NDArray[np.float64]

    @property
    def type(self) -> Literal["POEORB", "RESORB", "predicted"]:
        """Type of the orbit by its file name."""
        return "POEORB" if "POEORB" in self.name else "RESORB" if "RESORB" in self.name else "predicted"


@dataclass(frozen=True)
class OrbitPolynomial:
    """Earth-fixed position as polynomials of the seconds since `epoch`.

    `coefficients` is (degree + 1, 3), metres, lowest power first; `window_s` its validity; `residual_m` the largest
    residual of a state vector's coordinate.
    """

    epoch: datetime
    coefficients: NDArray[np.float64]
    window_s: tuple[float, float]
    residual_m: float = 0.0

    def position(self, seconds: NDArray[np.float64]) -> NDArray[np.float64]:
        """Positions (n, 3), metres."""
        return np.asarray(polynomial.polyval(seconds, self.coefficients).T, np.float64)

    def velocity(self, seconds: NDArray[np.float64]) -> NDArray[np.float64]:
        """Velocities (n, 3), metres per second."""
        return np.asarray(polynomial.polyval(seconds, polynomial.polyder(self.coefficients)).T, np.float64)


def read_orbit(path: Path, around: datetime, margin_s: float = 120.0) -> StateVectors:
    """State vectors of an orbit file within `margin_s` seconds of a time, which becomes their epoch.

    Raises
    ------
    RefusedError
        When the file cannot be read, or does not cover the time.
    """
    seconds, positions, velocities = [], [], []
    try:
        for element in _vectors_around(path, around, margin_s):
            time = datetime.fromisoformat(_text(element, "UTC").removeprefix("UTC=")).replace(tzinfo=UTC)
            seconds.append((time - around).total_seconds())
            positions.append([float(_text(element, axis)) for axis in ("X", "Y", "Z")])
            velocities.append([float(_text(element, axis)) for axis in ("VX", "VY", "VZ")])
            _check_in_orbit(positions[-1], velocities[-1])
    except (OSError, ET.ParseError, ValueError) as error:
        raise RefusedError(
            f"orbit file {path.name} cannot be read ({error}); fetch it again", "orbit"
        ) from error
    if len(seconds) < 4 or min(seconds) > 0 or max(seconds) < 0:
        raise RefusedError(
            f"orbit file {path.name} does not cover {around:%Y-%m-%dT%H:%M:%SZ}; give the orbit file of that day",
            "orbit",
        )
    order = np.argsort(seconds)
    return StateVectors(
        path.name,
        around,
        np.array(seconds)[order],
        np.array(positions)[order],
        np.array(velocities)[order],
    )


def _vectors_around(path: Path, around: datetime, margin_s: float) -> Iterator[ET.Element]:
    """State vectors within a margin of a time; parsing the thousands of others would take half a second."""
    file = _split(path)
    if not file.is_whole:
        raise ValueError("it is not XML, or is cut off")
    _check_header(file.header, path.name)
    first, last = (
        (around + timedelta(seconds=sign * margin_s)).strftime("%Y-%m-%dT%H:%M:%S.%f").encode()
        for sign in (-1, 1)
    )
    for time, vector in file.vectors:
        if first <= time <= last:
            yield ET.fromstring(vector)


class _SplitFile(NamedTuple):
    """The text of each state vector of an orbit file, with its time, its header, and whether the file is complete."""

    is_whole: bool
    header: bytes
    vectors: list[tuple[bytes, bytes]]


def _split(path: Path) -> _SplitFile:
    state = path.stat()
    return _split_state(path, state.st_mtime_ns, state.st_size)


# A burst asks for vectors of its orbit file half a dozen times, and all bursts of a task for those of one file.
@lru_cache(maxsize=2)
def _split_state(path: Path, mtime_ns: int, size: int) -> _SplitFile:
    text = path.read_bytes()
    root = _ROOT.search(text)
    is_whole = root is not None and text.rstrip().endswith(b"</" + root[1] + b">")
    header, _, _ = text.partition(b"<OSV>")
    return _SplitFile(is_whole, header, [(vector[1], vector[0]) for vector in _VECTOR.finditer(text)])


def _check_header(header: bytes, name: str) -> None:
    """Raise ValueError if a header contradicts the name of its file, or says that the vectors are of another kind."""
    expected = {b"Ref_Frame": "EARTH_FIXED", b"Time_Reference": "UTC"}
    named = _NAME.match(name)
    if named is not None:
        expected[b"Mission"] = f"Sentinel-{named[1]}"
    for field, value in _HEADER.findall(header):
        found = value.decode("utf-8", "replace").strip()
        if found and found.upper() != expected.get(field, found).upper():
            raise ValueError(f"its <{field.decode()}> is {found[:40]}, and not {expected[field]}")


def state_vectors_before(path: Path, at: datetime) -> list[StateVector]:
    """State vectors of an orbit file from a revolution before a time to a minute after it."""
    found = []
    try:
        first, last = (
            (at + timedelta(seconds=s)).strftime("%Y-%m-%dT%H:%M:%S").encode()
            for s in (-ORBIT_PERIOD_S - 60, 60)
        )
        for time, vector in _split(path).vectors:
            if first <= time <= last:
                state = {name.decode(): float(value) for name, value in _COORDINATE.findall(vector)}
                if len(state) < 6:
                    raise ValueError(f"a state vector has {len(state)} numbers, and not 6")
                position, velocity = (tuple(state[f"{kind}{axis}"] for axis in "XYZ") for kind in ("", "V"))
                _check_in_orbit(position, velocity)
                found.append(StateVector(time_of(time.decode("ascii")), position, velocity))
    except (OSError, ValueError) as error:
        raise RefusedError(
            f"orbit file {path.name} cannot be read ({error}); fetch it again", "orbit"
        ) from error
    return found


def _check_in_orbit(position: Sequence[float], velocity: Sequence[float]) -> None:
    """Raise ValueError for a state vector that is not one of a satellite in low orbit."""
    radius, speed = math.hypot(*position), math.hypot(*velocity)
    # Written so that NaN is outside.
    within = _RADIUS_M[0] < radius < _RADIUS_M[1] and _SPEED_M_S[0] < speed < _SPEED_M_S[1]
    if not within:
        raise ValueError(
            f"a state vector is {radius / 1000:.6g} km from the Earth's centre at {speed / 1000:.6g} km/s"
        )


def fit_orbit(vectors: StateVectors, start_s: float, stop_s: float) -> OrbitPolynomial:
    """Polynomials through the state vectors around `start_s` to `stop_s` (seconds since their epoch).

    Positions and velocities are fitted together, by least squares.

    Raises
    ------
    RefusedError
        When the state vectors do not cover the window, or do not lie on a smooth orbit.
    """
    use = (vectors.seconds >= start_s - _FIT_MARGIN_S) & (vectors.seconds <= stop_s + _FIT_MARGIN_S)
    seconds = vectors.seconds[use]
    if seconds.size < 4 or seconds[0] > start_s or seconds[-1] < stop_s:
        raise RefusedError(
            f"orbit file {vectors.name} does not cover the burst at "
            f"{vectors.epoch + timedelta(seconds=start_s):%Y-%m-%dT%H:%M:%SZ}; give the orbit file of that day",
            "orbit",
        )
    degree = min(_FIT_DEGREE, 2 * seconds.size - 1)
    scale = max(abs(seconds[0]), abs(seconds[-1]))
    u = seconds / scale
    powers = np.vander(u, degree + 1, increasing=True)
    slopes = np.zeros_like(powers)
    slopes[:, 1:] = powers[:, :-1] * np.arange(1, degree + 1)
    # A velocity error of 1 mm/s weighs like a position error of 10 mm, as vectors are 10 s apart.
    system = np.vstack((powers, slopes / scale * 10.0))
    values = np.vstack((vectors.positions[use], vectors.velocities[use] * 10.0))
    solved, *_ = np.linalg.lstsq(system, values, rcond=None)
    residual = np.abs(powers @ solved - vectors.positions[use]).max()
    if residual > _RESIDUAL_LIMIT_M:
        raise RefusedError(
            f"state vectors of orbit file {vectors.name} lie up to {residual:.3g} m from a smooth orbit, and "
            f"{_RESIDUAL_LIMIT_M:g} m is the most that is accepted; fetch the file again",
            "orbit",
        )
    coefficients = solved / scale ** np.arange(degree + 1)[:, None]
    window = (float(seconds[0]), float(seconds[-1]))
    return OrbitPolynomial(vectors.epoch, coefficients, window, float(residual))


def _text(element: ET.Element, name: str) -> str:
    text = element.findtext(name)
    if text is None:
        raise ValueError(f"<{name}> is missing")
    return text.strip()


def has_state_vectors(path: Path) -> bool:
    """Whether the file lists any state vector."""
    return b"<OSV>" in path.read_bytes()


def join_orbits(paths: Sequence[Path], to: Path) -> None:
    """Write one orbit file with the state vectors of several, given in order of time.

    Each file is used up to the start of the next one: two solutions differ by centimetres, and mixing their vectors
    would make the orbit jitter. Header and validity are those of the first file, with the stop of the last.

    Raises
    ------
    RefusedError
        When a file is not an orbit file.
    """
    trees = [_parse(path) for path in paths]
    vectors: list[ET.Element] = []
    for tree in trees:
        following = sorted(_list(tree).findall("OSV"), key=_time)
        vectors = [vector for vector in vectors if _time(vector) < _time(following[0])] + following
    joined = trees[0]
    listed = _list(joined)
    listed[:] = vectors
    listed.set("count", str(len(vectors)))
    for element, stop in zip(joined.iter("Validity_Stop"), trees[-1].iter("Validity_Stop"), strict=False):
        element.text = stop.text
    ET.indent(joined, " ")
    to.parent.mkdir(parents=True, exist_ok=True)
    ET.ElementTree(joined).write(to, encoding="utf-8", xml_declaration=True)


def _time(vector: ET.Element) -> str:
    return vector.findtext("UTC", "")


def _parse(path: Path) -> ET.Element:
    try:
        return ET.parse(path).getroot()
    except ET.ParseError as error:
        raise RefusedError(
            f"orbit file {path.name} cannot be read ({error}); fetch it again", reason="orbit-corrupt"
        ) from error


def _list(tree: ET.Element) -> ET.Element:
    found = tree.find("Data_Block/List_of_OSVs")
    if found is None:
        raise RefusedError(
            "an orbit file has no list of state vectors; fetch it again", reason="orbit-corrupt"
        )
    return found
