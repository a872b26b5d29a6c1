"""Plan a campaign: search the scenes of an area and period, their bursts, and the scenes for static layers."""

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from rtcflow_archives.area import Area, parse_areas
from rtcflow_archives.asf import list_asf_bursts
from rtcflow_archives.cmr import Cmr
from rtcflow_archives.granule import SceneGranule, newest_processings
from rtcflow_archives.hosts import ArchiveHosts
from rtcflow_archives.scene_search import Window, find_scenes
from rtcflow_campaign.campaign_list import write_payloads
from rtcflow_contract.campaign import SCENES, STATIC
from rtcflow_contract.errors import RefusedError, TransientError
from rtcflow_contract.layers import Product
from rtcflow_contract.request import DEFAULT_COLLECTIONS
from rtcflow_contract.scene_id import SceneId
from rtcflow_contract.scene_rules import split_uncalibrated
from rtcflow_local.campaign.passes import count_bursts, cover, group_views
from rtcflow_scene.estimate import Estimate

PLAN = "plan.json"
# Three sub-swaths of nine bursts.
_USUAL_BURSTS = 27
# Payload fields that apply to static layers too.
_KEPT = (
    "resolution", "output_crs", "dem", "engine", "scene_source", "orbit", "compute", "max_concurrency",
    "bursts_per_task",
)  # fmt: skip
_LINKED = {"s3_bucket", "s3_project_folder", "collection"}
# Limit of parallel requests to the catalogue.
_LISTERS = 4
# Transient errors that concern a single scene and need not stop a plan.
_OF_ONE_SCENE = ("listing-incomplete", "no-bursts-yet")
Say = Callable[[str], None]


class AreaPlan(NamedTuple):
    """Plan of a campaign for one area.

    Attributes
    ----------
    area : Area
    scenes : list of SceneGranule
    bursts : int
        Number of bursts of all scenes, from the bursts of `samples` scenes.
    samples : int
    cover : dict
        Bursts by scene from which their static layers are made.
    refusals : dict
        Scenes whose bursts are not listed, with reasons.
    left_out : dict
        Scenes that can never give a product, with reasons; not in `scenes`.
    """

    area: Area
    scenes: list[SceneGranule]
    bursts: int
    samples: int
    cover: dict[str, list[str]]
    refusals: dict[str, str]
    left_out: dict[str, str]

    @property
    def is_static(self) -> bool:
        """Whether the area asks only for static layers."""
        return self.area.payload.get("product") == Product.RTC_S1_STATIC

    def payloads(self) -> list[dict[str, Any]]:
        """Payloads of the scenes; for static layers only, of the scenes that they are made from."""
        if self.is_static:
            return [self.area.payload_of(scene) | {"burst_id_list": ids} for scene, ids in self.cover.items()]
        return [self.area.payload_of(granule.scene.id) for granule in self.scenes]

    def static_payloads(self) -> list[dict[str, Any]]:
        """Payloads that make the static layers of all bursts in the folder that the scenes link to."""
        if self.is_static:
            return []
        return [
            _static_payload(self.area.payload_of(scene)) | {"burst_id_list": ids}
            for scene, ids in self.cover.items()
        ]


def _static_payload(payload: dict[str, Any]) -> dict[str, Any]:
    """The payload for the static layers that a payload links to."""
    linked = {field: payload.get(f"linked_static_layers_{field}") for field in _LINKED}
    linked["s3_bucket"] = linked["s3_bucket"] or payload.get("s3_bucket")
    linked["collection"] = linked["collection"] or DEFAULT_COLLECTIONS[Product.RTC_S1_STATIC]
    kept = {field: payload[field] for field in _KEPT if field in payload}
    given = {field: value for field, value in sorted(linked.items()) if value}
    return {"scene": payload["scene"], "product": Product.RTC_S1_STATIC.value, **given, **kept}


