"""Starting, pausing and stopping a campaign: what reaches the work bucket and Step Functions."""

import json

import boto3
import pytest
from rich.console import Console

from rtcflow_campaign.campaign_list import Items
from rtcflow_cloud.executions import Execution
from rtcflow_contract.campaign import CampaignInput, StartedCampaign
from rtcflow_contract.errors import RefusedError
from rtcflow_local.campaign.display import show_status
from rtcflow_local.campaign.lists import find_lists, upload_list
from rtcflow_local.campaign.operating import Campaign
from rtcflow_local.report.aws import Clients
from tests.support.campaign_case import START, item, payload

SETTINGS = {"max_scenes": 1, "tolerated_failure_percent": 0}
REQUEST = CampaignInput(campaign="continent", scenes="s3://work/list.jsonl")
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
    scenes = store.write_items("run", "scenes.jsonl", Items([item(0)], 0), REQUEST)
    store.write_start(
        StartedCampaign(
            execution=arn.rpartition(":")[2],
            started=START,
            product_version="0.1",
            request=CampaignInput(campaign="continent", scenes="s3://work/list.jsonl"),
            scenes=scenes,
            static=store.write_items("run", "static.jsonl", Items([], 0), REQUEST),
        )
    )


def test_a_folder_of_a_plan_is_started_with_both_lists(campaign, aws, tmp_path):
    folder = write_list(tmp_path / "plan")
    write_list(tmp_path / "plan", "static.jsonl", [payload(0, product="RTC_S1_STATIC")])
    arn = campaign.start(find_lists(folder, None), {"max_scenes": 50, "tolerated_failure_percent": 5})
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
    campaign.start(find_lists("s3://scenes/lists/a.csv", None), SETTINGS)
    assert aws.get_object(Bucket="work", Key="campaigns/continent/scenes.csv")["Body"].read() == text.encode()


def test_a_wrong_list_starts_nothing(campaign, tmp_path):
    folder = write_list(tmp_path / "plan", lines=[payload(0), {"scene": "x"}])
    with pytest.raises(RefusedError, match="line 2"):
        campaign.start(find_lists(folder, None), SETTINGS)
    assert campaign.execution() is None


@pytest.mark.parametrize(
    ("source", "sentence"), [("nowhere.jsonl", "cannot be read"), ("list.txt", "neither"), (".", "holds no")]
)
def test_a_list_that_is_not_there_is_refused(campaign, source, sentence, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RefusedError, match=sentence):
        campaign.start(find_lists(source, None), SETTINGS)


def test_a_campaign_that_runs_is_not_started_again(campaign, tmp_path):
    folder = write_list(tmp_path / "plan")
    campaign.start(find_lists(folder, None), SETTINGS)
    with pytest.raises(RefusedError, match="runs already"):
        campaign.start(find_lists(folder, None), SETTINGS)
    campaign.stop()
    campaign.start(find_lists(folder, None), SETTINGS)
    assert campaign.execution()["status"] == "RUNNING"


def test_campaigns_with_like_names_are_told_apart(campaign, tmp_path):
    campaign.start(find_lists(write_list(tmp_path / "plan"), None), SETTINGS)
    campaign.name = "cont"
    assert campaign.execution() is None


def test_a_start_ends_a_pause(campaign, tmp_path):
    folder = write_list(tmp_path / "plan")
    started(campaign, campaign.start(find_lists(folder, None), SETTINGS))
    campaign.pause()
    assert campaign.store.paused()
    campaign.stop()
    campaign.start(find_lists(folder, None), SETTINGS)
    assert not campaign.store.paused()


def test_a_pause_is_resumed(campaign, tmp_path):
    started(campaign, campaign.start(find_lists(write_list(tmp_path / "plan"), None), SETTINGS))
    campaign.pause()
    campaign.resume()
    assert not campaign.store.paused()


def test_what_was_never_started_cannot_be_paused_or_stopped(campaign):
    with pytest.raises(RefusedError, match="never started"):
        campaign.pause()
    with pytest.raises(RefusedError, match="is not running"):
        campaign.stop()


