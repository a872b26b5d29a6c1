"""Check in the account what no emulator shows of a first deployment; prints pass or fail for each point."""

import argparse
import json
import os
import re
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import boto3
import scene_check as scene
from botocore.exceptions import BotoCoreError, ClientError

from rtcflow_contract.request import Engine, parse_request
from rtcflow_scene.grouping import bursts_per_task, task_numbers

Outputs = dict[str, str]
_LOGINS = ("EARTHDATA_LOGIN", "EARTHDATA_PASSWORD")
# May be empty, but ECS starts no task where one of the secret's values is not there at all.
_FURTHER_LOGINS = ("CDSE_LOGIN", "CDSE_PASSWORD")
# Service Quotas' codes of the vCPUs that Fargate may run at once; those of a task by the stack's TaskSize.
_QUOTAS = {"L-3032A538": "Fargate On-Demand vCPU", "L-36FBB829": "Fargate Spot vCPU"}
_VCPU = {"small": 2, "medium": 4, "large": 8}
_BURSTS_OF_A_SCENE = 27
_NO_SCENE = {"scene": "not-a-scene"}
_ANY_SCENE = "S1A_IW_SLC__1SDV_20220101T124744_20220101T124814_041267_04E7A2_1DAD"


class Point(NamedTuple):
    """What is checked, by a function that says nothing when all is well, and otherwise what to do."""

    name: str
    check: Callable[[boto3.Session, Outputs], str]


def stack_outputs(session: boto3.Session, stack: str) -> Outputs:
    """Name, parameters and outputs of a stack by key."""
    described = session.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    parameters = {p["ParameterKey"]: p["ParameterValue"] for p in described.get("Parameters", [])}
    outputs = {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}
    return {"StackName": described["StackName"], **parameters, **outputs}


def image_pushed(session: boto3.Session, outputs: Outputs) -> str:
    """The image that tasks run, by tag or digest, is in its repository; a public one is not looked for."""
    own, engine = outputs["ImageRepositoryUri"], outputs.get("Engine", "native")
    name, _, digest = (outputs.get("ImageUri") or f"{own}:{engine}").partition("@")
    # A colon before the last slash is a port's.
    repository, tag = re.sub(r":[^:/]+$", "", name), name.rpartition("/")[2].partition(":")[2]
    if ".dkr.ecr." not in repository:
        return ""
    account, _, _, region = repository.split(".")[:4]
    wanted: Any = {"imageDigest": digest} if digest else {"imageTag": tag}
    try:
        session.client("ecr", region_name=region).describe_images(
            registryId=account, repositoryName=repository.split("/", 1)[1], imageIds=[wanted]
        )
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("ImageNotFoundException", "RepositoryNotFoundException"):
            raise
        return (
            f"{repository} has no image {digest or tag}; push it: make push TARGET={engine} REPOSITORY={own}"
        )
    return ""


def secret_filled_in(session: boto3.Session, outputs: Outputs) -> str:
    """The archive logins are there; their values stay where they are."""
    secret = session.client("secretsmanager").get_secret_value(SecretId=outputs["ArchiveSecretArn"])
    values = json.loads(secret["SecretString"])
    empty = [name for name in _LOGINS if not values.get(name)]
    if empty:
        return f"fill in {', '.join(empty)} of secret {outputs['ArchiveSecretArn']}"
    lacking = [name for name in _FURTHER_LOGINS if name not in values]
    return f"add {', '.join(lacking)} to secret {outputs['ArchiveSecretArn']}, empty" if lacking else ""


def buckets_closed(session: boto3.Session, outputs: Outputs) -> str:
    """The work bucket blocks all public access."""
    access = session.client("s3").get_public_access_block(Bucket=outputs["WorkBucketName"])
    open_settings = [name for name, on in access["PublicAccessBlockConfiguration"].items() if not on]
    return f"bucket {outputs['WorkBucketName']} has {', '.join(open_settings)} off" if open_settings else ""


def machine_logs(session: boto3.Session, outputs: Outputs) -> str:
    """The state machine writes a log and is traced."""
    machine = session.client("stepfunctions").describe_state_machine(
        stateMachineArn=outputs["SceneStateMachineArn"]
    )
    missing = [
        what
        for what, there in (
            ("a log", machine.get("loggingConfiguration", {}).get("destinations")),
            ("tracing", machine.get("tracingConfiguration", {}).get("enabled")),
        )
        if not there
    ]
    return f"the state machine lacks {' and '.join(missing)}; deploy again" if missing else ""


