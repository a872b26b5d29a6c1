"""Pages of a search and of a stack: one self-contained HTML file each."""

import base64
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import shapely
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from rtcflow_local.report.map_layout import Map, Shape, make_map
from rtcflow_local.stack.acquisitions import Found

AREA = "area"
_MOST_TICKS = 7


class Figure(NamedTuple):
    """A figure at the head of the page: number, label, and tone `ok`, `fail`, `skip` or none."""

    value: str
    label: str
    tone: str = ""


class Dot(NamedTuple):
    """A pass on the timeline: position in percent, `ok`, `fail` or `idle`, and tooltip."""

    left: float
    tone: str
    title: str


class TrackRow(NamedTuple):
    """A relative orbit on the timeline, with its passes."""

    label: str
    dots: tuple[Dot, ...]


class PassTimeline(NamedTuple):
    """Rows by relative orbit, and dates below with positions in percent."""

    rows: tuple[TrackRow, ...]
    ticks: tuple[tuple[float, str], ...]


class Section(NamedTuple):
    """A table of the page."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def render_page(
    *,
    eyebrow: str,
    title: str,
    sentence: str,
    figures: Sequence[Figure],
    found: Found,
    tones: dict[str, str],
    titles: dict[str, str],
    sections: Sequence[Section],
    picture: bytes | None = None,
    picture_note: str = "",
) -> str:
    """Render a page of an area.

    Parameters
    ----------
    eyebrow, title, sentence : str
        The head.
    figures : sequence of Figure
    found : Found
        Passes on the timeline, bursts on the map.
    tones, titles : dict
        By pass id: `ok`, `fail` or `idle`, and tooltip.
    sections : sequence of Section
    picture : bytes, optional
        PNG, such as a mean image.
    picture_note : str
        Caption of the picture.
    """
    environment = Environment(
        loader=ChoiceLoader([PackageLoader("rtcflow_local.stack"), PackageLoader("rtcflow_local.report")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("area.html.j2").render(
        eyebrow=eyebrow,
        title=title,
        sentence=sentence,
        figures=figures,
        map=_map_of(found),
        area_key=AREA,
        timeline=_timeline_of(found, tones, titles),
        sections=sections,
        picture=f"data:image/png;base64,{base64.b64encode(picture).decode()}" if picture else None,
        picture_note=picture_note,
    )


def write_page(path: Path, text: str) -> None:
    """Write a page to a file, creating its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _map_of(found: Found) -> Map | None:
    """The area and the outline of every burst id."""
    outlines = {burst.burst_id: burst.outline for burst in found.bursts if burst.outline is not None}
    shapes = [Shape(burst_id, _mapping(outline)) for burst_id, outline in sorted(outlines.items())]
    return make_map([*shapes, Shape(AREA, _mapping(found.area.geometry))])


def _timeline_of(found: Found, tones: dict[str, str], titles: dict[str, str]) -> PassTimeline:
    """Passes in order of time, one row per relative orbit."""
    if not found.passes:
        return PassTimeline((), ())
    first, last = found.passes[0].start, found.passes[-1].start
    span = max((last - first).total_seconds(), 1.0)

    def place(time: datetime) -> float:
        return 1 + 98 * (time - first).total_seconds() / span

    by_orbit: dict[tuple[int, str], list[Dot]] = {}
    for one in found.passes:
        burst = one.bursts[0]
        dot = Dot(place(one.start), tones.get(one.pass_id, "idle"), titles.get(one.pass_id, one.pass_id))
        by_orbit.setdefault((burst.relative_orbit, burst.orbit_direction), []).append(dot)
    rows = tuple(
        TrackRow(f"{orbit} {direction}", tuple(dots)) for (orbit, direction), dots in sorted(by_orbit.items())
    )
    steps = min(_MOST_TICKS, len(found.passes)) - 1
    ticks = tuple(
        (1 + 98 * k / max(steps, 1), f"{first + (last - first) * (k / max(steps, 1)):%d %b %Y}")
        for k in range(max(steps, 0) + 1)
    )
    return PassTimeline(rows, ticks)


def _mapping(shape: Any) -> dict[str, Any]:
    return dict(shapely.geometry.mapping(shape))
