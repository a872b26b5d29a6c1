"""`make validate`: Step Functions reads the filled definitions; without credentials it says that it did not."""

import json

import boto3
import pytest
import validate_definitions as validation
from botocore.exceptions import NoCredentialsError
from botocore.stub import Stubber


def answering(*results):
    client = boto3.client(
        "stepfunctions", region_name="us-west-2", aws_access_key_id="x", aws_secret_access_key="x"
    )
    stubber = Stubber(client)
    for result in results:
        sentence = {"severity": "ERROR", "code": "SCHEMA_VALIDATION_FAILED", "message": "no field Tags"}
        stubber.add_response(
            "validate_state_machine_definition",
            {"result": result, "diagnostics": [] if result == "OK" else [sentence]},
        )
    stubber.activate()
    return client


def test_definitions_are_filled_whole():
    found = validation.definitions()
    assert {path.name for path in found} == {"scene.asl.yaml", "campaign.asl.yaml"}
    for definition in found.values():
        assert json.loads(definition)["StartAt"]
        assert "${" not in definition


def test_every_definition_is_asked_about(capsys):
    assert validation.main(answering("OK", "OK")) == 0
    assert capsys.readouterr().out.count(": OK") == 2


def test_refusal_is_reported_with_its_reason(capsys):
    assert validation.main(answering("OK", "FAIL")) == 1
    assert "no field Tags" in capsys.readouterr().out


def test_without_credentials_it_says_that_nothing_was_validated(capsys):
    class NoLogin:
        def validate_state_machine_definition(self, **arguments):
            raise NoCredentialsError

    assert validation.main(NoLogin()) == 0
    assert capsys.readouterr().out.count("NOT validated") == 2


@pytest.mark.parametrize("name", ["SceneStateMachineArn", "PlanSceneFunctionArn", "Unknown"])
def test_whatever_is_substituted_is_filled(name):
    assert "${" not in validation.filled(f"StartAt: ${{{name}}}", {name: None})
