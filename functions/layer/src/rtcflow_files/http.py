"""Files over HTTP(S), read whole or in ranges; names come from directory indexes or listings of open S3 buckets."""

import re
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote, urlsplit

from rtcflow_contract.errors import RefusedError
from rtcflow_files.files import Count, uncounted
from rtcflow_files.pace import pieces
from rtcflow_files.ranges import open_ranges
from rtcflow_files.retry import Retry
from rtcflow_files.web import answer_of

_KEY = re.compile(r"<Key>([^<]+)</Key>")
_TOKEN = re.compile(r"<NextContinuationToken>([^<]+)</NextContinuationToken>")
_LINK = re.compile(r'href="([^"?/.][^"?]*)"', re.IGNORECASE)


class HttpFiles:
    """Files below a URL.

    Parameters
    ----------
    root : str
    count : callable
        Called with the number of bytes received.
    retry : Retry, optional
    """

    def __init__(self, root: str, count: Count = uncounted, retry: Retry | None = None) -> None:
        self._root = root.rstrip("/")
        self._count = count
        self._retry = retry or Retry()

    def href(self, name: str) -> str:
        """URL of a file."""
        return f"{self._root}/{name}"

    def path(self, name: str) -> None:
        """None: no file is on this machine."""

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
            text = self._body(base + token).decode(errors="replace")
            keys += _KEY.findall(text)
            following = _TOKEN.search(text)
            if following is None:
                return [key.removeprefix(f"{above}/" if above else "") for key in keys]
            token = f"&continuation-token={quote(following[1], safe='')}"

    def size(self, name: str) -> int:
        """Size of a file; RefusedError if the server does not support ranges."""
        url = self.href(name)

        def ask() -> int:
            with answer_of("HEAD", url) as answer:
                ranged = answer.headers.get("Accept-Ranges", "").lower() == "bytes"
                return int(answer.headers.get("Content-Length", -1)) if ranged else -1

        size = self._retry.call(ask)
        if size < 0:
            raise RefusedError(
                f"{url} cannot be read in ranges; use another server or a local copy", reason="ranges"
            )
        return size

    def open(self, name: str) -> BinaryIO:
        """Open a file; only what is read is fetched."""
        url = self.href(name)

        def read_range(start: int, length: int) -> bytes:
            with answer_of("GET", url, {"Range": f"bytes={start}-{start + length - 1}"}) as answer:
                data = b"".join(pieces(answer))
            self._count(len(data))
            return data

        return open_ranges(read_range, self.size(name), self._retry)

    def read(self, name: str) -> bytes:
        """Read a whole file."""
        data = self._body(self.href(name))
        self._count(len(data))
        return data

    def _body(self, url: str) -> bytes:
        def get() -> bytes:
            with answer_of("GET", url) as answer:
                return b"".join(pieces(answer))

        return self._retry.call(get)

    def verify(self, name: str) -> bool:
        """False: the server gives no checksums."""
        return False

    def fetch(self, name: str, into: Path) -> Path:
        """Download a file, whole or not at all."""
        path = into / name
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(path.name + ".part")

        def get() -> None:
            with answer_of("GET", self.href(name)) as answer, partial.open("wb") as target:
                for piece in pieces(answer):
                    target.write(piece)

        try:
            self._retry.call(get)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
        self._count(path.stat().st_size)
        return path
