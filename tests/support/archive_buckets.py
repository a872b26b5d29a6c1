"""S3 with the keys of the real buckets: open ones, which refuse signatures, and those of the user."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit
from xml.sax.saxutils import escape

from rtcflow_files.s3_clients import PUBLIC_BUCKETS, s3_client
from tests.support.archive_loopback import Answer, Asked, Loopback

_XML = {"Content-Type": "application/xml"}


def error(status: int, code: str) -> Answer:
    """S3's own form of an error."""
    return Answer(status, f"<Error><Code>{code}</Code></Error>".encode(), _XML)


class Buckets(Loopback):
    """Objects by `bucket/key`, addressed by path; `refusal` says who may not."""

    def __init__(self, files: Mapping[str, Path | bytes]) -> None:
        self.files = dict(files)
        self.metadata: dict[str, dict[str, str]] = {}
        self.page = 1000
        self._writing = threading.Lock()
        super().__init__()

    def refusal(self, asked: Asked, bucket: str) -> Answer | None:
        return None

    def answer(self, asked: Asked) -> Answer:
        parts = urlsplit(asked.path)
        path = unquote(parts.path).lstrip("/")
        bucket = path.partition("/")[0]
        refused = self.refusal(asked, bucket)
        if refused is not None:
            return refused
        if asked.method == "PUT":
            return self._put(asked, path)
        query = dict(parse_qsl(parts.query))
        if query.get("list-type") == "2":
            return Answer(200, self._listing(bucket, query), _XML)
        if path not in self.files:
            return error(404, "NoSuchKey")
        headers = {"ETag": '"e"', "Accept-Ranges": "bytes", **self.metadata.get(path, {})}
        return Answer(200, self._content(path), headers, ranged=True)

    def _content(self, path: str) -> bytes:
        content = self.files[path]
        return content if isinstance(content, bytes) else content.read_bytes()

    def _put(self, asked: Asked, path: str) -> Answer:
        headers = {name.lower(): value for name, value in asked.headers.items()}
        with self._writing:
            if headers.get("if-none-match") == "*" and path in self.files:
                return error(412, "PreconditionFailed")
            self.files[path] = asked.body
            self.metadata[path] = {k: v for k, v in headers.items() if k.startswith("x-amz-meta-")}
        return Answer(200, b"", {"ETag": '"e"'})

    def _listing(self, bucket: str, query: Mapping[str, str]) -> bytes:
        after = query.get("continuation-token", "")
        start = f"{bucket}/{query.get('prefix', '')}"
        keys = sorted(path for path in self.files if path.startswith(start) and path > f"{bucket}/{after}")
        entries = "".join(
            f"<Contents><Key>{escape(quote(path.partition('/')[2]))}</Key>"
            f"<Size>{len(self._content(path))}</Size>"
            "<LastModified>2023-03-03T00:00:00.000Z</LastModified></Contents>"
            for path in keys[: self.page]
        )
        more, token = len(keys) > self.page, ""
        if more:
            last = keys[self.page - 1].partition("/")[2]
            token = f"<NextContinuationToken>{escape(last)}</NextContinuationToken>"
        return (
            '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><EncodingType>url</EncodingType>'
            f"<IsTruncated>{str(more).lower()}</IsTruncated>{token}"
            f"{entries}</ListBucketResult>"
        ).encode()


class OpenData(Buckets):
    """The open buckets of orbits, DEM and geoid, as AWS serves them, and buckets of the user."""

    def refusal(self, asked: Asked, bucket: str) -> Answer | None:
        signed = "Authorization" in asked.headers or "X-Amz-Signature" in asked.path
        if bucket not in PUBLIC_BUCKETS:
            return None if signed else error(403, "AccessDenied")
        # A signature with keys that AWS does not know is refused for open buckets too.
        return error(403, "InvalidAccessKeyId") if signed else None

    def got(self, bucket: str, method: str = "GET") -> list[str]:
        """Keys of a bucket in the order of the requests; a listing appears as its prefix."""
        asked = [one for one in self.asked if one.method == method and one.path.startswith(f"/{bucket}")]
        return [one.query.get("prefix") or one.path.partition(f"/{bucket}/")[2] for one in asked]


@contextmanager
def open_data(files: Mapping[str, Path | bytes], monkeypatch: Any) -> Iterator[OpenData]:
    """The buckets as the default clients' endpoint, with credentials of a user around."""
    running = OpenData(files)
    for name in ("AWS_ENDPOINT_URL", "AWS_MAX_ATTEMPTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", running.url)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "of-the-user")
    s3_client.cache_clear()
    yield running
    s3_client.cache_clear()
    running.close()
