"""Effects of the template's options: fleet, network, alias, budget. The emulator supports none of these."""

import re
import tomllib

import pytest

from tests.support.deployed_template import ROOT, of_type, stack, template, texts

RESOURCES = template()["Resources"]
FLEET = stack("fleet")["Resources"]
NETWORK = stack("network")["Resources"]
OPERATIONS = stack("operations")["Resources"]
NESTED = of_type(template(), "AWS::CloudFormation::Stack")


def test_fleet_is_off_unless_asked_for():
    assert template()["Parameters"]["Fleet"]["Default"] == "fargate"
    assert RESOURCES["FleetStack"]["Condition"] == "UseFleet"


def test_fleet_takes_the_place_of_fargate_everywhere():
    provider = {"Fn::GetAtt": ["FleetStack", "Outputs.CapacityProviderName"]}
    substitutions = RESOURCES["SceneStateMachine"]["Properties"]["DefinitionSubstitutions"]
    for name, fargate in (("SpotCapacityProvider", "FARGATE_SPOT"), ("OnDemandCapacityProvider", "FARGATE")):
        assert substitutions[name] == {"Fn::If": ["UseFleet", provider, fargate]}
    assert RESOURCES["Cluster"]["Properties"]["CapacityProviders"] == {
        "Fn::If": ["UseFleet", [provider], ["FARGATE", "FARGATE_SPOT"]]
    }
    for task in of_type(template(), "AWS::ECS::TaskDefinition").values():
        properties = task["Properties"]
        assert properties["RequiresCompatibilities"] == {"Fn::If": ["UseFleet", ["EC2"], ["FARGATE"]]}
        assert properties["EphemeralStorage"]["Fn::If"][:2] == ["UseFleet", {"Ref": "AWS::NoValue"}]
        (volume,) = properties["Volumes"]
        assert volume["Host"]["Fn::If"][1] == {"SourcePath": "/scratch"}


def test_fleet_comes_and_goes_with_its_tasks():
    group = FLEET["Instances"]["Properties"]
    provider = FLEET["CapacityProvider"]["Properties"]["AutoScalingGroupProvider"]
    assert group["MinSize"] == "0"
    assert "DesiredCapacity" not in group
    assert provider["ManagedScaling"]["Status"] == "ENABLED"
    assert provider["ManagedTerminationProtection"] == "ENABLED"
    assert group["NewInstancesProtectedFromScaleIn"] is True


def test_fleet_instances_join_the_cluster_and_make_the_scratch_that_tasks_mount():
    data = FLEET["LaunchTemplate"]["Properties"]["LaunchTemplateData"]
    script = data["UserData"]["Fn::Base64"]["Fn::Sub"]
    assert "ECS_CLUSTER=${ClusterName}" in script
    assert "mount" in script
    assert "/scratch" in script
    assert data["MetadataOptions"] == {"HttpTokens": "required", "HttpPutResponseHopLimit": 1}
    (volume,) = data["BlockDeviceMappings"]
    assert volume["Ebs"]["Encrypted"] is True
    # The cluster's name is known before the cluster is made, so that each may refer to the other.
    assert NESTED["FleetStack"]["Properties"]["Parameters"]["ClusterName"] == {"Ref": "AWS::StackName"}
    assert RESOURCES["Cluster"]["Properties"]["ClusterName"] == {"Ref": "AWS::StackName"}


def test_fleet_without_internet_access_is_refused():
    rule = template()["Rules"]["FleetReachesAws"]
    assert rule["RuleCondition"] == {"Fn::Equals": [{"Ref": "Fleet"}, "ec2"]}
    assert rule["Assertions"][0]["Assert"] == {"Fn::Equals": [{"Ref": "TaskInternetAccess"}, "nat"]}


def test_nat_is_paid_for_only_when_chosen():
    for kind in ("AWS::EC2::NatGateway", "AWS::EC2::EIP"):
        assert {resource["Condition"] for resource in of_type({"Resources": NETWORK}, kind).values()} == {
            "UseNat"
        }


