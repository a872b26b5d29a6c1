"""Items on the topic: after the product exists, once per write, in a form that catalogues accept."""

import json
from types import SimpleNamespace

import boto3
import pytest

from rtcflow_cloud import catalogue_topic
from rtcflow_contract.errors import TransientError
from rtcflow_contract.keys import COLLECTION, ITEM
from rtcflow_files import storage
from rtcflow_scene.assembly import assemble_stac
from rtcflow_stac.notice import _LARGEST_BYTES, notice_of
from tests.support.after_task_case import event, made, read_outcome
from tests.support.inventory_case import BURSTS, SETTINGS, Spec, manifest_of, put_product


@pytest.fixture
def topic(aws):
    """A topic and the queue that hears it."""
    catalogue_topic._client.cache_clear()
    sns, sqs = boto3.client("sns"), boto3.client("sqs")
    arn = sns.create_topic(Name="items")["TopicArn"]
    url = sqs.create_queue(QueueName="catalogue")["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue, Attributes={"RawMessageDelivery": "true"})

    def heard():
        answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]).get(
            "Messages", []
        )
        return [
            (
                json.loads(message["Body"]),
                {k: v["StringValue"] for k, v in message.get("MessageAttributes", {}).items()},
            )
            for message in answer
        ]

    yield SimpleNamespace(arn=arn, heard=heard)
    catalogue_topic._client.cache_clear()


@pytest.fixture
def handler(load_handler, topic):
    def load(**environment):
        return load_handler(
            "assemble_stac",
            PROCESSOR_NAME="Ice Institute",
            LICENSE="CC-BY-4.0",
            POWERTOOLS_METRICS_NAMESPACE="rtcflow",
            **{"CATALOGUE_TOPIC_ARN": topic.arn, **environment},
        )

    return load


def run(handler, *jobs):
    context = SimpleNamespace(
        function_name="f",
        memory_limit_in_mb=1,
        invoked_function_arn="arn:f",
        aws_request_id="r",
        get_remaining_time_in_millis=lambda: 300_000,
    )
    return handler.lambda_handler(event(*jobs), context)


def down(*arguments, **more):
    raise TransientError("topic could not be reached")


def test_an_item_is_published_as_it_is_written_with_attributes_to_filter_by(handler, topic):
    job = made()
    run(handler(), job)
    (_, (item, attributes)) = topic.heard()
    assert item == storage.read_json(job.destination.join(ITEM))
    assert attributes == {
        "collection": "s1_rtc_c1",
        "burst_id": BURSTS[0],
        "product": "RTC_S1",
        "platform": "sentinel-1a",
        "orbit_state": "descending",
        "relative_orbit": "70",
        "version": "0.1",
        "datetime": "2022-01-01T12:47:52Z",
    }


def test_the_collection_comes_before_its_first_item_and_never_again(handler, topic):
    run(handler(), made())
    run(handler(), made(Spec(1)))
    assert [message["type"] for message, _ in topic.heard()] == ["Collection", "Feature", "Feature"]


def test_a_tasks_items_are_published_one_by_one(handler, topic):
    jobs = [made(Spec(number)) for number in range(3)]
    assert run(handler(), *jobs)["next"] == "done"
    assert [message["id"] for message, _ in topic.heard() if message["type"] == "Feature"] == [
        job.product_id for job in jobs
    ]


def test_an_item_that_could_not_be_published_exists_and_the_retry_publishes_it(handler, topic, monkeypatch):
    job = made()
    storage.write_bytes(job.collection_folder.join(COLLECTION), b"{}")
    with monkeypatch.context() as broken:
        broken.setattr("rtcflow_scene.announcement.publish", down)
        with pytest.raises(TransientError):
            run(handler(), job)
    before = storage.read_bytes(job.destination.join(ITEM))
    run(handler(), job)
    assert storage.read_bytes(job.destination.join(ITEM)) == before
    assert topic.heard()[-1][0]["id"] == job.product_id


def test_a_collection_that_could_not_be_published_still_comes_before_its_first_item(
    handler, topic, monkeypatch
):
    job = made()
    with monkeypatch.context() as broken:
        broken.setattr("rtcflow_scene.announcement.publish", down)
        with pytest.raises(TransientError):
            run(handler(), job)
    run(handler(), job)
    assert [message["type"] for message, _ in topic.heard()] == ["Collection", "Feature"]


def test_an_event_that_the_bus_did_not_accept_is_put_again(handler, topic, monkeypatch):
    bus = SimpleNamespace(put_events=lambda Entries: {"FailedEntryCount": 1})
    monkeypatch.setattr("rtcflow_scene.announcement._events", lambda: bus)
    with pytest.raises(TransientError, match="the event bus did not accept the event"):
        run(handler(EVENT_BUS_NAME="default"), made())


def test_without_a_topic_nothing_is_published(handler, topic):
    run(handler(CATALOGUE_TOPIC_ARN=""), made())
    assert topic.heard() == []


def test_a_version_that_is_not_in_use_is_not_published(handler, topic):
    put_product(Spec())
    job = made(Spec(version="0.2", payload={"on_existing": "beside"}), manifest=False)
    manifest = manifest_of(Spec(version="0.2", payload={"on_existing": "beside"}), job)
    storage.write_bytes(job.destination.join("manifest.v0.2.json"), manifest.model_dump_json().encode())
    run(handler(), job)
    assert read_outcome(job).item.endswith("/metadata.v0.2.json")
    assert topic.heard() == []


def test_an_item_too_large_for_a_message_is_published_as_its_address(aws):
    put_product(Spec())
    job = made()
    item = assemble_stac(job, SETTINGS).item
    large = {**item, "properties": {**item["properties"], "title": "x" * _LARGEST_BYTES}}
    notice = notice_of(large, "s3://products/a/metadata.json", job.burst_id)
    assert json.loads(notice.message) == {"href": "s3://products/a/metadata.json"}
    assert notice.attributes == notice_of(item, "", job.burst_id).attributes
    assert len(notice_of(item, "", job.burst_id).message.encode()) < _LARGEST_BYTES / 10
