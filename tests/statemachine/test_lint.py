"""Each check of the state machine linter finds its fault in a machine that has no other."""

import copy

import pytest
from asl_lint.arguments import check_arguments, check_task
from asl_lint.expressions import check_expressions
from asl_lint.graph import check_graph
from asl_lint.habits import check_habits
from asl_lint.schema import check_schema
from asl_lint.substitutions import check_substitutions
from lint_state_machine import lint, machines

from rtcflow_contract.request import Compute
from rtcflow_scene.task_run import first_run
from tests.support.definition import CAMPAIGN_FILE, FILE, ROOT, campaign, definition
from tests.support.scene_play import STACK


@pytest.fixture
def machine():
    return copy.deepcopy(definition())


@pytest.fixture
def campaign_machine():
    return copy.deepcopy(campaign())


def messages(problems):
    return [str(problem) for problem in problems]


@pytest.mark.parametrize(
    ("template", "file"), [("template.yaml", FILE), ("stacks/campaigns.yaml", CAMPAIGN_FILE)]
)
def test_machine_of_the_template_has_no_problem(template, file):
    ((path, substitutions),) = machines(ROOT / template)
    assert path == file
    assert messages(lint(path, substitutions)) == []


def test_dangling_next_is_found(machine):
    machine["States"]["PlanScene"]["Next"] = "Nowhere"
    assert "PlanScene: leads to Nowhere, which is not a state beside it" in messages(check_graph(machine))


def test_next_out_of_a_map_is_found(machine):
    machine["States"]["ProcessBursts"]["ItemProcessor"]["States"]["RunTask"]["Next"] = "SummarizeScene"
    assert "RunTask: leads to SummarizeScene, which is not a state beside it" in messages(
        check_graph(machine)
    )


def test_unreachable_state_is_found(machine):
    machine["States"]["Orphan"] = {"Type": "Succeed", "Comment": "x"}
    assert messages(check_graph(machine)) == ["Orphan: is never reached"]


def test_state_without_a_way_out_is_found(machine):
    del machine["States"]["SummarizeScene"]["Next"]
    assert "SummarizeScene: must have either Next or End" in messages(check_graph(machine))


def test_choice_without_default_is_found(machine):
    del machine["States"]["DidSceneSucceed"]["Default"]
    assert "DidSceneSucceed: has no Default" in messages(check_graph(machine))


def test_duplicate_state_name_is_found(machine):
    inner = machine["States"]["ProcessBursts"]["ItemProcessor"]
    inner["States"]["FailScene"] = {"Type": "Pass", "Comment": "x", "Output": {}, "End": True}
    inner["States"]["RunTask"]["Next"] = "FailScene"
    assert "FailScene: the name is used more than once in the machine" in messages(check_graph(machine))


@pytest.mark.parametrize("field", ["Comment", "TimeoutSeconds", "Retry", "Catch", "Output"])
def test_task_without_a_required_field_is_found(machine, field):
    del machine["States"]["PlanScene"][field]
    assert f"PlanScene: has no {field}" in messages(check_habits(machine))


def test_fail_without_cause_is_found(machine):
    del machine["States"]["FailScene"]["Cause"]
    assert messages(check_habits(machine)) == ["FailScene: has no Cause"]


def test_blind_retry_is_found(machine):
    machine["States"]["PlanScene"]["Retry"][0]["ErrorEquals"] = ["States.ALL"]
    assert messages(check_habits(machine)) == ["PlanScene: retries States.ALL; name the errors"]


def test_retry_without_full_jitter_is_found(machine):
    machine["States"]["PlanScene"]["Retry"][0]["JitterStrategy"] = "NONE"
    assert messages(check_habits(machine)) == ["PlanScene: a Retry has no JitterStrategy FULL"]


def test_catch_that_lets_errors_pass_is_found(machine):
    machine["States"]["PlanScene"]["Catch"][0]["ErrorEquals"] = ["RefusedError"]
    assert messages(check_habits(machine)) == [
        "PlanScene: no Catch takes States.ALL, so an error may pass by"
    ]


def test_a_task_whose_end_another_state_judges_needs_no_retry(machine):
    inner = machine["States"]["ProcessBursts"]["ItemProcessor"]["States"]
    assert "Retry" not in inner["RunTask"]
    inner["RunTask"]["Resource"] = "arn:aws:states:::lambda:invoke"
    assert "RunTask: has no Retry" in messages(check_habits(machine))


def run_task(**changes):
    run = first_run(
        "s3://work/executions/run-1/tasks/0.json",
        ["t070_149815_iw1"],
        stack=STACK,
        compute=Compute.SPOT,
        tasks=1,
        timeout_s=2700,
        scene="S1A",
        collection="c1",
    ).run
    return {"Resource": "arn:aws:states:::ecs:runTask.sync", "Arguments": {**run, **changes}}


def test_arguments_of_run_task_are_those_of_the_service():
    assert check_task(run_task()) == []


