"""The report of a campaign as a page that stands alone."""

from collections.abc import Iterable
from html import escape

from rtcflow_contract.campaign_report import CampaignReport, Part

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1c2430 }
h1 { font-size: 1.6rem; margin-bottom: 0 } h2 { font-size: 1.1rem; margin-top: 2rem }
table { border-collapse: collapse; width: 100% } th, td { text-align: left; padding: .3rem .8rem .3rem 0 }
tr + tr { border-top: 1px solid #dde3ea } td.n { text-align: right; font-variant-numeric: tabular-nums }
.bar { display: flex; height: 1.2rem; border-radius: .3rem; overflow: hidden; background: #dde3ea }
.bar i { display: block }
.succeeded { background: #2f855a } .failed { background: #c53030 } .left { background: #b7791f }
.muted { color: #5a6675 } code { font-size: .9em; overflow-wrap: anywhere }
@media (prefers-color-scheme: dark) { body { background: #14181d; color: #e4e9ef } tr + tr { border-color: #303a46 } }
"""
_STATES = ("succeeded", "failed", "left")


def render(report: CampaignReport) -> str:
    """HTML of a report."""
    started, ended = (
        f"{time:%Y-%m-%d %H:%M} UTC" if time else "-" for time in (report.first_start, report.last_end)
    )
    rate = f"{report.throughput:,.0f} bursts an hour" if report.throughput else "-"
    facts = [
        ("Outcome", report.outcome.value),
        ("From", started),
        ("To", ended),
        ("Throughput", rate),
        ("Cost, estimated", f"{report.cost_usd:,.2f} USD"),
        ("Product version", report.product_version),
    ]
    parts = [("Static layers", report.static), ("Scenes", report.scenes)]
    return "".join(
        (
            "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>",
            f"<title>Campaign {escape(report.campaign)}</title><style>{_STYLE}</style>",
            f"<h1>Campaign {escape(report.campaign)}</h1><p>{escape(report.message)}</p>",
            _table((), ([name, escape(value)] for name, value in facts)),
            *(_part(name, part) for name, part in parts if part.scenes),
            _failures(report),
            f"<p class=muted>Written {report.reported:%Y-%m-%d %H:%M} UTC, after execution "
            f"<code>{escape(report.execution)}</code>.</p></html>",
        )
    )


def _part(name: str, part: Part) -> str:
    bar = "".join(
        f"<i class={state} style='width:{100 * getattr(part, state) / part.scenes:.2f}%'></i>"
        for state in _STATES
    )
    counts = [
        ("Scenes", part.scenes),
        *((state.capitalize(), getattr(part, state)) for state in (*_STATES, "open")),
        ("Burst products that exist", part.products),
        ("of these made by this campaign", part.made),
        ("Static products made for linking", part.static_made),
        ("Bursts that failed", part.failed_bursts),
        ("Task hours", round(part.seconds / 3600, 1)),
    ]
    rows = ([label, f"{number:,}"] for label, number in counts)
    return f"<h2>{escape(name)}</h2><div class=bar>{bar}</div>{_table((), rows)}"


def _failures(report: CampaignReport) -> str:
    if not report.failures:
        return ""
    rows = (
        [
            f.error_class.value,
            escape(f.reason),
            f"{f.scenes:,}",
            escape(f.message),
            f"<code>{escape(f.example)}</code>",
        ]
        for f in report.failures
    )
    return "<h2>Failures</h2>" + _table(("Class", "Reason", "Scenes", "For example", "Execution"), rows)


def _table(head: Iterable[str], rows: Iterable[list[str]]) -> str:
    titles = "".join(f"<th>{title}" for title in head)
    body = "".join(
        "<tr>" + "".join(f"<td{' class=n' if _is_number(cell) else ''}>{cell}" for cell in row)
        for row in rows
    )
    return f"<table>{f'<tr>{titles}' if titles else ''}{body}</table>"


def _is_number(cell: str) -> bool:
    return cell.replace(",", "").replace(".", "").isdigit()
