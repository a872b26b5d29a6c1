"""The full template beside another in one account: deployed, its rules and alarms exercised, and deleted again."""

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rtcflow_local.twin.deployment import Stack, deploy, remove
from rtcflow_local.twin.faults import Fault
from tests.support.campaign_scenes import ARCHIVE

pytestmark = pytest.mark.twin
ROOT = Path(__file__).parents[2]
NAME = "side"
# Kept on purpose: products, work files and images outlive the stack.
KEPT = {"AWS::S3::Bucket", "AWS::ECR::Repository"}


def until(found: Callable[[], Any], timeout_s: float = 30.0) -> Any:
    """What a function finds, as soon as that is something."""
    deadline = time.monotonic() + timeout_s
    while not (result := found()):
        assert time.monotonic() < deadline, "nothing came"
        time.sleep(0.2)
    return result


class Listener:
    """A queue that hears what a topic tells."""

    def __init__(self, twin, topic: str, name: str) -> None:
        self.sqs = twin.emulator.client("sqs")
        self.url = self.sqs.create_queue(QueueName=name)["QueueUrl"]
        attributes = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["QueueArn"])
        arn = attributes["Attributes"]["QueueArn"]
        twin.emulator.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)

    def hears(self, text: str) -> str:
        """The first message that has a text in it; others are passed over."""

        def find() -> str | None:
            for message in self.sqs.receive_message(QueueUrl=self.url).get("Messages", []):
                self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
                sentence = json.loads(message["Body"])["Message"]
                if text in sentence:
                    return sentence
            return None

        return until(find)


@pytest.fixture(scope="module")
def alarms(twin, side):
    return Listener(twin, side.outputs["AlarmTopicArn"], "alarm-listener")


def resources(twin, stack: str) -> list[tuple[str, str]]:
    """Type and physical id of everything in a stack and in those nested in it."""
    client = twin.emulator.client("cloudformation")
    pages = client.get_paginator("list_stack_resources").paginate(StackName=stack)
    found = [
        (resource["ResourceType"], resource["PhysicalResourceId"])
        for page in pages
        for resource in page["StackResourceSummaries"]
    ]
    nested = [name for kind, name in found if kind == "AWS::CloudFormation::Stack"]
    return found + [resource for name in nested for resource in resources(twin, name)]


def executions(twin, side) -> list[dict[str, Any]]:
    return twin.states.list_executions(stateMachineArn=side.state_machine)["executions"]


def test_two_stacks_share_nothing(twin, side):
    mine, others = set(resources(twin, NAME)), set(resources(twin, "rtcflow"))
    assert len(mine) > 100
    assert not mine & others


def test_requested_scene_is_started_and_its_failure_is_announced(twin, side, alarms):
    payload = {"scene": "not-a-scene", "s3_project_folder": "asked"}
    before = {started["executionArn"] for started in executions(twin, side)}
    entry = {"Source": f"{NAME}.requests", "DetailType": "Scene Requested", "Detail": json.dumps(payload)}
    twin.emulator.client("events").put_events(Entries=[entry])
    (started,) = until(lambda: {found["executionArn"] for found in executions(twin, side)} - before)
    run = twin.wait(started)
    assert (run.status, run.error) == ("FAILED", "RefusedError")
    assert run.name in alarms.hears("rtcflow execution")


def test_too_many_failed_bursts_raise_the_alarm(twin, side, alarms):
    watch = twin.emulator.client("cloudwatch")
    watch.put_metric_data(
        Namespace="rtcflow",
        MetricData=[
            {
                "MetricName": "BurstFailedPercent",
                "Dimensions": [{"Name": "service", "Value": NAME}],
                "Value": value,
            }
            for value in (100.0, 0.0, 0.0)
        ],
    )
    sentence = json.loads(alarms.hears(f"{NAME}-failed-bursts"))
    assert sentence["NewStateValue"] == "ALARM"


