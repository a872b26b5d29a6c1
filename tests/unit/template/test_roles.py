"""Every role and policy of the template against a table of allowed actions and resources."""

import pytest

from tests.support.deployed_template import ROOT, of_type, stack, template, texts

ARN = "arn:${AWS::Partition}"
HERE = "${AWS::Region}:${AWS::AccountId}"
PRODUCTS = {"${ProductsBucket.Arn}/*", f"{ARN}:s3:::${{ProductsBucketNameParam}}/*"}
PRODUCT_BUCKETS = {"ProductsBucket.Arn", f"{ARN}:s3:::${{ProductsBucketNameParam}}"}
EXTRA = {"ExtraBucketArns.Outputs.Objects"}
EXTRA_WHOLE = {"ExtraBucketArns.Outputs.BucketsAndObjects"}
SCENE_RECORDS = {
    "${ProductsBucket.Arn}/*monitoring/processed_scenes/*",
    f"{ARN}:s3:::${{ProductsBucketNameParam}}/*monitoring/processed_scenes/*",
    "ExtraBucketArns.Outputs.SceneRecords",
}
SCENES = {"SceneBucketArns.Outputs.BucketsAndObjects"}
EVENT_BUS = {f"{ARN}:events:{HERE}:event-bus/default"}
TASK_DEFINITIONS = {f"{ARN}:ecs:{HERE}:task-definition/${{AWS::StackName}}-burst:*"}
TASKS = {f"{ARN}:ecs:{HERE}:task/${{Cluster}}/*"}
FUNCTIONS = ("PlanScene", "CheckStaticLayers", "AssembleStac", "SummarizeScene")

# Policy or role: action to the resources it may be done on.
POLICIES = {
    "ProductsReadPolicy": {
        "s3:GetObject": PRODUCTS | EXTRA_WHOLE,
        "s3:ListBucket": PRODUCT_BUCKETS | EXTRA_WHOLE,
    },
    "ProductsWritePolicy": {"s3:PutObject": PRODUCTS | EXTRA},
    "ScenesReadPolicy": {
        "s3:GetObject": SCENES,
        "s3:ListBucket": SCENES,
    },
    "WorkPolicy": {
        "s3:GetObject": {"${WorkBucket.Arn}/executions/*"},
        "s3:ListBucket": {"WorkBucket.Arn"},
    },
    "TracePolicy": {
        f"xray:{action}": {"*"}
        for action in ("PutTraceSegments", "PutTelemetryRecords", "GetSamplingRules", "GetSamplingTargets")
    },
}
LOGS_OF = {
    name: {
        "logs:CreateLogStream": {f"{name}Logs.Arn"},
        "logs:PutLogEvents": {f"{name}Logs.Arn"},
    }
    for name in FUNCTIONS
}


def records(*names):
    """What of an execution's files a role writes."""
    return {"s3:PutObject": {f"${{WorkBucket.Arn}}/executions/*/{name}" for name in names}}


