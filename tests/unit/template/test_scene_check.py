import json
import re
from types import SimpleNamespace

import boto3
import deployment_check as check
import pytest
import scene_check as scene

from tests.support.deployed_template import ROOT, template

TAGS = [{"key": "rtcflow:scene", "value": "S1A"}, {"key": "rtcflow:collection", "value": "c1"}]
TASK = {"taskArn": "arn:task", "capacityProviderName": "FARGATE_SPOT", "tags": TAGS}
OUTPUTS = {
    "StackName": "rtcflow",
    "Execution": "arn:execution",
    "ClusterName": "rtcflow",
    "TaskLogGroupName": "/t",
}


class Account:
    """Answers of the services to what the checks ask, by service and operation."""

    def __init__(self, **answers):
        self.answers = answers

    def client(self, service):
        return SimpleNamespace(
            **{name.partition("__")[2]: self._give(answer) for name, answer in self.answers.items()},
            get_paginator=lambda name: SimpleNamespace(
                paginate=self._give([self.answers.get(f"pages__{name}")])
            ),
        )

    @staticmethod
    def _give(answer):
        return lambda **arguments: answer


def history(*arns):
    output = json.dumps({"Tasks": [{"TaskArn": arn} for arn in arns]})
    return {"events": [{"type": "TaskSubmitted", "taskSubmittedEventDetails": {"output": output}}]}


def account_with(task):
    return Account(pages__get_execution_history=history("arn:task"), ecs__describe_tasks={"tasks": [task]})


def test_tagged_tasks_on_a_capacity_provider_pass():
    assert scene.tasks_tagged(account_with(TASK), OUTPUTS) == ""
    assert scene.tasks_ran_on(account_with(TASK), OUTPUTS) == ""


def test_missing_tag_is_named():
    sentence = scene.tasks_tagged(account_with({**TASK, "tags": TAGS[:1]}), OUTPUTS)
    assert sentence.endswith("rtcflow:collection")


def test_stack_without_task_tags_is_asked_for_none():
    assert scene.tasks_tagged(account_with({**TASK, "tags": []}), {**OUTPUTS, "TaskTags": "false"}) == ""


def test_task_of_no_capacity_provider_is_named():
    assert "arn:task" in scene.tasks_ran_on(account_with({"taskArn": "arn:task"}), OUTPUTS)


def test_forgotten_tasks_do_not_pass():
    forgotten = Account(pages__get_execution_history={"events": []})
    assert "within an hour" in scene.tasks_tagged(forgotten, OUTPUTS)
    assert "within an hour" in scene.tasks_ran_on(forgotten, OUTPUTS)


@pytest.mark.parametrize(
    ("documents", "missing"), [("PlanScene AssembleStac SummarizeScene", ""), ("PlanScene", "AssembleStac")]
)
def test_trace_must_lead_through_the_functions(documents, missing):
    account = Account(
        states__describe_execution={"traceHeader": "Root=1-2-3;Sampled=1"},
        xray__batch_get_traces={"Traces": [{"Segments": [{"Document": documents}]}]},
    )
    sentence = scene.trace_complete(account, OUTPUTS)
    assert missing in sentence
    assert bool(sentence) is bool(missing)


def test_failed_execution_is_reported_with_its_cause():
    failed = {"status": "FAILED", "error": "BurstsFailed", "cause": "1 failed"}
    assert "1 failed" in scene.execution_succeeded(Account(states__describe_execution=failed), OUTPUTS)
    succeeded = Account(states__describe_execution={"status": "SUCCEEDED"})
    assert scene.execution_succeeded(succeeded, OUTPUTS) == ""


def test_missing_metrics_and_logs_are_reported(aws):
    session = boto3.Session(region_name="us-east-1")
    assert "BurstsMade" in scene.metrics_counted(session, OUTPUTS)
    session.client("logs").create_log_group(logGroupName="/t")
    assert "/t is empty" in scene.task_log_written(session, OUTPUTS)
    session.client("logs").create_log_stream(logGroupName="/t", logStreamName="burst/1")
    assert scene.task_log_written(session, OUTPUTS) == ""


def test_waiting_dead_letters_are_reported(aws):
    session = boto3.Session(region_name="us-east-1")
    url = session.client("sqs").create_queue(QueueName="dead")["QueueUrl"]
    outputs = {**OUTPUTS, "DeadLetterQueueUrl": url}
    assert check.dead_letters_empty(session, outputs) == ""
    session.client("sqs").send_message(QueueUrl=url, MessageBody="{}")
    assert check.dead_letters_empty(session, outputs).startswith("1 messages")


def test_raised_alarms_are_reported_but_not_those_of_a_stack_with_a_similar_name():
    def account(*alarms):
        sentence = [
            {"AlarmName": name, "StateValue": "ALARM", "AlarmActions": [topic]} for name, topic in alarms
        ]
        return Account(cloudwatch__describe_alarms={"MetricAlarms": sentence})

    outputs = {**OUTPUTS, "AlarmTopicArn": "arn:topic"}
    raised, other = ("rtcflow-failed-bursts", "arn:topic"), ("rtcflow-dev-failed-bursts", "arn:other")
    assert check.alarms_watch(account(raised, other), outputs) == "raised: rtcflow-failed-bursts"
    assert "there are none" in check.alarms_watch(account(other), outputs)


def test_quota_of_fargate_must_carry_a_scene_unless_instances_do():
    account = Account(quotas__get_service_quota={"Quota": {"Value": 6.0}})
    assert "Fargate Spot vCPU 6" in check.fargate_quota(account, {"Fleet": "fargate"})
    assert check.fargate_quota(account, {"Fleet": "ec2"}) == ""


def test_alias_must_point_at_one_version():
    def live(*versions):
        routes = [{"stateMachineVersionArn": version, "weight": 50} for version in versions]
        return Account(states__describe_state_machine_alias={"routingConfiguration": routes})

    outputs = {"SceneStateMachineLiveArn": "arn:live"}
    assert check.alias_points_at_a_version(live("v1"), outputs) == ""
    assert "v1, v2" in check.alias_points_at_a_version(live("v1", "v2"), outputs)
    assert check.alias_points_at_a_version(live(), {"PublishVersions": "false"}) == ""


def test_no_budget_is_asked_for_by_default():
    assert check.budget_set(Account(), {"MonthlyBudgetUsd": "0", "AlarmEmail": ""}) == ""


def test_everything_that_the_checks_read_is_in_the_stack():
    known = {*template()["Outputs"], *template()["Parameters"], "StackName", "Execution"}
    read = {
        name
        for file in ("deployment_check.py", "scene_check.py")
        for name in re.findall(r'outputs(?:\.get\(|\[)"(\w+)"', (ROOT / "scripts" / file).read_text())
    }
    assert len(read) > 10
    assert read <= known
