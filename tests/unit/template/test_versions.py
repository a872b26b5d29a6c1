"""Every change of a function publishes a version, even one that SAM does not see."""

import re
from typing import Any

import pytest

from tests.support.deployed_template import of_type, stack, template

# Values of a stack that never change while it stands.
_FIXED = {"Prefix", "WorkBucketName", "SceneStateMachineArn"}
_VERSIONS = of_type(template(), "AWS::Lambda::Version")
_CAMPAIGN_FUNCTIONS = of_type(stack("campaigns"), "AWS::Serverless::Function")


def named(value: Any) -> set[str]:
    """Names that a value refers to, by Ref or within a Sub."""
    if isinstance(value, list):
        return {name for inner in value for name in named(inner)}
    if not isinstance(value, dict):
        return set(re.findall(r"\$\{([^}]+)\}", str(value)))
    referred = {value["Ref"]} if "Ref" in value else set()
    return referred | {name for key, inner in value.items() if key != "Ref" for name in named(inner)}


def version_of(function: str) -> dict[str, Any]:
    (version,) = [v for v in _VERSIONS.values() if v["Properties"]["FunctionName"] == {"Ref": function}]
    return version


def version_name(function: str) -> str:
    """What `descriptions` has a function's version under."""
    if function in _CAMPAIGN_FUNCTIONS:
        return function
    (name,) = [n for n, v in _VERSIONS.items() if v["Properties"]["FunctionName"] == {"Ref": function}]
    return name


def published_by(function: str) -> set[str]:
    """What a change of publishes a version: names in its description, and all of a task definition that it names."""
    names = named(version_of(function)["Properties"]["Description"])
    tasks = of_type(template(), "AWS::ECS::TaskDefinition")
    return names.union(*(named(tasks[name]["Properties"]) for name in names & set(tasks)))


@pytest.mark.parametrize("name", of_type(template(), "AWS::Lambda::Function"))
def test_new_layer_or_parameter_publishes_a_version(name):
    function = template()["Resources"][name]["Properties"]
    parameters = set(template()["Parameters"]) & named(function["Environment"])
    assert parameters | named(function["Layers"]) <= published_by(name)


@pytest.mark.parametrize("name", [*of_type(template(), "AWS::Lambda::Function"), *_CAMPAIGN_FUNCTIONS])
def test_what_publishes_a_version_changes_the_function_too(name):
    # Lambda refuses another version of an unchanged function, and the whole deployment fails.
    resource = (template()["Resources"] | _CAMPAIGN_FUNCTIONS)[name]["Properties"]
    function = {key: resource.get(key) for key in ("Layers", "Environment")} | {
        "Globals": stack("campaigns")["Globals"] if name in _CAMPAIGN_FUNCTIONS else None
    }
    assert named(descriptions()[version_name(name)]) - {"TaskRevision"} <= named(function)


def test_publishing_items_or_not_publishes_a_version():
    assert "PublishItems" in published_by("AssembleStacFunction")


@pytest.mark.parametrize("name", _CAMPAIGN_FUNCTIONS)
def test_new_layer_or_parameter_publishes_a_version_of_a_campaign_function(name):
    function = _CAMPAIGN_FUNCTIONS[name]["Properties"]
    wanted = {"LayerArn"} | named(function.get("Environment", {})) - _FIXED
    assert wanted == named(function["VersionDescription"])


@pytest.mark.parametrize("name", [*of_type(template(), "AWS::Lambda::Function"), *_CAMPAIGN_FUNCTIONS])
def test_replaced_version_stays_for_executions_in_flight(name):
    resource = (template()["Resources"] | _CAMPAIGN_FUNCTIONS)[name]
    assert resource["UpdateReplacePolicy"] == "Retain"
    assert "DeletionPolicy" not in resource


# Longest values of what descriptions name; anything else is of no known length.
_LONGEST = {
    "SharedLayer": "arn:aws-us-gov:lambda:ap-southeast-4:123456789012:layer:" + 53 * "n" + ":1234",
    "LayerArn": "arn:aws-us-gov:lambda:ap-southeast-4:123456789012:layer:" + 53 * "n" + ":1234",
    "TaskRevision": "12345",
    "ProductVersion": "1234.1234.1234",
    "ProductsBucketName": 63 * "n",
}


def descriptions() -> dict[str, Any]:
    own = {name: version["Properties"]["Description"] for name, version in _VERSIONS.items()}
    return own | {name: f["Properties"]["VersionDescription"] for name, f in _CAMPAIGN_FUNCTIONS.items()}


@pytest.mark.parametrize("name", descriptions())
def test_description_of_a_version_is_no_longer_than_lambda_takes(name):
    value = descriptions()[name]
    text = f"${{{value['Ref']}}}" if "Ref" in value else value["Fn::Sub"]
    if isinstance(text, list):
        (text, _) = text
    # The transform adds a checksum to the layer's name.
    text = re.sub(r"\$\{SharedLayer\w+\}", "${SharedLayer}", text)
    longest = re.sub(r"\$\{(\w+)\}", lambda found: _LONGEST[found[1]], text)
    assert len(longest) <= 256


def test_search_for_new_scenes_runs_the_newest_code():
    function = stack("new-scenes")["Resources"]["FindScenesFunction"]["Properties"]
    defaults = stack("new-scenes")["Globals"]["Function"]
    assert "AutoPublishAlias" not in function | defaults