def test_every_alarm_watches_its_own_stack_and_tells_its_topic(twin, side):
    alarms = twin.emulator.client("cloudwatch").describe_alarms(AlarmNamePrefix=f"{NAME}-")["MetricAlarms"]
    assert {f"{NAME}-no-product-for-a-day", f"{NAME}-dead-letters", f"{NAME}-find-scenes-silent"} <= {
        alarm["AlarmName"] for alarm in alarms
    }
    assert {tuple(alarm["AlarmActions"]) for alarm in alarms} == {(side.outputs["AlarmTopicArn"],)}
    for alarm in alarms:
        (dimension,) = alarm["Dimensions"]
        assert NAME in re.split("[:-]", dimension["Value"]), alarm["AlarmName"]


def test_dead_letter_queue_takes_what_rules_give_up_and_gives_it_back(twin, side):
    sqs, events = twin.emulator.client("sqs"), twin.emulator.client("events")
    url = sqs.get_queue_url(QueueName=f"{NAME}-dead-letters")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    for rule in (f"{NAME}-requested-scenes", f"{NAME}-failed-executions"):
        (target,) = events.list_targets_by_rule(Rule=rule)["Targets"]
        assert target["DeadLetterConfig"] == {"Arn": arn}
    sqs.send_message(QueueUrl=url, MessageBody=json.dumps({"detail": {"scene": "not-a-scene"}}))
    (message,) = until(lambda: sqs.receive_message(QueueUrl=url).get("Messages"))
    again = twin.states.start_execution(
        stateMachineArn=side.state_machine, input=json.dumps(json.loads(message["Body"])["detail"])
    )
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    assert twin.wait(again["executionArn"]).error == "RefusedError"


def test_schedule_calls_the_search_for_new_scenes(twin, side):
    events = twin.emulator.client("events")
    rule = events.describe_rule(Name=f"{NAME}-find-scenes")
    assert (rule["State"], rule["ScheduleExpression"]) == ("ENABLED", "rate(1 minute)")
    logs = twin.emulator.client("logs")
    group = f"/aws/lambda/{NAME}-find-scenes"
    until(lambda: logs.describe_log_streams(logGroupName=group)["logStreams"], timeout_s=90)


@pytest.fixture
def own_stack(twin):
    """Deploys a stack of the test's own, by name; it is removed again."""
    deployed: list[str] = []

    def own(name: str) -> Stack:
        deployed.append(name)
        return deploy(twin.emulator, ROOT, ARCHIVE.parameters, stack=name)

    yield own
    stacks = twin.emulator.client("cloudformation").describe_stacks()["Stacks"]
    for name in {stack["StackName"] for stack in stacks} & set(deployed):
        remove(twin.emulator, name)


def test_a_new_version_leaves_an_execution_in_flight_alone(twin, own_stack):
    name = "renewed"
    side = own_stack(name)
    ecs, burst_id = twin.emulator.client("ecs"), twin.bursts[0]
    before = latest(ecs, name)
    # Holds the task back until the stack is another.
    held = Fault(f"GET /{side.work_bucket}/executions/in-flight/tasks/0.json", "s3_slow", after_s=15.0)
    twin.faults.put(held)
    payload = twin.payload(s3_project_folder="in-flight", burst_id_list=[burst_id])
    started = twin.states.start_execution(
        stateMachineArn=side.state_machine, input=json.dumps(payload), name="in-flight"
    )
    until(lambda: not twin.faults.left()[0].times)
    deploy(twin.emulator, ROOT, {"License": "MIT", "TaskSize": "large"}, stack=name)
    assert twin.states.describe_execution(executionArn=started["executionArn"])["status"] == "RUNNING"
    assert latest(ecs, name) != before
    assert ecs.describe_task_definition(taskDefinition=before)["taskDefinition"]["status"] == "ACTIVE"
    run = twin.wait(started["executionArn"])
    assert run.status == "SUCCEEDED", run.cause
    (key,) = [key for key in twin.keys(side.products_bucket, "in-flight/") if key.endswith("metadata.json")]
    assert json.loads(twin.read(side.products_bucket, key))["properties"]["license"] == "CC-BY-4.0"