def test_tasks_have_one_way_out_either_by_nat_or_by_the_gateway():
    default = {
        route["Condition"]: route["Properties"]
        for route in of_type({"Resources": NETWORK}, "AWS::EC2::Route").values()
        if route["Properties"]["RouteTableId"] == {"Ref": "TaskRouteTable"}
        and route["Properties"]["DestinationCidrBlock"] == "0.0.0.0/0"
    }
    assert default["UsePublicIp"]["GatewayId"] == {"Ref": "InternetGateway"}
    assert default["UseNat"]["NatGatewayId"] == {"Ref": "NatGateway"}
    assert stack("network")["Conditions"]["UseNat"] == {"Fn::Not": [{"Condition": "UsePublicIp"}]}


def test_network_has_an_address_for_every_task_of_a_wide_campaign():
    smallest = 18
    assert template()["Parameters"]["VpcCidr"]["AllowedPattern"].endswith(f"/(16|17|{smallest})$")
    subnets = of_type({"Resources": NETWORK}, "AWS::EC2::Subnet").values()
    ((number, bits),) = {
        tuple(s["Properties"]["CidrBlock"]["Fn::Select"][1]["Fn::Cidr"][1:]) for s in subnets
    }
    assert number * 2**bits <= 2 ** (32 - smallest)
    # 16,000 vCPU in tasks of 4, in two subnets, of each of which AWS keeps five addresses.
    assert 2 * (2**bits - 5) >= 16000 / 4


def test_s3_is_reached_without_nat():
    (endpoint,) = of_type({"Resources": NETWORK}, "AWS::EC2::VPCEndpoint").values()
    assert endpoint["Properties"]["VpcEndpointType"] == "Gateway"
    assert texts(endpoint["Properties"]["ServiceName"])[0].endswith(".s3")
    assert endpoint["Properties"]["RouteTableIds"]


def test_tasks_use_only_https():
    (group,) = of_type(template(), "AWS::EC2::SecurityGroup").values()
    ((rule,),) = [group["Properties"]["SecurityGroupEgress"]]
    assert (rule["FromPort"], rule["ToPort"], rule["IpProtocol"]) == (443, 443, "tcp")


@pytest.mark.parametrize("name", ["Operations", "NewScenes", "Campaigns"])
def test_scenes_are_started_by_the_alias_where_there_is_one(name):
    assert NESTED[name]["Properties"]["Parameters"]["SceneStartArn"] == {
        "Fn::If": ["DoPublishVersions", {"Ref": "SceneStateMachineLiveAlias"}, {"Ref": "SceneStateMachine"}]
    }


def test_every_nested_stack_starts_scenes_by_what_it_is_given():
    start = {"Ref": "SceneStartArn"}
    (target,) = OPERATIONS["RequestedSceneRule"]["Properties"]["Targets"]
    assert target["Arn"] == start
    search = stack("new-scenes")["Resources"]["FindScenesFunction"]["Properties"]
    assert search["Environment"]["Variables"]["SCENE_STATE_MACHINE"] == start
    machine = stack("campaigns")["Resources"]["CampaignStateMachine"]["Properties"]
    assert machine["DefinitionSubstitutions"]["SceneStateMachineArn"] == start


def test_alias_points_at_the_version_of_this_deployment():
    version, alias = RESOURCES["SceneStateMachineVersion"], RESOURCES["SceneStateMachineLiveAlias"]
    assert version["DeletionPolicy"] == version["UpdateReplacePolicy"] == "Retain"
    assert version["Properties"]["StateMachineRevisionId"] == {
        "Fn::GetAtt": ["SceneStateMachine", "StateMachineRevisionId"]
    }
    preference = alias["Properties"]["DeploymentPreference"]
    assert preference["StateMachineVersionArn"] == {"Ref": "SceneStateMachineVersion"}
    assert version["Condition"] == alias["Condition"] == "DoPublishVersions"


@pytest.mark.parametrize("environment", ["default", "dev", "prod"])
def test_deployed_stack_carries_the_tag_that_its_budget_counts(environment):
    settings = tomllib.loads((ROOT / "samconfig.toml").read_text())[environment]
    name = settings["global"]["parameters"]["stack_name"]
    assert f"rtcflow:stack={name}" in settings["deploy"]["parameters"]["tags"].split()


