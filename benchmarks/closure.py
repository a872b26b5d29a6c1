"""`make closure`: what went into simulated scenes as gamma0 against what each installed engine makes of them.

Scenes are without speckle, so that every pixel has a true value; thermal noise is in them, and taken off. A pixel
counts where one land cover reaches 3 pixels around it, away from reflectors. `clear` is more than 120 m, 6 pixels of
20 m, from layover, shadow and fill; `near` is within 120 m of layover or shadow and outside both.
"""

import json
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
import rasterio
from scipy import ndimage

from rtcflow.burst_run import make_burst
from rtcflow.destination import Destination
from rtcflow.engines.registry import ENGINES
from rtcflow_contract.grid import Grid
from rtcflow_contract.job import Sources, make_job
from rtcflow_contract.keys import Location
from rtcflow_contract.layers import Product
from rtcflow_contract.manifest import Manifest
from rtcflow_contract.request import parse_request
from rtcflow_local.sample import Sample, SampleSpec, read_sample, write_sample
from rtcflow_local.sample.expected import UNKNOWN, gamma0_of_classes, land_cover_on, near_targets

OUTPUT = Path("bench-output", "closure")
_REACH_M = 120.0
_FILL = 255
_FAR_DB = 3.0


def _spec(**changes: object) -> SampleSpec:
    plain = {"lines": 300, "samples": 5000, "bursts": 1, "speckle": False}
    return SampleSpec(**(plain | changes))  # type: ignore[arg-type]


class Case(NamedTuple):
    """A scene, the spacing of its product in metres, and its DEM."""

    spec: SampleSpec
    spacing: int = 20
    dem: str = "cop_glo30"


CASES: dict[str, Case] = {
    "coast": Case(_spec()),
    "coast 10 m": Case(_spec(), 10),
    "coast 40 m": Case(_spec(), 40),
    "ascending": Case(_spec(direction="ascending")),
    "HH": Case(_spec(polarization="SH")),
    "S1C": Case(_spec(platform="S1C")),
    "polar": Case(_spec(variant="polar")),
    "south": Case(_spec(variant="south")),
    "polar REMA": Case(_spec(variant="polar"), dem="rema_32"),
    "south REMA": Case(_spec(variant="south"), dem="rema_32"),
    "antimeridian": Case(_spec(variant="antimeridian")),
    "equator": Case(_spec(variant="equator")),
    "sea": Case(_spec(variant="sea")),
    "full size": Case(_spec(lines=None, samples=None, swaths=("iw2",))),
}


class Errors(NamedTuple):
    """Of pixels in one zone, decibels: bias of the mean power, percentiles of the absolute error, and the largest."""

    pixels: int
    bias: float
    p50: float
    p99: float
    largest: float


@dataclass(frozen=True)
class Row:
    """One engine on one case; `zones` by name, `share` the part of the burst's pixels that a zone has."""

    case: str
    engine: str
    versions: dict[str, str]
    zones: dict[str, Errors]
    share: dict[str, float]
    covers: dict[str, float] = field(default_factory=dict)


def main(names: Sequence[str]) -> None:
    """Run the named cases, or all; print the table and write closure.json."""
    OUTPUT.mkdir(parents=True, exist_ok=True)
    rows, pairs = [], []
    for name in names or CASES:
        found = {}
        for engine in (engine.name for engine in reversed(ENGINES) if engine.available()):
            manifest, layers = make(name, engine)
            found[engine] = layers
            rows.append(judge(name, engine, manifest, layers))
            show([rows[-1]], head=len(rows) == 1)
        if len(found) == 2:
            pairs.append(between(name, found["native"], found["isce3"]))
            sys.stdout.write(f"{'':14s} {pairs[-1]}\n")
    record = {
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "rows": [asdict(row) for row in rows],
        "engines": pairs,
    }
    (OUTPUT / "closure.json").write_text(json.dumps(record, indent=1))
    sys.stdout.write(f"written to {OUTPUT / 'closure.json'}\n")


def scene_of(name: str) -> Sample:
    """The case's scene, written on the first call."""
    spec = CASES[name].spec
    folder = OUTPUT / name.removesuffix(" 10 m").removesuffix(" 40 m").removesuffix(" REMA").replace(" ", "-")
    if not (folder / "sample.json").is_file():
        write_sample(folder, spec)
    return read_sample(folder)


def make(name: str, engine: str) -> tuple[Manifest, dict[str, np.ndarray]]:
    """Make the case's product with an engine; gives its manifest and its layers."""
    sample = scene_of(name)
    request = parse_request(
        {
            "scene": sample.scene,
            "product": "RTC_S1",
            "resolution": CASES[name].spacing,
            "engine": engine,
            "dem": CASES[name].dem,
        },
        default_bucket="local",
    )
    job = make_job(
        request,
        product=Product.RTC_S1,
        burst_id=sample.bursts["iw2"][0],
        sensing_start=datetime.now(UTC),
        execution="closure",
        execution_started=datetime.now(UTC),
        work_bucket="local",
        product_version="0.1",
        sources=Sources(
            scene=str(sample.safe), orbits=str(sample.orbit), dem=str(sample.dem), geoid=str(sample.geoid)
        ),
    ).model_copy(update={"grid_store": None})
    folder = Path(tempfile.mkdtemp(prefix="rtcflow-closure-"))
    try:
        (folder / "work").mkdir()
        manifest = make_burst(job, folder / "work", Destination(job, Location.local(folder / "out"))).manifest
        layers = {}
        for file in manifest.files:
            if file.layer:
                with rasterio.open(folder / "out" / file.name) as source:
                    layers[file.layer] = source.read(1)
        return manifest, layers
    finally:
        shutil.rmtree(folder)


