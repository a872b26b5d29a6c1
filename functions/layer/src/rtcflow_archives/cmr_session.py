"""The HTTP session that asf_search uses for CMR: it retries, and raises the errors of this project."""

from typing import Any
from urllib.parse import urlsplit

import requests

from rtcflow_contract.errors import RefusedError, TransientError
from rtcflow_files.retry import Attempts, seconds_left, seconds_of
from rtcflow_files.web import is_passing

# CMR's own limit on a search is three minutes; its usual answer takes seconds.
_CONNECT_S, _READ_S = 10.0, 60.0
# CMR may ask for a longer wait than a Lambda can afford.
_LONGEST_WAIT_S = 30.0


class CmrSession(requests.Session):
    """A session with one host.

    Parameters
    ----------
    url : str
        Address of CMR; asf_search itself takes only a host name and assumes TLS.
    attempts : Attempts
        Shared by all pages of the search.

    Attributes
    ----------
    hits : int
        Largest count of granules that an answer of CMR gave.
    """

    # The attributes that asf_search copies with a session.
    __attrs__ = [*requests.Session.__attrs__, "url", "attempts", "hits"]  # noqa: RUF012

    def __init__(self, url: str, attempts: Attempts) -> None:
        super().__init__()
        self.url = url.rstrip("/")
        self.attempts = attempts
        self.hits = 0
        # The search needs no login, so none of a .netrc is sent.
        self.auth = _as_it_is

    def post(self, url: str | bytes, data: Any = None, json: Any = None, **options: Any) -> requests.Response:
        """Post a form to a path of CMR and return the answer, after retries.

        Raises
        ------
        TransientError
            When CMR does not answer, or its answers break off.
        RefusedError
            When CMR refuses the form.
        """
        while True:
            try:
                return self._post_once(f"{self.url}{urlsplit(str(url)).path}", data)
            except TransientError as error:
                self.attempts.again(error)

    def _post_once(self, address: str, data: Any) -> requests.Response:
        left = max(1.0, seconds_left())
        try:
            answer = super().post(address, data=data, timeout=(min(_CONNECT_S, left), min(_READ_S, left)))
            if answer.ok:
                self.hits = max(self.hits, int(answer.json()["hits"]))
                return answer
        except (requests.RequestException, ValueError, KeyError, TypeError) as error:
            raise self._no_answer(type(error).__name__) from error
        if is_passing(answer.status_code):
            raise self._no_answer(f"status {answer.status_code}", answer.headers.get("Retry-After"))
        raise RefusedError(
            f"CMR refused the search: {_complaint(answer)}; correct the area or the dates",
            reason="cmr-refused",
        )

    def _no_answer(self, why: str, retry_after: str | None = None) -> TransientError:
        asked = seconds_of(retry_after)
        return TransientError(
            f"CMR at {self.url} did not answer ({why}); try again later",
            "cmr",
            None if asked is None else min(asked, _LONGEST_WAIT_S),
        )


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _complaint(answer: requests.Response) -> str:
    try:
        return "; ".join(answer.json()["errors"])[:500]
    except (ValueError, KeyError, TypeError):
        return answer.text[:200]
