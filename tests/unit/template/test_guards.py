"""Rules whose violation would make an operations team refuse the template."""

import pytest

from tests.support.deployed_template import of_type, stack, template

STACKS = {
    "template": template,
    "network": lambda: stack("network"),
    "operations": lambda: stack("operations"),
    "new-scenes": lambda: stack("new-scenes"),
    "campaigns": lambda: stack("campaigns"),
}
BUCKETS = of_type(template(), "AWS::S3::Bucket")
TASKS = of_type(template(), "AWS::ECS::TaskDefinition")


@pytest.mark.parametrize("name", BUCKETS)
def test_bucket_is_encrypted_private_and_kept(name):
    bucket = BUCKETS[name]
    assert bucket["Properties"]["BucketEncryption"]
    access = bucket["Properties"]["PublicAccessBlockConfiguration"]
    for setting in ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"):
        assert access[setting] in (True, {"Fn::If": ["MakePublicPolicy", False, True]})
    assert bucket["UpdateReplacePolicy"] == "Retain"
    assert bucket["DeletionPolicy"] == "RetainExceptOnCreate"


@pytest.mark.parametrize("name", BUCKETS)
def test_bucket_takes_tls_only(name):
    policies = of_type(template(), "AWS::S3::BucketPolicy").values()
    (policy,) = [p for p in policies if p["Properties"]["Bucket"] == {"Ref": name}]
    refusal = policy["Properties"]["PolicyDocument"]["Statement"][0]
    assert (refusal["Effect"], refusal["Action"], refusal["Principal"]) == ("Deny", "s3:*", "*")
    assert refusal["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


@pytest.mark.parametrize("source", STACKS)
def test_no_network_access_is_open(source):
    for group in of_type(STACKS[source](), "AWS::EC2::SecurityGroup").values():
        assert not group["Properties"].get("SecurityGroupIngress")
    assert not of_type(STACKS[source](), "AWS::EC2::SecurityGroupIngress")


@pytest.mark.parametrize("name", of_type(template(), "AWS::Logs::LogGroup"))
def test_logs_are_not_kept_for_ever(name):
    assert template()["Resources"][name]["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}


@pytest.mark.parametrize("name", TASKS)
def test_task_reads_its_logins_from_the_secret_alone(name):
    (container,) = TASKS[name]["Properties"]["ContainerDefinitions"]
    secrets = {secret["Name"]: secret["ValueFrom"] for secret in container["Secrets"]}
    assert secrets == {
        key: {"Fn::Sub": f"${{EarthdataSecret}}:{key}::"}
        for key in ("EARTHDATA_LOGIN", "EARTHDATA_PASSWORD", "CDSE_LOGIN", "CDSE_PASSWORD")
    }
    assert not {entry["Name"] for entry in container["Environment"]} & set(secrets)


@pytest.mark.parametrize("name", TASKS)
def test_task_cannot_write_its_image_and_has_time_to_stop(name):
    (container,) = TASKS[name]["Properties"]["ContainerDefinitions"]
    assert container["Name"] == "burst"
    assert container["ReadonlyRootFilesystem"] is True
    assert container["StopTimeout"] == 120


@pytest.mark.parametrize("name", TASKS)
def test_task_knows_its_region(name):
    (container,) = TASKS[name]["Properties"]["ContainerDefinitions"]
    given = {entry["Name"]: entry["Value"] for entry in container["Environment"]}
    assert given["AWS_DEFAULT_REGION"] == {"Ref": "AWS::Region"}


@pytest.mark.parametrize("name", TASKS)
def test_old_task_definitions_stay_for_executions_in_flight(name):
    assert TASKS[name]["UpdateReplacePolicy"] == "Retain"


@pytest.mark.parametrize("name", TASKS)
def test_task_has_no_right_of_a_root_user(name):
    (container,) = TASKS[name]["Properties"]["ContainerDefinitions"]
    assert container["LinuxParameters"]["Capabilities"] == {"Drop": ["ALL"]}


def test_state_machine_calls_published_versions():
    machine = template()["Resources"]["SceneStateMachine"]["Properties"]
    versions = of_type(template(), "AWS::Lambda::Version")
    for name, value in machine["DefinitionSubstitutions"].items():
        if name.endswith("FunctionArn"):
            assert value["Ref"] in versions


def test_alarms_notify_someone():
    for alarm in of_type(stack("operations"), "AWS::CloudWatch::Alarm").values():
        assert alarm["Properties"]["AlarmActions"] == [{"Ref": "AlarmTopic"}]
        assert alarm["Properties"]["AlarmDescription"]


@pytest.mark.parametrize("name", ["new-scenes", "campaigns"])
def test_nested_stack_keeps_the_habits_of_the_outer_one(name):
    source = stack(name)
    for group in of_type(source, "AWS::Logs::LogGroup").values():
        assert group["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}
    for alarm in of_type(source, "AWS::CloudWatch::Alarm").values():
        assert alarm["Properties"]["AlarmActions"] == [{"Ref": "AlarmTopicArn"}]
        assert alarm["Properties"]["AlarmDescription"]
    for queue in of_type(source, "AWS::SQS::Queue").values():
        assert queue["Properties"]["SqsManagedSseEnabled"] is True
    assert source["Globals"]["Function"]["Tracing"] == "Active"
    roles = []
    for function in of_type(source, "AWS::Serverless::Function").values():
        assert function["Metadata"]["BuildMethod"] == "makefile"
        roles.append(function["Properties"]["Role"]["Fn::GetAtt"])
    assert len(roles) == len({str(role) for role in roles})


def test_new_scenes_are_not_looked_for_unless_asked():
    source = stack("new-scenes")
    conditions = {
        "FindScenesRule": "HasSchedule",
        "NewSceneSubscription": "HasTopic",
        "NewSceneMapping": "HasTopic",
    }
    for name, condition in conditions.items():
        assert source["Resources"][name]["Condition"] == condition
    for name in ("FindScenesSchedule", "NewSceneTopicArn"):
        assert template()["Parameters"][name]["Default"] == ""


def test_failed_searches_and_notices_are_kept():
    resources = stack("new-scenes")["Resources"]
    letters = {"Fn::GetAtt": ["FindScenesDeadLetters", "Arn"]}
    function = resources["FindScenesFunction"]["Properties"]
    queue = resources["NewSceneQueue"]["Properties"]
    assert function["EventInvokeConfig"]["DestinationConfig"]["OnFailure"]["Destination"] in (
        letters,
        {"Fn::GetAtt": "FindScenesDeadLetters.Arn"},
    )
    assert queue["RedrivePolicy"]["deadLetterTargetArn"] == letters
    assert queue["VisibilityTimeout"] >= 6 * function["Timeout"]
    mapping = resources["NewSceneMapping"]["Properties"]
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_functions_are_traced_and_built_without_a_runtime():
    for name, function in of_type(template(), "AWS::Lambda::Function").items():
        assert function["Properties"]["TracingConfig"] == {"Mode": "Active"}, name
        assert function["Metadata"]["BuildMethod"] == "makefile", name
