"""Granules of NASA's Common Metadata Repository (CMR), searched to the last page or not at all.

CMR may answer a page with fewer granules than there are, so what came is held against the number of hits that it
tells; a search that stays incomplete is an error, never a short list.
"""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlencode

import urllib3

from rtcflow_contract.errors import RefusedError, TransientError

CMR_URL = "https://cmr.earthdata.nasa.gov"
PAGE_SIZE = 500
_TRIES = 5
_SEARCHES = 3
_PASSING = (429, 500, 502, 503, 504)
# CMR's own limit on a search is three minutes; its usual answer takes seconds.
_TIMEOUT = urllib3.Timeout(connect=10, read=60)

Parameters = Sequence[tuple[str, str]]


class Cmr(NamedTuple):
    """A repository: its address, and how to wait between tries (seconds)."""

    url: str = CMR_URL
    wait: Callable[[float], None] = time.sleep
    page_size: int = PAGE_SIZE

    def granules(self, parameters: Parameters) -> list[dict[str, Any]]:
        """Every granule that a search finds, as items of UMM-JSON (`meta` and `umm`).

        Parameters
        ----------
        parameters : sequence of (str, str)
            Search parameters of CMR; a name may come more than once.

        Raises
        ------
        TransientError
            When CMR does not answer, or the pages stay incomplete.
        RefusedError
            When CMR refuses the parameters.
        """
        found: dict[str, dict[str, Any]] = {}
        hits = 0
        for attempt in range(_SEARCHES):
            if attempt:
                self.wait(2.0**attempt)
            found, hits = self._search(parameters)
            if len(found) == hits:
                return list(found.values())
        raise TransientError(
            f"CMR gave {len(found)} of {hits} granules, {_SEARCHES} times over; try again later",
            reason="cmr-incomplete",
        )

    def _search(self, parameters: Parameters) -> tuple[dict[str, dict[str, Any]], int]:
        found: dict[str, dict[str, Any]] = {}
        hits = 0
        for number, (items, told) in enumerate(self._pages(parameters)):
            hits = told if number == 0 else max(hits, told)
            found |= {item["meta"]["concept-id"]: item for item in items}
        return found, hits

    def _pages(self, parameters: Parameters) -> Iterator[tuple[list[dict[str, Any]], int]]:
        fields = [*parameters, ("page_size", str(self.page_size))]
        headers: dict[str, str] = {}
        while True:
            answer = self._post("/search/granules.umm_json", fields, headers)
            items = _parse(answer.data)
            yield items, int(answer.headers.get("CMR-Hits", -1))
            following = answer.headers.get("CMR-Search-After")
            if not following or not items:
                return
            headers = {"CMR-Search-After": following}

    def _post(self, path: str, fields: Parameters, headers: dict[str, str]) -> urllib3.BaseHTTPResponse:
        why = ""
        for attempt in range(_TRIES):
            if attempt:
                self.wait(2.0**attempt)
            try:
                # A polygon may be longer than an address can be, so the form is posted.
                answer = urllib3.request(
                    "POST",
                    f"{self.url.rstrip('/')}{path}",
                    body=urlencode(fields),
                    headers={"Content-Type": "application/x-www-form-urlencoded", **headers},
                    timeout=_TIMEOUT,
                    retries=False,
                )
            except urllib3.exceptions.HTTPError as error:
                why = type(error).__name__
                continue
            if answer.status == 200:
                return answer
            if answer.status not in _PASSING:
                raise RefusedError(
                    f"CMR refused the search: {_complaint(answer.data)}; correct the area or the dates",
                    reason="cmr-refused",
                )
            why = f"status {answer.status}"
        raise TransientError(f"CMR at {self.url} did not answer ({why}); try again later", reason="cmr")


def _parse(data: bytes) -> list[dict[str, Any]]:
    try:
        return list(json.loads(data)["items"])
    except (ValueError, KeyError, TypeError) as error:
        raise TransientError(
            "CMR's answer was cut off or is no UMM-JSON; try again later", reason="cmr"
        ) from error


def _complaint(data: bytes) -> str:
    try:
        return "; ".join(json.loads(data)["errors"])[:500]
    except (ValueError, KeyError, TypeError):
        return data.decode(errors="replace")[:200]
