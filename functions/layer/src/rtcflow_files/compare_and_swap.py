"""Update an object that has several writers: a write succeeds only if the object has not changed since it was read."""

from typing import Any, NamedTuple

from rtcflow_contract.errors import NotFoundError
from rtcflow_contract.keys import Location
from rtcflow_files.s3 import S3Files


class Read(NamedTuple):
    """Content of an object and its version at that moment; both None when there was none."""

    data: bytes | None
    tag: str | None


def read(at: Location, client: Any = None) -> Read:
    """Read the object with its version."""
    try:
        return Read(*S3Files(Location(at.bucket, ""), client).read_tagged(at.key))
    except NotFoundError:
        return Read(None, None)


def write(at: Location, data: bytes, before: Read, client: Any = None) -> bool:
    """Write the object unless it changed since `before`; False when it did."""
    files = S3Files(Location(at.bucket, ""), client)
    if before.tag is None:
        return files.write_if_absent(at.key, data)
    return files.write_if_same(at.key, data, before.tag)
