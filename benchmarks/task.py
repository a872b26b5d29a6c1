"""Bursts of a scene in one task beside the same bursts one process each: `python -m benchmarks.task`.

All run the container's entrypoint on files of this machine, without a network, one run after the other. The load that
other programs put on the machine is told with them: compare CPU seconds, and ratios of one run.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.measure import watched
from rtcflow.scene_run import NO_BUCKET, RunSettings, SafeOfThisMachine, Scene, plan_scenes
from rtcflow.task_queue import MOST_MEMORY, MOST_WORK
from rtcflow_contract.job import BurstJob, LocalPlaces, Sources
from rtcflow_contract.keys import MANIFEST, Location
from rtcflow_contract.layers import Product
from rtcflow_contract.manifest import Manifest
from rtcflow_contract.task import TASK_VARIABLE, Task
from rtcflow_local.sample import Sample, SampleSpec, read_sample, write_sample

OUTPUT = Path("bench-output")


class Used(NamedTuple):
    """What a number of products took.

    `wall_s` and `cpu_s` of all processes together, start of Python included; `peak_gb` of the process that held most
    memory, `work_gb` the largest that the work folder became; `load` the machine's mean load meanwhile; `stages` mean
    seconds of a product by stage, which overlap in a task.
    """

    products: int
    wall_s: float
    cpu_s: float
    peak_gb: float
    work_gb: float
    load: float
    stages: dict[str, float]


def bench_scene(folder: Path, bursts: int, lines: int | None) -> Sample:
    """A dual-pol scene of one sub-swath, written on the first call (a minute a burst), read on others."""
    if not (folder / "sample.json").is_file():
        write_sample(folder, SampleSpec.full(swaths=("iw2",), bursts=bursts, lines=lines))
    return read_sample(folder)


def jobs_of(sample: Sample, out: Path, **fields: Any) -> list[BurstJob]:
    """The jobs of a scene on folders of this machine, as `rtcflow scene` plans them from a payload's fields."""
    sources = Sources(
        scene=str(sample.safe), orbits=str(sample.orbit), dem=str(sample.dem), geoid=str(sample.geoid)
    )
    places = LocalPlaces(
        out=Location.local(out / "products"),
        static=Location.local(out / "static"),
        grids=Location.local(out / "products"),
    )
    payload = {"scene": sample.scene, "s3_bucket": NO_BUCKET, "engine": "native", **fields}
    scene = Scene(payload, sources, SafeOfThisMachine(str(sample.safe)))
    [planned] = plan_scenes([scene], RunSettings(out / "plan", places))
    if planned.error is not None:
        raise planned.error
    return planned.jobs


def run_tasks(groups: Sequence[Sequence[BurstJob]], work: Path) -> Used:
    """Run tasks one after the other, each in a process of its own."""
    used = [_run(Task(execution="bench", number=n, jobs=tuple(jobs)), work) for n, jobs in enumerate(groups)]
    jobs = [job for group in groups for job in group]
    return Used(
        products=len(jobs),
        wall_s=sum(one.wall_s for one in used),
        cpu_s=sum(one.cpu_s for one in used),
        peak_gb=max(one.peak_gb for one in used),
        work_gb=max(one.work_gb for one in used),
        load=sum(one.load * one.wall_s for one in used) / sum(one.wall_s for one in used),
        stages=_mean_stages(jobs),
    )


