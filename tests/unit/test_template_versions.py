"""A version of a function is published by what changes it, also where SAM does not see the change."""

import re
from typing import Any

import pytest
from deployed_template import of_type, stack, template

# Values of a stack that never change while it stands.
_FIXED = {"Prefix", "WorkBucketName", "SceneStateMachineArn"}
_VERSIONS = of_type(template(), "AWS::Lambda::Version")
_CAMPAIGN_FUNCTIONS = of_type(stack("campaigns"), "AWS::Serverless::Function")
_PLANNER = "PlanSceneFunction"


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


@pytest.mark.parametrize("name", of_type(template(), "AWS::Lambda::Function"))
def test_new_layer_or_parameter_publishes_a_version(name):
    function = template()["Resources"][name]["Properties"]
    parameters = set(template()["Parameters"]) & named(function["Environment"])
    wanted = parameters | named(function["Layers"])
    assert wanted <= named(version_of(name)["Properties"]["Description"])


def test_publishing_items_or_not_publishes_a_version():
    assert "PublishItems" in named(version_of("AssembleStacFunction")["Properties"]["Description"])


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


def test_description_of_a_version_is_no_longer_than_lambda_takes():
    text, _ = version_of(_PLANNER)["Properties"]["Description"]["Fn::Sub"]
    for name, parameter in template()["Parameters"].items():
        text = text.replace(f"${{{name}}}", str(parameter.get("Default", "")))
    longest_bucket = 63
    assert len(text) + longest_bucket <= 256


def test_search_for_new_scenes_runs_the_newest_code():
    function = stack("new-scenes")["Resources"]["FindScenesFunction"]["Properties"]
    defaults = stack("new-scenes")["Globals"]["Function"]
    assert "AutoPublishAlias" not in function | defaults