def fargate_quota(session: boto3.Session, outputs: Outputs) -> str:
    """Fargate may run a scene's tasks at once; a fleet of instances does without."""
    if outputs.get("Fleet") == "ec2":
        return ""
    tasks = scene_tasks(outputs)
    wanted = tasks * _VCPU[outputs.get("TaskSize", "medium")]
    quotas = session.client("service-quotas")
    low = [
        f"{name} {quota:g}"
        for code, name in _QUOTAS.items()
        if (quota := quotas.get_service_quota(ServiceCode="fargate", QuotaCode=code)["Quota"]["Value"])
        < wanted
    ]
    advice = f"ask for a quota of {wanted}, which a scene's {tasks} tasks take at once; with less they wait"
    return f"{advice}: {', '.join(low)}" if low else ""


def scene_tasks(outputs: Outputs) -> int:
    """Tasks of a whole scene with the stack's settings."""
    request = parse_request({"scene": _ANY_SCENE}, "products")
    engine = Engine(outputs.get("Engine", "native"))
    most = bursts_per_task(request, engine, outputs.get("BurstsPerTask", "auto"))
    return max(task_numbers(_BURSTS_OF_A_SCENE, most)) + 1


def alarms_reach_someone(session: boto3.Session, outputs: Outputs) -> str:
    """The alarm topic has a confirmed subscriber."""
    listed = session.client("sns").list_subscriptions_by_topic(TopicArn=outputs["AlarmTopicArn"])
    confirmed = [s for s in listed["Subscriptions"] if s["SubscriptionArn"].startswith("arn:")]
    return "" if confirmed else "set AlarmEmail and confirm the mail, or subscribe to AlarmTopicArn"


def alias_points_at_a_version(session: boto3.Session, outputs: Outputs) -> str:
    """Rules, schedule and campaigns start a published version."""
    if outputs.get("PublishVersions") == "false":
        return ""
    alias = session.client("stepfunctions").describe_state_machine_alias(
        stateMachineAliasArn=outputs["SceneStateMachineLiveArn"]
    )
    versions = [route["stateMachineVersionArn"] for route in alias["routingConfiguration"]]
    return "" if len(versions) == 1 else f"alias live points at {', '.join(versions) or 'nothing'}"


def alarms_watch(session: boto3.Session, outputs: Outputs) -> str:
    """The stack's alarms are there, and none is raised."""
    found = session.client("cloudwatch").describe_alarms(AlarmNamePrefix=f"{outputs['StackName']}-")
    # Names of another stack may begin like this one's.
    alarms = [alarm for alarm in found["MetricAlarms"] if outputs["AlarmTopicArn"] in alarm["AlarmActions"]]
    raised = [alarm["AlarmName"] for alarm in alarms if alarm["StateValue"] == "ALARM"]
    if raised:
        return f"raised: {', '.join(raised)}"
    return "" if alarms else "there are none; deploy again"


def dead_letters_empty(session: boto3.Session, outputs: Outputs) -> str:
    """No message waits in the dead-letter queue."""
    url = outputs["DeadLetterQueueUrl"]
    found = session.client("sqs").get_queue_attributes(
        QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"]
    )
    number = int(found["Attributes"]["ApproximateNumberOfMessages"])
    return f"{number} messages wait in {url}; the runbook says what to do" if number else ""


def budget_set(session: boto3.Session, outputs: Outputs) -> str:
    """The budget that was asked for watches the stack's tag."""
    if not outputs.get("AlarmEmail") or float(outputs.get("MonthlyBudgetUsd") or 0) == 0:
        return ""
    account = session.client("sts").get_caller_identity()["Account"]
    name = f"{outputs['StackName']}-{session.region_name}-monthly"
    session.client("budgets").describe_budget(AccountId=account, BudgetName=name)
    tags = session.client("ce").list_cost_allocation_tags(TagKeys=["rtcflow:stack"], Status="Active")
    return "" if tags["CostAllocationTags"] else "switch rtcflow:stack on as a cost allocation tag in Billing"


