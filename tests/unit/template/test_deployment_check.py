import json

import boto3
import deployment_check as check
import pytest

from tests.support.deployed_template import template


@pytest.fixture
def session(aws):
    return boto3.Session(region_name="us-east-1")


def test_outputs_that_the_check_reads_are_outputs_of_the_template():
    used = {
        "ImageRepositoryUri",
        "ArchiveSecretArn",
        "WorkBucketName",
        "SceneStateMachineArn",
        "AlarmTopicArn",
    }
    assert used <= set(template()["Outputs"])


NO_CDSE = {"CDSE_LOGIN": "", "CDSE_PASSWORD": ""}


@pytest.mark.parametrize(("password", "sentence"), [("", "EARTHDATA_PASSWORD"), ("x", "")])
def test_secret_must_be_filled_in(session, password, sentence):
    value = json.dumps({"EARTHDATA_LOGIN": "someone", "EARTHDATA_PASSWORD": password, **NO_CDSE})
    arn = session.client("secretsmanager").create_secret(Name="s", SecretString=value)["ARN"]
    answer = check.secret_filled_in(session, {"ArchiveSecretArn": arn})
    assert sentence in answer
    assert bool(answer) is bool(sentence)
    assert "someone" not in answer


def test_secret_must_have_every_value_that_tasks_are_given(session):
    value = json.dumps({"EARTHDATA_LOGIN": "someone", "EARTHDATA_PASSWORD": "x", "CDSE_LOGIN": ""})
    arn = session.client("secretsmanager").create_secret(Name="s", SecretString=value)["ARN"]
    assert "add CDSE_PASSWORD to secret" in check.secret_filled_in(session, {"ArchiveSecretArn": arn})


@pytest.fixture
def repository(session):
    """URI of a repository with one image, tagged native, and the image's digest."""
    uri = session.client("ecr").create_repository(repositoryName="a/rtc")["repository"]["repositoryUri"]
    kind = "application/vnd.oci.image.manifest.v1+json"
    config = {"digest": "sha256:0", "size": 1}
    manifest = {"schemaVersion": 2, "mediaType": kind, "config": config, "layers": []}
    put = session.client("ecr").put_image(
        repositoryName="a/rtc",
        imageManifest=json.dumps(manifest),
        imageManifestMediaType=kind,
        imageTag="native",
    )
    return uri, put["image"]["imageId"]["imageDigest"]


@pytest.mark.parametrize(
    ("engine", "image", "sentence"),
    [
        ("native", "", ""),
        ("native", "{uri}:native", ""),
        ("native", "{uri}@{digest}", ""),
        ("native", "{uri}:native@{digest}", ""),
        ("native", "{uri}@sha256:" + 64 * "1", "make push TARGET=native"),
        ("native", "{uri}:old", "has no image old"),
        ("isce3", "", "make push TARGET=isce3"),
        ("native", "{uri}-other:native", "has no image native"),
        ("native", "public.ecr.aws/other/rtc:1", ""),
    ],
)
def test_image_must_be_pushed(session, repository, engine, image, sentence):
    uri, digest = repository
    outputs = {"ImageRepositoryUri": uri, "Engine": engine, "ImageUri": image.format(uri=uri, digest=digest)}
    answer = check.image_pushed(session, outputs)
    assert sentence in answer
    assert bool(answer) is bool(sentence)


def test_open_bucket_is_reported(session, aws):
    settings = dict.fromkeys(
        ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
    )
    aws.put_public_access_block(Bucket="work", PublicAccessBlockConfiguration=settings)
    assert check.buckets_closed(session, {"WorkBucketName": "work"}) == ""
    aws.put_public_access_block(
        Bucket="work", PublicAccessBlockConfiguration={**settings, "BlockPublicPolicy": False}
    )
    assert "BlockPublicPolicy off" in check.buckets_closed(session, {"WorkBucketName": "work"})


def test_topic_without_a_subscriber_is_reported(session):
    sns = session.client("sns")
    topic = sns.create_topic(Name="alarms")["TopicArn"]
    assert "AlarmEmail" in check.alarms_reach_someone(session, {"AlarmTopicArn": topic})
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="ops@example.org")
    assert check.alarms_reach_someone(session, {"AlarmTopicArn": topic}) == ""


class Machine:
    def __init__(self, status, error=None):
        self.end = {"status": status, "error": error, "cause": "because"}

    def client(self, name):
        return self

    def start_execution(self, **arguments):
        return {"executionArn": "arn:x"}

    def describe_execution(self, **arguments):
        return self.end


@pytest.mark.parametrize(
    ("status", "error", "well"),
    [("FAILED", "RefusedError", True), ("FAILED", "KeyError", False), ("SUCCEEDED", None, False)],
)
def test_wrong_payload_must_come_back_refused(status, error, well):
    answer = check.refusal_comes_back(Machine(status, error), {"SceneStateMachineArn": "arn:m"}, 0.0)
    assert (answer == "") is well


class Metrics:
    def __init__(self, **sums):
        self.sums = sums

    def client(self, name):
        return self

    def get_metric_statistics(self, MetricName, Dimensions, **arguments):
        assert Dimensions == [{"Name": "RuleName", "Value": "s-failed-executions"}]
        return {"Datapoints": [{"Sum": value} for value in self.sums.get(MetricName, [])]}


@pytest.mark.parametrize(
    ("sums", "sentence"),
    [
        ({"Invocations": [1.0]}, ""),
        ({"Invocations": [2.0], "FailedInvocations": [2.0]}, "could not publish"),
        ({}, "check again in five minutes"),
    ],
)
def test_failed_execution_must_have_been_reported(sums, sentence):
    answer = check.failure_is_announced(Metrics(**sums), {"StackName": "s", "AlarmTopicArn": "arn:topic"})
    assert sentence in answer
    assert bool(answer) is bool(sentence)


def test_every_point_is_printed_and_failures_are_counted(session, capsys):
    def broken(session, outputs):
        return outputs["NoSuchOutput"]

    points = (check.Point("well", lambda session, outputs: ""), check.Point("broken", broken))
    assert check.run(session, {}, points) == 1
    assert capsys.readouterr().out == "pass  well\nFAIL  broken: could not be checked: 'NoSuchOutput'\n"


@pytest.mark.parametrize(
    ("settings", "tasks"),
    [
        ({}, 3),
        ({"Engine": "isce3"}, 27),
        ({"BurstsPerTask": "scene"}, 1),
        ({"BurstsPerTask": "5", "Engine": "isce3"}, 6),
    ],
)
def test_tasks_of_a_scene_follow_the_stacks_settings(settings, tasks):
    assert check.scene_tasks(settings) == tasks


@pytest.mark.parametrize(
    ("quota", "settings", "sentence"),
    [
        (12, {}, ""),
        (6, {}, "ask for a quota of 12, which a scene's 3 tasks take at once"),
        (6, {"BurstsPerTask": "scene"}, ""),
        (12, {"TaskSize": "large"}, "ask for a quota of 24"),
        (6, {"Fleet": "ec2"}, ""),
    ],
)
def test_quota_is_that_of_a_scenes_tasks(quota, settings, sentence):
    class Quotas:
        def client(self, service):
            return self

        def get_service_quota(self, **asked):
            return {"Quota": {"Value": float(quota)}}

    answer = check.fargate_quota(Quotas(), settings)
    assert sentence in answer
    assert bool(answer) is bool(sentence)
