"""Files in S3 and compatible stores."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, TypeVar

from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from rtcflow_cloud.failures import error_code, translated
from rtcflow_contract.errors import NotFoundError
from rtcflow_contract.keys import Location
from rtcflow_files.files import Count, Entry, uncounted
from rtcflow_files.ranges import open_ranges
from rtcflow_files.retry import Retry
from rtcflow_files.s3_clients import client_for

_T = TypeVar("_T")

# Files are sent in one part: the parts of a multipart upload that a killed task abandons would cost money. Our policy
# does the retries.
_TRANSFER = TransferConfig(multipart_threshold=512 * 1024 * 1024, max_concurrency=8, num_download_attempts=1)
_ATTEMPTS = 6
_MEDIA_TYPES = {
    ".json": "application/json",
    ".tif": "image/tiff; application=geotiff; profile=cloud-optimized",
    ".png": "image/png",
    ".h5": "application/vnd.hdfgroup.hdf5",
    ".yaml": "application/yaml",
    ".qml": "application/xml",
    ".sha1": "text/plain",
    ".html": "text/html; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
}

# 409: a concurrent conditional write to the key won.
_TAKEN = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}
# 404: the object was deleted since.
_LOST = _TAKEN | {"NoSuchKey", "404"}


def media_type(name: str) -> str:
    """Media type by file name ending."""
    return _MEDIA_TYPES.get(Path(name).suffix.lower(), "application/octet-stream")


class _Branch(NamedTuple):
    """A folder to list: everything below it, or only what is directly in it."""

    folder: str
    whole: bool


class S3Files:
    """Objects below a location.

    Parameters
    ----------
    root : Location
    client : optional
        S3 client; `client_for` the bucket when None.
    count : callable
        Called with the number of bytes received.
    retry : Retry, optional
    """

    def __init__(
        self, root: Location, client: Any = None, count: Count = uncounted, retry: Retry | None = None
    ) -> None:
        self.root = root
        self._given = client
        self._count = count
        self._retry = retry or Retry(int(os.environ.get("AWS_MAX_ATTEMPTS") or _ATTEMPTS), first_s=0.5)

    @property
    def _client(self) -> Any:
        return self._given or client_for(self.root.bucket)

    def _call(self, name: str, once: Callable[[dict[str, str]], _T]) -> _T:
        """Call S3 for a file, with retries and the contract's errors."""
        at = self.root.join(name)

        def attempt() -> _T:
            with translated(at):
                return once({"Bucket": at.bucket, "Key": at.key})

        return self._retry.call(attempt)

    def href(self, name: str) -> str:
        """URI of an object."""
        return str(self.root.join(name))

    def path(self, name: str) -> None:
        """None: objects are not on this machine."""

    def names(self, folder: str = "") -> list[str]:
        """Names below a folder, in the order of keys."""
        return [entry.name for entry in self.entries(folder)]

    def entries(self, folder: str = "", at_once: int = 1) -> Iterator[Entry]:
        """List every object below a folder."""
        if at_once == 1:
            yield from self._list(_Branch(folder, whole=True))
            return
        with ThreadPoolExecutor(at_once) as pool:
            for found in pool.map(lambda branch: list(self._list(branch)), self._branches(folder, at_once)):
                yield from found

    def _branches(self, folder: str, enough: int) -> list[_Branch]:
        """Split a listing into branches that can be listed in parallel."""
        branches = [_Branch(folder, whole=True)]
        # Project folder, collection, burst.
        for _ in range(3):
            if len(branches) >= enough:
                break
            branches = [inner for branch in branches for inner in self._divided(branch)]
        return branches

    def _divided(self, branch: _Branch) -> list[_Branch]:
        if not branch.whole:
            return [branch]
        found = [
            _Branch(self._name(entry["Prefix"]).rstrip("/"), whole=True)
            for page in self._pages(self._prefix(branch.folder), Delimiter="/")
            for entry in page.get("CommonPrefixes", [])
        ]
        return [_Branch(branch.folder, whole=False), *found]

    def _list(self, branch: _Branch) -> Iterator[Entry]:
        directly = {} if branch.whole else {"Delimiter": "/"}
        for page in self._pages(self._prefix(branch.folder), **directly):
            for entry in page.get("Contents", []):
                yield Entry(
                    self._name(entry["Key"]),
                    int(entry["Size"]),
                    entry.get("ETag", "").strip('"'),
                    entry["LastModified"],
                )

    def keys(self, prefix: str, start_after: str = "") -> Iterator[str]:
        """Names that begin with a prefix, which need not be a folder, and sort after another name."""
        after = {"StartAfter": self.root.join(start_after).key} if start_after else {}
        for page in self._pages(self.root.join(prefix).key, **after):
            for entry in page.get("Contents", []):
                yield self._name(entry["Key"])

    def _pages(self, prefix: str, **how: str) -> Iterator[dict[str, Any]]:
        while True:
            page = self._call("", partial(self._page, prefix, how))
            yield page
            if not page.get("IsTruncated"):
                return
            how = {**how, "ContinuationToken": page["NextContinuationToken"]}

    def _page(self, prefix: str, how: dict[str, str], at: dict[str, str]) -> dict[str, Any]:
        found: dict[str, Any] = self._client.list_objects_v2(Bucket=at["Bucket"], Prefix=prefix, **how)
        return found

    def _name(self, key: str) -> str:
        return key[len(self._prefix("")) :]

    def _prefix(self, folder: str) -> str:
        key = self.root.join(folder).key if folder else self.root.key
        return f"{key}/" if key else ""

    def size(self, name: str) -> int:
        """Size of an object, bytes."""
        return int(self._call(name, lambda at: self._client.head_object(**at)["ContentLength"]))

    def exists(self, name: str) -> bool:
        """Whether an object exists; a missing bucket is an error."""
        try:
            self.size(name)
        except NotFoundError:
            # HEAD answers 404 for a missing bucket as well.
            next(self._pages(self.root.join(name).key))
            return False
        return True

    def open(self, name: str) -> BinaryIO:
        """Open an object; only what is read is fetched."""
        at = self.root.join(name)

        def read_range(start: int, length: int) -> bytes:
            with translated(at):
                return self._range(at, start, length)

        return open_ranges(read_range, self.size(name), self._retry)

    def read_range(self, name: str, start: int, length: int) -> bytes:
        """Read a part of an object."""
        at = self.root.join(name)
        return self._call(name, lambda _: self._range(at, start, length))

    def _range(self, at: Location, start: int, length: int) -> bytes:
        wanted = f"bytes={start}-{start + length - 1}"
        data = self._client.get_object(Bucket=at.bucket, Key=at.key, Range=wanted)["Body"].read()
        self._count(len(data))
        return bytes(data)

    def read(self, name: str) -> bytes:
        """Read a whole object."""
        data = self._call(name, lambda at: self._client.get_object(**at)["Body"].read())
        self._count(len(data))
        return bytes(data)

    def verify(self, name: str) -> bool:
        """False: checksums are not kept."""
        return False

    def fetch(self, name: str, into: Path) -> Path:
        """Download an object atomically."""
        path = into / name
        arriving = path.with_name(path.name + ".part")
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._call(
                name,
                lambda at: self._client.download_file(
                    at["Bucket"], at["Key"], str(arriving), Config=_TRANSFER
                ),
            )
            arriving.replace(path)
        finally:
            arriving.unlink(missing_ok=True)
        self._count(path.stat().st_size)
        return path

    def write(self, name: str, data: bytes) -> None:
        """Write an object, replacing an existing one."""
        kind = media_type(name)
        self._call(name, lambda at: self._client.put_object(**at, Body=data, ContentType=kind))

    def write_if_absent(self, name: str, data: bytes) -> bool:
        """Write an object unless it exists, atomically; False when it does."""
        return self._write_if(name, data, _TAKEN, IfNoneMatch="*")

    def _write_if(self, name: str, data: bytes, lost: set[str], **condition: str) -> bool:
        def put(at: dict[str, str]) -> bool:
            try:
                self._client.put_object(**at, Body=data, ContentType=media_type(name), **condition)
            except ClientError as error:
                if error_code(error) in lost:
                    return False
                raise
            return True

        return self._call(name, put)

    def read_tagged(self, name: str) -> tuple[bytes, str]:
        """Read a whole object and its version tag."""

        def get(at: dict[str, str]) -> tuple[bytes, str]:
            answer = self._client.get_object(**at)
            return answer["Body"].read(), str(answer["ETag"])

        return self._call(name, get)

    def write_if_same(self, name: str, data: bytes, tag: str) -> bool:
        """Write an object if its version still has the tag; returns False if not."""
        return self._write_if(name, data, _LOST, IfMatch=tag)

    def put(self, path: Path, name: str) -> None:
        """Upload a file, streaming."""
        extra = {"ContentType": media_type(path.name)}
        self._call(
            name,
            lambda at: self._client.upload_file(
                str(path), at["Bucket"], at["Key"], ExtraArgs=extra, Config=_TRANSFER
            ),
        )

    def delete(self, name: str) -> None:
        """Delete an object; no error when there is none."""
        self._call(name, lambda at: self._client.delete_object(**at))