def refusal_comes_back(session: boto3.Session, outputs: Outputs, poll_seconds: float = 2.0) -> str:
    """A payload that is wrong is refused by name: functions, layer, roles, buckets and the report work together."""
    machine = session.client("stepfunctions")
    started = machine.start_execution(
        stateMachineArn=outputs["SceneStateMachineArn"], input=json.dumps(_NO_SCENE)
    )
    for _ in range(60):
        execution = machine.describe_execution(executionArn=started["executionArn"])
        if execution["status"] != "RUNNING":
            break
        time.sleep(poll_seconds)
    if execution["status"] == "FAILED" and execution.get("error") == "RefusedError":
        return ""
    return f"execution {started['executionArn']} ended as {execution['status']}: {execution.get('cause')}"


def failure_is_announced(session: boto3.Session, outputs: Outputs) -> str:
    """The rule on failed executions reached the alarm topic: the refusal of the point before is one."""
    now = datetime.now(UTC)
    rule = {"Name": "RuleName", "Value": f"{outputs['StackName']}-failed-executions"}

    def counted(metric: str) -> float:
        found = session.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/Events",
            MetricName=metric,
            Dimensions=[rule],
            StartTime=now - timedelta(hours=3),
            EndTime=now,
            Period=3600,
            Statistics=["Sum"],
        )
        return sum(point["Sum"] for point in found["Datapoints"])

    if counted("FailedInvocations"):
        return f"rule {rule['Value']} could not publish; may its role publish to {outputs['AlarmTopicArn']}?"
    return "" if counted("Invocations") else "no failure is counted yet; check again in five minutes"


POINTS = (
    Point("image pushed", image_pushed),
    Point("archive logins filled in", secret_filled_in),
    Point("work bucket closed", buckets_closed),
    Point("state machine logged and traced", machine_logs),
    Point("quota of Fargate", fargate_quota),
    Point("alias points at a version", alias_points_at_a_version),
    Point("alarms reach someone", alarms_reach_someone),
    Point("alarms watch", alarms_watch),
    Point("dead-letter queue empty", dead_letters_empty),
    Point("budget set", budget_set),
    Point("a wrong payload is refused", refusal_comes_back),
    Point("a failed execution is announced", failure_is_announced),
)
# With --execution: what only a scene shows.
SCENE_POINTS = (
    Point("scene succeeded", scene.execution_succeeded),
    Point("tasks ran on a capacity provider", scene.tasks_ran_on),
    Point("tasks tagged", scene.tasks_tagged),
    Point("task log written", scene.task_log_written),
    Point("trace complete", scene.trace_complete),
    Point("metrics counted", scene.metrics_counted),
)


def run(session: boto3.Session, outputs: Outputs, points: tuple[Point, ...] = POINTS) -> int:
    """Check every point and print what came out; the number of points that failed."""
    failed = 0
    for point in points:
        try:
            problem = point.check(session, outputs)
        except (BotoCoreError, ClientError, KeyError) as error:
            problem = f"could not be checked: {error}"
        failed += bool(problem)
        print(f"{'FAIL' if problem else 'pass'}  {point.name}{f': {problem}' if problem else ''}")
    return failed


def main(arguments: list[str] | None = None) -> int:
    """Read the stack's name and check it; 1 when a point failed."""
    parser = argparse.ArgumentParser(prog="first-deployment-check", description=__doc__)
    parser.add_argument("--stack", default="rtcflow", help="name of the stack")
    parser.add_argument("--region", help="region of the stack; the session's when not given")
    parser.add_argument("--execution", help="ARN of a scene's execution, to check what it left as well")
    options: Any = parser.parse_args(arguments)
    # boto3 itself does not read AWS_REGION.
    session = boto3.Session(region_name=options.region or os.environ.get("AWS_REGION") or None)
    try:
        outputs = stack_outputs(session, options.stack)
    except (BotoCoreError, ClientError) as error:
        print(f"stack {options.stack} could not be read: {error}", file=sys.stderr)
        return 1
    if not options.execution:
        return int(run(session, outputs) > 0)
    outputs["Execution"] = options.execution
    return int(run(session, outputs, POINTS + SCENE_POINTS) > 0)


if __name__ == "__main__":
    sys.exit(main())