def latest(ecs, stack: str) -> str:
    """ARN of the newest revision of a stack's burst task."""
    found = ecs.list_task_definitions(familyPrefix=f"{stack}-burst", sort="DESC")
    return found["taskDefinitionArns"][0]


def test_deleting_the_stack_leaves_what_outlives_it_and_nothing_else(twin, own_stack):
    own = "brief"
    own_stack(own)
    before = set(resources(twin, own))
    kept = {resource for resource in before if resource[0] in KEPT}
    assert len(kept) == 3
    revisions = set(twin.emulator.client("ecs").list_task_definitions()["taskDefinitionArns"])
    remove(twin.emulator, own)
    client = twin.emulator.client
    left = {bucket["Name"] for bucket in twin.s3.list_buckets()["Buckets"]}
    left |= {entry["repositoryName"] for entry in client("ecr").describe_repositories()["repositories"]}
    assert {name for _, name in kept} <= left
    stacks = [stack["StackName"] for stack in client("cloudformation").describe_stacks()["Stacks"]]
    assert not [name for name in stacks if name.startswith(own)]
    # Revisions that an update replaced are kept for executions in flight.
    replaced = revisions - {name for _, name in before}
    gone = {name for _, name in before - kept}
    for kind, names in inventory(client, own).items():
        names -= replaced
        assert not names & gone, kind
        assert not [name for name in names if name.rpartition("/")[2].startswith(f"{own}-")], kind
    assert twin.states.describe_state_machine(stateMachineArn=twin.stack.state_machine)["status"] == "ACTIVE"


def inventory(client: Callable[[str], Any], stack: str) -> dict[str, set[str]]:
    """Names of everything in the account, by kind, as the services themselves list it."""
    return {
        "functions": {entry["FunctionName"] for entry in client("lambda").list_functions()["Functions"]},
        "layers": {entry["LayerName"] for entry in client("lambda").list_layers()["Layers"]},
        "queue mappings": {
            entry["UUID"] for entry in client("lambda").list_event_source_mappings()["EventSourceMappings"]
        },
        "roles": {entry["RoleName"] for entry in client("iam").list_roles()["Roles"]},
        "policies": {entry["Arn"] for entry in client("iam").list_policies(Scope="Local")["Policies"]},
        "state machines": {
            entry["stateMachineArn"]
            for entry in client("stepfunctions").list_state_machines()["stateMachines"]
        },
        "rules": {entry["Name"] for entry in client("events").list_rules()["Rules"]},
        "alarms": {entry["AlarmName"] for entry in client("cloudwatch").describe_alarms()["MetricAlarms"]},
        "dashboards": {
            entry["DashboardName"] for entry in client("cloudwatch").list_dashboards()["DashboardEntries"]
        },
        "queues": set(client("sqs").list_queues(QueueNamePrefix=stack).get("QueueUrls", [])),
        "topics": {entry["TopicArn"] for entry in client("sns").list_topics()["Topics"]},
        "log groups": {entry["logGroupName"] for entry in client("logs").describe_log_groups()["logGroups"]},
        "clusters": set(client("ecs").list_clusters()["clusterArns"]),
        "task definitions": set(client("ecs").list_task_definitions()["taskDefinitionArns"]),
        "secrets": {entry["ARN"] for entry in client("secretsmanager").list_secrets()["SecretList"]},
        "networks": {entry["VpcId"] for entry in client("ec2").describe_vpcs()["Vpcs"]},
        "security groups": {
            entry["GroupId"] for entry in client("ec2").describe_security_groups()["SecurityGroups"]
        },
    }