def read_area_file(path: Path) -> list[Area]:
    """Read the enabled areas of a GeoJSON file; RefusedError if there are none."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise RefusedError(
            f"area {path} cannot be read ({why}); give another path or correct the file", reason="file"
        ) from error
    areas = [area for area in parse_areas(text, path.name) if area.enabled]
    if not areas:
        raise RefusedError(f"every area of {path} is switched off; set enabled to true", reason="area")
    return areas


def plan_area(area: Area, start: date, end: date, hosts: ArchiveHosts, say: Say) -> AreaPlan:
    """Search scenes and bursts of an area; raises TransientError when the catalogue does not answer."""
    scenes, left_out = split_uncalibrated(
        _scenes_of(area, start, end, hosts, say), lambda granule: granule.scene
    )
    views = group_views(scenes)
    samples = [granule.scene for granule in views.samples]
    bursts, refusals = _bursts_of(samples, hosts, say)
    newest = {granule.scene.id: granule.scene.start for granule in views.samples}
    return AreaPlan(
        area=area,
        scenes=scenes,
        bursts=count_bursts(views, bursts, _USUAL_BURSTS),
        samples=len(samples),
        cover=cover(bursts, rank=lambda scene: newest[scene]),
        refusals=refusals,
        left_out=left_out,
    )


def write_plan(
    folder: Path, name: str, plans: list[AreaPlan], period: tuple[date, date], expected: Estimate
) -> None:
    """Write the campaign's lists and plan.json into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    scenes = [payload for plan in plans for payload in plan.payloads()]
    static = [payload for plan in plans for payload in plan.static_payloads()]
    (folder / SCENES).write_text(write_payloads(scenes))
    if static:
        (folder / STATIC).write_text(write_payloads(static))
    else:
        (folder / STATIC).unlink(missing_ok=True)
    record = {
        "campaign": name,
        "start": period[0].isoformat(),
        "end": period[1].isoformat(),
        "areas": [
            {
                "name": plan.area.name,
                "scenes": len(plan.scenes),
                "bursts": plan.bursts,
                "counted_on": plan.samples,
                "static_scenes": len(plan.cover),
                "static_bursts": sum(len(ids) for ids in plan.cover.values()),
                "without_bursts": plan.refusals,
                "left_out": plan.left_out,
            }
            for plan in plans
        ],
        "lines": len(scenes),
        "static_lines": len(static),
        "estimate": expected._asdict(),
    }
    (folder / PLAN).write_text(json.dumps(record, indent=1))


def _months(start: date, end: date) -> Iterator[Window]:
    """Split a period of whole days into windows of at most a month."""
    day = start
    while day <= end:
        following = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
        last = min(following - timedelta(days=1), end)
        yield Window(
            datetime.combine(day, time.min, UTC),
            datetime.combine(last, time.max, UTC).replace(microsecond=0),
        )
        day = following


def _scenes_of(area: Area, start: date, end: date, hosts: ArchiveHosts, say: Say) -> list[SceneGranule]:
    """Scenes that an area wants, the newest processing of each acquisition, in order of time.

    Parameters
    ----------
    area : Area
    start, end : date
        Days of acquisition, both included.
    hosts : ArchiveHosts
    say : callable
        Called with a line on progress.
    """
    cmr = Cmr(hosts.cmr_url)
    found: dict[str, SceneGranule] = {}
    for window in _months(start, end):
        say(f"searching {window.start:%Y-%m}, {len(found)} scenes so far")
        for granule in find_scenes(cmr, area.rings, acquired=window):
            if area.wants(granule) and start <= granule.scene.start.date() <= end:
                found[granule.scene.id] = granule
    return sorted(newest_processings(found.values()), key=lambda granule: granule.scene.start)


def _bursts_of(
    scenes: Sequence[SceneId], hosts: ArchiveHosts, say: Say
) -> tuple[dict[str, list[str]], dict[str, str]]:
    """Burst ids by scene, and why some scenes have none.

    Raises
    ------
    TransientError
        When the catalogue does not answer.
    """
    bursts: dict[str, list[str]] = {}
    refusals: dict[str, str] = {}

    def lists(scene: SceneId) -> list[str]:
        try:
            return sorted({burst.burst_id for burst in list_asf_bursts(scene, hosts)})
        except (RefusedError, TransientError) as error:
            if isinstance(error, TransientError) and error.reason not in _OF_ONE_SCENE:
                raise
            refusals[scene.id] = error.message
            return []

    with ThreadPoolExecutor(_LISTERS) as pool:
        for number, (scene, ids) in enumerate(zip(scenes, pool.map(lists, scenes), strict=True), start=1):
            say(f"listing bursts, {number} of {len(scenes)}")
            if ids:
                bursts[scene.id] = ids
    return bursts, refusals
