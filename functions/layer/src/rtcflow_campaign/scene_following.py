"""Follow a scene of a campaign: look at its attempts, say what to do next, and record how it ended."""

from collections.abc import Mapping
from itertools import takewhile
from typing import Any, NamedTuple

from rtcflow_campaign.attempts import Attempt, Decision, attempts_at, decide
from rtcflow_campaign.campaign_store import CampaignStore
from rtcflow_campaign.scene_record import record_scene
from rtcflow_cloud import executions
from rtcflow_contract.campaign import Item
from rtcflow_contract.errors import NotFoundError
from rtcflow_contract.keys import REPORT, execution_folder, parse_s3_uri
from rtcflow_contract.report import SceneReport
from rtcflow_files import storage


class Settings(NamedTuple):
    """The stack's own values."""

    work_bucket: str
    state_machine: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Read the values that the template sets."""
        return cls(environment["WORK_BUCKET"], environment["SCENE_STATE_MACHINE"])


class SceneFollower:
    """Follows scenes; `s3` and `states` are clients, the default ones when None."""

    def __init__(self, settings: Settings, s3: Any = None, states: Any = None) -> None:
        self.settings = settings
        self.s3 = s3
        self.states = states

    def follow(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """What to do about a scene; an end is recorded.

        Parameters
        ----------
        event : mapping
            `campaign`, `item`; `seen`, `waits` and `problem` from the rounds before.
        """
        item = Item.model_validate(event["item"])
        store = CampaignStore(self.settings.work_bucket, event["campaign"], self.s3)
        attempts = list(attempts_at(item.name, self._describe))
        following = decide(
            attempts,
            seen=event.get("seen"),
            whole=self._whole,
            paused=store.paused,
            waits=int(event.get("waits") or 0),
        )
        answer = following._asdict() | {"decision": following.decision.value, "message": ""}
        if following.decision not in (Decision.RUN, Decision.WAIT):
            upto = [*takewhile(lambda attempt: attempt.name != following.attempt, attempts)]
            upto.append(next(attempt for attempt in attempts if attempt.name == following.attempt))
            record = record_scene(
                item, following.decision, upto, self._reports(upto), str(event.get("problem") or "")
            )
            store.write_record(record)
            answer |= {
                "message": record.message,
                "error_class": record.error_class.value if record.error_class else None,
                "products": record.products,
                "made": record.made,
                "failed": record.failed,
            }
        return answer

    def _describe(self, attempt: str) -> executions.Execution | None:
        return executions.describe(self.settings.state_machine, attempt, self.states)

    def _reports(self, attempts: list[Attempt]) -> dict[str, SceneReport]:
        found = {attempt.name: self._report(attempt.name) for attempt in attempts if attempt.execution}
        return {name: report for name, report in found.items() if report is not None}

    def _report(self, attempt: str) -> SceneReport | None:
        at = execution_folder(self.settings.work_bucket, attempt).join(REPORT)
        try:
            return SceneReport.model_validate_json(storage.read_bytes(at, self.s3))
        except NotFoundError:
            return None

    def _whole(self, attempt: str) -> bool:
        """Whether every product that an attempt reported exists; not when its report is gone."""
        report = self._report(attempt)
        return report is not None and all(
            burst.item is not None and storage.exists(parse_s3_uri(burst.item), self.s3)
            for burst in report.bursts
        )
