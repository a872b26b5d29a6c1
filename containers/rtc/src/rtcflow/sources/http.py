"""Files behind HTTP(S): ranged reads, and listings of S3 buckets and plain directory indexes."""

import random
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, TypeVar
from urllib.parse import quote, urlsplit

import urllib3

from rtcflow.resources import Meter
from rtcflow.sources.pace import pieces
from rtcflow.sources.ranges import open_ranges
from rtcflow_contract.errors import NotFoundError, RefusedError, TransientError

_KEY = re.compile(r"<Key>([^<]+)</Key>")
_TOKEN = re.compile(r"<NextContinuationToken>([^<]+)</NextContinuationToken>")
# At most, before a broken answer is asked for again.
_WAITS_S = (0.5, 1.0, 2.0)
T = TypeVar("T")
_LINK = re.compile(r'href="([^"?/.][^"?]*)"', re.IGNORECASE)


class HttpPlace:
    """A prefix of an HTTPS server."""

    def __init__(self, root: str, meter: Meter) -> None:
        self._root = root.rstrip("/")
        self._meter = meter

    def href(self, name: str) -> str:
        """URL of the file."""
        return f"{self._root}/{name}"

    def names(self, folder: str = "") -> list[str]:
        """Names below a folder: from a directory index, else from the listing of an open S3 bucket."""
        try:
            index = self.read(f"{folder}/" if folder else "").decode(errors="replace")
        except RefusedError:
            return self._bucket_names(folder)
        prefix = f"{folder}/" if folder else ""
        return [prefix + name for name in _LINK.findall(index)]

    def _bucket_names(self, folder: str) -> list[str]:
        parts = urlsplit(self._root)
        prefix = "/".join(part for part in (parts.path.strip("/"), folder) if part) + "/"
        base = f"{parts.scheme}://{parts.netloc}/?list-type=2&prefix={quote(prefix)}"
        above = parts.path.strip("/")
        keys: list[str] = []
        token = ""
        while True:
            with _request("GET", base + token) as answer:
                text = b"".join(pieces(answer)).decode(errors="replace")
            keys += _KEY.findall(text)
            following = _TOKEN.search(text)
            if following is None:
                return [key.removeprefix(f"{above}/" if above else "") for key in keys]
            token = f"&continuation-token={quote(following[1], safe='')}"

    def open(self, name: str) -> BinaryIO:
        """Open the file; only what is read is fetched."""
        url = self.href(name)
        with _request("HEAD", url) as answer:
            size = int(answer.headers.get("Content-Length", -1))
            ranged = answer.headers.get("Accept-Ranges", "").lower() == "bytes"
        if size < 0 or not ranged:
            raise RefusedError(
                f"{url} cannot be read in ranges; use another server or a local copy", "ranges"
            )

        def read_range(start: int, length: int) -> bytes:
            with _request("GET", url, {"Range": f"bytes={start}-{start + length - 1}"}) as answer:
                data = b"".join(pieces(answer))
            self._meter.fetched(len(data))
            return data

        return open_ranges(read_range, size)

    def read(self, name: str) -> bytes:
        """Whole file."""
        data = _body(self.href(name), lambda answer: b"".join(pieces(answer)))
        self._meter.fetched(len(data))
        return data

    def fetch(self, name: str, into: Path) -> Path:
        """Download the file, whole or not at all."""
        path = into / name
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(path.name + ".part")

        def copy(answer: Any) -> None:
            with partial.open("wb") as target:
                for piece in pieces(answer):
                    target.write(piece)

        try:
            _body(self.href(name), copy)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
        self._meter.fetched(path.stat().st_size)
        return path


def _body(url: str, take: Callable[[Any], T]) -> T:
    """What `take` makes of a whole answer; asks again where one breaks off, which the pool's retries do not see."""
    waits = iter(_WAITS_S)
    while True:
        with _request("GET", url) as answer:
            try:
                return take(answer)
            except urllib3.exceptions.HTTPError:
                wait = next(waits, None)
                if wait is None:
                    raise
        time.sleep(random.uniform(0, wait))


@lru_cache(maxsize=1)
def _pool() -> urllib3.PoolManager:
    retries = urllib3.Retry(
        total=5, backoff_factor=0.5, backoff_jitter=0.5, status_forcelist=(429, 500, 502, 503, 504)
    )
    return urllib3.PoolManager(retries=retries, timeout=urllib3.Timeout(connect=10, read=60), maxsize=8)


@contextmanager
def _request(method: str, url: str, headers: dict[str, str] | None = None) -> Iterator[Any]:
    try:
        answer = _pool().request(method, url, headers=headers, preload_content=False)
        try:
            _check(answer.status, url)
            yield answer
        finally:
            answer.release_conn()
    except urllib3.exceptions.HTTPError as error:
        raise TransientError(
            f"{url} could not be reached ({type(error).__name__}); try again", reason="network"
        ) from error


def _check(status: int, url: str) -> None:
    if status in (404, 410):
        raise NotFoundError(f"{url} does not exist", reason="not-found")
    if status in (401, 403):
        raise RefusedError(f"{url} refused access ({status}); check the credentials", reason="access-denied")
    if status == 429 or status >= 500:
        raise TransientError(f"{url} could not be reached ({status}); try again", reason="network")
    if status not in (200, 206):
        raise RefusedError(f"{url} answered with status {status}; correct the address", reason="http")
