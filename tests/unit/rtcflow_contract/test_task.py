"""Tasks and outcomes: the input of a container, and what it leaves for the next attempt."""

import json
from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from rtcflow_contract.errors import ErrorClass, RefusedError
from rtcflow_contract.job import Sources, make_job
from rtcflow_contract.keys import task_key
from rtcflow_contract.layers import Product
from rtcflow_contract.report import BurstOutcome, Outcome
from rtcflow_contract.request import parse_request
from rtcflow_contract.task import _TASK_VERSION, Task, exit_code, is_left, parse_task

SCENE = "S1A_IW_SLC__1SDV_20220101T124744_20220101T124814_041267_04E7A2_1DAD"
START = datetime(2022, 1, 1, 12, 47, 45, tzinfo=UTC)


def job(burst_id="t070_148570_iw1"):
    return make_job(
        parse_request({"scene": SCENE}, "products"),
        product=Product.RTC_S1,
        burst_id=burst_id,
        sensing_start=START,
        execution="run-1",
        execution_started=START,
        work_bucket="work",
        product_version="0.1",
        sources=Sources(scene="asf"),
    )


def outcome(error_class=None):
    return BurstOutcome(
        burst_id="t070_148570_iw1",
        product=Product.RTC_S1,
        outcome=Outcome.FAILED if error_class else Outcome.MADE,
        error_class=error_class,
    )


def task_with(**changes):
    task = Task(execution="run-1", number=3, jobs=(job(),))
    return json.dumps({**task.model_dump(mode="json"), **changes})


def test_a_task_is_read_as_it_was_written():
    task = Task(execution="run-1", number=3, jobs=(job(), job("t070_148571_iw1")))
    assert parse_task(task.model_dump_json()) == task
    assert str(task_key("work", task.execution, task.number)) == "s3://work/executions/run-1/tasks/3.json"


def test_a_field_of_a_newer_writer_is_ignored():
    assert parse_task(task_with(colour="red")).number == 3


def test_a_task_for_a_newer_image_is_refused_in_a_sentence():
    with pytest.raises(RefusedError, match=r"push the image of the stack's own version$") as raised:
        parse_task(task_with(version=_TASK_VERSION + 1))
    assert raised.value.reason == "old-image"


@pytest.mark.parametrize(
    "text", ["", "null", "{", '{"execution": "run-1"}', task_with(jobs=[]), task_with(number=-1)]
)
def test_what_is_not_a_task_is_refused(text):
    with pytest.raises(RefusedError, match="the task was refused"):
        parse_task(text)


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [
        ([None, outcome()], 75),
        ([outcome(ErrorClass.TRANSIENT), outcome(ErrorClass.DEFECT)], 75),
        ([outcome(ErrorClass.REFUSED), outcome(ErrorClass.DEFECT), outcome()], 70),
        ([outcome(), outcome(ErrorClass.REFUSED)], 65),
        ([outcome(), outcome()], 0),
    ],
)
def test_the_exit_code_says_what_is_left(outcomes, code):
    assert exit_code(outcomes) == code


def test_the_next_attempt_takes_what_is_transient_or_has_no_outcome():
    assert [is_left(o) for o in (None, outcome(ErrorClass.TRANSIENT))] == [True, True]
    assert not any(is_left(o) for o in (outcome(), outcome(ErrorClass.REFUSED), outcome(ErrorClass.DEFECT)))


def test_a_task_cannot_be_changed():
    with pytest.raises(ValidationError):
        Task(execution="run-1", number=3, jobs=(job(),)).number = 4