def judge(name: str, engine: str, manifest: Manifest, layers: dict[str, np.ndarray]) -> Row:
    """Hold a product's co-polarized layer against what went in."""
    sample, grid = scene_of(name), manifest.grid
    polarization = sample.polarizations[0]
    expected, pure = expected_gamma0(sample, grid, polarization)
    mask = layers["mask"]
    zones = zones_of(mask, grid.spacing)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = 10 * np.log10(layers[polarization] / expected)
    usable = pure & np.isfinite(error)
    inside = max(int((mask != _FILL).sum()), 1)
    cover = land_cover_on(sample, grid)
    return Row(
        name,
        engine,
        manifest.engine.versions,
        {
            zone: errors(error, layers[polarization], expected, chosen & usable)
            for zone, chosen in zones.items()
        },
        {zone: float((chosen & (mask != _FILL)).sum()) / inside for zone, chosen in zones.items()},
        {
            str(number): float(10 * np.log10(layers[polarization][chosen].mean()) - level)
            for number, level in gamma0_of_classes(sample, polarization).items()
            if (chosen := (cover == number) & usable & zones["clear"]).sum() > 500
        },
    )


def expected_gamma0(sample: Sample, grid: Grid, polarization: str) -> tuple[np.ndarray, np.ndarray]:
    """gamma0 that went in, linear, and where it is that of one cover around, both (rows, cols)."""
    cover = land_cover_on(sample, grid)
    table = np.full(256, np.nan)
    for number, level in gamma0_of_classes(sample, polarization).items():
        table[number] = 10 ** (level / 10)
    one = ndimage.maximum_filter(cover, size=7) == ndimage.minimum_filter(cover, size=7)
    return table[cover], one & (cover != UNKNOWN) & ~near_targets(sample, grid, 12)


def zones_of(mask: np.ndarray, spacing: float) -> dict[str, np.ndarray]:
    """Zones of a mask, each (rows, cols)."""
    reach = round(_REACH_M / spacing)
    folded = (mask != 0) & (mask != _FILL)
    around = ndimage.binary_dilation(folded, iterations=reach)
    edge = ndimage.binary_dilation(mask == _FILL, iterations=reach)
    clear = mask == 0
    return {"clear": clear & ~around & ~edge, "near": clear & around & ~edge, "layover": mask == 2}


def errors(error: np.ndarray, found: np.ndarray, expected: np.ndarray, chosen: np.ndarray) -> Errors:
    """Figures of the chosen pixels; NaN where there are none."""
    if not chosen.any():
        return Errors(0, *[float("nan")] * 4)
    absolute = np.abs(error[chosen])
    p50, p99 = (float(value) for value in np.percentile(absolute, (50, 99)))
    bias = float(10 * np.log10(found[chosen].mean(dtype=float) / expected[chosen].mean(dtype=float)))
    return Errors(int(chosen.sum()), bias, p50, p99, float(absolute.max()))


def between(name: str, native: dict[str, np.ndarray], isce3: dict[str, np.ndarray]) -> dict[str, object]:
    """How the engines differ: co-polarized decibels where both masks are clear, and the masks' classes."""
    layer = next(layer for layer in native if layer in ("VV", "HH"))
    spacing = CASES[name].spacing
    clear = zones_of(native["mask"], spacing)["clear"] & zones_of(isce3["mask"], spacing)["clear"]
    with np.errstate(divide="ignore", invalid="ignore"):
        difference = np.abs(10 * np.log10(isce3[layer] / native[layer]))
    difference = difference[clear & np.isfinite(difference)]
    both = (native["mask"] != _FILL) & (isce3["mask"] != _FILL)
    p50, p95, p99 = (round(float(value), 4) for value in np.percentile(difference, (50, 95, 99)))
    return {
        "case": name,
        "p50": p50,
        "p95": p95,
        "p99": p99,
        "largest": round(float(difference.max()), 3),
        f"over {_FAR_DB:g} dB": int((difference > _FAR_DB).sum()),
        "same class": round(float((native["mask"] == isce3["mask"])[both].mean()), 5),
    }


def show(rows: Sequence[Row], head: bool = True) -> None:
    """Print lines of the table."""
    write = sys.stdout.write
    if head:
        zone = f"{'pixels':>8s} {'share':>6s} {'bias':>8s} {'p50':>7s} {'p99':>7s} {'most':>6s}"
        write(f"{'':14s} {'':7s} {'clear, dB':46s}  {'within 120 m of layover or shadow, dB':46s}\n")
        write(f"{'case':14s} {'engine':7s} {zone}  {zone}  worst cover\n")
    for row in rows:
        write(f"{row.case:14s} {row.engine:7s}")
        for zone in ("clear", "near"):
            e = row.zones[zone]
            write(
                f" {e.pixels:8d} {row.share[zone]:6.3f} {e.bias:+8.4f} {e.p50:7.4f} {e.p99:7.3f} {e.largest:6.2f} "
            )
        write(f" {max(row.covers.values(), key=abs, default=0.0):+.4f}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
