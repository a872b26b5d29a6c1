"""An object that several writers change: a write goes through only when the object is still as it was read."""

from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from rtcflow_cloud.failures import error_code, translated
from rtcflow_cloud.storage import media_type, s3_client, write_if_absent
from rtcflow_contract.errors import NotFoundError
from rtcflow_contract.keys import Location

# 404: the object was deleted since; 409: another conditional write is under way.
_LOST = {"PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey", "412", "409", "404"}


class Read(NamedTuple):
    """Content of an object and its version at that moment; both None when there was none."""

    data: bytes | None
    tag: str | None


def read(at: Location, client: Any = None) -> Read:
    """The object as it is now."""
    try:
        with translated(at):
            answer = (client or s3_client()).get_object(Bucket=at.bucket, Key=at.key)
            return Read(answer["Body"].read(), answer["ETag"])
    except NotFoundError:
        return Read(None, None)


def write(at: Location, data: bytes, before: Read, client: Any = None) -> bool:
    """Write the object unless it changed since `before`; False when it did."""
    if before.tag is None:
        return write_if_absent(at, data, client)
    with translated(at):
        try:
            (client or s3_client()).put_object(
                Bucket=at.bucket, Key=at.key, Body=data, ContentType=media_type(at.key), IfMatch=before.tag
            )
        except ClientError as error:
            if error_code(error) in _LOST:
                return False
            raise
    return True
