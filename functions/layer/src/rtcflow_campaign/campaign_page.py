"""The report of a campaign as a self-contained page."""

from collections.abc import Iterable
from html import escape

from rtcflow_campaign.campaign_report import CampaignReport, ListTotals

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1c2430 }
h1 { font-size: 1.6rem; margin-bottom: 0 } h2 { font-size: 1.1rem; margin-top: 2rem }
table { border-collapse: collapse } th, td { text-align: left; padding: .25rem 2rem .25rem 0; vertical-align: top }
tr + tr { border-top: 1px solid #dde3ea }
.counts td + td, .counts th + th { text-align: right; padding-right: 3rem; font-variant-numeric: tabular-nums }
.bar { display: flex; height: 1.2rem; border-radius: .3rem; overflow: hidden; background: #dde3ea }
.counts { margin-top: 1rem }
.bar i { display: block }
.succeeded { background: #2f855a } .failed { background: #c53030 } .left { background: #b7791f }
.muted { color: #5a6675 } code { font-size: .9em; overflow-wrap: anywhere }
@media (prefers-color-scheme: dark) { body { background: #14181d; color: #e4e9ef } tr + tr { border-color: #303a46 } }
"""
_STATES = ("succeeded", "failed", "left")
_COUNTS = (
    ("scenes", "Scenes"),
    ("succeeded", "succeeded"),
    ("failed", "failed"),
    ("left", "left, the pause was too long"),
    ("open", "open"),
    ("products", "Burst products that exist"),
    ("made", "of these made by this campaign"),
    ("static_made", "Static products made for linking"),
    ("failed_bursts", "Bursts that failed"),
)


def render(report: CampaignReport) -> str:
    """Render a report as HTML."""
    started, ended = (
        f"{time:%Y-%m-%d %H:%M} UTC" if time else "-" for time in (report.first_start, report.last_end)
    )
    facts = [
        ("Outcome", report.outcome.value),
        ("From", started),
        ("To", ended),
        ("Throughput", f"{report.throughput:,.0f} bursts an hour" if report.throughput else "-"),
        ("Cost, estimated", f"{report.cost_usd:,.2f} USD"),
        ("Product version", report.product_version),
    ]
    parts = {"Static layers": report.static, "Scenes": report.scenes}
    shown = {name: part for name, part in parts.items() if part.scenes}
    return "".join(
        (
            "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>",
            f"<title>Campaign {escape(report.campaign)}</title><style>{_STYLE}</style>",
            f"<h1>Campaign {escape(report.campaign)}</h1><p>{escape(report.message)}</p>",
            _table((), ([name, escape(value)] for name, value in facts)),
            *(_bar(name, part) for name, part in shown.items()),
            _counts(shown),
            _failures(report),
            _left_out(report),
            f"<p class=muted>Written {report.reported:%Y-%m-%d %H:%M} UTC, after execution "
            f"<code>{escape(report.execution)}</code>.</p></html>",
        )
    )


def _bar(name: str, part: ListTotals) -> str:
    widths = ((state, 100 * getattr(part, state) / part.scenes) for state in _STATES)
    parts = "".join(f"<i class={state} style='width:{width:.2f}%'></i>" for state, width in widths)
    return f"<h2>{escape(name)}</h2><div class=bar>{parts}</div>"


def _counts(parts: dict[str, ListTotals]) -> str:
    rows = [[label, *(f"{getattr(part, field):,}" for part in parts.values())] for field, label in _COUNTS]
    rows.append(["Task hours", *(f"{part.seconds / 3600:,.1f}" for part in parts.values())])
    return _table(("", *parts), rows, "counts")


def _failures(report: CampaignReport) -> str:
    if not report.failures:
        return ""
    rows = (
        [
            failure.error_class.value,
            escape(failure.reason),
            f"{failure.scenes:,}",
            f"{escape(failure.message)}<br><code class=muted>{escape(failure.example)}</code>",
        ]
        for failure in report.failures
    )
    return "<h2>Failures</h2>" + _table(("Class", "Reason", "Scenes", "For example"), rows)


def _left_out(report: CampaignReport) -> str:
    if not report.lines_left_out:
        return ""
    return "<h2>Lines left out</h2>" + _table((), ([escape(line)] for line in report.lines_left_out))


def _table(head: Iterable[str], rows: Iterable[list[str]], kind: str = "facts") -> str:
    titles = "".join(f"<th>{title}" for title in head)
    body = "".join("<tr>" + "".join(f"<td>{cell}" for cell in row) for row in rows)
    return f"<table class={kind}>{f'<tr>{titles}' if titles else ''}{body}</table>"
