"""The orbit file of a scene: POEORB, else RESORB, else two RESORB that cover it together."""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, NamedTuple

from rtcflow.resources import Meter
from rtcflow.sources.eof import has_state_vectors, join_orbits
from rtcflow.sources.places import Place, fetch_file, open_place
from rtcflow_contract.burst_id import ORBIT_PERIOD_S
from rtcflow_contract.errors import RefusedError, RtcflowError, TransientError
from rtcflow_contract.request import OrbitChoice
from rtcflow_contract.scene_id import SceneId

OrbitType = Literal["POEORB", "RESORB"]

# S1A_OPER_AUX_POEORB_OPOD_20210318T120818_V20200510T225942_20200512T005942.EOF
_NAME = re.compile(
    r"(S1[A-D])_OPER_AUX_(POEORB|RESORB)_OPOD_(\d{8}T\d{6})_V(\d{8}T\d{6})_(\d{8}T\d{6})\.EOF$"
)
_MARGIN = timedelta(seconds=60)
# Readers look for the ascending node before the scene, up to one orbit back.
_BEFORE = timedelta(seconds=ORBIT_PERIOD_S) + _MARGIN
# A POEORB comes about 20 days after the pass.
_PRECISE_DELAY = timedelta(days=25)


class OrbitName(NamedTuple):
    """What the name of an orbit file says; times are UTC."""

    name: str
    platform: str
    type: OrbitType
    created: datetime
    start: datetime
    stop: datetime


class FetchedOrbit(NamedTuple):
    """An orbit file on this machine; `id` names the file or files of the archive it is made of."""

    path: Path
    type: OrbitType
    id: str
    href: str


def parse_orbit_name(name: str) -> OrbitName | None:
    """Take the name of an orbit file apart; None when it is none."""
    match = _NAME.search(name)
    if match is None:
        return None
    kind: OrbitType = "POEORB" if match[2] == "POEORB" else "RESORB"
    return OrbitName(name, match[1], kind, *(_utc(match[group]) for group in (3, 4, 5)))


def choose_orbits(names: Iterable[str], scene: SceneId) -> list[tuple[OrbitName, ...]]:
    """Files that serve a scene, best first, each alone or as a pair.

    A file serves when it starts an orbit and a minute before the scene and stops a minute after; the newest
    first.
    """
    orbits = [orbit for orbit in map(parse_orbit_name, names) if orbit and orbit.platform == scene.platform]
    orbits.sort(key=lambda orbit: orbit.created, reverse=True)
    start, stop = scene.start - _BEFORE, scene.stop + _MARGIN
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
    return choices


def fetch_orbit(
    source: str, scene: SceneId, choice: OrbitChoice, folder: Path, meter: Meter, now: datetime | None = None
) -> FetchedOrbit:
    """Fetch the best orbit file of a scene.

    Parameters
    ----------
    source : str
        An .EOF file, or a prefix or folder with files in `AUX_POEORB/` and `AUX_RESORB/`, or all in one.
    scene : SceneId
    choice : OrbitChoice
        `precise` takes a POEORB only.
    folder : Path
        Where it is fetched to.
    meter : Meter
    now : datetime, optional
        The present, UTC.

    Raises
    ------
    TransientError
        With reason `orbit-not-yet` when there is none yet, and may be later.
    RefusedError
        When there is none for an old scene, or the file given does not cover the scene.
    """
    if source.rstrip("/").endswith(".EOF"):
        return _given(fetch_file(source, folder, meter), source, scene)
    place = open_place(source, meter)
    types = ("POEORB",) if choice is OrbitChoice.PRECISE else ("POEORB", "RESORB")
    for kind in types:
        for orbits in choose_orbits(_names(place, kind, scene), scene):
            fetched = _fetch(place, orbits, folder)
            if fetched is not None:
                return fetched
    raise _missing(source, scene, types, now or datetime.now(UTC))


def _given(path: Path, href: str, scene: SceneId) -> FetchedOrbit:
    name = parse_orbit_name(path.name)
    if name is None:
        raise RefusedError(
            f"{path.name} is not the name of a POEORB or RESORB file; keep ESA's name", "orbit-name"
        )
    if (
        name.platform != scene.platform
        or name.start > scene.start - _MARGIN
        or name.stop < scene.stop + _MARGIN
    ):
        raise RefusedError(
            f"orbit file {path.name} does not cover scene {scene.id}; give the {scene.platform} file "
            f"from before {scene.start:%Y-%m-%dT%H:%M:%S} to after {scene.stop:%Y-%m-%dT%H:%M:%S}",
            reason="orbit-coverage",
        )
    if not has_state_vectors(path):
        raise RefusedError(f"orbit file {path} holds no state vectors; fetch it again", reason="orbit-empty")
    return FetchedOrbit(path, name.type, path.stem, href)


def _names(place: Place, kind: str, scene: SceneId) -> list[str]:
    """Orbit files of a kind in the archive's folder for it or, where there is none, in the place itself."""
    return _orbit_names(place, f"AUX_{kind}", kind, scene) or _orbit_names(place, "", kind, scene)


def _orbit_names(place: Place, folder: str, kind: str, scene: SceneId) -> list[str]:
    try:
        names = place.names(folder)
    except RefusedError as error:
        if error.reason != "not-found":
            raise
        return []
    start = f"{folder}/" if folder else ""
    return [name for name in names if name.startswith(f"{start}{scene.platform}_OPER_AUX_{kind}_")]


def _fetch(place: Place, orbits: Sequence[OrbitName], folder: Path) -> FetchedOrbit | None:
    """None when a file is empty, which archives have shown."""
    paths = [place.fetch(orbit.name, folder) for orbit in orbits]
    if not all(has_state_vectors(path) for path in paths):
        return None
    href = place.href(orbits[0].name)
    if len(paths) == 1:
        return FetchedOrbit(paths[0], orbits[0].type, paths[0].stem, href)
    joined = folder / f"{paths[0].stem}_joined.EOF"
    join_orbits(paths, joined)
    return FetchedOrbit(joined, orbits[0].type, "+".join(path.stem for path in paths), href)


def _missing(source: str, scene: SceneId, types: Sequence[str], now: datetime) -> RtcflowError:
    wanted = (
        f"{' or '.join(types)} of {scene.platform} from before {scene.start - _BEFORE:%Y-%m-%dT%H:%M:%S} "
        f"to after {scene.stop + _MARGIN:%Y-%m-%dT%H:%M:%S}"
    )
    if now - scene.stop < _PRECISE_DELAY:
        return TransientError(
            f"{source} has no {wanted} yet; wait for it, or take the best there is with orbit 'best'",
            reason="orbit-not-yet",
        )
    return RefusedError(f"{source} has no {wanted}; give another source of orbits", reason="orbit-missing")


def _utc(text: str) -> datetime:
    return datetime.strptime(text, "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
