"""ESA Earth Observation orbit files (.EOF): check for state vectors, and join files."""

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path

from rtcflow_contract.errors import RefusedError


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
