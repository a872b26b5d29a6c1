"""One run in a process of its own, with its wall time, CPU time and peak memory."""

import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks.scene import BenchBurst


@dataclass(frozen=True)
class Measurement:
    """What a run took; `stages` in seconds."""

    name: str
    wall_s: float
    cpu_s: float
    peak_gb: float
    stages: dict[str, float] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def measured(program: str, name: str, burst: BenchBurst, settings: dict[str, Any]) -> Measurement:
    """Run `benchmarks.run_<program>` and measure it from outside, start of Python included."""
    sys.stdout.write(f"running {name}\n")
    sys.stdout.flush()
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", f"benchmarks.run_{program}", burst.to_json(), json.dumps(settings)],
        stdout=subprocess.PIPE,
        text=True,
    )
    output = process.stdout.read() if process.stdout else ""
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        raise SystemExit(f"{name} failed; run it alone: python -m benchmarks.run_{program}")
    return Measurement(
        name=name,
        wall_s=time.perf_counter() - started,
        cpu_s=usage.ru_utime + usage.ru_stime,
        peak_gb=usage.ru_maxrss / 1e6,
        stages=json.loads(output.strip().splitlines()[-1]),
    )