def test_argument_in_camel_case_is_found():
    network = {"awsvpcConfiguration": run_task()["Arguments"]["NetworkConfiguration"]["AwsvpcConfiguration"]}
    assert check_task(run_task(NetworkConfiguration=network)) == [
        "Arguments.NetworkConfiguration.awsvpcConfiguration must be spelled AwsvpcConfiguration"
    ]


def test_unknown_argument_is_found():
    overrides = {"ContainerOverrides": [{"Name": "burst", "Env": []}]}
    assert check_task(run_task(Overrides=overrides)) == [
        "Arguments.Overrides.ContainerOverrides[0].Env is not an argument of ContainerOverride"
    ]


def test_argument_that_the_integration_does_not_take_is_found():
    assert check_task(run_task(VolumeConfigurations=[])) == [
        "Arguments.VolumeConfigurations is not taken by the integration"
    ]


def test_launch_type_beside_capacity_providers_is_found():
    assert check_task(run_task(LaunchType="FARGATE")) == [
        "only one of LaunchType and CapacityProviderStrategy may be given"
    ]


def test_missing_argument_is_found(machine):
    del machine["States"]["PlanScene"]["Arguments"]["FunctionName"]
    assert messages(check_arguments(machine)) == ["PlanScene: Arguments.FunctionName is missing"]


def test_unknown_action_is_found(machine):
    machine["States"]["PlanScene"]["Resource"] = "arn:aws:states:::lambda:call"
    assert "which botocore does not know" in messages(check_arguments(machine))[0]


@pytest.mark.parametrize("text", ["{% $states.input", "$states.input %}", "x {% $states.input %}"])
def test_unbalanced_expression_is_found(machine, text):
    machine["States"]["FailScene"]["Cause"] = text
    assert messages(check_expressions(machine))[0].startswith(
        "FailScene: an expression must be the whole string"
    )


def test_expression_that_does_not_parse_is_found(machine):
    machine["States"]["FailScene"]["Cause"] = "{% $states.input.( %}"
    assert messages(check_expressions(machine))[0].startswith("FailScene: the expression does not parse")


def test_variable_that_nothing_assigns_is_found(machine):
    machine["States"]["FailScene"]["Cause"] = "{% $plam.plan %}"
    assert messages(check_expressions(machine)) == ["FailScene: $plam is never assigned"]


def test_a_parameter_of_a_function_is_not_an_unknown_variable(machine):
    machine["States"]["FailScene"]["Cause"] = "{% $map([1], function($v, $i) { $v + $i }) %}"
    assert check_expressions(machine) == []


def test_jsonpath_field_is_found(machine):
    machine["States"]["PlanScene"]["ResultPath"] = "$.plan"
    assert "PlanScene: ResultPath is a JSONPath field" in messages(check_expressions(machine))


def test_missing_or_unused_substitution_is_found():
    assert messages(check_substitutions("a: ${Used} ${Lost}", {"Used": 1, "Idle": 2})) == [
        "definition: ${Lost} is not given by the template",
        "template: substitution Idle is not used",
    ]


def test_definition_against_the_schema_of_the_language_is_found(machine):
    machine["States"]["PlanScene"]["Retry"][0]["MaxAttempts"] = "six"
    assert any("MaxAttempts" in message for message in messages(check_schema(machine)))


@pytest.mark.parametrize("field", ["ItemReader", "ResultWriter", "ToleratedFailureCount"])
def test_distributed_map_without_a_required_field_is_found(campaign_machine, field):
    del campaign_machine["States"]["ProcessList"][field]
    assert messages(check_habits(campaign_machine)) == [f"ProcessList: has no {field}"]


def test_variable_from_outside_a_distributed_map_is_found(campaign_machine):
    states = campaign_machine["States"]["ProcessList"]["ItemProcessor"]["States"]
    states["FollowScene"]["Arguments"]["Payload"] = "{% $opened.campaign %}"
    assert messages(check_expressions(campaign_machine)) == ["FollowScene: $opened is never assigned"]


def test_wrong_argument_of_an_item_reader_is_found(campaign_machine):
    arguments = campaign_machine["States"]["ProcessList"]["ItemReader"]["Arguments"]
    arguments["Prefix"] = arguments.pop("Key")
    assert messages(check_arguments(campaign_machine)) == [
        "ProcessList: ItemReader.Arguments.Key is missing",
        "ProcessList: ItemReader.Arguments.Prefix is not an argument of GetObjectRequest",
    ]


def test_wrong_argument_of_a_result_writer_is_found(campaign_machine):
    campaign_machine["States"]["ProcessList"]["ResultWriter"]["Arguments"]["Key"] = "x"
    assert messages(check_arguments(campaign_machine)) == [
        "ProcessList: ResultWriter.Arguments.Key is not taken; give Bucket and Prefix"
    ]


def test_wrong_argument_of_a_nested_execution_is_found(campaign_machine):
    states = campaign_machine["States"]["ProcessList"]["ItemProcessor"]["States"]
    states["RunScene"]["Arguments"]["Payload"] = {}
    assert messages(check_arguments(campaign_machine)) == [
        "RunScene: Arguments.Payload is not an argument of StartExecutionInput"
    ]
