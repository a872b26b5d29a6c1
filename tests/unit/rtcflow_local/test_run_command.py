import json
from datetime import UTC, datetime

import boto3
import pytest
from botocore.stub import Stubber
from typer.testing import CliRunner

from rtcflow.cli.app import make_app
from rtcflow.cli.payload_options import make_payload, payload_parameters
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.request import SceneRequest
from rtcflow_local.report.aws import Clients, scene_machine, stack_outputs
from rtcflow_local.report.run_command import start
from tests.support.history_case import SCENE, States

MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:Scene"


@pytest.fixture
def machine(aws):
    """A state machine that does nothing, in an emulated account."""
    definition = {"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}
    return boto3.client("stepfunctions").create_state_machine(
        name="Scene", definition=json.dumps(definition), roleArn="arn:aws:iam::123456789012:role/r"
    )["stateMachineArn"]


def invoke(*arguments: str):
    return CliRunner().invoke(make_app(), ["run", *arguments], catch_exceptions=True)


def payload_of(machine: str) -> dict:
    states = boto3.client("stepfunctions")
    arn = states.list_executions(stateMachineArn=machine)["executions"][0]["executionArn"]
    return json.loads(states.describe_execution(executionArn=arn)["input"])


def test_every_field_of_the_request_is_an_option_with_help():
    assert [parameter.name for parameter in payload_parameters()] == list(SceneRequest.model_fields)
    assert all(field.description for field in SceneRequest.model_fields.values())


def test_only_given_options_are_in_the_payload(machine):
    result = invoke("--scene", SCENE, "--output-crs", "3031", "--state-machine-arn", machine)
    assert result.exit_code == 0, result.output
    assert payload_of(machine) == {"scene": SCENE, "output_crs": "3031"}


def test_flags_and_choices_reach_the_payload_as_json(machine):
    options = ["--link-static-layers", "--on-missing-static", "create", "--max-concurrency", "5"]
    assert invoke("--scene", SCENE, *options, "--state-machine-arn", machine).exit_code == 0
    assert payload_of(machine) == {
        "scene": SCENE, "link_static_layers": True, "on_missing_static": "create", "max_concurrency": 5,
    }  # fmt: skip


def test_options_go_over_the_payload_file(tmp_path):
    file = tmp_path / "payload.json"
    file.write_text(json.dumps({"scene": SCENE, "resolution": 10, "s3_project_folder": "a"}))
    assert make_payload({"resolution": 30, "dem": None}, file) == {
        "scene": SCENE, "resolution": 30, "s3_project_folder": "a",
    }  # fmt: skip


def test_a_local_burst_list_is_read(tmp_path):
    file = tmp_path / "bursts.txt"
    file.write_text("t070_149815_iw3\n# the rest is sea\n\nt070_149816_iw3\n")
    payload = make_payload({"scene": SCENE, "burst_id_list": str(file)}, None)
    assert payload["burst_id_list"] == ["t070_149815_iw3", "t070_149816_iw3"]


def test_a_burst_list_on_s3_is_left_to_the_plan():
    uri = "s3://lists/bursts.txt"
    assert make_payload({"scene": SCENE, "burst_id_list": uri}, None)["burst_id_list"] == uri


def test_wrong_fields_are_all_named_before_anything_starts(machine):
    result = invoke("--scene", "S1A", "--resolution", "1", "--state-machine-arn", machine)
    assert isinstance(result.exception, RefusedError)
    assert "scene:" in str(result.exception)
    assert "resolution:" in str(result.exception)
    assert boto3.client("stepfunctions").list_executions(stateMachineArn=machine)["executions"] == []


@pytest.mark.parametrize("text", ["{", "[1]", None])
def test_a_payload_file_that_cannot_be_used_is_refused(tmp_path, text):
    file = tmp_path / "payload.json"
    if text:
        file.write_text(text)
    with pytest.raises(RefusedError, match=r"payload .*payload\.json"):
        make_payload({}, file)


def test_the_execution_is_named_for_scene_product_and_time():
    states = States()
    start(states, MACHINE, {"scene": SCENE, "product": "RTC_S1_STATIC"})
    name = states.started[0]["name"]
    assert name.startswith("S1A-20200511T135117-RTC_S1_STATIC-2")
    assert len(name) <= 80


def test_the_same_name_and_payload_start_nothing_twice(machine):
    options = ["--scene", SCENE, "--name", "once", "--state-machine-arn", machine]
    assert [invoke(*options).exit_code for _ in range(2)] == [0, 0]
    assert len(boto3.client("stepfunctions").list_executions(stateMachineArn=machine)["executions"]) == 1


def test_the_same_name_with_another_payload_is_refused(machine):
    invoke("--scene", SCENE, "--name", "once", "--state-machine-arn", machine)
    result = invoke("--scene", SCENE, "--resolution", "30", "--name", "once", "--state-machine-arn", machine)
    assert isinstance(result.exception, RefusedError)
    assert "give another --name" in str(result.exception)


def test_a_name_that_cannot_be_is_refused():
    with pytest.raises(RefusedError, match="is not a name for an execution"):
        start(States(), MACHINE, {"scene": SCENE}, "two words")


def test_an_unknown_state_machine_is_refused(aws):
    result = invoke("--scene", SCENE, "--state-machine-arn", MACHINE)
    assert isinstance(result.exception, RefusedError)
    assert "does not exist" in str(result.exception)


@pytest.fixture
def cloudformation(aws):
    """Answers of CloudFormation, and clients that get them."""
    client = boto3.client("cloudformation")
    with Stubber(client) as stub:
        yield stub, lambda service: client


def test_an_unknown_stack_is_refused(cloudformation):
    stub, clients = cloudformation
    stub.add_client_error("describe_stacks", "ValidationError", "Stack with id mine does not exist")
    with pytest.raises(RefusedError, match="no rtcflow stack named 'mine'"):
        stack_outputs(clients, "mine")


def test_another_systems_stack_is_refused(cloudformation):
    stub, clients = cloudformation
    stack = {
        "StackName": "mine",
        "CreationTime": datetime(2025, 1, 1, tzinfo=UTC),
        "StackStatus": "CREATE_COMPLETE",
    }
    stub.add_response("describe_stacks", {"Stacks": [stack]})
    with pytest.raises(RefusedError, match="no rtcflow stack named 'mine'"):
        stack_outputs(clients, "mine")


def test_a_scene_is_started_by_the_alias_that_a_roll_back_moves():
    machine, live = MACHINE, f"{MACHINE}:live"
    assert scene_machine({"SceneStateMachineArn": machine, "SceneStateMachineLiveArn": live}) == live
    assert scene_machine({"SceneStateMachineArn": machine}) == machine


def test_the_region_may_be_given_as_the_message_says(monkeypatch, tmp_path):
    for name in ("AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    with pytest.raises(RefusedError, match="set AWS_REGION"):
        Clients()("stepfunctions")
    monkeypatch.setenv("AWS_REGION", "ap-southeast-2")
    assert Clients()("stepfunctions").meta.region_name == "ap-southeast-2"


def test_missing_credentials_are_one_sentence(monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_REGION", "us-west-2")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-west-2")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    result = invoke("--scene", SCENE, "--state-machine-arn", MACHINE)
    assert isinstance(result.exception, RefusedError)
    assert str(result.exception) == "no AWS credentials were found; run `aws configure` or set AWS_PROFILE"


def test_only_the_command_named_is_loaded_and_all_where_none_has_the_name():
    assert [command.name for command in make_app("run").registered_commands] == ["run"]
    for named in ("", "nonsense"):
        names = {command.name for command in make_app(named).registered_commands}
        assert {"burst", "compare", "run"} <= names
