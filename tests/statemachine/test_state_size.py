"""State and history of a scene of 30 bursts stay within the limits of Step Functions."""

import pytest

from tests.support.asl_runner import ExecutionFailed, TaskError
from tests.support.scene_play import BURSTS, Play, lambda_error, runner, stopped

LIMIT = 32 * 1024
MOST_EVENTS = 20_000
PAYLOAD = {
    "scene": "S1A_IW_SLC__1SDV_20220101T124744_20220101T124814_041267_04E7A2_1DAD",
    "burst_id_list": BURSTS,
}


def always(error):
    def fault(key, attempt, arguments):
        raise error

    return fault


def played(play):
    machine = runner(play)
    with pytest.raises(ExecutionFailed):
        machine.run(PAYLOAD)
    return machine


@pytest.mark.parametrize("per_task", [1, 9, 30])
def test_state_of_a_scene_of_30_bursts_stays_small(per_task):
    machine = runner(Play(BURSTS, per_task=per_task))
    machine.run(PAYLOAD)
    assert machine.largest < LIMIT


def test_state_stays_small_when_every_task_fails_with_the_longest_cause():
    error = stopped(exit_code=75, reason="r" * 20_000)
    assert played(Play(BURSTS, left=lambda *_: 1, faults={"RunTask": always(error)})).largest < LIMIT


def test_state_stays_small_when_every_assembly_fails_with_the_longest_cause():
    error = lambda_error("KeyError", "k" * 30_000)
    machine = played(Play(BURSTS, faults={"AssembleStac": always(error)}))
    # Step Functions takes 256 KiB.
    assert machine.largest < 128 * 1024


@pytest.mark.parametrize("per_task", [1, 9])
def test_history_stays_short_while_every_task_waits_for_capacity(per_task):
    error = TaskError("AmazonECS.Unknown", "Capacity is unavailable at this time.")
    machine = played(Play(BURSTS, per_task=per_task, faults={"RunTask": always(error)}))
    assert machine.events < MOST_EVENTS


def test_history_stays_short_where_waits_are_short_and_many():
    """Containers that make a burst each and are interrupted, one after the other."""
    error = stopped("SpotInterruption", 143)
    machine = played(Play(BURSTS, left=lambda *_: 1, faults={"RunTask": always(error)}))
    assert machine.events < MOST_EVENTS
