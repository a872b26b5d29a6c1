"""Items on the topic: after the product exists, once a write, in a form that catalogues take."""

import json
from types import SimpleNamespace

import boto3
import pytest
from inventory_case import BURSTS, SETTINGS, Spec, put_files, put_product

from rtcflow_cloud import catalogue_topic
from rtcflow_contract.errors import TransientError
from rtcflow_contract.keys import COLLECTION, ITEM, JOB, MANIFEST
from rtcflow_files import storage
from rtcflow_scene.assembly import assemble_stac
from rtcflow_stac.notice import LARGEST_BYTES, notice_of


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
def handler(load_handler, topic, monkeypatch):
    loaded = load_handler(
        "assemble_stac",
        PROCESSOR_NAME="Ice Institute",
        LICENSE="CC-BY-4.0",
        POWERTOOLS_METRICS_NAMESPACE="rtcflow",
    )
    monkeypatch.setenv("CATALOGUE_TOPIC_ARN", topic.arn)
    return loaded


def run(handler, job):
    at = job.work.join(JOB)
    storage.write_bytes(at, job.model_dump_json().encode())
    context = SimpleNamespace(
        function_name="f", memory_limit_in_mb=1, invoked_function_arn="arn:f", aws_request_id="r"
    )
    return handler.lambda_handler({"job": str(at)}, context)


def ready(spec=Spec()):  # noqa: B008
    """A product whose task ended: files and manifest."""
    job, manifest = put_files(spec)
    storage.write_bytes(job.destination.join(MANIFEST), manifest.model_dump_json().encode())
    return job


def test_an_item_is_published_as_it_is_written_with_attributes_to_filter_by(handler, topic):
    job = ready()
    run(handler, job)
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
    run(handler, ready())
    run(handler, ready(Spec(1)))
    assert [message["type"] for message, _ in topic.heard()] == ["Collection", "Feature", "Feature"]


def test_an_item_that_could_not_be_published_exists_and_the_retry_publishes_it(handler, topic, monkeypatch):
    job = ready()

    def down(*arguments, **more):
        raise TransientError("topic could not be reached")

    storage.write_bytes(job.collection_folder.join(COLLECTION), b"{}")
    with monkeypatch.context() as broken:
        broken.setattr(handler, "publish", down)
        with pytest.raises(TransientError):
            run(handler, job)
    before = storage.read_bytes(job.destination.join(ITEM))
    run(handler, job)
    assert storage.read_bytes(job.destination.join(ITEM)) == before
    assert topic.heard()[-1][0]["id"] == job.product_id


def test_a_collection_that_could_not_be_published_comes_before_its_first_item_still(
    handler, topic, monkeypatch
):
    job = ready()

    def down(*arguments, **more):
        raise TransientError("topic could not be reached")

    with monkeypatch.context() as broken:
        broken.setattr(handler, "publish", down)
        with pytest.raises(TransientError):
            run(handler, job)
    run(handler, job)
    assert [message["type"] for message, _ in topic.heard()] == ["Collection", "Feature"]


def test_an_event_that_the_bus_did_not_take_is_put_again(handler, topic, monkeypatch):
    bus = SimpleNamespace(put_events=lambda Entries: {"FailedEntryCount": 1})
    monkeypatch.setenv("EVENT_BUS_NAME", "default")
    monkeypatch.setattr(handler, "boto3", SimpleNamespace(client=lambda service: bus))
    with pytest.raises(TransientError, match="did not take the product's event"):
        run(handler, ready())


def test_without_a_topic_nothing_is_published(handler, topic, monkeypatch):
    monkeypatch.setenv("CATALOGUE_TOPIC_ARN", "")
    run(handler, ready())
    assert topic.heard() == []


def test_a_version_that_is_not_in_use_is_not_published(handler, topic):
    put_product(Spec())
    job, manifest = put_files(Spec(version="0.2", payload={"on_existing": "beside"}))
    storage.write_bytes(job.destination.join("manifest.v0.2.json"), manifest.model_dump_json().encode())
    told = run(handler, job)
    assert told["item"].endswith("/metadata.v0.2.json")
    assert topic.heard() == []


def test_an_item_too_large_for_a_message_is_named_by_its_address(aws):
    put_product(Spec())
    job = ready()
    item = assemble_stac(job, SETTINGS).item
    large = {**item, "properties": {**item["properties"], "title": "x" * LARGEST_BYTES}}
    notice = notice_of(large, "s3://products/a/metadata.json", job.burst_id)
    assert json.loads(notice.message) == {"href": "s3://products/a/metadata.json"}
    assert notice.attributes == notice_of(item, "", job.burst_id).attributes
    assert len(notice_of(item, "", job.burst_id).message.encode()) < LARGEST_BYTES / 10
