"""The bursts of a scene as the Copernicus Data Space Ecosystem (CDSE) lists them, with the bytes that hold them.

OData service root `/odata/v1`, entity set `Bursts`: pages of at most 1,000, `@odata.count`, `@odata.nextLink`.
"""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

import urllib3

from rtcflow_archives.archived_burst import LocatedBurst, bursts_of_odata, what_lacks
from rtcflow_archives.hosts import ArchiveHosts
from rtcflow_cloud.backoff import Backoff
from rtcflow_contract.errors import DefectError, RefusedError, TransientError
from rtcflow_contract.scene_id import SceneId

# A user's quota, by CDSE's "Quotas and Limitations".
CDSE_CONNECTIONS = 4

PAGE_SIZE = 200
_LISTINGS = 3
_TIMEOUT = urllib3.Timeout(connect=10, read=60)


def list_cdse_bursts(
    scene: SceneId, hosts: ArchiveHosts | None = None, backoff: Backoff | None = None
) -> list[LocatedBurst]:
    """Every burst of a scene in every polarization.

    Raises
    ------
    RefusedError
        When CDSE has no such scene, or does not list its bursts.
    TransientError
        When CDSE does not answer, or the listing stays incomplete; says what lacks.
    """
    hosts, backoff = hosts or ArchiveHosts.from_environment(), backoff or Backoff()
    root = f"{hosts.cdse_catalogue_url}/odata/v1"
    lacks = ""
    for attempt in range(_LISTINGS):
        if attempt:
            backoff.wait(attempt)
        values, count = search_odata(f"{root}/Bursts", f"ParentProductName eq '{scene.id}.SAFE'", backoff)
        if not values and count <= 0:
            raise _without_bursts(root, scene, backoff)
        bursts = _read(values, scene)
        lacks = what_lacks([located.burst for located in bursts], scene.polarizations)
        if len(values) < count:
            lacks = lacks or f"{count - len(values)} of {count} entries"
        if not lacks:
            return bursts
    raise TransientError(
        f"CDSE lists scene {scene.id} incompletely: it lacks {lacks}; try again later, or give scene_source asf",
        reason="listing-incomplete",
    )


def search_odata(url: str, condition: str, backoff: Backoff) -> tuple[list[Mapping[str, Any]], int]:
    """Entities of an OData set that meet a condition, over all pages, and how many there are said to be.

    Raises
    ------
    RefusedError, TransientError
        When the catalogue refuses the search, or does not answer.
    """
    following: str | None = (
        f"{url}?$filter={quote(condition)}&$orderby=ContentDate/Start&$top={PAGE_SIZE}&$count=True"
    )
    found: dict[str, Mapping[str, Any]] = {}
    count = 0
    while following:
        page = _get(following, backoff)
        try:
            values = {str(value["Id"]): value for value in page["value"]}
        except (KeyError, TypeError) as error:
            raise DefectError(
                f"CDSE's catalogue answered in a form that is not known ({error!r})", reason="odata-form"
            ) from error
        count = max(count, int(page.get("@odata.count") or 0))
        if values.keys() <= found.keys():
            break
        found |= values
        following = _same_host(url, page.get("@odata.nextLink"))
    return list(found.values()), count


def _same_host(url: str, link: str | None) -> str | None:
    """The next page at the host that was asked: links name the public one."""
    if not link:
        return None
    asked, given = urlsplit(url), urlsplit(link)
    return given._replace(scheme=asked.scheme, netloc=asked.netloc).geturl()


def _get(url: str, backoff: Backoff) -> Any:
    why, retry_after = "", None
    for attempt in range(backoff.attempts):
        if attempt:
            backoff.wait(attempt - 1, retry_after)
        try:
            answer = urllib3.request("GET", url, timeout=_TIMEOUT, retries=False)
        except urllib3.exceptions.HTTPError as error:
            why, retry_after = type(error).__name__, None
            continue
        if answer.status == 200:
            try:
                return json.loads(answer.data)
            except ValueError:
                why, retry_after = "an answer cut off", None
                continue
        why, retry_after = f"status {answer.status}", answer.headers.get("Retry-After")
        if answer.status != 429 and answer.status < 500:
            raise RefusedError(f"CDSE's catalogue refused the search ({why})", reason="odata-refused")
    raise TransientError(f"CDSE's catalogue did not answer ({why}); try again later", reason="odata")


def _read(values: list[Mapping[str, Any]], scene: SceneId) -> list[LocatedBurst]:
    try:
        return bursts_of_odata(values)
    except (KeyError, ValueError) as error:
        raise DefectError(
            f"CDSE lists a burst of scene {scene.id} in a form that is not known ({error!r})",
            reason="odata-form",
        ) from error


def _without_bursts(root: str, scene: SceneId, backoff: Backoff) -> RefusedError:
    known, _ = search_odata(f"{root}/Products", f"Name eq '{scene.id}.SAFE'", backoff)
    if known:
        return RefusedError(
            f"CDSE has scene {scene.id} and does not list its bursts; give scene_source asf or the s3:// of its SAFE",
            reason="no-bursts",
        )
    return RefusedError(
        f"CDSE has no scene {scene.id}; correct the id, or give scene_source asf or the s3:// of its SAFE",
        reason="unknown-scene",
    )
