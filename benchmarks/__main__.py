"""`make bench`: the engine stage by stage on a simulated full-size burst, beside sarsen in the same run."""

import json
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.measure import Measurement, measured
from benchmarks.scene import BenchBurst, bench_burst

OUTPUT = Path("bench-output")
# Runs of the whole product, each in a process of its own.
RUNS = (
    ("RTC_S1 dual-pol 20 m", {"product": "RTC_S1", "polarizations": 2, "spacing": 20}),
    ("RTC_S1 single-pol 20 m", {"product": "RTC_S1", "polarizations": 1, "spacing": 20}),
    ("RTC_S1 dual-pol 10 m", {"product": "RTC_S1", "polarizations": 2, "spacing": 10}),
    ("RTC_S1 dual-pol 40 m", {"product": "RTC_S1", "polarizations": 2, "spacing": 40}),
    ("half the lines, dual-pol 20 m", {"product": "RTC_S1", "polarizations": 2, "spacing": 20, "lines": 750}),
    ("RTC_S1_STATIC 20 m", {"product": "RTC_S1_STATIC", "polarizations": 1, "spacing": 20}),
)


def main() -> None:
    """Run all, print a table, and write bench-output/bench.json."""
    OUTPUT.mkdir(exist_ok=True)
    burst, half = bench_burst(OUTPUT / "scene"), bench_burst(OUTPUT / "scene-half", lines=750)
    found = [
        measured("native", name, half if "lines" in settings else burst, settings) for name, settings in RUNS
    ]
    found.append(measured("sarsen", "sarsen gamma_bilinear VV", burst, {}))
    show(found, burst)
    record = {
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": platform.processor() or platform.machine(),
        "python": platform.python_version(),
        "lines": burst.lines,
        "samples": burst.samples,
        "runs": [measurement.as_dict() for measurement in found],
    }
    (OUTPUT / "bench.json").write_text(json.dumps(record, indent=1))
    sys.stdout.write(f"written to {OUTPUT / 'bench.json'}\n")


def show(found: list[Measurement], burst: BenchBurst) -> None:
    """Print wall and CPU seconds, memory, the ratio to sarsen, and seconds by stage."""
    peer = found[-1]
    write = sys.stdout.write
    write(f"\nburst of {burst.lines} x {burst.samples} samples, simulated\n\n")
    write(f"{'run':28s} {'wall s':>8s} {'CPU s':>8s} {'peak GB':>8s} {'sarsen / this':>14s}\n")
    for run in found:
        ratio = peer.wall_s / run.wall_s
        write(f"{run.name:28s} {run.wall_s:8.1f} {run.cpu_s:8.1f} {run.peak_gb:8.2f} {ratio:14.1f}\n")
    for run in found:
        if run.stages:
            stages = "  ".join(f"{stage} {seconds:.1f}" for stage, seconds in run.stages.items())
            write(f"\n{run.name}, seconds by stage (parts of compute: summed over threads)\n  {stages}\n")


if __name__ == "__main__":
    main()
