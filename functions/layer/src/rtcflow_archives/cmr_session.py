"""The HTTP session through which asf_search asks CMR: it tries again, and fails with this project's errors."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import requests

from rtcflow_cloud.backoff import seconds_of
from rtcflow_contract.errors import RefusedError, TransientError

_TRIES = 5
# A wish to wait for longer is not granted: a Lambda asks.
_LONGEST_WAIT_S = 30.0
# CMR's own limit on a search is three minutes; its usual answer takes seconds.
_TIMEOUT_S = (10, 60)


class CmrSession(requests.Session):
    """A session with one host.

    Parameters
    ----------
    url : str
        Address of CMR; asf_search knows a host name alone, and takes it for one that speaks TLS.
    wait : callable
        Waits some seconds.

    Attributes
    ----------
    hits : int
        The most granules that CMR told of in one answer.
    """

    # What copies of a session, as asf_search makes them, have of it.
    __attrs__ = [*requests.Session.__attrs__, "url", "wait", "hits"]  # noqa: RUF012

    def __init__(self, url: str, wait: Callable[[float], None]) -> None:
        super().__init__()
        self.url = url.rstrip("/")
        self.wait = wait
        self.hits = 0
        # The search is open: no login of a .netrc goes there.
        self.auth = _as_it_is

    def post(self, url: str | bytes, data: Any = None, json: Any = None, **options: Any) -> requests.Response:
        """Post a form to the path of an address, until it is answered.

        Raises
        ------
        TransientError
            When CMR does not answer, or cuts its answers off.
        RefusedError
            When CMR refuses the form.
        """
        address = f"{self.url}{urlsplit(str(url)).path}"
        why, wished = "", 0.0
        for attempt in range(_TRIES):
            if attempt:
                self.wait(max(2.0**attempt, wished))
            try:
                answer = super().post(address, data=data, timeout=_TIMEOUT_S)
                if answer.ok:
                    self.hits = max(self.hits, int(answer.json()["hits"]))
                    return answer
            except (requests.RequestException, ValueError, KeyError, TypeError) as error:
                why = type(error).__name__
                continue
            if answer.status_code < 500 and answer.status_code != 429:
                raise RefusedError(
                    f"CMR refused the search: {_complaint(answer)}; correct the area or the dates",
                    reason="cmr-refused",
                )
            why = f"status {answer.status_code}"
            wished = min(seconds_of(answer.headers.get("Retry-After")) or 0.0, _LONGEST_WAIT_S)
        raise TransientError(f"CMR at {self.url} did not answer ({why}); try again later", reason="cmr")


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _complaint(answer: requests.Response) -> str:
    try:
        return "; ".join(answer.json()["errors"])[:500]
    except (ValueError, KeyError, TypeError):
        return answer.text[:200]
