"""Objects at a Location, in S3 or of this machine: read, write, conditional write, list, upload, download.

Every function raises the contract's errors: NotFoundError (a RefusedError) for a missing object, RefusedError for a
missing bucket, denied access or bad credentials, TransientError for throttling and network.
"""

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

import boto3
from boto3.s3.transfer import TransferConfig
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError, IncompleteReadError, ReadTimeoutError, ResponseStreamingError

from rtcflow_cloud import local_files
from rtcflow_cloud.failures import error_code, translated
from rtcflow_contract.errors import NotFoundError
from rtcflow_contract.keys import Location

# A file is sent whole: a multipart upload abandoned by a killed task would leave parts that cost money.
_TRANSFER = TransferConfig(multipart_threshold=512 * 1024 * 1024, max_concurrency=8)
_CONNECT_TIMEOUT_S, _READ_TIMEOUT_S = 10.0, 60.0
# Of a body that breaks off, which the client does not try again by itself.
_BODY_ATTEMPTS = 4
_BROKEN_BODY = (IncompleteReadError, ReadTimeoutError, ResponseStreamingError)
_MEDIA_TYPES = {
    ".json": "application/json",
    ".tif": "image/tiff; application=geotiff; profile=cloud-optimized",
    ".png": "image/png",
    ".h5": "application/x-hdf5",
    ".html": "text/html; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
}


# Open buckets and their regions: read without credentials.
PUBLIC_BUCKETS = {
    "s1-orbits": "us-west-2",
    "copernicus-dem-30m": "eu-central-1",
    "copernicus-dem-90m": "eu-central-1",
    "aria-geoid": "us-west-2",
}


class StoredObject(NamedTuple):
    """An object of a listing; `name` is its key relative to the listed folder."""

    name: str
    size: int
    modified: datetime


@lru_cache(maxsize=4)
def s3_client(unsigned: bool = False, region: str | None = None) -> Any:
    """S3 client that retries; `unsigned` for public buckets, which then need no credentials."""
    # Path-style addresses where an endpoint is given: host names with a bucket in front exist only at AWS.
    style: Literal["path", "auto"] = (
        "path" if os.environ.get("AWS_ENDPOINT_URL") or os.environ.get("AWS_ENDPOINT_URL_S3") else "auto"
    )
    config = Config(
        retries={"mode": "standard", "max_attempts": int(os.environ.get("AWS_MAX_ATTEMPTS") or 6)},
        connect_timeout=_CONNECT_TIMEOUT_S,
        read_timeout=_READ_TIMEOUT_S,
        signature_version=UNSIGNED if unsigned else None,
        s3={"addressing_style": style},
    )
    client = boto3.client("s3", config=config, region_name=region)
    client.meta.events.register("response-received.s3", _name_throttling)
    return client


def _name_throttling(parsed_response: dict[str, Any] | None = None, **_: Any) -> None:
    """Give an answer of status 429 the code that the client tries again on; S3's own is 503."""
    if parsed_response and parsed_response.get("ResponseMetadata", {}).get("HTTPStatusCode") == 429:
        parsed_response.setdefault("Error", {})["Code"] = "SlowDown"


def client_for(bucket: str) -> Any:
    """S3 client for a bucket: unsigned for a public one that is known, the default one for any other."""
    region = PUBLIC_BUCKETS.get(bucket)
    return s3_client(unsigned=True, region=region) if region else s3_client()


def media_type(name: str) -> str:
    """Media type by file name ending."""
    return _MEDIA_TYPES.get(Path(name).suffix.lower(), "application/octet-stream")


def read_bytes(at: Location, client: Any = None) -> bytes:
    """Whole object."""
    return read_with_metadata(at, client)[0]


def read_with_metadata(at: Location, client: Any = None) -> tuple[bytes, dict[str, str]]:
    """Whole object, and the metadata that it was written with."""
    if at.is_local:
        return local_files.read(at.path), {}
    with translated(at):
        for _ in range(_BODY_ATTEMPTS - 1):
            with contextlib.suppress(*_BROKEN_BODY):
                return _read(at, client)
        return _read(at, client)


def _read(at: Location, client: Any) -> tuple[bytes, dict[str, str]]:
    answer = (client or s3_client()).get_object(Bucket=at.bucket, Key=at.key)
    return answer["Body"].read(), dict(answer["Metadata"])


def read_json(at: Location, client: Any = None) -> Any:
    """Whole object, parsed as JSON."""
    return json.loads(read_bytes(at, client))


