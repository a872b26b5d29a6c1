"""A burst's card: text and figures from its record and manifest."""

from collections.abc import Iterable
from typing import NamedTuple

from rtcflow_contract.layers import LAYERS, MASK_CLASSES, POLARIZATION_LAYERS
from rtcflow_contract.manifest import Manifest, ProductFile
from rtcflow_contract.report import Outcome
from rtcflow_local.report.data import BurstDetail, ReportData
from rtcflow_local.report.figures import decibel, dollars, duration, number, percent, size, word
from rtcflow_local.report.pictures import Picture

# White, the colour in the layer table, would be invisible on the page.
_CLEAR = "var(--map-line)"
_TONES = {Outcome.MADE: "ok", Outcome.SKIPPED: "skip", Outcome.FAILED: "fail"}


class BarPart(NamedTuple):
    """A part of a bar: name, value as text, share of the whole in percent, colour or index in the palette."""

    name: str
    text: str
    share: float
    color: str


class LayerRow(NamedTuple):
    """Statistics of a layer, as text; `decibel` only for backscatter."""

    title: str
    unit: str
    minimum: str
    mean: str
    maximum: str
    stddev: str
    decibel: str
    valid: str


class FileRow(NamedTuple):
    """A file of the product and its link."""

    name: str
    size: str
    href: str


class Card(NamedTuple):
    """Content of a card; empty parts if the burst has no product."""

    key: str
    burst_id: str
    product: str
    tone: str
    outcome: str
    picture: Picture | None
    facts: tuple[tuple[str, str], ...]
    error: dict[str, str]
    layers: tuple[LayerRow, ...]
    mask: tuple[BarPart, ...]
    stages: tuple[BarPart, ...]
    inputs: tuple[tuple[str, str, str], ...]
    files: tuple[FileRow, ...]
    folder: str
    folder_href: str
    software: str
    parameters: tuple[tuple[str, str], ...]


def make_card(burst: BurstDetail, data: ReportData, picture: Picture | None) -> Card:
    """Make the card of a burst."""
    record, manifest = burst.record, burst.manifest
    return Card(
        key=burst.key,
        burst_id=record.burst_id,
        product=record.product.value,
        tone=_tone_of(burst, data),
        outcome=outcome_of(burst, data),
        picture=picture,
        facts=tuple(_facts(burst, data)),
        error=_error(burst, data),
        layers=tuple(_layer(file) for file in manifest.files if _has_figures(file)) if manifest else (),
        mask=_mask(manifest) if manifest else (),
        stages=_stages(manifest) if manifest else (),
        inputs=tuple((i.kind, i.id, i.href) for i in manifest.inputs) if manifest else (),
        files=tuple(_files(burst, data)),
        folder=str(burst.folder) if burst.folder else "",
        folder_href=_href(burst, data, ""),
        software=_software(manifest) if manifest else "",
        parameters=_parameters(manifest) if manifest else (),
    )


def group_troubles(cards: Iterable[Card]) -> list[list[Card]]:
    """Group failed bursts by error, most frequent first."""
    groups: dict[tuple[str, ...], list[Card]] = {}
    for card in cards:
        if card.error and card.tone == "fail":
            groups.setdefault((card.product, *card.error.values()), []).append(card)
    return sorted(groups.values(), key=len, reverse=True)


def _tone_of(burst: BurstDetail, data: ReportData) -> str:
    """Tone of a burst: ok, skip, fail, or run while in progress."""
    return "run" if burst.under_way and not data.execution.ended else _TONES[burst.record.outcome]


def outcome_of(burst: BurstDetail, data: ReportData) -> str:
    """The outcome in a word."""
    if burst.under_way:
        return "not finished" if data.execution.ended else "under way"
    return "existed" if burst.record.outcome is Outcome.SKIPPED else burst.record.outcome.value


