"""Group the bursts of a scene into tasks: pure decisions.

Starting a container and its minimum of a billed minute cost more than a burst, so a task makes several. Neighbours in a
sub-swath share orbit, DEM tiles and annotation. ISCE3 takes minutes per burst and gains nothing from several at once on
one machine.
"""

import math
from collections.abc import Sequence

from rtcflow_contract.burst_id import parse_burst_id
from rtcflow_contract.job import BurstJob
from rtcflow_contract.request import Engine, OnMissingStatic, SceneRequest

# Default number of bursts in a task.
_AUTO = {Engine.NATIVE: 9, Engine.ISCE3: 1}
# Time limit of a burst, s: a hundred times the usual duration.
BURST_LIMIT_S = {Engine.NATIVE: 1800, Engine.ISCE3: 13800}
# Time limit of a task, s. On Spot, a longer one would seldom finish.
_LONGEST_TASK_S = 108_000
# Time before a task's first burst and after its last, s.
_TASK_MARGIN_S = 900


def chosen_engine(asked: Engine, stack: str) -> Engine:
    """The engine for a request's bursts; `auto` means that of the stack's image."""
    return Engine(stack) if asked is Engine.AUTO else asked


def jobs_per_burst(request: SceneRequest) -> int:
    """Most jobs of a burst: its own, and one for missing static layers."""
    return 2 if request.link_static_layers and request.on_missing_static is OnMissingStatic.CREATE else 1


def task_limit_s(jobs: int, engine: Engine) -> int:
    """Time limit of the state of a task with this many jobs, s."""
    return jobs * BURST_LIMIT_S[engine] + _TASK_MARGIN_S


def bursts_per_task(request: SceneRequest, engine: Engine, stack: str = "auto") -> int:
    """Most bursts in a task.

    Parameters
    ----------
    request : SceneRequest
        Its `bursts_per_task` decides; `auto` leaves it to the stack, whose `auto` leaves it to the engine.
    engine : Engine
    stack : str
        Setting of the stack: `auto`, `scene` or a number.
    """
    allowed = max(1, _LONGEST_TASK_S // (BURST_LIMIT_S[engine] * jobs_per_burst(request)))
    asked = stack if request.bursts_per_task == "auto" else request.bursts_per_task
    if asked == "auto":
        asked = _AUTO[engine]
    return allowed if asked == "scene" else min(int(asked), allowed)


def by_neighbours(jobs: Sequence[BurstJob]) -> list[BurstJob]:
    """Jobs in order of processing: sub-swath by sub-swath, along the track within each.

    By time, not by burst number, which starts again at the end of a repeat cycle.
    """
    return sorted(jobs, key=lambda job: (parse_burst_id(job.burst_id).swath, job.sensing_start))


def task_numbers(count: int, most: int) -> list[int]:
    """Task number of each of `count` bursts: as few tasks of at most `most` as possible, of similar size."""
    tasks = math.ceil(count / most)
    return [index * tasks // count for index in range(count)] if count else []
