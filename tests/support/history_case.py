"""A scene's execution in Step Functions: events of a history, and a client that answers with them."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import BaseModel

from rtcflow_contract.job import BurstJob, Sources, make_job
from rtcflow_contract.layers import Product
from rtcflow_contract.report import BurstOutcome
from rtcflow_contract.request import parse_request
from rtcflow_contract.task import Begun, Task

START = datetime(2025, 4, 8, 2, 54, 1, tzinfo=UTC)
SCENE = "S1A_IW_SLC__1SDV_20200511T135117_20200511T135144_032518_03C421_7768"
ARN = "arn:aws:states:us-west-2:123456789012:execution:Scene:first"


class History:
    """Builds events; `at` is the clock in seconds since the start."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.at = 0.0

    def add(self, kind: str, **details: Any) -> None:
        moment = START + timedelta(seconds=self.at)
        self.events.append({"id": len(self.events) + 1, "type": kind, "timestamp": moment, **details})

    def enter(self, kind: str, name: str, given: Any) -> None:
        self.add(f"{kind}StateEntered", stateEnteredEventDetails={"name": name, "input": json.dumps(given)})

    def leave(self, kind: str, name: str, output: Any) -> None:
        self.add(f"{kind}StateExited", stateExitedEventDetails={"name": name, "output": json.dumps(output)})

    def task(self, name: str, seconds: float, output: Any, given: Any = None, tries: int = 1) -> None:
        self.enter("Task", name, given or {})
        for number in range(tries):
            self.add("TaskScheduled")
            self.at += seconds / tries
            self.add("TaskSucceeded" if number == tries - 1 else "TaskFailed")
        self.leave("Task", name, output)


TASK = "s3://work/executions/first/tasks/0.json"


def task(*burst_ids: str, **fields: Any) -> dict[str, Any]:
    """The input of the states of a task."""
    return {"task": TASK, "bursts": list(burst_ids), "run": {}, **fields}


def scene_history(made: list[str], failed: list[str] = (), *, end: bool = True) -> History:
    """PlanScene called twice, one task for a minute with all bursts; failed ones by a corrupt measurement."""
    history = History()
    bursts = [*made, *failed]
    history.add("ExecutionStarted")
    history.task("PlanScene", 3, {"bursts": len(bursts)}, {"scene": SCENE}, tries=2)
    history.enter("Choice", "WhatComesFirst", {})
    history.leave("Choice", "WhatComesFirst", {})
    history.enter("Map", "ProcessBursts", {})
    if bursts:
        history.enter("Task", "RunTask", task(*bursts))
        history.at += 60
        if not end:
            return history
        ended = {"Error": "States.TaskFailed", "Cause": "{}"} if failed else {"StopCode": "x"}
        history.leave("Task", "RunTask", task(*bursts, ended=ended))
        history.task("AssembleStac", 2, {"next": "done", "task": TASK, "items": len(made)}, task(*bursts))
    history.leave("Map", "ProcessBursts", {"tasks": 1})
    sentence = {"outcome": "failed" if failed else "succeeded", "message": "done"}
    history.task("SummarizeScene", 1, {**sentence, "error_class": "refused" if failed else None})
    history.enter("Choice", "DidSceneSucceed", {})
    history.leave("Choice", "DidSceneSucceed", {})
    if failed:
        history.enter("Fail", "FailScene", {})
        history.add("ExecutionFailed")
    else:
        history.enter("Succeed", "SucceedScene", {})
        history.leave("Succeed", "SucceedScene", {})
        history.add("ExecutionSucceeded")
    return history


def put_records(
    s3: Any,
    made: Sequence[str] = (),
    failed: Sequence[str] = (),
    in_hand: Sequence[str] = (),
    waiting: Sequence[str] = (),
) -> None:
    """The task of `scene_history` with the records of its bursts: 20 s each, one after the other."""
    names = [*made, *failed, *in_hand, *waiting]
    jobs = [_job(burst_id) for burst_id in names]
    text = Task(execution="first", number=0, jobs=tuple(jobs)).model_dump_json()
    s3.put_object(Bucket="work", Key="executions/first/tasks/0.json", Body=text)
    for number, job in enumerate(jobs):
        started = START + timedelta(seconds=3 + 20 * number)
        if job.burst_id not in waiting:
            _put(s3, job, "begun", Begun(attempt=1, started=started))
        if job.burst_id in in_hand or job.burst_id in waiting:
            continue
        sentence = (
            {"outcome": "made", "item": f"s3://products/{job.burst_id}/metadata.json"}
            if job.burst_id in made
            else {"outcome": "failed", "error_class": "refused", "message": "corrupt"}
        )
        finished = started + timedelta(seconds=20)
        outcome = BurstOutcome(
            burst_id=job.burst_id, product=job.product, started=started, finished=finished, **sentence
        )
        _put(s3, job, "outcome", outcome)


def _job(burst_id: str) -> BurstJob:
    return make_job(
        parse_request({"scene": SCENE}, "products"),
        product=Product.RTC_S1,
        burst_id=burst_id,
        sensing_start=START,
        execution="first",
        execution_started=START,
        work_bucket="work",
        product_version="0.1",
        sources=Sources(scene="asf"),
    )


def _put(s3: Any, job: BurstJob, name: str, record: BaseModel) -> None:
    at = job.work.join(f"{name}.json")
    s3.put_object(Bucket=at.bucket, Key=at.key, Body=record.model_dump_json())


class States:
    """Step Functions client of one execution; each look gives the next of `looks`, the last again and again."""

    def __init__(self, *looks: tuple[str, History], **sentence: Any) -> None:
        self._looks = list(looks)
        self._told = sentence
        self.started: list[dict[str, Any]] = []

    def describe_execution(self, **asked: Any) -> dict[str, Any]:
        status, history = self._looks[0]
        stopped = {} if status == "RUNNING" else {"stopDate": START + timedelta(seconds=history.at)}
        payload = json.dumps({"scene": SCENE})
        sentence = {"name": "first", "status": status, "startDate": START, "input": payload}
        return {**sentence, **stopped, **(self._told if status == "FAILED" else {})}

    def get_paginator(self, name: str) -> Any:
        assert name == "get_execution_history"
        return self

    def paginate(self, **asked: Any) -> list[dict[str, Any]]:
        history = self._looks.pop(0)[1] if len(self._looks) > 1 else self._looks[0][1]
        middle = len(history.events) // 2
        return [{"events": history.events[:middle]}, {"events": history.events[middle:]}]

    def start_execution(self, **asked: Any) -> dict[str, Any]:
        self.started.append(asked)
        return {"executionArn": f"{ARN.rsplit(':', 1)[0]}:{asked['name']}"}
