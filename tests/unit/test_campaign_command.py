"""Starting, pausing and stopping a campaign: what reaches the work bucket and Step Functions."""

import json

import boto3
import pytest
from campaign_case import START, item, payload

from rtcflow_contract.campaign import CampaignInput, StartedCampaign
from rtcflow_contract.errors import RefusedError
from rtcflow_local.campaign.lists import find_lists
from rtcflow_local.campaign.operating import Campaign
from rtcflow_local.report.aws import Clients

DEFINITION = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Succeed"}}})
ROLE = "arn:aws:iam::123456789012:role/states"


@pytest.fixture
def campaign(aws):
    machine = boto3.client("stepfunctions").create_state_machine(
        name="campaign", definition=DEFINITION, roleArn=ROLE
    )["stateMachineArn"]
    outputs = {
        "CampaignStateMachineArn": machine,
        "WorkBucketName": "work",
        "ProductsBucketName": "products",
    }
    return Campaign("continent", Clients(), outputs)


def write_list(folder, name="scenes.jsonl", lines=None):
    folder.mkdir(exist_ok=True)
    text = "".join(f"{json.dumps(line)}\n" for line in lines or [payload(0)])
    (folder / name).write_text(text)
    return str(folder)


def started(campaign, arn):
    """What OpenCampaign writes at the start of an execution."""
    store = campaign.store
    scenes = store.write_items("run", "scenes.jsonl", [item(0)])
    store.write_start(
        StartedCampaign(
            execution=arn.rpartition(":")[2],
            started=START,
            product_version="0.1",
            request=CampaignInput(campaign="continent", scenes="s3://work/list.jsonl"),
            scenes=scenes,
            static=store.write_items("run", "static.jsonl", []),
        )
    )


def test_a_folder_of_a_plan_is_started_with_both_lists(campaign, aws, tmp_path):
    folder = write_list(tmp_path / "plan")
    write_list(tmp_path / "plan", "static.jsonl", [payload(0, product="RTC_S1_STATIC")])
    arn = campaign.start(find_lists(folder, None), 50, 5)
    found = campaign._states.describe_execution(executionArn=arn)
    assert json.loads(found["input"]) == {
        "campaign": "continent",
        "scenes": "s3://work/campaigns/continent/scenes.jsonl",
        "static": "s3://work/campaigns/continent/static.jsonl",
        "max_scenes": 50,
        "tolerated_failure_percent": 5,
    }
    body = aws.get_object(Bucket="work", Key="campaigns/continent/scenes.jsonl")["Body"].read()
    assert json.loads(body) == payload(0)


def test_a_list_in_s3_is_taken_as_it_is(campaign, aws):
    text = f"scene\n{payload(0)['scene']}\n"
    aws.put_object(Bucket="scenes", Key="lists/a.csv", Body=text.encode())
    campaign.start(find_lists("s3://scenes/lists/a.csv", None), 1, 0)
    assert aws.get_object(Bucket="work", Key="campaigns/continent/scenes.csv")["Body"].read() == text.encode()


def test_a_wrong_list_starts_nothing(campaign, tmp_path):
    folder = write_list(tmp_path / "plan", lines=[payload(0), {"scene": "x"}])
    with pytest.raises(RefusedError, match="line 2"):
        campaign.start(find_lists(folder, None), 1, 0)
    assert campaign.execution() is None


@pytest.mark.parametrize(
    ("source", "told"), [("nowhere.jsonl", "cannot be read"), ("list.txt", "neither"), (".", "holds no")]
)
def test_a_list_that_is_not_there_is_refused(campaign, source, told, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RefusedError, match=told):
        campaign.start(find_lists(source, None), 1, 0)


def test_a_campaign_that_runs_is_not_started_again(campaign, tmp_path):
    folder = write_list(tmp_path / "plan")
    campaign.start(find_lists(folder, None), 1, 0)
    with pytest.raises(RefusedError, match="runs already"):
        campaign.start(find_lists(folder, None), 1, 0)
    campaign.stop()
    campaign.start(find_lists(folder, None), 1, 0)
    assert campaign.execution()["status"] == "RUNNING"


def test_campaigns_with_like_names_are_told_apart(campaign, tmp_path):
    campaign.start(find_lists(write_list(tmp_path / "plan"), None), 1, 0)
    campaign.name = "cont"
    assert campaign.execution() is None


def test_a_start_ends_a_pause(campaign, tmp_path):
    folder = write_list(tmp_path / "plan")
    started(campaign, campaign.start(find_lists(folder, None), 1, 0))
    campaign.pause()
    assert campaign.store.paused()
    campaign.stop()
    campaign.start(find_lists(folder, None), 1, 0)
    assert not campaign.store.paused()


def test_a_pause_is_resumed(campaign, tmp_path):
    started(campaign, campaign.start(find_lists(write_list(tmp_path / "plan"), None), 1, 0))
    campaign.pause()
    campaign.resume()
    assert not campaign.store.paused()


def test_what_was_never_started_cannot_be_paused_or_stopped(campaign):
    with pytest.raises(RefusedError, match="never started"):
        campaign.pause()
    with pytest.raises(RefusedError, match="does not run"):
        campaign.stop()


def test_a_wrong_name_or_setting_is_refused(campaign, tmp_path):
    with pytest.raises(RefusedError, match="no name of a campaign"):
        Campaign("Not A Name", Clients(), {"CampaignStateMachineArn": "x"})
    with pytest.raises(RefusedError, match="max_scenes"):
        campaign.start(find_lists(write_list(tmp_path / "plan"), None), 0, 0)


def test_a_stack_without_campaigns_is_told():
    with pytest.raises(RefusedError, match="has no campaigns"):
        Campaign("continent", Clients(), {})
