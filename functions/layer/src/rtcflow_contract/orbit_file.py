"""Names of orbit files, and the choice for a scene: POEORB, else RESORB, else two RESORBs together."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple

from rtcflow_contract.burst_id import ORBIT_PERIOD_S
from rtcflow_contract.request import OrbitChoice
from rtcflow_contract.scene_id import SceneId

OrbitType = Literal["POEORB", "RESORB"]

# S1A_OPER_AUX_POEORB_OPOD_20210318T120818_V20200510T225942_20200512T005942.EOF
_NAME = re.compile(
    r"(S1[A-D])_OPER_AUX_(POEORB|RESORB)_OPOD_(\d{8}T\d{6})_V(\d{8}T\d{6})_(\d{8}T\d{6})\.EOF$"
)
MARGIN = timedelta(seconds=60)
# An orbit file should reach back to the ascending node before the scene, up to one orbit.
BEFORE = timedelta(seconds=ORBIT_PERIOD_S) + MARGIN
# The one source of orbits that has a name instead of a prefix.
CDSE_ORBITS = "cdse"
# An open copy of ESA's archive.
PUBLIC_ORBITS = "s3://s1-orbits"
# POEORBs are published about 20 days after the pass; one that is five days late will not come.
PRECISE_DELAY = timedelta(days=20)
PRECISE_AT_LAST = timedelta(days=25)


class OrbitName(NamedTuple):
    """The parts of an orbit file's name; times are UTC."""

    name: str
    platform: str
    type: OrbitType
    created: datetime
    start: datetime
    stop: datetime


def parse_orbit_name(name: str) -> OrbitName | None:
    """Parse the name of an orbit file; None if it is not one."""
    match = _NAME.search(name)
    if match is None:
        return None
    kind: OrbitType = "POEORB" if match[2] == "POEORB" else "RESORB"
    return OrbitName(name, match[1], kind, *(_utc(match[group]) for group in (3, 4, 5)))


def orbit_types(choice: OrbitChoice) -> tuple[OrbitType, ...]:
    """Types of orbit file that a choice allows, best first."""
    return ("POEORB",) if choice is OrbitChoice.PRECISE else ("POEORB", "RESORB")


def choose_orbits(names: Iterable[str], scene: SceneId) -> list[tuple[OrbitName, ...]]:
    """Orbit files that are usable for a scene, best first, each alone or as a pair.

    A file is usable if it starts an orbit and a minute before the scene and stops a minute after it; newer files come
    first. As a last resort a RESORB that covers only the scene and a minute around it is used; it does not reach the
    ascending node, which is then found by propagation.
    """
    orbits = [orbit for orbit in map(parse_orbit_name, names) if orbit and orbit.platform == scene.platform]
    orbits.sort(key=lambda orbit: orbit.created, reverse=True)
    start, stop = scene.start - BEFORE, scene.stop + MARGIN
    single = [orbit for orbit in orbits if orbit.start <= start and stop <= orbit.stop]
    choices: list[tuple[OrbitName, ...]] = [(o,) for o in single if o.type == "POEORB"]
    choices += [(o,) for o in single if o.type == "RESORB"]
    restituted = [orbit for orbit in orbits if orbit.type == "RESORB"]
    choices += [
        (first, second)
        for second in restituted
        for first in restituted
        if first.start <= start and second.stop >= stop and start < second.start <= first.stop < stop
    ]
    choices += [
        (orbit,) for orbit in restituted if start < orbit.start <= scene.start - MARGIN and stop <= orbit.stop
    ]
    return choices


def wanted_orbit(scene: SceneId, choice: OrbitChoice) -> str:
    """Description of the orbit file that a scene needs."""
    return (
        f"{' or '.join(orbit_types(choice))} of {scene.platform} from before "
        f"{scene.start - BEFORE:%Y-%m-%dT%H:%M:%S} to after {scene.stop + MARGIN:%Y-%m-%dT%H:%M:%S}"
    )


def _utc(text: str) -> datetime:
    return datetime.strptime(text, "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
