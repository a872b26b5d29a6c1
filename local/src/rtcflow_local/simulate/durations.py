"""How long bursts take: from the benchmark of the engine, or from reports of scenes that ran."""

import json
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from rtcflow_contract.errors import RefusedError
from rtcflow_contract.report import Outcome, SceneReport
from rtcflow_contract.request import Engine
from rtcflow_local.simulate.setup import Times
from rtcflow_scene.cost import TaskSize

_BENCHMARK_RUN = "RTC_S1 dual-pol 20 m"
_FETCH = ("fetch orbit", "fetch scene")


class EngineSize(NamedTuple):
    """The task of an engine, and seconds of its computing, as measured on two cores."""

    size: TaskSize
    compute: float


ENGINES = {
    Engine.NATIVE: EngineSize(TaskSize(4, 8, 40, "arm64"), 10.0),
    Engine.ISCE3: EngineSize(TaskSize(4, 8, 40, "x86_64"), 436.0),
}


class Measured(NamedTuple):
    """Task seconds of each burst made, and how long its scenes took from start to end, all together."""

    seconds: tuple[float, ...]
    wall: float


def benchmark_seconds(path: Path) -> float:
    """Seconds from the fetched burst to its files, from the benchmark's JSON.

    Raises
    ------
    RefusedError
        When the file is not that of the benchmark.
    """
    try:
        runs = {run["name"]: run for run in json.loads(path.read_text())["runs"]}
        run = runs[_BENCHMARK_RUN]
        return float(run["wall_s"]) - sum(float(run["stages"].get(name, 0.0)) for name in _FETCH)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RefusedError(
            f"{path} has no run '{_BENCHMARK_RUN}' of the benchmark; make it with `make bench`", "benchmark"
        ) from error


def read_reports(paths: Iterable[Path]) -> Measured:
    """What scenes took, from their report.json.

    Raises
    ------
    RefusedError
        When a file is no report, or none of them has a burst that was made.
    """
    seconds: list[float] = []
    spans = []
    for path in paths:
        try:
            report = SceneReport.model_validate_json(path.read_bytes())
        except (OSError, ValidationError) as error:
            raise RefusedError(
                f"{path} is no report.json of a scene; take it from the work bucket", "report"
            ) from error
        spans.append((report.started, report.finished))
        seconds += [b.seconds for b in report.bursts if b.outcome is Outcome.MADE and b.seconds is not None]
    if not seconds:
        raise RefusedError("the reports have no burst that was made; give others", reason="report")
    wall: timedelta = max(end for _, end in spans) - min(start for start, _ in spans)
    return Measured(tuple(seconds), wall.total_seconds())


def times_of(
    engine: Engine, benchmark: Path | None, provision: float | None, call_seconds: float | None
) -> Times:
    """Times of a burst on AWS, with those in their place that are given, seconds."""
    compute = benchmark_seconds(benchmark) if benchmark is not None else ENGINES[engine].compute
    calls = ("plan", "assemble", "summarize")
    given = {"provision": provision, **dict.fromkeys(calls, call_seconds)}
    return Times(compute=compute, **{name: value for name, value in given.items() if value is not None})
