"""What a process took: wall time, CPU time, peak memory, and what became of its folder meanwhile."""

import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.scene import BenchBurst

_LOOK_S = 0.2


class Watched(NamedTuple):
    """What a process took, s and GB, the largest that its folder became, and the machine's mean load meanwhile.

    `peak_gb` counts pages of mapped files too, and is at least what this process held when it started the other.
    """

    wall_s: float
    cpu_s: float
    peak_gb: float
    folder_gb: float
    load: float


def watched(words: list[str], environment: dict[str, str], folder: Path, **options: Any) -> Watched:
    """Run a program to its end and look at a folder while it runs.

    Parameters
    ----------
    words : list of str
    environment : dict
        The whole environment.
    folder : Path
    options
        For `subprocess.Popen`.

    Raises
    ------
    SystemExit
        When the program fails.
    """
    started = time.perf_counter()
    process = subprocess.Popen(words, env=environment, **options)
    ended, largest, loads = threading.Event(), [0], [os.getloadavg()[0]]

    def look() -> None:
        while not ended.wait(_LOOK_S):
            largest[0] = max(largest[0], folder_size(folder))
            loads.append(os.getloadavg()[0])

    looking = threading.Thread(target=look)
    looking.start()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    ended.set()
    looking.join()
    if status != 0:
        raise SystemExit(f"{' '.join(words[:3])} … ended with status {status}; run it alone")
    cpu = usage.ru_utime + usage.ru_stime
    return Watched(wall, cpu, peak_gb(usage.ru_maxrss), largest[0] / 1e9, sum(loads) / len(loads))


def peak_gb(max_rss: int) -> float:
    """Peak memory in GB; Linux counts it in KiB."""
    return max_rss * 1024 / 1e9


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
        peak_gb=peak_gb(usage.ru_maxrss),
        stages=json.loads(output.strip().splitlines()[-1]),
    )
