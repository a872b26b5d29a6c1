"""Bursts of an annotation file, for planning: ids and times, without any pixel or array.

Sentinel-1 Product Specification (S1-RS-MDA-52-7441), section on the Level-1 product annotation data set.
"""

import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from typing import NamedTuple

from rtcflow_contract.burst_id import BurstIdParts, burst_id_from_anx_time
from rtcflow_contract.errors import RefusedError


class AnnotatedBurst(NamedTuple):
    """A burst as the annotation lists it; `burst_index` counts from 0 in its swath, `sensing_start` is UTC."""

    burst_id: str
    burst_index: int
    swath: str
    polarization: str
    sensing_start: datetime


def list_bursts(annotation: str | bytes, track: int, name: str = "of the scene") -> list[AnnotatedBurst]:
    """Bursts of one sub-swath and polarization, in order of time.

    Parameters
    ----------
    annotation : str or bytes
        Text of the annotation XML.
    track : int
        Relative orbit number at the start of the scene (`relativeOrbitNumber` of manifest.safe), 1 to 175.
    name : str
        The annotation in errors.

    Raises
    ------
    RefusedError
        When the text is no IW SLC annotation.
    """
    try:
        root = ET.fromstring(annotation)
        swath = _text(root, "adsHeader/swath").lower()
        polarization = _text(root, "adsHeader/polarisation").upper()
        bursts = root.findall("swathTiming/burstList/burst")
        return [
            AnnotatedBurst(
                _burst_id(burst, track, swath),
                index,
                swath,
                polarization,
                datetime.fromisoformat(_text(burst, "azimuthTime")).replace(tzinfo=UTC),
            )
            for index, burst in enumerate(bursts)
        ]
    except (ET.ParseError, ValueError, KeyError) as error:
        raise RefusedError(
            f"annotation {name} cannot be read ({error}); fetch the scene again", reason="annotation"
        ) from error


def _burst_id(burst: ET.Element, track: int, swath: str) -> str:
    anx_time = float(_text(burst, "azimuthAnxTime"))
    derived = burst_id_from_anx_time(anx_time, track, swath)
    number = burst.findtext("burstId")
    if number is None:
        return derived
    # The annotation's own number counts; only the track, which it does not give, comes from the formula.
    return str(BurstIdParts(int(derived[1:4]), int(number), swath))


def _text(element: ET.Element, path: str) -> str:
    text = element.findtext(path)
    if text is None:
        raise ValueError(f"<{path}> is missing")
    return text.strip()