ROLES = {
    "PlanSceneRole": {**LOGS_OF["PlanScene"], **records("plan.json", "tasks/*.json")},
    "CheckStaticLayersRole": {**LOGS_OF["CheckStaticLayers"], **records("tasks/*.json")},
    "AssembleStacRole": {
        **LOGS_OF["AssembleStac"],
        **records("outcome.json"),
        "events:PutEvents": EVENT_BUS,
        "sns:Publish": {"CatalogueTopic"},
    },
    "SummarizeSceneRole": {
        **LOGS_OF["SummarizeScene"],
        "s3:PutObject": {*records("report.json")["s3:PutObject"], *SCENE_RECORDS},
        "events:PutEvents": EVENT_BUS,
    },
    "TaskRole": {
        "s3:DeleteObject": PRODUCTS | EXTRA | {"${WorkBucket.Arn}/leases/*"},
        "s3:GetObject": {"${WorkBucket.Arn}/leases/*", "${WorkBucket.Arn}/cache/*"},
        "s3:PutObject": {
            "${WorkBucket.Arn}/leases/*",
            "${WorkBucket.Arn}/cache/*",
            *records("begun.json", "outcome.json")["s3:PutObject"],
        },
    },
    "RequestedSceneRole": {"states:StartExecution": {"SceneStateMachine"}},
    "TaskExecutionRole": {
        "ecr:GetAuthorizationToken": {"*"},
        **{
            action: {"ImageRepository.Arn", "ImageRepositoryArn"}
            for action in (
                "ecr:BatchGetImage",
                "ecr:GetDownloadUrlForLayer",
                "ecr:BatchCheckLayerAvailability",
            )
        },
        "logs:CreateLogStream": {"TaskLogs.Arn"},
        "logs:PutLogEvents": {"TaskLogs.Arn"},
        "secretsmanager:GetSecretValue": {"EarthdataSecret"},
    },
    "SceneStateMachineRole": {
        "lambda:InvokeFunction": {f"${{{name}Function.Arn}}:*" for name in FUNCTIONS},
        "ecs:RunTask": TASK_DEFINITIONS,
        "ecs:StopTask": TASKS,
        "ecs:DescribeTasks": TASKS,
        "ecs:TagResource": TASKS,
        "iam:PassRole": {"TaskRole.Arn", "TaskExecutionRole.Arn"},
        **{
            action: {f"{ARN}:events:{HERE}:rule/StepFunctionsGetEventsForECSTaskRule"}
            for action in ("events:PutTargets", "events:PutRule", "events:DescribeRule")
        },
        **{
            f"logs:{action}": {"*"}
            for action in (
                "CreateLogDelivery",
                "GetLogDelivery",
                "UpdateLogDelivery",
                "DeleteLogDelivery",
                "ListLogDeliveries",
                "PutResourcePolicy",
                "DescribeResourcePolicies",
                "DescribeLogGroups",
            )
        },
    },
}
SHARED = {
    "PlanSceneRole": {"WorkPolicy", "TracePolicy", "ProductsReadPolicy", "ScenesReadPolicy"},
    "CheckStaticLayersRole": {"WorkPolicy", "TracePolicy", "ProductsReadPolicy"},
    "AssembleStacRole": {"WorkPolicy", "TracePolicy", "ProductsReadPolicy", "ProductsWritePolicy"},
    "SummarizeSceneRole": {"WorkPolicy", "TracePolicy", "ProductsReadPolicy"},
    "TaskRole": {"WorkPolicy", "ProductsReadPolicy", "ProductsWritePolicy", "ScenesReadPolicy"},
    "TaskExecutionRole": set(),
    "RequestedSceneRole": set(),
    "SceneStateMachineRole": {"TracePolicy"},
}
WORK = f"{ARN}:s3:::${{WorkBucketName}}"
SCENE_EXECUTIONS = f"{ARN}:states:{HERE}:execution:<Machine>:*"
LOG_DELIVERY = {
    action: resources for action, resources in ROLES["SceneStateMachineRole"].items() if resources == {"*"}
}
# Roles of nested stacks: action to resources, and the policies of the outer stack that they share.
NESTED_ROLES = {
    ("new-scenes", "FindScenesRole"): (
        {
            "logs:CreateLogStream": {"FindScenesLogs.Arn"},
            "logs:PutLogEvents": {"FindScenesLogs.Arn"},
            "s3:GetObject": {
                f"{WORK}/areas/*",
                f"{WORK}/find_scenes/*",
                f"{WORK}/executions/*/report.json",
            },
            "s3:PutObject": {f"{WORK}/find_scenes/*"},
            "s3:ListBucket": {WORK},
            "states:StartExecution": {"SceneStateMachineArn"},
            "states:ListExecutions": {"SceneStateMachineArn"},
            "states:DescribeExecution": {SCENE_EXECUTIONS},
            "sqs:SendMessage": {"FindScenesDeadLetters.Arn"},
            **{
                f"sqs:{action}": {"NewSceneQueue.Arn"}
                for action in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")
            },
        },
        {"TracePolicyArn"},
    ),
    ("campaigns", "OpenCampaignRole"): (
        {
            "logs:CreateLogStream": {"OpenCampaignLogs.Arn"},
            "logs:PutLogEvents": {"OpenCampaignLogs.Arn"},
            "s3:GetObject": {f"{WORK}/campaigns/*"},
            "s3:PutObject": {f"{WORK}/campaigns/*"},
            "s3:ListBucket": {WORK},
        },
        {"TracePolicyArn"},
    ),
    ("campaigns", "FollowSceneRole"): (
        {
            "logs:CreateLogStream": {"FollowSceneLogs.Arn"},
            "logs:PutLogEvents": {"FollowSceneLogs.Arn"},
            "s3:GetObject": {f"{WORK}/executions/*", f"{WORK}/campaigns/*"},
            "s3:PutObject": {f"{WORK}/campaigns/*"},
            "s3:ListBucket": {WORK},
            "states:DescribeExecution": {SCENE_EXECUTIONS},
        },
        {"TracePolicyArn", "ProductsReadPolicyArn"},
    ),
    ("campaigns", "SummarizeCampaignRole"): (
        {
            "logs:CreateLogStream": {"SummarizeCampaignLogs.Arn"},
            "logs:PutLogEvents": {"SummarizeCampaignLogs.Arn"},
            "s3:GetObject": {f"{WORK}/campaigns/*"},
            "s3:PutObject": {f"{WORK}/campaigns/*"},
            "s3:ListBucket": {WORK},
        },
        {"TracePolicyArn"},
    ),
    ("campaigns", "CampaignStateMachineRole"): (
        {
            "lambda:InvokeFunction": {
                f"${{{name}Function.Arn}}:*" for name in ("OpenCampaign", "FollowScene", "SummarizeCampaign")
            },
            "states:StartExecution": {
                "SceneStateMachineArn",
                f"{ARN}:states:{HERE}:stateMachine:${{Prefix}}-campaign",
            },
            **{
                f"states:{action}": {
                    SCENE_EXECUTIONS,
                    f"{ARN}:states:{HERE}:execution:${{Prefix}}-campaign:*",
                    f"{ARN}:states:{HERE}:execution:${{Prefix}}-campaign/*",
                }
                for action in ("DescribeExecution", "StopExecution")
            },
            **{
                f"events:{action}": {
                    f"{ARN}:events:{HERE}:rule/StepFunctionsGetEventsForStepFunctionsExecutionRule"
                }
                for action in ("PutTargets", "PutRule", "DescribeRule")
            },
            **{
                f"s3:{action}": {f"{WORK}/campaigns/*"}
                for action in ("GetObject", "PutObject", "ListMultipartUploadParts", "AbortMultipartUpload")
            },
            **LOG_DELIVERY,
        },
        {"TracePolicyArn"},
    ),
    ("operations", "FailedExecutionRole"): ({"sns:Publish": {"AlarmTopic"}}, set()),
    ("fleet", "InstanceRole"): (
        {},
        {f"{ARN}:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role"},
    ),
}
NESTED_STACKS = tuple(path.stem for path in sorted((ROOT / "stacks").glob("*.yaml")))
# Services whose action takes no resource.
WITHOUT_RESOURCE = {"xray", "ecr:GetAuthorizationToken", "logs"}


