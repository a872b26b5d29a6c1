"""Number of processors that this process may use: the container's quota, not the machine's processors."""

import math
import os
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")
_UNITS = 1024


def usable_cpus(cgroup: Path = _CGROUP) -> int:
    """Number of processors that this process may use, at least 1.

    RTCFLOW_CPU_UNITS decides if it is set, with 1,024 per processor. The stack sets it, since a container does not see
    the limit that ECS puts on its task. Otherwise it is the smaller of the process's CPU affinity and the quota of its
    control group (version 2 or 1).
    """
    units = os.environ.get("RTCFLOW_CPU_UNITS", "")
    if units.isdigit() and int(units) > 0:
        return math.ceil(int(units) / _UNITS)
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(processors, _quota(cgroup) or processors))


def _quota(cgroup: Path) -> int | None:
    """Processors by quota, rounded up; None without a quota."""
    try:
        limit, period = _read(cgroup / "cpu.max").split()
    except (OSError, ValueError):
        try:
            limit = _read(cgroup / "cpu" / "cpu.cfs_quota_us")
            period = _read(cgroup / "cpu" / "cpu.cfs_period_us")
        except OSError:
            return None
    if not limit.isdigit() or not period.isdigit() or int(period) == 0:
        return None
    return math.ceil(int(limit) / int(period))


def _read(path: Path) -> str:
    return path.read_text().strip()
