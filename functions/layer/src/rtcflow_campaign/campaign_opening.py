"""Open a campaign: check its lists before anything starts, and write the checked ones.

Lines that cannot work are left out and reported.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from rtcflow_campaign.campaign_list import Items, make_items, parse_list
from rtcflow_campaign.campaign_store import CampaignStore
from rtcflow_contract.campaign import (
    RESULTS,
    SCENES,
    STATIC,
    CampaignInput,
    ItemList,
    StartedCampaign,
    parse_campaign,
)
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.keys import parse_s3_uri
from rtcflow_files import storage


class OpeningSettings(NamedTuple):
    """Settings of the stack."""

    products_bucket: str
    work_bucket: str
    product_version: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "OpeningSettings":
        """Read the values that the template sets."""
        return cls(environment["PRODUCTS_BUCKET"], environment["WORK_BUCKET"], environment["PRODUCT_VERSION"])


def open_campaign(
    given: Any, execution: str, started: str, settings: OpeningSettings, client: Any = None
) -> dict[str, Any]:
    """Check and write the lists of a campaign; returns the state of its execution.

    Parameters
    ----------
    given : dict
        Input of the campaign's execution.
    execution, started : str
        Its name and start time (ISO 8601).
    settings : OpeningSettings
    client : optional
        S3 client, the default one when None.

    Raises
    ------
    RefusedError
        When the input or all lines of a list cannot work, or the scene list is empty.
    """
    request = parse_campaign(given)
    store = CampaignStore(settings.work_bucket, request.campaign, client)
    scenes = _items(request.scenes, settings, client)
    static = _items(request.static, settings, client) if request.static else Items([], 0)
    for items, uri in ((scenes, request.scenes), (static, request.static or "")):
        if not items.items:
            # No scene is left to run.
            items.refuse_wrong(uri)
    if not scenes.items:
        raise RefusedError(f"list {request.scenes} has no scene; plan the campaign again", "campaign-list")
    lists = {
        SCENES: store.write_items(execution, SCENES, scenes, request),
        STATIC: store.write_items(execution, STATIC, static, request),
    }
    store.write_start(
        StartedCampaign(
            execution=execution,
            started=datetime.fromisoformat(started),
            product_version=settings.product_version,
            request=request,
            scenes=lists[SCENES],
            static=lists[STATIC],
        )
    )
    return _state(request, execution, lists, store)


def _state(
    request: CampaignInput, execution: str, lists: Mapping[str, ItemList], store: CampaignStore
) -> dict[str, Any]:
    """State of the execution: the lists in the order in which they run, static layers first."""
    results = store.folder.join(f"{RESULTS}/{execution}").key
    return {
        "campaign": request.campaign,
        "bucket": store.folder.bucket,
        "max_scenes": request.max_scenes,
        "lists": [
            {"phase": phase, "results": f"{results}/{phase}", **_list(lists[name], request)}
            for phase, name in (("static", STATIC), ("scenes", SCENES))
            if lists[name].count
        ],
    }


def _list(items: ItemList, request: CampaignInput) -> dict[str, Any]:
    return {"key": items.key, "count": items.count, "tolerated": request.tolerated(items.count)}


def _items(uri: str, settings: OpeningSettings, client: Any) -> Items:
    # Spreadsheets write a byte order mark at the start of a CSV.
    text = storage.read_bytes(parse_s3_uri(uri), client).decode("utf-8-sig", errors="replace")
    return make_items(parse_list(text, uri), settings.products_bucket, settings.product_version)