def permissions(document):
    """Action to resources of a policy document's statements, both branches of every If."""
    found = {}
    for statement in document["Statement"]:
        parts = (
            [p for p in statement["Fn::If"][1:] if "Effect" in p] if "Fn::If" in statement else [statement]
        )
        for part in parts:
            assert part["Effect"] == "Allow"
            for action in part["Action"]:
                found.setdefault(action, set()).update(texts(part["Resource"]))
    return found


def roles():
    return of_type(template(), "AWS::IAM::Role")


def test_table_has_every_role_and_policy():
    assert set(roles()) == set(ROLES)
    assert set(of_type(template(), "AWS::IAM::ManagedPolicy")) == set(POLICIES)
    assert not of_type(template(), "AWS::IAM::Policy")


@pytest.mark.parametrize("name", POLICIES)
def test_policy_allows_what_the_table_says(name):
    document = template()["Resources"][name]["Properties"]["PolicyDocument"]
    assert permissions(document) == POLICIES[name]


@pytest.mark.parametrize("name", ROLES)
def test_role_allows_what_the_table_says(name):
    found = {}
    for policy in roles()[name]["Properties"].get("Policies", []):
        found.update(permissions(policy["PolicyDocument"]))
    assert found == ROLES[name]
    assert set(texts(roles()[name]["Properties"].get("ManagedPolicyArns", []))) == SHARED[name]


