"""Files in S3: conditional writes, complete listings, and errors that a person can act on."""

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError
from moto import mock_aws

from rtcflow_cloud.failures import translate
from rtcflow_contract.errors import DefectError, NotFoundError, RefusedError, TransientError
from rtcflow_contract.keys import Location
from rtcflow_files import storage

BUCKET = "bucket-for-tests"


@pytest.fixture
def client(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket=BUCKET)
        yield s3


def at(key: str) -> Location:
    return Location(BUCKET, key)


def test_what_is_written_is_read(client):
    storage.write_bytes(at("a/b.json"), b'{"x": 1}', client)
    assert storage.read_json(at("a/b.json"), client) == {"x": 1}
    assert storage.read_range(at("a/b.json"), 2, 3, client) == b'x":'
    assert client.head_object(Bucket=BUCKET, Key="a/b.json")["ContentType"] == "application/json"


def test_conditional_write_keeps_the_first(client):
    assert storage.write_if_absent(at("grid.json"), b"first", client)
    assert not storage.write_if_absent(at("grid.json"), b"second", client)
    assert storage.read_bytes(at("grid.json"), client) == b"first"


def test_listing_has_all_pages(client):
    for number in range(1203):
        client.put_object(Bucket=BUCKET, Key=f"folder/{number:04d}", Body=b"")
    client.put_object(Bucket=BUCKET, Key="folder-beside/x", Body=b"")
    names = [entry.name for entry in storage.list_objects(at("folder"), client)]
    assert names == [f"{number:04d}" for number in range(1203)]


def test_files_are_uploaded_and_downloaded(client, tmp_path):
    (tmp_path / "x.tif").write_bytes(b"1234")
    storage.upload(tmp_path / "x.tif", at("p/x.tif"), client)
    assert storage.fetch(at("p/x.tif"), tmp_path / "sub", client).read_bytes() == b"1234"
    assert not list(tmp_path.rglob("*.part"))


def test_a_missing_object_differs_from_a_missing_bucket(client, tmp_path):
    assert not storage.exists(at("nothing"), client)
    with pytest.raises(NotFoundError):
        storage.read_bytes(at("nothing"), client)
    with pytest.raises(NotFoundError):
        storage.fetch(at("nothing"), tmp_path, client)
    (tmp_path / "y").write_bytes(b"y")
    with pytest.raises(RefusedError, match="bucket 'no-such-bucket' does not exist"):
        storage.upload(tmp_path / "y", Location("no-such-bucket", "y"), client)
    with pytest.raises(RefusedError, match="bucket 'no-such-bucket' does not exist") as caught:
        storage.exists(Location("no-such-bucket", "x"), client)
    assert not isinstance(caught.value, NotFoundError)


@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [
        ("SlowDown", 503, TransientError),
        ("AnythingElse", 502, TransientError),
        ("AccessDenied", 403, RefusedError),
        ("ExpiredToken", 400, RefusedError),
        ("NoSuchBucket", 404, RefusedError),
        ("MalformedXML", 400, DefectError),
    ],
)
def test_service_errors_say_what_to_do_next(code, status, expected):
    error = ClientError(
        {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "GetObject"
    )
    assert type(translate(error, at("x"))) is expected


def test_local_errors_say_what_to_do_next():
    assert isinstance(translate(NoCredentialsError(), at("x")), RefusedError)
    assert isinstance(translate(EndpointConnectionError(endpoint_url="http://x"), at("x")), TransientError)


def test_a_folder_that_is_a_file_or_is_not_there_is_refused_as_what_it_is(tmp_path):
    (tmp_path / "manifest.safe").write_bytes(b"")
    with pytest.raises(RefusedError, match=r"manifest\.safe is a file, not a folder; correct the path"):
        storage.open_files(str(tmp_path / "manifest.safe"))
    with pytest.raises(RefusedError, match=r"folder .*nowhere does not exist; correct the path"):
        storage.open_files(str(tmp_path / "nowhere"))