def _run(task: Task, work: Path) -> Used:
    work.mkdir(parents=True, exist_ok=True)
    environment = os.environ | {
        TASK_VARIABLE: task.model_dump_json(),
        "RTCFLOW_WORK_DIR": str(work),
        "RTCFLOW_CACHE": "off",
    }
    words = [sys.executable, "-m", "rtcflow.container_task"]
    found = watched(words, environment, work, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return Used(
        products=len(task.jobs),
        wall_s=found.wall_s,
        cpu_s=found.cpu_s,
        peak_gb=found.peak_gb,
        work_gb=found.folder_gb,
        load=found.load,
        stages={},
    )


def _mean_stages(jobs: Sequence[BurstJob]) -> dict[str, float]:
    paths = [job.destination.join(MANIFEST).path for job in jobs]
    found = [Manifest.model_validate_json(path.read_bytes()).resources for path in paths]
    names = dict.fromkeys(name for resources in found for name in resources.stages)
    means = {name: sum(one.stages.get(name, 0.0) for one in found) / len(found) for name in names}
    return means | {"CPU of its own": sum(one.cpu_seconds for one in found) / len(found)}


# Payload fields and whether each burst has a process of its own; `static and bursts` links each burst to static layers
# that the same task makes, and holds the most memory.
RUNS: dict[str, tuple[dict[str, Any], bool]] = {
    "one task": ({}, False),
    "one process each": ({}, True),
    "STATIC, one task": ({"product": Product.RTC_S1_STATIC.value}, False),
    "static and bursts": ({"link_static_layers": True, "on_missing_static": "create"}, False),
}


def main() -> None:
    """Run all, print a table with seconds a product, and write bench-output/bench-task.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bursts", type=int, default=9)
    parser.add_argument("--lines", type=int, default=None, help="lines a burst; full size by default")
    parser.add_argument("--runs", nargs="+", choices=tuple(RUNS), default=tuple(RUNS))
    asked = parser.parse_args()
    size = "full" if asked.lines is None else f"{asked.lines}-lines"
    sample = bench_scene(OUTPUT / f"scene-{asked.bursts}-{size}", asked.bursts, asked.lines)
    # Compiled code is the image's matter, and part of no run.
    subprocess.run([sys.executable, "-m", "rtcflow.native.warm"], check=True, stdout=subprocess.DEVNULL)
    found: dict[str, Used] = {}
    _write(
        f"{'':18s} {'products':>8s} {'wall s each':>12s} {'CPU s each':>11s} {'peak GB':>8s} {'work GB':>8s}"
    )
    _write(f" {'load':>5s}\n")
    for name in asked.runs:
        found[name] = _measured(name, sample)
        _show(name, found[name])
    _compare(found)
    record = {name: used._asdict() for name, used in found.items()} | {"bursts": asked.bursts, "size": size}
    OUTPUT.mkdir(exist_ok=True)
    (OUTPUT / "bench-task.json").write_text(json.dumps(record, indent=1))
    if any(used.peak_gb > MOST_MEMORY / 1e9 or used.work_gb > MOST_WORK / 1e9 for used in found.values()):
        raise SystemExit("a run took more memory or a larger work folder than a task may")


def _measured(name: str, sample: Sample) -> Used:
    fields, each = RUNS[name]
    folder = Path(tempfile.mkdtemp(prefix="rtcflow-bench-"))
    try:
        jobs = jobs_of(sample, folder, **fields)
        return run_tasks([[job] for job in jobs] if each else [jobs], folder / "scratch")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _show(name: str, used: Used) -> None:
    _write(
        f"{name:18s} {used.products:8d} {used.wall_s / used.products:12.2f} "
        f"{used.cpu_s / used.products:11.2f} {used.peak_gb:8.2f} {used.work_gb:8.2f} {used.load:5.1f}\n"
    )


def _compare(found: dict[str, Used]) -> None:
    if {"one task", "one process each"} <= set(found):
        one, each = found["one task"], found["one process each"]
        ratios = one.wall_s / each.wall_s, one.cpu_s / each.cpu_s
        _write(f"{'one task / each':18s} {'':8s} {ratios[0]:12.2f} {ratios[1]:11.2f}\n")
    _write(f"at most: {MOST_MEMORY / 1e9:.1f} GB of memory, {MOST_WORK / 1e9:.0f} GB in the work folder\n")
    for name, used in found.items():
        stages = "  ".join(f"{stage} {seconds:.2f}" for stage, seconds in used.stages.items())
        _write(f"\n{name}, mean seconds of a product by stage\n  {stages}\n")


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
