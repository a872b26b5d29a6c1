"""One burst of nine does not stop the others: real processes that crash, are killed, hang, or get SIGTERM."""

import json
import signal

import pytest

from rtcflow_contract.errors import ErrorClass
from rtcflow_contract.report import Outcome
from tests.support.task_case import NINE, THIRD, begun_of, made, outcome_of, run, start, write_task

OTHERS = [burst_id for burst_id in NINE if burst_id != THIRD]


@pytest.fixture
def folder(tmp_path):
    write_task(tmp_path)
    return tmp_path


def left_over(folder):
    return [path.name for path in (folder / "scratch").iterdir()]


def test_nine_bursts_are_made_in_their_order(folder):
    code, _ = run(folder)
    assert code == 0
    assert made(folder) == list(NINE)
    assert {outcome_of(folder, name).outcome for name in NINE} == {Outcome.MADE}
    assert left_over(folder) == []


@pytest.mark.parametrize(
    ("kind", "code", "environment"),
    [
        ("segfault", -signal.SIGSEGV, {}),
        ("kill", -signal.SIGKILL, {}),
        ("hang", 1, {"RTCFLOW_TIME_LIMIT_S": "4"}),
    ],
)
def test_a_burst_that_ends_its_task_comes_last_and_fails_the_second_time(folder, kind, code, environment):
    first, output = run(folder, kind, 1, **environment)
    assert first == code
    if kind != "kill":
        # Where it was can be read in the log.
        assert "task_case.py" in output
    assert THIRD not in made(folder)
    assert begun_of(folder, THIRD).times == 1
    assert outcome_of(folder, THIRD) is None

    second, _ = run(folder, kind, 2, **environment)
    assert second == code
    assert sorted(made(folder)) == OTHERS
    assert begun_of(folder, THIRD).times == 2

    third, _ = run(folder, kind, 3, **environment)
    assert third == 70
    outcome = outcome_of(folder, THIRD)
    assert (outcome.error_class, outcome.reason) == (ErrorClass.DEFECT, "took-task-down")
    assert "took its task down twice" in outcome.message
    assert [outcome_of(folder, name).outcome for name in OTHERS] == [Outcome.MADE] * 8


def test_a_burst_that_died_once_and_then_succeeds_is_made(folder):
    assert run(folder, "kill", 1)[0] == -signal.SIGKILL
    assert run(folder, "well", 2)[0] == 0
    assert sorted(made(folder)) == list(NINE)
    assert made(folder)[-1] == THIRD or outcome_of(folder, THIRD).attempt == 2


def test_a_defect_of_one_burst_does_not_stop_the_others(folder):
    code, output = run(folder, "error")
    assert code == 70
    assert sorted(made(folder)) == OTHERS
    assert outcome_of(folder, THIRD).message == "unexpected ZeroDivisionError: division by zero"
    assert "Traceback" in output


def stop_at_third(folder, kind, **environment):
    """SIGTERM while the third burst computes; exit code and lines of the log."""
    process = start(folder, kind, **environment)
    lines = []
    for line in process.stdout:
        lines.append(line)
        entry = json.loads(line) if line.startswith("{") else {}
        if (entry.get("stage"), entry.get("burst_id")) == ("compute", THIRD):
            process.send_signal(signal.SIGTERM)
            break
    lines += process.stdout.readlines()
    return process.wait(60), lines


def test_on_sigterm_it_finishes_the_burst_in_progress_and_leaves_the_others(folder):
    code, _ = stop_at_third(folder, "slow")
    assert code == 75
    assert THIRD in made(folder)
    left = [name for name in NINE if name not in made(folder)]
    assert left == list(NINE[3:])
    assert {(o.error_class, o.reason) for o in (outcome_of(folder, name) for name in left)} == {
        (ErrorClass.TRANSIENT, "left")
    }
    assert left_over(folder) == []
    # The task was not killed: no burst comes last or is suspected.
    assert run(folder, "well", 2)[0] == 0
    assert sorted(made(folder)) == list(NINE)


def test_a_burst_that_cannot_be_finished_in_time_is_left_too(folder):
    code, _ = stop_at_third(folder, "very slow", RTCFLOW_STOP_S="3")
    assert code == 75
    assert outcome_of(folder, THIRD).reason == "left"
    assert left_over(folder) == []


def test_log_lines_name_their_burst(folder):
    _, output = run(folder)
    entries = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    of_bursts = [entry for entry in entries if not entry["message"].startswith("task ")]
    assert {entry["burst_id"] for entry in of_bursts} == set(NINE)
    for burst_id in NINE:
        mine = [entry["message"] for entry in of_bursts if entry["burst_id"] == burst_id]
        assert (mine[0], mine[-1]) == ("burst started", "burst ended")
    assert all(entry["execution"] == "execution-1" for entry in entries)