def test_budget_warns_before_and_at_the_limit():
    budget = stack("budget")["Resources"]["MonthlyBudget"]
    assert NESTED["Budget"]["Condition"] == "HasBudget"
    assert budget["Properties"]["Budget"]["BudgetLimit"]["Amount"] == {"Ref": "MonthlyBudgetUsd"}
    sentence = {
        (n["Notification"]["NotificationType"], n["Notification"]["Threshold"])
        for n in budget["Properties"]["NotificationsWithSubscribers"]
    }
    assert sentence == {("ACTUAL", 80), ("FORECASTED", 100)}
    for notification in budget["Properties"]["NotificationsWithSubscribers"]:
        assert notification["Subscribers"] == [
            {"SubscriptionType": "EMAIL", "Address": {"Ref": "AlarmEmail"}}
        ]


def test_budgets_are_in_a_stack_of_their_own():
    # 19 regions have no budgets: a template that names them there is refused, condition or not.
    sources = {path.stem: stack(path.stem) for path in (ROOT / "stacks").glob("*.yaml")} | {
        "template": template()
    }
    assert [name for name, source in sources.items() if of_type(source, "AWS::Budgets::Budget")] == ["budget"]


def test_budgets_of_stacks_of_one_name_in_two_regions_have_two_names():
    budget = stack("budget")["Resources"]["MonthlyBudget"]["Properties"]["Budget"]
    assert "${AWS::Region}" in budget["BudgetName"]["Fn::Sub"]


def gigabytes_of(cpu_units):
    """What Fargate takes with that many CPU units, as the page of task definition parameters lists it."""
    return {
        1024: range(2, 9),
        2048: range(4, 17),
        4096: range(8, 31),
        8192: range(16, 61, 4),
        16384: range(32, 121, 8),
    }[cpu_units]


@pytest.mark.parametrize("engine", template()["Parameters"]["Engine"]["AllowedValues"])
@pytest.mark.parametrize("size", template()["Parameters"]["TaskSize"]["AllowedValues"])
def test_every_size_is_one_of_fargate(engine, size):
    cpu, memory = (int(template()["Mappings"][name][engine][size]) for name in ("TaskCpu", "TaskMemory"))
    assert memory % 1024 == 0
    assert memory // 1024 in gigabytes_of(cpu)


def test_image_and_architecture_follow_the_engine():
    (task,) = of_type(template(), "AWS::ECS::TaskDefinition").values()
    (container,) = task["Properties"]["ContainerDefinitions"]
    assert container["Image"]["Fn::If"][2] == {"Fn::Sub": "${ImageRepository.RepositoryUri}:${Engine}"}
    assert task["Properties"]["RuntimePlatform"]["CpuArchitecture"] == {
        "Fn::If": ["OnArm", "ARM64", "X86_64"]
    }
    # Empty and native, or said.
    assert template()["Conditions"]["OnArm"]["Fn::Or"] == [
        {"Fn::Equals": [{"Ref": "Architecture"}, "ARM64"]},
        {"Fn::Equals": [{"Fn::Sub": "${Architecture}${Engine}"}, "native"]},
    ]


def test_isce3_on_arm_is_refused():
    rule = template()["Rules"]["EngineHasItsArchitecture"]
    assert rule["RuleCondition"] == {"Fn::Equals": [{"Ref": "Engine"}, "isce3"]}
    assert rule["Assertions"][0]["Assert"] == {
        "Fn::Not": [{"Fn::Equals": [{"Ref": "Architecture"}, "ARM64"]}]
    }


@pytest.mark.parametrize(
    ("uri", "taken"),
    [
        ("123456789012.dkr.ecr.us-west-2.amazonaws.com/rtc:native", True),
        (f"123456789012.dkr.ecr.us-west-2.amazonaws.com/a/rtc@sha256:{'0' * 64}", True),
        (f"localhost:5000/rtc:1@sha256:{'0' * 64}", True),
        ("123456789012.dkr.ecr.us-west-2.amazonaws.com/rtc", False),
        ("rtc@sha256:12", False),
        ("rtc:native ", False),
    ],
)
def test_image_is_named_with_a_tag_or_a_digest(uri, taken):
    assert bool(re.search(template()["Parameters"]["ImageUri"]["AllowedPattern"], uri)) is taken