def read_range(at: Location, start: int, length: int, client: Any = None) -> bytes:
    """`length` bytes of an object from byte `start`."""
    if at.is_local:
        return local_files.read_range(at.path, start, length)
    wanted = f"bytes={start}-{start + length - 1}"
    with translated(at):
        return (client or s3_client()).get_object(Bucket=at.bucket, Key=at.key, Range=wanted)["Body"].read()


def size_of(at: Location, client: Any = None) -> int:
    """Size of an object in bytes."""
    if at.is_local:
        return local_files.size_of(at.path)
    with translated(at):
        return int((client or s3_client()).head_object(Bucket=at.bucket, Key=at.key)["ContentLength"])


def exists(at: Location, client: Any = None) -> bool:
    """Whether the object exists; a missing bucket is an error, not an answer."""
    if at.is_local:
        return at.path.is_file()
    try:
        size_of(at, client)
    except NotFoundError:
        # HEAD answers 404 for a missing bucket too, without saying so.
        with translated(at):
            (client or s3_client()).list_objects_v2(Bucket=at.bucket, Prefix=at.key, MaxKeys=1)
        return False
    return True


def write_bytes(
    at: Location, data: bytes, client: Any = None, metadata: Mapping[str, str] | None = None
) -> None:
    """Write an object, replacing any."""
    if at.is_local:
        local_files.write(at.path, data)
        return
    with translated(at):
        (client or s3_client()).put_object(
            Bucket=at.bucket,
            Key=at.key,
            Body=data,
            ContentType=media_type(at.key),
            Metadata=dict(metadata or {}),
        )


def write_if_absent(
    at: Location, data: bytes, client: Any = None, metadata: Mapping[str, str] | None = None
) -> bool:
    """Write an object unless it exists, atomically; False when it does."""
    if at.is_local:
        return local_files.write_if_absent(at.path, data)
    with translated(at):
        try:
            (client or s3_client()).put_object(
                Bucket=at.bucket,
                Key=at.key,
                Body=data,
                ContentType=media_type(at.key),
                IfNoneMatch="*",
                Metadata=dict(metadata or {}),
            )
        except ClientError as error:
            # 409: another conditional write to the key was under way and won.
            if error_code(error) in {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}:
                return False
            raise
    return True


def list_objects(folder: Location, client: Any = None) -> Iterator[StoredObject]:
    """Objects below a folder, whole listing over all pages."""
    if folder.is_local:
        yield from (StoredObject(*file) for file in local_files.listing(folder.path))
        return
    prefix = f"{folder.key}/" if folder.key else ""
    with translated(folder):
        pages = (
            (client or s3_client())
            .get_paginator("list_objects_v2")
            .paginate(Bucket=folder.bucket, Prefix=prefix)
        )
        for page in pages:
            for entry in page.get("Contents", []):
                yield StoredObject(
                    entry["Key"].removeprefix(prefix), int(entry["Size"]), entry["LastModified"]
                )


def list_keys(prefix: Location, start_after: str = "", client: Any = None) -> Iterator[str]:
    """Keys that begin with a prefix, which need not be a folder, and come after another key."""
    with translated(prefix):
        pages = (
            (client or s3_client())
            .get_paginator("list_objects_v2")
            .paginate(Bucket=prefix.bucket, Prefix=prefix.key, StartAfter=start_after)
        )
        for page in pages:
            for entry in page.get("Contents", []):
                yield entry["Key"]


def upload(path: Path, at: Location, client: Any = None) -> None:
    """Write a file as an object, streaming, replacing any."""
    if at.is_local:
        local_files.copy(path, at.path)
        return
    with translated(at):
        (client or s3_client()).upload_file(
            str(path), at.bucket, at.key, ExtraArgs={"ContentType": media_type(path.name)}, Config=_TRANSFER
        )


def download(at: Location, path: Path, client: Any = None) -> int:
    """Write an object to a file, whole or not at all; gives its size in bytes."""
    if at.is_local:
        local_files.size_of(at.path)
        local_files.copy(at.path, path)
        return path.stat().st_size
    partial = path.with_name(path.name + ".part")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with translated(at):
            (client or s3_client()).download_file(at.bucket, at.key, str(partial), Config=_TRANSFER)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return path.stat().st_size


def delete(at: Location, client: Any = None) -> None:
    """Delete an object; no error when there is none."""
    if at.is_local:
        at.path.unlink(missing_ok=True)
        return
    with translated(at):
        (client or s3_client()).delete_object(Bucket=at.bucket, Key=at.key)
