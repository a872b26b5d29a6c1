"""The run report: one self-contained HTML file that needs no network."""

import base64
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from rtcflow_contract.errors import RefusedError
from rtcflow_contract.plan import Plan
from rtcflow_contract.report import Outcome, SceneOutcome, SceneReport
from rtcflow_local.report.burst_progress import BurstProgress
from rtcflow_local.report.burst_view import group_troubles, make_card
from rtcflow_local.report.collect import collect, detail_of
from rtcflow_local.report.data import ReportData
from rtcflow_local.report.execution import ExecutionState
from rtcflow_local.report.head_view import make_head
from rtcflow_local.report.history import Passage
from rtcflow_local.report.map_layout import Shape, make_map
from rtcflow_local.report.pictures import Picture, shrink
from rtcflow_local.report.timeline import make_timeline

# With many bursts only the first few cards are open.
_OPEN_CARDS = 6


def build_report(data: ReportData) -> str:
    """The report of an execution as HTML.

    Parameters
    ----------
    data : ReportData

    Returns
    -------
    str
        A self-contained page with style, script, drawings and images.
    """
    with_image = sum(burst.browse is not None for burst in data.bursts)
    pictures = {b.key: shrink(b.browse, with_image) if b.browse else None for b in data.bursts}
    cards = [make_card(burst, data, pictures[burst.key]) for burst in data.bursts]
    shapes = [
        Shape(b.key, b.manifest.footprint, b.manifest.grid, _pixels(pictures[b.key]))
        # Static layers cover the same bursts, so they are drawn only if the scene has no product of its own.
        for b in data.bursts
        if b.manifest is not None and (b.record.product is data.product or not _shown(data))
    ]
    environment = Environment(
        loader=PackageLoader("rtcflow_local.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["data_uri"] = _data_uri
    return environment.get_template("report.html.j2").render(
        head=make_head(data),
        cards=cards,
        troubles=group_troubles(cards),
        open_cards=_OPEN_CARDS,
        map=make_map(shapes),
        tones={card.key: card for card in cards},
        timeline=make_timeline(data),
    )


def write_report(
    execution_arn: str, path: Path, states: Any, s3: Any, *, products_href: str | None = None
) -> ReportData:
    """Write the report of an execution to a file.

    Parameters
    ----------
    execution_arn : str
    path : Path
        Of the HTML file.
    states, s3 : boto3 clients
        Of Step Functions and S3.
    products_href : str, optional
        Where a copy of the products bucket is reachable from the file's folder, such as `products`.
    """
    data = collect(execution_arn, states, s3, products_href=products_href)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(build_report(data), encoding="utf-8")
    return data


def _shown(data: ReportData) -> bool:
    """Whether any burst of the requested product has a product."""
    return any(
        b.record.product is data.product and b.manifest is not None and b.record.outcome is not Outcome.FAILED
        for b in data.bursts
    )


def _pixels(picture: Picture | None) -> tuple[int, int] | None:
    return (picture.width, picture.height) if picture else None


def _data_uri(picture: Picture) -> str:
    return f"data:image/webp;base64,{base64.b64encode(picture.data).decode()}"


def write_local_report(path: Path, runs: Sequence[tuple[Plan | None, SceneReport]]) -> list[Path]:
    """Write the report of scenes made on this machine: the page of an execution, without states.

    With several scenes there is a page for each, with the scene's id added to the name of `path`.

    Raises
    ------
    RefusedError
        When the file cannot be written.
    """
    written = []
    for plan, report in runs:
        at = path if len(runs) == 1 else path.with_name(f"{path.stem}-{report.scene}{path.suffix}")
        try:
            at.parent.mkdir(parents=True, exist_ok=True)
            at.write_text(build_report(_local_data(plan, report)), encoding="utf-8")
        except OSError as error:
            raise RefusedError(
                f"report {at} cannot be written ({error.strerror}); give another --report", reason="report"
            ) from error
        written.append(at)
    return written


def _local_data(plan: Plan | None, report: SceneReport) -> ReportData:
    made = report.outcome is SceneOutcome.SUCCEEDED
    execution = ExecutionState(
        arn=f"local:{report.execution}",
        name=report.execution,
        status="SUCCEEDED" if made else "FAILED",
        started=report.started,
        stopped=report.finished,
        payload={"scene": report.scene, "product": report.product.value},
        error="" if made else "BurstsFailed",
        cause="" if made else report.message,
        passage=Passage(),
    )
    return ReportData(
        execution=execution,
        made=datetime.now(UTC),
        bursts=tuple(
            detail_of(record, BurstProgress(record.burst_id, record.product, 0, record=record, ended=True))
            for record in (*report.static_bursts, *report.bursts)
        ),
        plan=plan,
        scene_report=report,
    )
