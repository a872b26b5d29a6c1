"""The page of a stack: map, passes, mean image, gaps with reasons, size."""

import io
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import median

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from PIL import Image

from rtcflow_local.stack.acquisitions import Found, Pass
from rtcflow_local.stack.opening import POLARIZATIONS, TILE
from rtcflow_local.stack.page import Figure, Section, render_page

# Pixels of the mean image's longer side.
_WIDEST = 1200
# Rows that are read at once: those of a chunk of the cube.
_BAND = TILE
# A gap is longer than this multiple of the usual time between passes.
_GAP = 1.5
_COLUMNS = ("pass", "start (UTC)", "relative orbit", "bursts", "state")
_CUT = (2.0, 98.0)


def build_stack_page(
    found: Found, failures: Mapping[str, str], cube: Path, size_bytes: int, made: int, seconds: float
) -> str:
    """The page of a stack.

    Parameters
    ----------
    found : Found
        The requested passes.
    failures : mapping
        Why a pass is missing in the cube or incomplete, by pass id.
    cube : Path
    size_bytes : int
        Of the products and the cube.
    made : int
        Number of bursts that this run made.
    seconds : float
        Duration.
    """
    stack = xr.open_zarr(cube, decode_coords="all")
    there = {str(name) for name in stack["pass_id"].values}
    tones = {
        one.pass_id: "fail" if one.pass_id in failures else "ok" if one.pass_id in there else "idle"
        for one in found.passes
    }
    titles = {
        one.pass_id: f"{one.start:%Y-%m-%d %H:%M} {one.pass_id}: {failures.get(one.pass_id, 'in the cube')}"
        for one in found.passes
    }
    band = next(name for name in POLARIZATIONS if name in stack)
    picture, low, high = _mean_image(stack[band])
    whole = sum(tone == "ok" for tone in tones.values())
    return render_page(
        eyebrow="rtcflow stack",
        title=found.area.name,
        sentence=(
            f"{len(there)} of {len(found.passes)} passes are in {cube.name}, on one grid of "
            f"{float(stack.x[1] - stack.x[0]):g} m in {_crs_name(stack)}."
        ),
        figures=[
            Figure(f"{whole}", "passes, whole", "ok"),
            Figure(f"{len(failures)}", "passes with a failure", "fail" if failures else "idle"),
            Figure(f"{made}", "bursts made now"),
            Figure(f"{stack.sizes['y']:,} × {stack.sizes['x']:,}", "pixels"),
            Figure(f"{size_bytes / 1e9:,.2f} GB", "products and cube"),
            Figure(f"{seconds:,.0f} s", "this run"),
        ],
        found=found,
        tones=tones,
        titles=titles,
        sections=[
            Section("Failed passes", ("pass", "why"), tuple(sorted(failures.items()))),
            Section("Gaps", ("relative orbit", "from", "to", "why"), tuple(gaps(found))),
            Section("Passes", _COLUMNS, tuple(_rows(found.passes, tones))),
        ],
        picture=picture,
        picture_note=f"{band}, {low:.0f} to {high:.0f} dB",
    )


def gaps(found: Found) -> list[tuple[str, str, str, str]]:
    """Unusually long times without a pass on a relative orbit, and scenes that cannot give a product."""
    by_orbit: dict[int, list[Pass]] = {}
    for one in found.passes:
        by_orbit.setdefault(one.bursts[0].relative_orbit, []).append(one)
    rows: list[tuple[str, str, str, str]] = []
    for orbit, passes in sorted(by_orbit.items()):
        steps = [(b.start - a.start).total_seconds() for a, b in pairwise(passes)]
        usual = median(steps) if steps else 0.0
        rows += [
            (str(orbit), f"{a.start:%Y-%m-%d}", f"{b.start:%Y-%m-%d}", "the archive has no scene")
            for (a, b), step in zip(pairwise(passes), steps, strict=True)
            if step > _GAP * usual
        ]
    for scene, why in sorted(found.left_out.items()):
        rows.append(("", scene[17:25], scene[17:25], why))
    return rows


def _mean_image(power: xr.DataArray) -> tuple[bytes, float, float]:
    """The mean over time as a PNG, and the lowest and highest displayed value, dB.

    Parameters
    ----------
    power : xarray.DataArray
        Linear power (time, y, x).
    """
    step = max(1, -(-max(power.sizes["y"], power.sizes["x"]) // _WIDEST))
    rows = power.sizes["y"] // step
    total = np.zeros((rows, power.sizes["x"] // step))
    count = np.zeros_like(total)
    # Some rows of one pass at a time: a year of passes does not fit into memory, nor need a whole one.
    band = max(1, _BAND // step)
    for time in range(power.sizes["time"]):
        for first in range(0, rows, band):
            here = slice(first, min(first + band, rows))
            values = _coarse(power.isel(time=time, y=slice(step * here.start, step * here.stop)).values, step)
            seen = np.isfinite(values)
            total[here][seen] += values[seen]
            count[here] += seen
    with np.errstate(divide="ignore", invalid="ignore"):
        db = 10 * np.log10(total / count)
    return _png(db)


def _coarse(values: NDArray[np.float32], step: int) -> NDArray[np.float64]:
    """Means of blocks of valid pixels; NaN if a block has none."""
    rows, cols = values.shape[0] // step * step, values.shape[1] // step * step
    blocks = values[:rows, :cols].astype("f8").reshape(rows // step, step, cols // step, step)
    seen = np.isfinite(blocks)
    number = seen.sum((1, 3))
    with np.errstate(invalid="ignore"):
        return np.where(number > 0, np.where(seen, blocks, 0).sum((1, 3)) / np.maximum(number, 1), np.nan)


def _png(db: NDArray[np.float64]) -> tuple[bytes, float, float]:
    seen = np.isfinite(db)
    low, high = np.percentile(db[seen], _CUT) if seen.any() else (-25.0, 0.0)
    scaled = np.clip((np.where(seen, db, low) - low) / max(high - low, 1e-6), 0, 1)
    grey, opaque = ((255 * values).astype("uint8") for values in (scaled, seen))
    out = io.BytesIO()
    Image.merge("LA", (Image.fromarray(grey), Image.fromarray(opaque))).save(out, "PNG", optimize=True)
    return out.getvalue(), float(low), float(high)


def _rows(passes: Sequence[Pass], tones: Mapping[str, str]) -> list[tuple[str, ...]]:
    words = {"ok": "in the cube", "fail": "failed", "idle": "not in the cube"}
    return [
        (
            one.pass_id,
            f"{one.start:%Y-%m-%d %H:%M:%S}",
            f"{one.bursts[0].relative_orbit} {one.bursts[0].orbit_direction}",
            str(len(one.bursts)),
            words[tones[one.pass_id]],
        )
        for one in passes
    ]


def _crs_name(stack: xr.Dataset) -> str:
    code = stack["spatial_ref"].attrs.get("crs_wkt", "")
    return str(code).split('"')[1] if '"' in str(code) else "a projected CRS"
