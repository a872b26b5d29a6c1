"""A stand-in for the archive's catalogue (CMR) on loopback: it searches given granules as CMR does."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from rtcflow_archives.granule import granule_name
from rtcflow_contract.scene_id import parse_scene_id

_NEVER, _EVER = "0001", "9999"


@dataclass
class Granule:
    """A scene in the catalogue; `at` is a point of its footprint (longitude, latitude), `bursts` its burst ids."""

    scene: str
    created: datetime
    at: tuple[float, float]
    processed: datetime | None = None
    direction: str = "DESCENDING"
    track: int = 1
    since_node_s: float = 1000.0
    bursts: Sequence[str] = ()

    def item(self) -> dict[str, Any]:
        """The scene as an item of UMM-JSON."""
        start = parse_scene_id(self.scene).start
        attributes = {
            "ASCENDING_DESCENDING": self.direction,
            "PATH_NUMBER": str(self.track),
            "ASC_NODE_TIME": _text(start - timedelta(seconds=self.since_node_s)),
        }
        umm = {
            "GranuleUR": granule_name(self.scene),
            "AdditionalAttributes": _attributes(attributes),
            "DataGranule": {"ProductionDateTime": _text(self.processed or self.created)},
        }
        return _item(granule_name(self.scene), self.created, umm)

    def burst_items(self) -> Iterator[dict[str, Any]]:
        """Its bursts as items of UMM-JSON, one a polarization."""
        scene = parse_scene_id(self.scene)
        for index, burst_id in enumerate(self.bursts):
            track, number, swath = burst_id.removeprefix("t").split("_")
            for polarization in scene.polarizations:
                name = f"S1_{number}_{swath.upper()}_{scene.start:%Y%m%dT%H%M%S}_{polarization}-BURST"
                attributes = {
                    "BURST_ID_FULL": f"{track}_{number}_{swath.upper()}",
                    "BURST_INDEX": str(index),
                    "POLARIZATION": polarization,
                    "AZIMUTH_TIME": _text(scene.start + timedelta(seconds=index)),
                }
                umm = {
                    "GranuleUR": name,
                    "InputGranules": [granule_name(self.scene)],
                    "AdditionalAttributes": _attributes(attributes),
                }
                yield _item(name, self.created, umm)


@dataclass
class Catalogue:
    """What the stand-in serves; `disturb` may change an answer, given the number of the request, status and items."""

    granules: list[Granule] = field(default_factory=list)
    disturb: Callable[[int, int, list[Any]], tuple[int, list[Any]]] = lambda number, status, items: (
        status,
        items,
    )
    requests: list[dict[str, list[str]]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    # The most granules of a page, however many are asked for.
    page_size: int = 2000

    def search(self, wanted: Mapping[str, list[str]]) -> list[dict[str, Any]]:
        """Items that match a search's parameters."""
        found = [granule for granule in self.granules if _matches(granule, wanted)]
        if any("BURST" in name for name in wanted.get("shortName", [])):
            return [item for granule in found for item in granule.burst_items()]
        return [granule.item() for granule in found]


@contextmanager
def serve(catalogue: Catalogue) -> Iterator[str]:
    """Serve a catalogue on a free port of loopback; gives its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            catalogue.requests.append(form)
            catalogue.headers.append(dict(self.headers))
            found = catalogue.search(form)
            first = int(self.headers.get("CMR-Search-After", 0))
            size = min(int(form["page_size"][0]), catalogue.page_size)
            page = found[first : first + size]
            status, items = catalogue.disturb(len(catalogue.requests), 200, page)
            body = json.dumps({"hits": len(found), "items": items}).encode()
            self.send_response(status)
            self.send_header("CMR-Hits", str(len(found)))
            if page:
                self.send_header("CMR-Search-After", str(first + size))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _matches(granule: Granule, wanted: Mapping[str, list[str]]) -> bool:
    names = wanted.get("granule_ur[]", [])
    polygons = [[float(value) for value in text.split(",")] for text in wanted.get("polygon[]", [])]
    return (
        (not names or granule_name(granule.scene) in names)
        and _within(granule.created, wanted.get("created_at[]"))
        and _within(parse_scene_id(granule.scene).start, wanted.get("temporal"))
        and (not polygons or any(_in_box(granule.at, polygon) for polygon in polygons))
    )


def _within(time: datetime, spans: Sequence[str] | None) -> bool:
    if not spans:
        return True
    start, end = spans[0].split(",")[:2]
    return (start or _NEVER) <= _text(time) <= (end or _EVER)


def _in_box(point: tuple[float, float], polygon: Sequence[float]) -> bool:
    longitudes, latitudes = polygon[::2], polygon[1::2]
    return min(longitudes) <= point[0] <= max(longitudes) and min(latitudes) <= point[1] <= max(latitudes)


def _item(name: str, changed: datetime, umm: dict[str, Any]) -> dict[str, Any]:
    return {"meta": {"concept-id": f"G-{name}", "revision-date": _text(changed)}, "umm": umm}


def _attributes(values: Mapping[str, str]) -> list[dict[str, Any]]:
    return [{"Name": name, "Values": [value]} for name, value in values.items()]


def _text(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
