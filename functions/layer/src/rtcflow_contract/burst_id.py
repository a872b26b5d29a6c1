"""Burst ids: `t070_149815_iw3` here, `T070-149815-IW3` in product ids, `070_149815_IW3` at ASF."""

import math
import re
from typing import Annotated, NamedTuple

from pydantic import AfterValidator

# T070-149815-IW3, t070_149815_iw3, 070_149815_IW3
_PATTERN = re.compile(r"^t?(\d{3})[_-](\d{6})[_-](iw[123])$", re.IGNORECASE)

TRACKS = 175
_BURST_CYCLE_S = 2.758273
_PREAMBLE_S = 2.299849
ORBIT_PERIOD_S = 12 * 86400 / TRACKS
# Number of bursts in a repeat cycle; burst numbers run from 1 to this.
NUMBERS = 375887
# Time from the burst of one sub-swath to that of the next within a burst cycle.
_IW1_TO_IW2_S, _IW2_TO_IW3_S = 0.832, 1.078
_AFTER_IW1_S = {"iw1": 0.0, "iw2": _IW1_TO_IW2_S, "iw3": _IW1_TO_IW2_S + _IW2_TO_IW3_S}


class BurstIdParts(NamedTuple):
    """Relative orbit number, ESA burst number (shared by the three sub-swaths) and sub-swath in lower case."""

    track: int
    number: int
    swath: str

    def __str__(self) -> str:
        return f"t{self.track:03d}_{self.number:06d}_{self.swath}"


def parse_burst_id(text: str) -> BurstIdParts:
    """Parse a burst id in any spelling.

    Raises
    ------
    ValueError
        When the text is not a burst id of an IW burst.
    """
    match = _PATTERN.fullmatch(text.strip())
    if match is None or not 1 <= int(match[1]) <= TRACKS:
        raise ValueError(f"'{text}' is not a burst id; write it like t070_149815_iw3")
    return BurstIdParts(int(match[1]), int(match[2]), match[3].lower())


def normalize_burst_id(text: str) -> str:
    """Spell a burst id as `t070_149815_iw3`; raises ValueError if it is not one."""
    return str(parse_burst_id(text))


def burst_id_in_product_id(burst_id: str) -> str:
    """Spell a burst id as product ids do: `T070-149815-IW3`."""
    return normalize_burst_id(burst_id).upper().replace("_", "-")


BurstId = Annotated[str, AfterValidator(normalize_burst_id)]


def burst_id_from_anx_time(seconds_since_anx: float, track: int, swath: str) -> str:
    """Burst id from the time since the ascending node.

    Sentinel-1 Level-1 Detailed Algorithm Definition (S1-TN-MDA-52-7445), equations 9-89 and 9-91: the burst number
    counts burst cycles since the ascending node of track 1, at the middle of the cycle's IW2 burst.

    Parameters
    ----------
    seconds_since_anx : float
        First echo of the burst (`sensingTime` of the annotation) since the ascending node crossing of the scene's
        start, in seconds.
    track : int
        Relative orbit number at the start of the scene, 1 to 175.
    swath : str
        Sub-swath, `iw1` to `iw3`.
    """
    iw1_start = seconds_since_anx - _AFTER_IW1_S[swath.lower()]
    number = 1 + math.floor(cycles_since_first_node(seconds_since_anx, track, swath))
    # Tracks change with the IW1 burst of a cycle.
    turn = 1 if iw1_start >= ORBIT_PERIOD_S else -1 if iw1_start < 0 else 0
    return str(BurstIdParts((track - 1 + turn) % TRACKS + 1, (number - 1) % NUMBERS + 1, swath.lower()))


def cycles_since_first_node(seconds_since_anx: float, track: int, swath: str) -> float:
    """Burst cycles since the ascending node of track 1 at the middle of the IW2 burst; arguments as above."""
    iw2_middle = seconds_since_anx - _AFTER_IW1_S[swath.lower()] + _IW1_TO_IW2_S + _IW2_TO_IW3_S / 2
    return (iw2_middle + (track - 1) * ORBIT_PERIOD_S - _PREAMBLE_S) / _BURST_CYCLE_S
