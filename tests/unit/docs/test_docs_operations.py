"""The operator's page against the code: commands, outputs, parameters, alarms and files."""

import re
import shlex

import botocore.session
import deployment_check as check
import pytest
from botocore import xform_name

from tests.support.deployed_template import ROOT, of_type, stack, template

PAGE = (ROOT / "docs" / "operations.md").read_text()
TWIN = (ROOT / "docs" / "twin.md").read_text()
COMMANDS = sorted(set(re.findall(r"aws [a-z]+ [a-z-]+(?:\\\n|[^`\n])*", PAGE)))
# What a person fills in that is no output of the stack.
OWN = {
    "stack",
    "detail",
    "executionArn",
    "execution",
    "version before",
    "its ReceiptHandle",
    "its name",
    "its number",
}


def test_page_has_commands_for_everything_that_it_tells_to_do():
    services = {command.split()[1] for command in COMMANDS}
    assert services == {
        "iam", "secretsmanager", "stepfunctions", "events", "logs", "sqs", "cloudformation", "lambda", "autoscaling",
    }  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(command.split()[1:3]))
def test_command_is_one_of_aws_with_options_that_it_has(command):
    _, service, operation, *rest = shlex.split(command.replace("\\\n", " ").split("   #")[0])
    model = botocore.session.get_session().get_service_model(service)
    (name,) = [name for name in model.operation_names if xform_name(name, "-") == operation]
    members = {xform_name(member, "-"): member for member in model.operation_model(name).input_shape.members}
    given = {part.removeprefix("--") for part in rest if part.startswith("--")}
    assert given
    assert given <= set(members)
    required = {
        xform_name(member, "-") for member in model.operation_model(name).input_shape.required_members
    }
    assert required <= given


def test_what_is_in_angle_brackets_is_an_output():
    named = set(re.findall(r"<([A-Za-z ]+)>", PAGE))
    assert named - OWN <= set(template()["Outputs"])


def test_parameters_that_are_named_exist():
    known = set(template()["Parameters"]) | set(template()["Outputs"])
    named = set(re.findall(r"`([A-Z][a-z]+(?:[A-Z][a-z]+)+)(?:=[^`]*)?`", PAGE))
    assert "MonthlyBudgetUsd" in named
    codes = {"AccessDenied", "ResourceNotFound", "SpotInterruption"}
    assert {name for name in named - codes if not name.endswith("Exception")} <= known


def test_every_alarm_has_a_row():
    for name in ("operations", "new-scenes", "campaigns"):
        for alarm in of_type(stack(name), "AWS::CloudWatch::Alarm").values():
            text = alarm["Properties"]["AlarmName"]["Fn::Sub"].removeprefix("${Prefix}-")
            rows = (f"`{text}`", "`find-scenes-…`" if text.startswith("find-scenes-") else f"`{text}`")
            assert any(row in PAGE for row in rows), text


# Most characters of a name, by type of resource and property.
_ROOM = {
    ("AWS::Events::Rule", "Name"): 64,
    ("AWS::SQS::Queue", "QueueName"): 80,
    ("AWS::StepFunctions::StateMachine", "StateMachineName"): 80,
    ("AWS::Serverless::StateMachine", "Name"): 80,
    ("AWS::CloudWatch::Alarm", "AlarmName"): 255,
    ("AWS::CloudWatch::Dashboard", "DashboardName"): 255,
    ("AWS::ECS::Cluster", "ClusterName"): 255,
    ("AWS::ECS::TaskDefinition", "Family"): 255,
    ("AWS::Lambda::LayerVersion", "LayerName"): 140,
    ("AWS::Logs::LogGroup", "LogGroupName"): 512,
}


def test_stack_name_may_be_as_long_as_the_page_says():
    (sentence,) = re.findall(r"name has at most (\d+) characters", PAGE)
    room = set()
    for source in [template(), *(stack(path.stem) for path in (ROOT / "stacks").glob("*.yaml"))]:
        for resource in source["Resources"].values():
            for name, value in resource.get("Properties", {}).items():
                text = value.get("Fn::Sub") if isinstance(value, dict) else None
                if name.endswith("Name") and name != "DisplayName" and isinstance(text, str):
                    prefix = next((p for p in ("${Prefix}", "${AWS::StackName}") if p in text), None)
                    if prefix:
                        room.add(_ROOM[resource["Type"], name] - len(text.replace(prefix, "")))
    assert int(sentence) == min(room)


def test_files_that_are_named_exist():
    for path in re.findall(r"file://(events/\S+)", PAGE) + re.findall(r"`(tests/\S+?\.py)`", PAGE):
        assert (ROOT / path).is_file(), path


def test_every_point_of_the_check_that_the_pages_name_is_one():
    points = {point.name for point in check.POINTS + check.SCENE_POINTS}
    named = set(re.findall(r"\*([a-z][^*]+)\*", TWIN.partition("## What the twin cannot show")[2]))
    assert len(named) > 8
    assert named <= points


def test_every_bridge_is_explained():
    folder = ROOT / "local" / "src" / "rtcflow_local" / "twin" / "bridges"
    for path in folder.glob("[a-z]*.py"):
        assert f"`{path.stem}`" in TWIN, path.stem
