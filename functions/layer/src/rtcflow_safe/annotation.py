"""The annotation file of a sub-swath: header, bursts, timing and state vectors.

Sentinel-1 Product Specification (S1-RS-MDA-52-7441), Level-1 product annotation data set. Parts are read on first use,
so that planning does not fail on a part that only processing needs.
"""

import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property, lru_cache, wraps
from pathlib import Path
from typing import NamedTuple, TypeVar

from rtcflow_contract.errors import RefusedError
from rtcflow_safe.grid_points import GridPoint, Ring, outline, read_point
from rtcflow_safe.identity import BurstLabel, StateVector, label_bursts
from rtcflow_safe.xml import parse_xml, read_xml, text_of, time_of

SPEED_OF_LIGHT = 299792458.0
_POLARIZATIONS = ("VV", "VH", "HH", "HV")
_SWATHS = ("iw1", "iw2", "iw3")
_NAME = re.compile(r"s1.-(?P<swath>iw\d)-slc-(?P<polarization>[vh]{2})-")
_MOST_BURSTS, _MOST_POINTS, _MOST_VECTORS = 200, 100_000, 2_000
_KEPT = 16

_T = TypeVar("_T")


class AnnotatedBurst(NamedTuple):
    """A burst as the annotation lists it.

    `burst_index` counts from 0 in its swath, `sensing_start` is UTC. `outline` is a ring of longitudes and latitudes,
    degrees, from the geolocation grid; empty if the grid does not cover the burst.
    """

    burst_id: str
    burst_index: int
    swath: str
    polarization: str
    sensing_start: datetime
    outline: Ring = ()


class BurstEntry(NamedTuple):
    """An entry of the burst list.

    Attributes
    ----------
    time : datetime
        Zero-Doppler time of the first line, UTC.
    sensed : datetime
        Time of the first echo, UTC, from which burst numbers are computed; `time` if the annotation lacks it.
    anx_time_s : float or None
        `time` since the ascending node, seconds, as annotated.
    number : int or None
        ESA's burst number.
    """

    time: datetime
    sensed: datetime
    anx_time_s: float | None
    number: int | None
    element: ET.Element


def _refusing(read: Callable[["Annotation"], _T]) -> Callable[["Annotation"], _T]:
    @wraps(read)
    def wrapped(self: "Annotation") -> _T:
        try:
            return read(self)
        except (ValueError, TypeError, KeyError, OverflowError) as error:
            raise self.unreadable(str(error)) from error

    return wrapped


