"""HTTP requests with the environment's proxy and certificates, within the remaining time.

HTTPS_PROXY, HTTP_PROXY and NO_PROXY set the proxy; REQUESTS_CA_BUNDLE (as for boto3 and asf_search) or SSL_CERT_FILE
the certificates of a proxy that inspects TLS. Nothing is retried here; the caller's policy does that.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Any
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3

from rtcflow_contract.errors import NotFoundError, RefusedError, TransientError
from rtcflow_files.retry import seconds_left, seconds_of

CONNECT_S, READ_S = 15.0, 60.0
# Follows redirects, but does not retry.
_FOLLOWING = urllib3.Retry(
    total=None, connect=0, read=0, redirect=5, status=0, other=0, raise_on_status=False
)


def request(
    method: str,
    url: str,
    headers: Mapping[str, str] | None = None,
    body: bytes | str | None = None,
    *,
    follow: bool = True,
    stream: bool = False,
    read_s: float | None = None,
) -> urllib3.BaseHTTPResponse:
    """Send one request and return the answer, whatever its status.

    Parameters
    ----------
    method, url, headers, body
    follow : bool
        Whether redirects are followed.
    stream : bool
        Whether to leave the body for the caller to read, undecoded.
    read_s : float
        Read timeout in seconds, `READ_S` by default; shorter if the deadline is nearer.

    Raises
    ------
    urllib3.exceptions.HTTPError
        When there is no answer.
    """
    left = max(1.0, seconds_left())
    return _pool(_proxy_of(url), os.environ.get("REQUESTS_CA_BUNDLE") or None).request(
        method,
        url,
        headers=dict(headers or {}),
        body=body,
        timeout=urllib3.Timeout(connect=min(CONNECT_S, left), read=min(read_s or READ_S, left)),
        retries=_FOLLOWING if follow else False,
        redirect=follow,
        preload_content=not stream,
        decode_content=not stream,
    )


@contextmanager
def answer_of(
    method: str, url: str, headers: Mapping[str, str] | None = None
) -> Iterator[urllib3.BaseHTTPResponse]:
    """Request a file; within the block the answer is open and its body not yet read.

    Raises
    ------
    NotFoundError, RefusedError, TransientError
        When the answer is not the file, or breaks off within the block.
    """
    try:
        answer = request(method, url, headers, stream=True)
        try:
            _check_status(answer, url)
            yield answer
        finally:
            answer.release_conn()
    except urllib3.exceptions.HTTPError as error:
        raise TransientError(
            f"{url} could not be reached ({name_of(error)}); try again", reason="network"
        ) from error


def _check_status(answer: urllib3.BaseHTTPResponse, url: str) -> None:
    """Raise the error that an answer's status means for a file, if any."""
    status = answer.status
    if status in (404, 410):
        raise NotFoundError(f"{url} does not exist", reason="not-found")
    if status in (401, 403):
        raise RefusedError(f"{url} refused access ({status}); check the credentials", reason="access-denied")
    if is_passing(status):
        raise TransientError(
            f"{url} could not be reached ({status}); try again",
            reason="network",
            retry_after_s=retry_after_of(answer),
        )
    if status not in (200, 206):
        raise RefusedError(f"{url} answered with status {status}; correct the address", reason="http")


def is_passing(status: int) -> bool:
    """Whether a request with this status may succeed later."""
    return status == 429 or status >= 500


def retry_after_of(answer: urllib3.BaseHTTPResponse) -> float | None:
    """Seconds that the server asks the client to wait; None if it does not say."""
    return seconds_of(answer.headers.get("Retry-After"))


def name_of(error: urllib3.exceptions.HTTPError) -> str:
    """Name of an error, for messages."""
    return type(getattr(error, "reason", None) or error).__name__


def _proxy_of(url: str) -> str | None:
    parts = urlsplit(url)
    proxy = getproxies().get(parts.scheme)
    return proxy if proxy and not proxy_bypass(parts.netloc.rpartition("@")[2]) else None


@lru_cache(maxsize=8)
def _pool(proxy: str | None, certificates: str | None) -> urllib3.PoolManager:
    folder = certificates is not None and os.path.isdir(certificates)
    trusted: dict[str, Any] = {"ca_cert_dir" if folder else "ca_certs": certificates} if certificates else {}
    if proxy is None:
        return urllib3.PoolManager(maxsize=8, **trusted)
    address = proxy if "://" in proxy else f"http://{proxy}"
    given = urlsplit(address)
    headers = None
    if given.username:
        account = f"{unquote(given.username)}:{unquote(given.password or '')}"
        headers = urllib3.make_headers(proxy_basic_auth=account)
    return urllib3.ProxyManager(address, maxsize=8, proxy_headers=headers, **trusted)