def _facts(burst: BurstDetail, data: ReportData) -> list[tuple[str, str]]:
    record, manifest = burst.record, burst.manifest
    facts: list[tuple[str, str]] = []
    if manifest:
        a, g = manifest.acquisition, manifest.grid
        static = manifest.product.value.endswith("STATIC")
        passed = f"{a.orbit_state}, relative orbit {a.relative_orbit}"
        facts += [
            (
                "Taken",
                f"{a.start:%Y-%m-%d %H:%M:%S} UTC" if not static else f"geometry of {a.start:%Y-%m-%d}",
            ),
            ("Pass", passed),
            ("Polarizations", " ".join(a.polarizations)),
            ("Grid", f"EPSG:{g.epsg}, {g.cols} × {g.rows} pixels of {g.spacing:g} m"),
            ("Incidence", f"{a.incidence_angle_deg:.1f}° in the middle"),
            ("Orbit", a.orbit_type),
            ("Engine", manifest.engine.name),
            ("Memory", f"{size(manifest.resources.peak_memory_bytes)} at most"),
            (
                "Fetched, written",
                f"{size(manifest.resources.bytes_fetched)}, {size(manifest.resources.bytes_written)}",
            ),
        ]
    if burst.run is not None and burst.run.started:
        end = data.execution.stopped or data.made
        facts.append(("Wall time", duration(burst.run.seconds(end))))
    if burst.run is not None:
        facts.append(("Task", str(burst.run.task)))
    if record.attempt > 1:
        facts.append(("Attempts", str(record.attempt)))
    if record.cost_usd is not None:
        facts.append(("Cost, estimated", dollars(record.cost_usd)))
    return facts


def _error(burst: BurstDetail, data: ReportData) -> dict[str, str]:
    record = burst.record
    if record.outcome is not Outcome.FAILED:
        return {}
    if burst.under_way:
        state = burst.run.state if burst.run else ""
        return {"class": "", "reason": "", "message": f"Under way: {state}.", "advice": ""}
    kind = record.error_class.value if record.error_class else ""
    reason = record.reason if record.reason and record.reason != kind else ""
    return {"class": kind, "reason": reason, "message": record.message or "", "advice": ADVICE.get(kind, "")}


ADVICE = {
    "refused": "The input cannot work: correct it, then start the scene again.",
    "transient": "Start the scene again with the same payload; only what is missing is made.",
    "defect": "A defect of the software or its set-up: see the task's log for the traceback.",
}


def _has_figures(file: ProductFile) -> bool:
    return file.statistics is not None and file.layer is not None and file.class_counts is None


def _layer(file: ProductFile) -> LayerRow:
    s = file.statistics
    assert s is not None and file.layer is not None  # noqa: PT018 - _has_figures checks both
    layer = LAYERS.get(file.layer)
    return LayerRow(
        title=layer.title if layer else file.layer,
        unit=layer.unit if layer and layer.unit != "1" else "",
        minimum=number(s.minimum),
        mean=number(s.mean),
        maximum=number(s.maximum),
        stddev=number(s.stddev),
        decibel=decibel(s.mean) if file.layer in POLARIZATION_LAYERS else "",
        valid=percent(s.valid_percent),
    )


def _mask(manifest: Manifest) -> tuple[BarPart, ...]:
    """Shares of the classes within the valid samples, without fill."""
    file = manifest.file_of_layer("mask")
    counts = (file.class_counts if file else None) or {}
    inside = {c.name: counts.get(c.name, 0) for c in MASK_CLASSES if c.name != "fill"}
    whole = sum(inside.values())
    if not whole:
        return ()
    return tuple(
        BarPart(
            c.name.replace("_", " "),
            percent(100 * inside[c.name] / whole),
            100 * inside[c.name] / whole,
            _CLEAR if c.name == "clear" else f"#{c.color}",
        )
        for c in MASK_CLASSES
        if inside.get(c.name)
    )


def _stages(manifest: Manifest) -> tuple[BarPart, ...]:
    stages = manifest.resources.stages
    whole = sum(stages.values()) or 1.0
    return tuple(
        BarPart(name, duration(seconds), 100 * seconds / whole, str(index % 8))
        for index, (name, seconds) in enumerate(stages.items())
    )


def _files(burst: BurstDetail, data: ReportData) -> list[FileRow]:
    if burst.manifest is None:
        return []
    rows = [FileRow(f.name, size(f.size), _href(burst, data, f.name)) for f in burst.manifest.files]
    return [*rows, *(FileRow(n, "", _href(burst, data, n)) for n in ("metadata.json", "manifest.json"))]


def _href(burst: BurstDetail, data: ReportData, name: str) -> str:
    """Link to a file; empty if it is only in S3, which browsers cannot open."""
    if burst.folder is None or data.products_href is None:
        return ""
    return "/".join(part for part in (data.products_href, burst.folder.key, name) if part)


def _software(manifest: Manifest) -> str:
    return ", ".join(f"{name} {version}" for name, version in manifest.engine.versions.items())


def _parameters(manifest: Manifest) -> tuple[tuple[str, str], ...]:
    return tuple((name.replace("_", " "), word(value)) for name, value in manifest.parameters.items())