class Annotation:
    """A parsed annotation file.

    Parameters
    ----------
    data : str or bytes
    name : str
        The file in messages.

    Raises
    ------
    RefusedError
        When it is not XML or too large; and by each part when it is missing or implausible.
    """

    def __init__(self, data: str | bytes, name: str = "of the scene") -> None:
        self.name = name
        self.root = parse_xml(data, f"annotation {name}")

    def unreadable(self, why: str) -> RefusedError:
        """The refusal of this file, with a reason."""
        return RefusedError(
            f"annotation {self.name} cannot be read ({why}); fetch the scene again", "annotation"
        )

    @cached_property
    @_refusing
    def swath(self) -> str:
        """`iw1` to `iw3`."""
        swath = text_of(self.root, "adsHeader/swath").lower()
        if swath not in _SWATHS:
            raise ValueError(f"it is of {swath.upper()[:20]}, which is not a sub-swath of IW")
        self._compare_name("swath", swath)
        return swath

    @cached_property
    @_refusing
    def polarization(self) -> str:
        """`VV` and the like."""
        name = text_of(self.root, "adsHeader/polarisation").upper()
        if name not in _POLARIZATIONS:
            raise ValueError(f"its polarisation is {name[:20]}")
        self._compare_name("polarization", name)
        return name

    def _compare_name(self, part: str, found: str) -> None:
        """Files are chosen by their names."""
        named = _NAME.match(self.name.lower())
        if named is not None and named[part] != found.lower():
            raise ValueError(f"its name says {named[part].upper()}, and it is of {found.upper()}")

    @cached_property
    @_refusing
    def entries(self) -> list[BurstEntry]:
        """The burst list, in order of time."""
        elements = self.root.findall("swathTiming/burstList/burst")
        if len(elements) > _MOST_BURSTS:
            raise ValueError(f"{len(elements)} bursts")
        return [_entry(element) for element in elements]

    @cached_property
    @_refusing
    def vectors(self) -> list[StateVector]:
        """State vectors around the scene, Earth-fixed; damaged ones are left out."""
        found = []
        for element in self.root.findall("generalAnnotation/orbitList/orbit")[:_MOST_VECTORS]:
            try:
                position, velocity = (
                    tuple(float(text_of(element, f"{kind}/{axis}")) for axis in "xyz")
                    for kind in ("position", "velocity")
                )
                found.append(StateVector(time_of(text_of(element, "time")), position, velocity))
            except ValueError:
                continue
        return found

    @cached_property
    @_refusing
    def grid(self) -> list[GridPoint]:
        """Points of the geolocation grid, in file order."""
        points = self.root.findall("geolocationGrid/geolocationGridPointList/geolocationGridPoint")
        if len(points) > _MOST_POINTS:
            raise ValueError(f"{len(points)} points of the geolocation grid")
        return [read_point(point) for point in points]

    def number(self, path: str, low: float, high: float) -> float:
        """The number at a path; ValueError if it is not within the limits."""
        value = float(text_of(self.root, path))
        if not low <= value <= high:
            raise ValueError(
                f"<{path.rsplit('/', 1)[-1]}> is {value:g}, which is not between {low:g} and {high:g}"
            )
        return value

    def whole(self, path: str, low: int, high: int) -> int:
        """The integer at a path; ValueError if it is not within the limits."""
        value = self.number(path, low, high)
        if value != int(value):
            raise ValueError(f"<{path.rsplit('/', 1)[-1]}> is {value:g}, which is not a whole number")
        return int(value)

    @cached_property
    @_refusing
    def lines_per_burst(self) -> int:
        """Lines of a burst."""
        return self.whole("swathTiming/linesPerBurst", 1, 1_000_000)

    @cached_property
    @_refusing
    def samples_per_burst(self) -> int:
        """Samples of a line."""
        return self.whole("swathTiming/samplesPerBurst", 1, 100_000)

    @cached_property
    @_refusing
    def starting_range_m(self) -> float:
        """Slant range of the first sample, metres."""
        time = self.number("imageAnnotation/imageInformation/slantRangeTime", 1e-3, 2e-2)
        return time * SPEED_OF_LIGHT / 2

    @cached_property
    @_refusing
    def range_spacing_m(self) -> float:
        """Slant range between samples, metres."""
        rate = self.number("generalAnnotation/productInformation/rangeSamplingRate", 1e6, 1e9)
        return SPEED_OF_LIGHT / (2 * rate)

    def labels(self, track: int) -> list[BurstLabel]:
        """Burst ids by the burst map, one label per entry.

        Parameters
        ----------
        track : int
            Relative orbit number at the start of the scene (manifest.safe), 1 to 175.
        """
        try:
            return label_bursts(
                self.swath,
                self.entries,
                self.vectors,
                track,
            )
        except ValueError as error:
            raise self.unreadable(str(error)) from error

    def bursts(self, track: int) -> list[AnnotatedBurst]:
        """Bursts of this sub-swath and polarization, in order of time; `track` as for `labels`."""
        return [
            AnnotatedBurst(
                label.burst_id, index, self.swath, self.polarization, entry.time, self._outline(entry.time)
            )
            for index, (label, entry) in enumerate(zip(self.labels(track), self.entries, strict=True))
        ]

    def _outline(self, start: datetime) -> Ring:
        try:
            interval = self.number("imageAnnotation/imageInformation/azimuthTimeInterval", 1e-4, 1e-1)
            stop = start + timedelta(seconds=(self.lines_per_burst - 1) * interval)
            return outline(self.grid, start, stop)
        except (RefusedError, ValueError):
            # Outlines serve maps only; a burst is listed without one.
            return ()


def read_annotation(path: Path) -> Annotation:
    """Read the annotation in a file; recent ones are cached until the file changes.

    Raises
    ------
    RefusedError
        When the file cannot be read.
    """
    try:
        found = path.stat()
        return _kept(_File(path, (found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size)))
    except OSError as error:
        raise RefusedError(
            f"annotation {path.name} cannot be read ({error.strerror}); fetch the scene again", "annotation"
        ) from error


@dataclass(frozen=True)
class _File:
    """A file in one state; links to it count as the same file."""

    path: Path = field(compare=False)
    state: tuple[int, ...]


@lru_cache(_KEPT)
def _kept(file: _File) -> Annotation:
    return Annotation(read_xml(file.path, f"annotation {file.path.name}"), file.path.name)


def _entry(element: ET.Element) -> BurstEntry:
    time, sensed = text_of(element, "azimuthTime"), element.findtext("sensingTime")
    return BurstEntry(
        time_of(time),
        time_of(sensed or time),
        _float(element, "azimuthAnxTime"),
        _number(element),
        element,
    )


def _float(element: ET.Element, path: str) -> float | None:
    text = element.findtext(path)
    if text is None:
        return None
    value = float(text)
    return value if math.isfinite(value) else None


def _number(element: ET.Element) -> int | None:
    text = element.findtext("burstId")
    if text is None:
        return None
    if not (text.strip().isascii() and text.strip().isdigit() and len(text.strip()) < 10):
        raise ValueError(f"<burstId> is '{text[:20]}'")
    return int(text)
