"""`rtcflow stack` on the tests' archive: passes of four bursts, then one more: `python -m benchmarks.stack`.

Search, stack, append, open with xarray and plot, each as a person does it and in a process of its own. The archive is
one more process, whose work is not counted.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from benchmarks.measure import Watched, watched
from benchmarks.task import OUTPUT
from rtcflow_contract.scene_id import parse_scene_id
from rtcflow_local.sample import Sample, SampleSpec, read_sample, write_sample
from tests.support.repeat_pass import CYCLE, repeat_pass

_SIZES: dict[str, tuple[int | None, int | None]] = {"small": (160, 1200), "full": (None, None)}
_BOX = "150,-36,152,-34"
_PLOT = """
import sys
import matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import rtcflow

stack = rtcflow.open_stack(sys.argv[1])
print(dict(stack.sizes), sorted(map(str, stack.data_vars)))
power = stack[["VV", "VH"]].where(stack.mask == 0)
series = power.mean(("y", "x")).compute()
db = 10 * np.log10(power.mean("time").coarsen(x=2, y=2, boundary="trim").mean().compute())
figure, (left, right) = plt.subplots(1, 2, figsize=(12, 5))
for name in ("VV", "VH"):
    left.plot(series.time, 10 * np.log10(series[name]), marker="o", label=name)
left.legend()
left.set_ylabel("gamma0, dB")
low, high = {"VV": -20, "VH": -27, "ratio": 3}, {"VV": 0, "VH": -7, "ratio": 15}
bands = {"VV": db.VV, "VH": db.VH, "ratio": db.VV - db.VH}
right.imshow(np.dstack([((b - low[n]) / (high[n] - low[n])).clip(0, 1) for n, b in bands.items()]))
right.set_axis_off()
figure.autofmt_xdate()
figure.savefig(sys.argv[2], dpi=80)
"""


def write_passes(folder: Path, size: str, count: int) -> list[Sample]:
    """Passes of two sub-swaths with two bursts each; the first is simulated once, the others repeat it."""
    first = folder / "first"
    lines, samples = _SIZES[size]
    if not (first / "sample.json").is_file():
        write_sample(first, SampleSpec(lines=lines, samples=samples))
    sample = read_sample(first)
    shutil.rmtree(folder / "passes", ignore_errors=True)
    return [sample, *(repeat_pass(sample, cycle, folder / "passes") for cycle in range(1, count))]


@contextmanager
def archive(passes: list[Sample]) -> Iterator[dict[str, str]]:
    """The environment in which the passes are found at ASF."""
    words = [
        sys.executable,
        "-W",
        "ignore:Dataset has no geotransform",
        "-m",
        "benchmarks.archive",
        *(str(one.safe) for one in passes),
    ]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
        process.stdin.close()


def run(words: list[str], environment: dict[str, str], folder: Path) -> Watched:
    """Run a program; its folder is looked at while it runs."""
    return watched(words, os.environ | environment | {"RTCFLOW_CACHE": "off"}, folder)


def main() -> None:
    """Run all steps, print a table, and write bench-output/bench-stack.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=_SIZES, default="small")
    parser.add_argument("--passes", type=int, default=12)
    parser.add_argument("--parallel", default="1")
    parser.add_argument("--keep", action="store_true", help="go on with the stack of the last run")
    asked = parser.parse_args()
    folder = OUTPUT / f"stack-{asked.size}"
    passes = write_passes(folder, asked.size, asked.passes + 1)
    orbits, out = folder / "orbits", folder / "out"
    for left in [orbits] if asked.keep else [orbits, out]:
        shutil.rmtree(left, ignore_errors=True)
    orbits.mkdir()
    for one in passes:
        shutil.copy(one.orbit, orbits)
    sources = ["--orbit-source", orbits, "--dem-source", passes[0].dem, "--geoid", passes[0].geoid]
    days = [f"{_day(passes[0], cycle):%Y-%m-%d}" for cycle in (0, asked.passes - 1, asked.passes)]

    def words(command: str, end: str, *more: object) -> list[str]:
        period = ["--bbox", _BOX, "--start", days[0], "--end", end]
        return [str(Path(sys.executable).with_name("rtcflow")), command, *period, *map(str, more)]

    made = ["--out", out, *sources, "--parallel", asked.parallel]
    with archive(passes) as environment:
        found = {
            "search": run(words("search", days[1]), environment, out),
            f"stack, {asked.passes} passes": run(words("stack", days[1], *made), environment, out),
            "one pass more": run(words("stack", days[2], *made), environment, out),
            "open and plot": run(
                [sys.executable, "-c", _PLOT, str(out / "cube.zarr"), str(folder / "plot.png")],
                environment,
                out,
            ),
        }
    _show(found)
    record = {name: used._asdict() for name, used in found.items()}
    (OUTPUT / "bench-stack.json").write_text(json.dumps({"size": asked.size, **record}, indent=1))


def _day(first: Sample, cycle: int) -> datetime:
    return parse_scene_id(first.scene).start + cycle * CYCLE


def _show(found: dict[str, Watched]) -> None:
    sys.stdout.write(f"\n{'':18s} {'wall s':>8s} {'CPU s':>8s} {'peak GB':>8s} {'folder GB':>10s}\n")
    for name, used in found.items():
        row = f"{used.wall_s:8.1f} {used.cpu_s:8.1f} {used.peak_gb:8.2f} {used.folder_gb:10.2f}"
        sys.stdout.write(f"{name:18s} {row}\n")


if __name__ == "__main__":
    main()
