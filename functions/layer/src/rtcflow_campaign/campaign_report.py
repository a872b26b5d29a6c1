"""Sum up the records of a campaign's scenes into its report: pure functions."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum

from pydantic import AwareDatetime

from rtcflow_contract.campaign import Item, SceneRecord, SceneState, StartedCampaign
from rtcflow_contract.errors import ErrorClass
from rtcflow_contract.layers import Product
from rtcflow_contract.model import FrozenModel
from rtcflow_scene.cost import campaign_scene_cost

_MOST_FAILURES = 50


class CampaignOutcome(StrEnum):
    """`complete` if every scene of the lists succeeded."""

    COMPLETE = "complete"
    INCOMPLETE = "incomplete"


class ListTotals(FrozenModel):
    """Totals of one list: the scenes, or the static layers before them.

    `left_out` counts lines that cannot work, `open` scenes that have not ended in any start of the campaign, `products`
    those that exist, of which the campaign made `made`. `failed_bursts` are those of the last attempts.
    """

    scenes: int
    succeeded: int
    failed: int
    left: int
    open: int
    left_out: int = 0
    products: int
    made: int
    static_made: int
    failed_bursts: int
    seconds: float
    cost_usd: float


class Failure(FrozenModel):
    """Scenes that failed for the same reason, with one execution as example."""

    error_class: ErrorClass
    reason: str
    scenes: int
    message: str
    example: str


class CampaignReport(FrozenModel):
    """Report of a campaign.

    Attributes
    ----------
    throughput : float or None
        Bursts made per hour, from the first scene's start to the last one's end; None before the first end.
    hours : float
        From the first start to the last end.
    failed_by_class : dict
        Number of failed scenes by error class.
    failures : tuple of Failure
        The 50 most frequent.
    lines_left_out : tuple of str
        Lines of the lists that cannot work, with reasons.
    """

    version: int = 1
    campaign: str
    product_version: str
    execution: str
    reported: AwareDatetime
    outcome: CampaignOutcome
    message: str
    scenes: ListTotals
    static: ListTotals
    failed_by_class: dict[ErrorClass, int]
    failures: tuple[Failure, ...]
    lines_left_out: tuple[str, ...] = ()
    first_start: AwareDatetime | None
    last_end: AwareDatetime | None
    hours: float
    throughput: float | None
    cost_usd: float


def report_campaign(
    start: StartedCampaign,
    lists: Mapping[str, Sequence[Item]],
    records: Iterable[SceneRecord],
    now: datetime,
    region: str,
) -> CampaignReport:
    """Sum up the records of the scenes in the lists of a campaign's last start.

    Parameters
    ----------
    start : StartedCampaign
    lists : mapping
        Items of `scenes` and of `static`.
    records : iterable of SceneRecord
        Records of scenes in no list are ignored.
    now : datetime
    region : str
        For prices.
    """
    known = {record.name: record for record in records}
    found = {
        part: [known[item.name] for item in items if item.name in known] for part, items in lists.items()
    }
    started = {"scenes": start.scenes, "static": start.static}
    parts = {part: _part(len(lists[part]), found[part], started[part].wrong, region) for part in started}
    ended = [record for part in found.values() for record in part]
    failed = [record for record in ended if record.state is SceneState.FAILED]
    starts = [record.started for record in ended if record.started]
    ends = [record.finished for record in ended if record.finished]
    hours = (max(ends) - min(starts)).total_seconds() / 3600 if starts and ends else 0.0
    made = sum(part.made + part.static_made for part in parts.values())
    whole = all(part.scenes == part.succeeded and not part.left_out for part in parts.values())
    return CampaignReport(
        campaign=start.request.campaign,
        product_version=start.product_version,
        execution=start.execution,
        reported=now,
        outcome=CampaignOutcome.COMPLETE if whole else CampaignOutcome.INCOMPLETE,
        message=sentence(parts["scenes"], parts["static"]),
        scenes=parts["scenes"],
        static=parts["static"],
        failed_by_class=dict(Counter(record.error_class or ErrorClass.DEFECT for record in failed)),
        failures=tuple(_failures(failed)),
        lines_left_out=(*start.scenes.told, *start.static.told),
        first_start=min(starts, default=None),
        last_end=max(ends, default=None),
        hours=hours,
        throughput=made / hours if hours else None,
        cost_usd=sum(part.cost_usd for part in parts.values()),
    )


def _part(scenes: int, records: Sequence[SceneRecord], left_out: int, region: str) -> ListTotals:
    states = Counter(record.state for record in records)
    return ListTotals(
        scenes=scenes,
        succeeded=states[SceneState.SUCCEEDED],
        failed=states[SceneState.FAILED],
        left=states[SceneState.LEFT],
        open=scenes - len(records),
        left_out=left_out,
        products=sum(record.products for record in records),
        made=sum(record.made for record in records),
        static_made=sum(record.static_made for record in records),
        failed_bursts=sum(record.failed for record in records),
        seconds=sum(record.seconds for record in records),
        cost_usd=sum(record.cost_usd + campaign_scene_cost(region) for record in records),
    )


def _failures(failed: Iterable[SceneRecord]) -> list[Failure]:
    groups: dict[tuple[ErrorClass, str], list[SceneRecord]] = defaultdict(list)
    for record in failed:
        groups[record.error_class or ErrorClass.DEFECT, record.reason].append(record)
    found = [
        Failure(
            error_class=error_class,
            reason=reason,
            scenes=len(group),
            message=group[0].message,
            example=group[0].execution or group[0].name,
        )
        for (error_class, reason), group in groups.items()
    ]
    return sorted(found, key=lambda failure: (-failure.scenes, failure.reason))[:_MOST_FAILURES]


def sentence(scenes: ListTotals, static: ListTotals) -> str:
    """The outcome of a campaign in one sentence."""
    parts = [(scenes, Product.RTC_S1, "scenes"), (static, Product.RTC_S1_STATIC, "scenes for static layers")]
    sentences = []
    for part, product, word in parts:
        if part.scenes or part.left_out:
            rest = [
                (part.failed, "failed"),
                (part.left, "left"),
                (part.open, "open"),
                (part.left_out, "lines left out"),
            ]
            behind = "".join(f", {number:,} {name}" for number, name in rest if number)
            sentences.append(
                f"{part.succeeded:,} of {part.scenes:,} {word} succeeded{behind}; "
                f"{part.products:,} {product.value} products"
            )
    return ". ".join(sentences) or "the list has no scene"