def test_a_campaign_that_has_not_read_its_lists_shows_its_execution_and_can_be_paused(campaign, tmp_path):
    arn = campaign.start(find_lists(write_list(tmp_path / "plan"), None), SETTINGS)
    found = campaign.status()
    assert (found.execution, found.status, found.report) == (arn.rpartition(":")[2], "RUNNING", None)
    with pytest.raises(RefusedError, match="is being started"):
        campaign.report()
    campaign.pause()
    assert campaign.status().paused
    campaign.resume()
    assert not campaign.status().paused


def test_the_lists_of_an_earlier_start_are_not_taken_for_those_of_the_last(campaign, tmp_path, monkeypatch):
    # moto lists no map runs.
    monkeypatch.setattr(campaign, "_maps", lambda execution: [])
    folder = write_list(tmp_path / "plan")
    started(campaign, campaign.start(find_lists(folder, None), SETTINGS))
    assert campaign.status().report is not None
    campaign.stop()
    campaign.start(find_lists(folder, None), SETTINGS)
    assert campaign.status().report is None


def test_a_campaign_whose_lists_could_not_be_read_says_why(campaign, tmp_path, monkeypatch):
    campaign.start(find_lists(write_list(tmp_path / "plan"), None), SETTINGS)
    failed = Execution("FAILED", {}, "RefusedError", "list s3://a/b.csv has no scene")
    found = {**campaign.execution(), "status": "FAILED"}
    monkeypatch.setattr(campaign, "execution", lambda: found)
    monkeypatch.setattr("rtcflow_local.campaign.operating.describe", lambda *_: failed)
    console = Console(record=True, width=100)
    show_status(console, campaign.status())
    assert "FAILED" in (sentence := console.export_text())
    assert "its lists were not read: list s3://a/b.csv has no scene" in sentence
    with pytest.raises(RefusedError, match=r"before it read its lists \(FAILED\): list s3"):
        campaign.report()


def test_a_wrong_name_or_setting_is_refused(campaign, tmp_path):
    with pytest.raises(RefusedError, match="not a name of a campaign"):
        Campaign("Not A Name", Clients(), {"CampaignStateMachineArn": "x"})
    with pytest.raises(RefusedError, match="max_scenes"):
        campaign.start(find_lists(write_list(tmp_path / "plan"), None), {"max_scenes": 0})


def test_a_stack_without_campaigns_is_reported():
    with pytest.raises(RefusedError, match="has no campaigns"):
        Campaign("continent", Clients(), {})


def test_of_two_starts_at_once_one_starts(campaign, aws, tmp_path, monkeypatch):
    lists = find_lists(write_list(tmp_path / "plan"), None)
    sentence = []

    def overtaken(*arguments):
        monkeypatch.undo()
        # The other start comes after this one has looked for executions and claimed the campaign.
        with pytest.raises(RefusedError, match="runs already or is being started") as refused:
            campaign.start(lists, SETTINGS)
        sentence.append(refused.value.reason)
        return upload_list(*arguments)

    monkeypatch.setattr("rtcflow_local.campaign.operating.upload_list", overtaken)
    campaign.start(lists, SETTINGS)
    assert sentence == ["campaign-running"]
    assert len(campaign._states.list_executions(stateMachineArn=campaign.machine)["executions"]) == 1


def test_a_start_right_after_another_is_refused_though_no_listing_shows_it(campaign, tmp_path, monkeypatch):
    lists = find_lists(write_list(tmp_path / "plan"), None)
    campaign.start(lists, SETTINGS)
    monkeypatch.setattr(campaign, "execution", lambda: None)
    with pytest.raises(RefusedError, match="runs already or is being started"):
        campaign.start(lists, SETTINGS)


def test_a_start_that_failed_does_not_hold_up_the_next(campaign, tmp_path):
    wrong = find_lists(write_list(tmp_path / "wrong", lines=[payload(0), payload(1, resolution=-1)]), None)
    with pytest.raises(RefusedError, match="line 2"):
        campaign.start(wrong, SETTINGS)
    campaign.start(wrong, SETTINGS, leave_out_wrong=True)


@pytest.mark.parametrize("data", [b"", b"[]", b'{"execution": "gone-1", "at": "2020-01-01T00:00:00Z"}'])
def test_a_claim_that_was_left_or_damaged_holds_nothing(campaign, aws, tmp_path, data):
    aws.put_object(Bucket="work", Key="campaigns/continent/claim.json", Body=data)
    campaign.start(find_lists(write_list(tmp_path / "plan"), None), SETTINGS)
