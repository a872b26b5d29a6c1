"""Downloads that resume where they broke off, and are complete only with every promised byte."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import urllib3

from rtcflow.resources import Meter
from rtcflow.sources.partial_file import Extent, PartialFile, open_partial
from rtcflow_contract.errors import NotFoundError, RefusedError, TransientError
from rtcflow_files.pace import pieces
from rtcflow_files.retry import Attempts, Retry, seconds_of
from rtcflow_files.web import is_passing, name_of, retry_after_of

Get = Callable[[str, Mapping[str, str]], urllib3.BaseHTTPResponse]

# An attempt that received more than this does not count as failed.
_MUCH = 1024 * 1024
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")
# A server that prepares the file for longer than this has lost the request.
PATIENCE_S = 600.0
_POLL_S = 5.0
_LONGEST_POLL_S = 60.0


class NotReadyError(TransientError):
    """The server was still preparing the file after the longest wait."""


def download(
    url: str,
    path: Path,
    get: Get,
    meter: Meter,
    retry: Retry,
    parts: Path,
    extent: Extent | None = None,
) -> Path:
    """Fetch a file, or a piece of one, atomically.

    Bytes received before an interruption are kept in `parts`, even if the process is killed; the next attempt requests
    only the rest, if the server supports that and the file has not changed.

    Parameters
    ----------
    url : str
        URL without secrets, which `get` may replace.
    path : Path
        Where the file goes.
    get : callable
        (url, headers) to an answer whose body is not read yet.
    meter : Meter
        Counts the bytes of bodies.
    retry : Retry
        Policy between attempts; an attempt that received much does not count.
    parts : Path
        Folder of unfinished downloads; may be shared by processes.
    extent : Extent, optional
        The piece; the whole file when None.

    Raises
    ------
    NotFoundError
        When there is no such file.
    RefusedError
        When access is refused, or something other than the file came.
    TransientError
        When the server did not give the file in all attempts. NotReadyError when it was still preparing it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with open_partial(url, parts, extent) as partial:
        attempts = Attempts(retry)
        while True:
            before = partial.size
            try:
                _receive(url, _ready(url, partial, get, retry), partial, meter)
                break
            except NotReadyError:
                raise
            except TransientError as error:
                if partial.size > before + _MUCH:
                    attempts.failed = 0
                attempts.again(error)
        partial.finish(path)
    return path


def _ready(url: str, partial: PartialFile, get: Get, retry: Retry) -> urllib3.BaseHTTPResponse:
    """The answer, once the server no longer answers 202 (preparing the file)."""
    began, slept = retry.now(), 0.0
    while True:
        answer = get(url, partial.headers())
        if answer.status != 202:
            return answer
        answer.drain_conn()
        if max(slept, retry.now() - began) >= PATIENCE_S:
            raise NotReadyError(f"{url} was not ready after {PATIENCE_S:.0f} s; try again later", "not-ready")
        asked = seconds_of(answer.headers.get("Retry-After"))
        pause = retry.uniform(0.5, 1.0) * min(_POLL_S if asked is None else asked + 1.0, _LONGEST_POLL_S)
        retry.sleep(pause)
        slept += pause


def _receive(url: str, answer: urllib3.BaseHTTPResponse, partial: PartialFile, meter: Meter) -> None:
    try:
        _check_status(answer, url, partial)
        start, total = _place(answer)
        partial.begin(start, total, answer.headers)
        for piece in pieces(answer):
            partial.write(piece)
            meter.fetched(len(piece))
        partial.check()
    except TransientError as error:
        if url in error.message:
            raise
        raise TransientError(
            f"{url} could not be fetched: {error.message}; try again", error.reason
        ) from error
    except urllib3.exceptions.HTTPError as error:
        raise TransientError(f"{url} broke off ({name_of(error)}); try again", "truncated") from error
    finally:
        answer.close()


def _check_status(answer: urllib3.BaseHTTPResponse, url: str, partial: PartialFile) -> None:
    status = answer.status
    if status in (404, 410):
        raise NotFoundError(f"{url} does not exist", reason="not-found")
    if status == 416:
        partial.forget()
        raise TransientError("the file changed while it was fetched", reason="changed")
    if is_passing(status):
        raise TransientError(
            f"{url} could not be fetched ({status}); try again later", "network", retry_after_of(answer)
        )
    if status not in (200, 206):
        raise RefusedError(f"{url} answered with status {status}", reason="http")
    if answer.headers.get("Content-Type", "").lower().startswith("text/html"):
        raise RefusedError(f"{url} returned a web page instead of the file", reason="web-page")


def _place(answer: urllib3.BaseHTTPResponse) -> tuple[int, int | None]:
    """Position of the body's first byte in the server's file, and that file's size."""
    if answer.status == 200:
        length = answer.headers.get("Content-Length")
        return 0, int(length) if length else None
    match = _RANGE.fullmatch(answer.headers.get("Content-Range", ""))
    if match is None:
        raise TransientError("the server does not say which part it sent", reason="range")
    return int(match[1]), None if match[2] == "*" else int(match[2])
