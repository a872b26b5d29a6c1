"""Bursts of a scene in one task beside the same bursts one process each: `python -m benchmarks.task`.

Both run the container's entrypoint on files of this machine, without a network.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from rtcflow.scene_run import SafeOfThisMachine
from rtcflow_contract.job import BurstJob, LocalPlaces, Sources, make_job
from rtcflow_contract.keys import Location
from rtcflow_contract.layers import Product
from rtcflow_contract.request import parse_request
from rtcflow_contract.task import TASK_VARIABLE, Task
from rtcflow_local.sample import Sample, SampleSpec, read_sample, write_sample

OUTPUT = Path("bench-output")
_LOOK_S = 0.2


class Used(NamedTuple):
    """What runs took: seconds of wall and processor time, peak memory of one process, peak size of the work folder."""

    wall_s: float
    cpu_s: float
    peak_gb: float
    work_gb: float


def bench_scene(folder: Path, bursts: int, lines: int | None) -> Sample:
    """A dual-pol scene of one sub-swath, written on the first call (a minute a burst), read on others."""
    if not (folder / "sample.json").is_file():
        write_sample(folder, SampleSpec.full(swaths=("iw2",), bursts=bursts, lines=lines))
    return read_sample(folder)


def jobs_of(sample: Sample, out: Path, product: Product) -> list[BurstJob]:
    """A job for each burst of a scene, on folders of this machine."""
    request = parse_request(
        {"scene": sample.scene, "product": product.value, "engine": "native"}, default_bucket="not-used"
    )
    sources = Sources(
        scene=str(sample.safe), orbits=str(sample.orbit), dem=str(sample.dem), geoid=str(sample.geoid)
    )
    return [
        make_job(
            request,
            product=product,
            burst_id=burst.burst_id,
            sensing_start=burst.sensing_start,
            execution="bench",
            execution_started=datetime.now(UTC).replace(microsecond=0),
            work_bucket=Location.local(out / "work"),
            product_version="0.1",
            sources=sources,
            places=LocalPlaces(out=Location.local(out), grids=Location.local(out)),
        )
        for burst in SafeOfThisMachine(str(sample.safe)).list_bursts(sample.scene)
    ]


def run_tasks(groups: list[list[BurstJob]], work: Path) -> Used:
    """Run tasks one after the other, each in a process of its own, start of Python included."""
    used = [_run(Task(execution="bench", number=n, jobs=tuple(jobs)), work) for n, jobs in enumerate(groups)]
    return Used(
        sum(one.wall_s for one in used),
        sum(one.cpu_s for one in used),
        max(one.peak_gb for one in used),
        max(one.work_gb for one in used),
    )


def _run(task: Task, work: Path) -> Used:
    work.mkdir(parents=True, exist_ok=True)
    environment = os.environ | {
        TASK_VARIABLE: task.model_dump_json(),
        "RTCFLOW_WORK_DIR": str(work),
        "RTCFLOW_CACHE": "off",
    }
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "rtcflow.task"],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    ended, largest = threading.Event(), [0]

    def look() -> None:
        while not ended.wait(_LOOK_S):
            largest[0] = max(largest[0], folder_size(work))

    looking = threading.Thread(target=look)
    looking.start()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    ended.set()
    looking.join()
    if status != 0:
        raise SystemExit(
            f"task {task.number} ended with status {status}; run it alone: python -m rtcflow.task"
        )
    return Used(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1e6, largest[0] / 1e9)


def folder_size(folder: Path) -> int:
    """Bytes of a folder's files, while others write and remove them."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(Path(parent) / name).st_size
            except FileNotFoundError:
                continue
    return total


def main() -> None:
    """Run both, print a table with seconds a burst, and write bench-output/bench-task.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bursts", type=int, default=9)
    parser.add_argument("--lines", type=int, default=None, help="lines a burst; full size by default")
    parser.add_argument("--product", type=Product, default=Product.RTC_S1)
    asked = parser.parse_args()
    size = "full" if asked.lines is None else f"{asked.lines}-lines"
    sample = bench_scene(OUTPUT / f"scene-{asked.bursts}-{size}", asked.bursts, asked.lines)
    folder = Path(tempfile.mkdtemp(prefix="rtcflow-bench-"))
    found: dict[str, Used] = {}
    try:
        for name, each in (("one task", False), ("one process each", True)):
            jobs = jobs_of(sample, folder / name.replace(" ", "-"), asked.product)
            groups = [[job] for job in jobs] if each else [jobs]
            sys.stdout.write(f"running {len(jobs)} bursts, {name}\n")
            sys.stdout.flush()
            found[name] = run_tasks(groups, folder / "scratch")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    _show(found, asked.bursts)
    record = {name: used._asdict() for name, used in found.items()} | {"bursts": asked.bursts, "size": size}
    OUTPUT.mkdir(exist_ok=True)
    (OUTPUT / "bench-task.json").write_text(json.dumps(record, indent=1))


def _show(found: dict[str, Used], bursts: int) -> None:
    write = sys.stdout.write
    write(f"\n{'':18s} {'wall s/burst':>13s} {'CPU s/burst':>12s} {'peak GB':>8s} {'work GB':>8s}\n")
    for name, used in found.items():
        write(
            f"{name:18s} {used.wall_s / bursts:13.2f} {used.cpu_s / bursts:12.2f} {used.peak_gb:8.2f} "
            f"{used.work_gb:8.2f}\n"
        )
    one, each = found["one task"], found["one process each"]
    write(f"{'one task / each':18s} {one.wall_s / each.wall_s:13.2f} {one.cpu_s / each.cpu_s:12.2f}\n")


if __name__ == "__main__":
    main()
