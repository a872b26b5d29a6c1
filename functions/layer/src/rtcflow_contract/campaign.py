"""A campaign: the scenes of a list, each made once, and their outcomes.

A campaign list is JSONL with one scene payload per line, or CSV with the payload's fields as header.

Work bucket, below `campaigns/{campaign}/`::

    scenes.jsonl, static.jsonl         the lists that `rtcflow campaign start` uploaded
    items/{execution}/scenes.jsonl     the scenes of a start, one Item per line, each once; also static.jsonl
    started.json                       the last start: its input and its counts
    claim.json                         the start that is under way, before its execution exists
    pause.json                         while it exists, no further scene starts
    records/{name}.json                one SceneRecord per scene
    results/...                        what Step Functions writes about the children
    report.json, report.html
"""

import re
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, Field, ValidationError

from rtcflow_contract.errors import ErrorClass, RefusedError
from rtcflow_contract.layers import Product
from rtcflow_contract.model import FrozenModel, describe
from rtcflow_contract.scene_id import SceneName

SCENES = "scenes.jsonl"
STATIC = "static.jsonl"
STARTED = "started.json"
PAUSE = "pause.json"
CLAIM = "claim.json"
PAGE = "report.html"
ITEMS, RECORDS, RESULTS = "items", "records", "results"

_NAME = re.compile(r"^[a-z0-9][a-z0-9-]{0,47}$")
_LIST = re.compile(r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/\S+\.(jsonl|csv)$")


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError(
            f"'{text}' is not a name of a campaign; use up to 48 lower-case letters, digits and '-'"
        )
    return text


def _list(text: str) -> str:
    if not _LIST.fullmatch(text):
        raise ValueError(f"'{text}' is not a campaign list; give s3://bucket/.../list.jsonl (or .csv)")
    return text


_CampaignName = Annotated[str, AfterValidator(_name)]
_ListUri = Annotated[str, AfterValidator(_list)]


class CampaignInput(FrozenModel):
    """Input of a campaign's execution.

    Attributes
    ----------
    campaign : str
    scenes : str
        S3 URI of the list.
    static : str or None
        S3 URI of a list whose scenes are made before all others: the static layers.
    max_scenes : int
        Scenes that run at once.
    tolerated_failure_percent, tolerated_failures : int
        The campaign ends when more than this share of a list's scenes, and more than this number, failed.
    max_attempts : int
        Most attempts at a scene, over all starts of the campaign.
    retry_refused : bool
        Whether to retry scenes that were refused.
    """

    campaign: _CampaignName
    scenes: _ListUri
    static: _ListUri | None = None
    max_scenes: int = Field(default=20, ge=1, le=10_000)
    tolerated_failure_percent: int = Field(default=10, ge=0, le=100)
    tolerated_failures: int = Field(default=10, ge=0)
    max_attempts: int = Field(default=5, ge=1, le=100)
    retry_refused: bool = False

    def tolerated(self, scenes: int) -> int:
        """How many of a list's scenes may fail; the larger of percentage and number, for short lists."""
        return max(self.tolerated_failures, scenes * self.tolerated_failure_percent // 100)


def parse_campaign(given: Any) -> CampaignInput:
    """Validate a campaign's input; RefusedError names every wrong field."""
    try:
        return CampaignInput.model_validate(given)
    except ValidationError as error:
        raise RefusedError(f"the campaign was refused: {describe(error)}", reason="campaign") from error


class Item(FrozenModel):
    """A scene of a campaign: the name of its executions without attempt number, its payload, the most attempts."""

    name: str
    payload: dict[str, Any]
    max_attempts: int = 5
    retry_refused: bool = False


class ItemList(FrozenModel):
    """A checked list: where it is, and how many scenes it has.

    `repeated` lines name a scene again; `wrong` lines cannot work and were left out, the first of them with their
    reasons in `told`.
    """

    bucket: str
    key: str
    count: int
    repeated: int = 0
    wrong: int = 0
    told: tuple[str, ...] = ()


class Claim(FrozenModel):
    """A start that is under way; only one of two simultaneous starts gets the claim."""

    execution: str
    at: AwareDatetime


class StartedCampaign(FrozenModel):
    """A start of a campaign, stored for its report."""

    version: int = 1
    execution: str
    started: AwareDatetime
    product_version: str
    request: CampaignInput
    scenes: ItemList
    static: ItemList


class SceneState(StrEnum):
    """`left` means not started, because the campaign was paused for too long."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    LEFT = "left"


class AttemptRecord(FrozenModel):
    """What an attempt made and cost, for when Step Functions and the work bucket have deleted it."""

    execution: str
    products: int = 0
    made: int = 0
    static_made: int = 0
    seconds: float = 0.0
    cost_usd: float = 0.0
    started: AwareDatetime | None = None
    finished: AwareDatetime | None = None


class SceneRecord(FrozenModel):
    """The outcome of a campaign's scene over all its attempts.

    Attributes
    ----------
    name : str
        Of its executions, without the attempt number.
    execution : str or None
        The last attempt.
    products : int
        Burst products of the asked kind that exist after the last attempt.
    made : int
        Number of those that the attempts of this campaign made.
    static_made : int
        Static products made for linking.
    failed : int
        Bursts that failed in the last attempt.
    failures : dict
        Their number by error class.
    error_class : ErrorClass or None
        For a failed scene: what to do about it.
    reason : str
        Short name of the reason, or empty.
    message : str
        One sentence, cut to 500 characters.
    seconds : float
        Task time of all bursts made, seconds.
    cost_usd : float
        Of all attempts.
    started, finished : datetime or None
        From the first attempt to the last, UTC.
    tried : tuple of AttemptRecord
        Attempts that left a report.
    """

    version: int = 1
    name: str
    scene: SceneName
    product: Product
    collection: str = ""
    state: SceneState
    execution: str | None = None
    attempts: int = 0
    products: int = 0
    made: int = 0
    static_made: int = 0
    failed: int = 0
    failures: dict[ErrorClass, int] = Field(default_factory=dict)
    error_class: ErrorClass | None = None
    reason: str = ""
    message: str = ""
    seconds: float = 0.0
    cost_usd: float = 0.0
    started: AwareDatetime | None = None
    finished: AwareDatetime | None = None
    tried: tuple[AttemptRecord, ...] = ()
