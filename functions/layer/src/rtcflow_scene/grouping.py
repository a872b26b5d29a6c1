"""How the bursts of a scene are put into tasks: pure decisions.

A container start and a billed minute cost more than a burst, so a task makes several; neighbours of a sub-swath share
orbit, DEM tiles and annotation. ISCE3 takes minutes a burst, and several at once on one machine gain nothing.
"""

import math
from collections.abc import Sequence

from rtcflow_contract.burst_id import parse_burst_id
from rtcflow_contract.job import BurstJob
from rtcflow_contract.request import Engine, OnMissingStatic, SceneRequest

# Bursts of a task where nobody says how many.
_AUTO = {Engine.NATIVE: 9, Engine.ISCE3: 1}
# The longest that a burst may take, s: a hundred times the usual.
BURST_LIMIT_S = {Engine.NATIVE: 1800, Engine.ISCE3: 13800}
# The longest that a task may take, s. On Spot, a longer one would seldom reach its end.
_LONGEST_TASK_S = 108_000
# What a task takes before its first burst and after its last, s.
_TASK_MARGIN_S = 900


def chosen_engine(asked: Engine, stack: str) -> Engine:
    """The engine that makes a request's bursts: `auto` stands for that of the stack's image."""
    return Engine(stack) if asked is Engine.AUTO else asked


def jobs_per_burst(request: SceneRequest) -> int:
    """Jobs that a burst may need: its own, and that of static layers that are missing."""
    return 2 if request.link_static_layers and request.on_missing_static is OnMissingStatic.CREATE else 1


def task_limit_s(jobs: int, engine: Engine) -> int:
    """The longest that the state of a task with this many jobs may take, s."""
    return jobs * BURST_LIMIT_S[engine] + _TASK_MARGIN_S


def bursts_per_task(request: SceneRequest, engine: Engine, stack: str = "auto") -> int:
    """Bursts of one task, at most.

    Parameters
    ----------
    request : SceneRequest
        Its `bursts_per_task` counts; `auto` leaves it to the stack, and that to the engine.
    engine : Engine
    stack : str
        The stack's own: `auto`, `scene` or a number.
    """
    allowed = max(1, _LONGEST_TASK_S // (BURST_LIMIT_S[engine] * jobs_per_burst(request)))
    asked = stack if request.bursts_per_task == "auto" else request.bursts_per_task
    if asked == "auto":
        asked = _AUTO[engine]
    return allowed if asked == "scene" else min(int(asked), allowed)


def by_neighbours(jobs: Sequence[BurstJob]) -> list[BurstJob]:
    """Jobs in the order in which they are made: sub-swath after sub-swath, along the track in each.

    By time and not by number, which starts again at the end of a repeat cycle.
    """
    return sorted(jobs, key=lambda job: (parse_burst_id(job.burst_id).swath, job.sensing_start))


def task_numbers(count: int, most: int) -> list[int]:
    """Task of each of `count` bursts in a row: as few tasks of at most `most` as can be, as equal as can be."""
    tasks = math.ceil(count / most)
    return [index * tasks // count for index in range(count)] if count else []