def test_table_has_every_role_of_the_nested_stacks():
    found = {(name, role) for name in NESTED_STACKS for role in of_type(stack(name), "AWS::IAM::Role")}
    assert found == set(NESTED_ROLES)
    for name in NESTED_STACKS:
        assert not of_type(stack(name), "AWS::IAM::ManagedPolicy")
        assert not of_type(stack(name), "AWS::IAM::Policy")


@pytest.mark.parametrize(("source", "name"), NESTED_ROLES)
def test_role_of_a_nested_stack_allows_what_the_table_says(source, name):
    properties = of_type(stack(source), "AWS::IAM::Role")[name]["Properties"]
    found = {}
    for policy in properties.get("Policies", []):
        for action, resources in permissions(policy["PolicyDocument"]).items():
            found.setdefault(action, set()).update(resources)
    allowed, shared = NESTED_ROLES[source, name]
    assert found == allowed
    assert set(texts(properties.get("ManagedPolicyArns", []))) == shared


@pytest.mark.parametrize(
    "table", [*POLICIES.values(), *ROLES.values(), *(allowed for allowed, _ in NESTED_ROLES.values())]
)
def test_wildcard_resource_only_where_the_service_takes_none(table):
    for action, resources in table.items():
        assert "*" not in action
        if "*" in resources:
            assert action in WITHOUT_RESOURCE or action.split(":")[0] in WITHOUT_RESOURCE


@pytest.mark.parametrize("kind", ["AWS::Lambda::Function", "AWS::StepFunctions::StateMachine"])
def test_everything_that_runs_has_a_role_of_its_own(kind):
    key = "Role" if kind == "AWS::Lambda::Function" else "RoleArn"
    named = [texts(r["Properties"][key])[0] for r in of_type(template(), kind).values()]
    assert len(named) == len(set(named))
    assert {name.removesuffix(".Arn") for name in named} <= set(ROLES)


@pytest.mark.parametrize("path", [ROOT / "template.yaml", *sorted((ROOT / "stacks").glob("*.yaml"))], ids=str)
def test_no_arn_names_a_partition(path):
    if path.stem == "bucket-arns":
        return
    assert "arn:aws:" not in path.read_text().replace("arn:aws:states:::", "")


def test_arns_of_named_buckets_are_of_the_partition():
    source = stack("bucket-arns")
    partitions = {"InChina": "aws-cn", "InGovCloud": "aws-us-gov", None: "aws"}
    for name, output in source["Outputs"].items():
        text, parts = output["Value"]["Fn::Sub"]
        assert text.startswith("arn:${AWS::Partition}:s3:::")
        for value in parts.values():
            inner = value
            for condition, partition in partitions.items():
                joined = inner if condition is None else inner["Fn::If"][1]
                assert joined["Fn::Join"][0].endswith(f",arn:{partition}:s3:::"), (name, condition)
                inner = inner["Fn::If"][2] if condition else inner


def test_alarms_on_executions_reach_the_topic_by_a_role():
    # What AWS documents: no condition in a topic's policy for EventBridge, else nothing is delivered.
    resources = stack("operations")["Resources"]
    statements = resources["AlarmTopicPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert "events.amazonaws.com" not in str(statements)
    topics = set(of_type(stack("operations"), "AWS::SNS::Topic"))
    targets = [
        t
        for rule in of_type(stack("operations"), "AWS::Events::Rule").values()
        for t in rule["Properties"]["Targets"]
    ]
    published = [target for target in targets if texts(target["Arn"])[0] in topics]
    assert published
    assert all("RoleArn" in target for target in published)
