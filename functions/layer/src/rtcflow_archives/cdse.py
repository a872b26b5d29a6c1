"""List the bursts of a scene at the Copernicus Data Space Ecosystem (CDSE), with the byte range of each.

OData service root `/odata/v1`, entity set `Bursts`: pages of at most 1,000, `@odata.count`, `@odata.nextLink`.
"""

import json
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

import urllib3

from rtcflow_archives.archived_burst import (
    LocatedBurst,
    again_or_raise,
    bursts_of_odata,
    has_all,
    incomplete,
    what_is_missing,
)
from rtcflow_archives.hosts import ArchiveHosts
from rtcflow_contract.errors import DefectError, RefusedError, TransientError
from rtcflow_contract.scene_id import SceneId
from rtcflow_files.retry import Attempts, Retry
from rtcflow_files.web import is_passing, name_of, request, retry_after_of

# A user's quota, by CDSE's "Quotas and Limitations".
CDSE_CONNECTIONS = 4

_PAGE_SIZE = 200


def list_cdse_bursts(
    scene: SceneId,
    hosts: ArchiveHosts | None = None,
    retry: Retry | None = None,
    wanted: Collection[str] | None = None,
) -> list[LocatedBurst]:
    """Every burst of a scene in every polarization; parameters and errors are those of `list_asf_bursts`."""
    root = f"{(hosts or ArchiveHosts.from_environment()).cdse_catalogue_url}/odata/v1"
    attempts = Attempts(retry or Retry())
    while True:
        values, count = search_odata(f"{root}/Bursts", f"ParentProductName eq '{scene.id}.SAFE'", attempts)
        if not values and count <= 0:
            raise _without_bursts(root, scene, attempts)
        bursts = _read(values, scene)
        missing = what_is_missing([located.burst for located in bursts], scene.polarizations)
        if len(values) < count:
            missing = missing or f"{count - len(values)} of {count} entries"
        if not missing or has_all([located.burst for located in bursts], wanted, scene.polarizations):
            return bursts
        again_or_raise(attempts, incomplete("CDSE", scene, missing, "asf", wanted))


def search_odata(url: str, condition: str, attempts: Attempts) -> tuple[list[Mapping[str, Any]], int]:
    """Entities of an OData set that meet a condition, from all pages, and the count that the service reports.

    Raises
    ------
    RefusedError, TransientError
        When the catalogue refuses the search, or does not answer.
    """
    following: str | None = (
        f"{url}?$filter={quote(condition)}&$orderby=ContentDate/Start&$top={_PAGE_SIZE}&$count=True"
    )
    found: dict[str, Mapping[str, Any]] = {}
    count = 0
    while following:
        page = _get(following, attempts)
        try:
            values = {str(value["Id"]): value for value in page["value"]}
        except (KeyError, TypeError) as error:
            raise DefectError(
                f"CDSE's catalogue answered in an unknown form ({error!r})", reason="odata-form"
            ) from error
        count = max(count, int(page.get("@odata.count") or 0))
        if values.keys() <= found.keys():
            break
        found |= values
        following = _same_host(url, page.get("@odata.nextLink"))
    return list(found.values()), count


def _same_host(url: str, link: str | None) -> str | None:
    """The URL of the next page at the host in use; the service's links name its public host."""
    if not link:
        return None
    asked, given = urlsplit(url), urlsplit(link)
    return given._replace(scheme=asked.scheme, netloc=asked.netloc).geturl()


def _get(url: str, attempts: Attempts) -> Any:
    while True:
        try:
            return _get_once(url)
        except TransientError as error:
            attempts.again(error)


def _get_once(url: str) -> Any:
    try:
        answer = request("GET", url)
    except urllib3.exceptions.HTTPError as error:
        raise _no_answer(name_of(error)) from error
    if is_passing(answer.status):
        raise _no_answer(f"status {answer.status}", retry_after_of(answer))
    if answer.status != 200:
        raise RefusedError(
            f"CDSE's catalogue refused the search (status {answer.status})", reason="odata-refused"
        )
    try:
        return json.loads(answer.data)
    except ValueError as error:
        raise _no_answer("an answer cut off") from error


def _no_answer(why: str, retry_after_s: float | None = None) -> TransientError:
    return TransientError(f"CDSE's catalogue did not answer ({why}); try again later", "odata", retry_after_s)


def _read(values: list[Mapping[str, Any]], scene: SceneId) -> list[LocatedBurst]:
    try:
        return bursts_of_odata(values)
    except (KeyError, ValueError) as error:
        raise DefectError(
            f"CDSE lists a burst of scene {scene.id} in an unknown form ({error!r})",
            reason="odata-form",
        ) from error


def _without_bursts(root: str, scene: SceneId, attempts: Attempts) -> RefusedError:
    known, _ = search_odata(f"{root}/Products", f"Name eq '{scene.id}.SAFE'", attempts)
    if known:
        return RefusedError(
            f"CDSE has scene {scene.id} but does not list its bursts; give scene_source asf or the s3:// of its SAFE",
            reason="no-bursts",
        )
    return RefusedError(
        f"CDSE has no scene {scene.id}; correct the id, or give scene_source asf or the s3:// of its SAFE",
        reason="unknown-scene",
    )
