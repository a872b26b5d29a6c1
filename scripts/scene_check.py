"""Check what a finished execution left in the account: tasks, tags, log, trace, metrics."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import boto3

Outputs = dict[str, str]
_TAGS = ("rtcflow:scene", "rtcflow:collection")
# Segments of a trace that show who took part.
_TRACED = ("PlanScene", "AssembleStac", "SummarizeScene")


def execution_succeeded(session: boto3.Session, outputs: Outputs) -> str:
    """The scene's execution went through, so network, image, roles and storage did."""
    execution = _execution(session, outputs)
    if execution["status"] == "SUCCEEDED":
        return ""
    return f"it ended as {execution['status']}: {execution.get('error')} {execution.get('cause', '')}".strip()


def tasks_tagged(session: boto3.Session, outputs: Outputs) -> str:
    """The scene's tasks carry the tags that its cost is told by; ECS forgets tasks an hour after their end."""
    if outputs.get("TaskTags") == "false":
        return ""
    tasks = _tasks(session, outputs)
    if not tasks:
        return "ECS knows no task of it any more; check again within an hour of a scene that made a burst"
    missing = sorted({key for task in tasks for key in _TAGS if key not in _keys(task)})
    return f"tasks lack the tags {', '.join(missing)}" if missing else ""


def tasks_ran_on(session: boto3.Session, outputs: Outputs) -> str:
    """The scene's tasks ran on the capacity of the cluster's strategy, Fargate or the fleet."""
    tasks = _tasks(session, outputs)
    if not tasks:
        return "ECS knows no task of it any more; check again within an hour of a scene that made a burst"
    plain = [task["taskArn"] for task in tasks if not task.get("capacityProviderName")]
    return f"no capacity provider ran {', '.join(plain)}" if plain else ""


def task_log_written(session: boto3.Session, outputs: Outputs) -> str:
    """Tasks write their log."""
    group = outputs["TaskLogGroupName"]
    streams = session.client("logs").describe_log_streams(logGroupName=group, limit=1)["logStreams"]
    return "" if streams else f"log group {group} is empty; may the execution role write to it?"


def trace_complete(session: boto3.Session, outputs: Outputs) -> str:
    """One X-Ray trace leads through the functions of the scene."""
    header = _execution(session, outputs).get("traceHeader", "")
    root = dict(part.split("=", 1) for part in header.split(";") if "=" in part).get("Root")
    if not root:
        return "the execution has no trace; is tracing of the state machine on?"
    traces = session.client("xray").batch_get_traces(TraceIds=[root])["Traces"]
    text = "".join(segment["Document"] for trace in traces for segment in trace["Segments"])
    missing = [name for name in _TRACED if name not in text]
    return f"trace {root} lacks {', '.join(missing)}" if missing else ""


def metrics_counted(session: boto3.Session, outputs: Outputs) -> str:
    """The stack's own metrics arrive, which alarms and dashboard stand on."""
    dimension = {"Name": "service", "Value": outputs["StackName"]}
    found = session.client("cloudwatch").list_metrics(
        Namespace="rtcflow", MetricName="BurstsMade", Dimensions=[dimension]
    )
    return "" if found["Metrics"] else "no metric BurstsMade; it may take 15 minutes to be listed"


def _execution(session: boto3.Session, outputs: Outputs) -> Mapping[str, Any]:
    return session.client("stepfunctions").describe_execution(executionArn=outputs["Execution"])


def _tasks(session: boto3.Session, outputs: Outputs) -> list[dict[str, Any]]:
    arns = list(_task_arns(session, outputs))[:100]
    if not arns:
        return []
    described = session.client("ecs").describe_tasks(
        cluster=outputs["ClusterName"], tasks=arns, include=["TAGS"]
    )
    tasks: list[dict[str, Any]] = described["tasks"]
    return tasks


def _task_arns(session: boto3.Session, outputs: Outputs) -> Iterator[str]:
    pages = session.client("stepfunctions").get_paginator("get_execution_history")
    for page in pages.paginate(executionArn=outputs["Execution"]):
        for event in page["events"]:
            answer = event.get("taskSubmittedEventDetails", {}).get("output")
            if answer:
                yield from (task["TaskArn"] for task in json.loads(answer).get("Tasks", []))


def _keys(task: dict[str, Any]) -> set[str]:
    return {tag["key"] for tag in task.get("tags", [])}
