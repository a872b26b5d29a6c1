"""Follow a scene of a campaign: look up its attempts, decide what to do next, and record how it ended."""

from collections.abc import Mapping
from itertools import takewhile
from typing import Any, NamedTuple

from rtcflow_campaign.attempts import Attempt, Decision, attempts_at, decide
from rtcflow_campaign.campaign_store import CampaignStore
from rtcflow_campaign.scene_failure import SceneFailure, failure_of
from rtcflow_campaign.scene_record import record_scene
from rtcflow_cloud import executions
from rtcflow_contract.campaign import Item, SceneRecord
from rtcflow_contract.errors import ErrorClass, NotFoundError
from rtcflow_contract.item_check import is_item
from rtcflow_contract.keys import REPORT, Location, execution_folder, parse_s3_uri
from rtcflow_contract.manifest import Manifest
from rtcflow_contract.report import SceneReport
from rtcflow_contract.request import SceneRequest, parse_request
from rtcflow_contract.standing import differences
from rtcflow_contract.stored import UnreadableError, read_stored
from rtcflow_files import storage
from rtcflow_scene.failure_text import read_failure


class FollowSettings(NamedTuple):
    """Settings of the stack."""

    work_bucket: str
    state_machine: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "FollowSettings":
        """Read the values that the template sets."""
        return cls(environment["WORK_BUCKET"], environment["SCENE_STATE_MACHINE"])


class SceneFollower:
    """Follows scenes; `s3` and `states` are clients, by default the usual ones."""

    def __init__(self, settings: FollowSettings, s3: Any = None, states: Any = None) -> None:
        self.settings = settings
        self.s3 = s3
        self.states = states

    def follow(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Decide what to do with a scene, and record its end.

        Parameters
        ----------
        event : mapping
            `campaign` and `item`; after the first round also `next`, the previous result, and `problem`, the error with
            which the scene's execution ended or could not be started.
        """
        item = Item.model_validate(event["item"], extra="ignore")
        store = CampaignStore(self.settings.work_bucket, event["campaign"], self.s3)
        # Executions are forgotten after 90 days and reports deleted after 180; records stay.
        before = store.read_record(item.name)
        attempts = list(attempts_at(item.name, self._describe, before.attempts if before else 0))
        last = event.get("next") or {}
        waits = int(last.get("waits") or 0)
        following = decide(
            attempts,
            seen=last.get("seen"),
            whole=lambda attempt: self._whole(attempt, item),
            refused=lambda: not item.retry_refused and self._refused(attempts, before),
            most=item.max_attempts,
            paused=store.paused,
            waits=waits,
        )
        answer = following._asdict() | {
            "decision": following.decision.value,
            "message": "",
            "waits": waits + (following.decision is Decision.WAIT),
        }
        if following.decision not in (Decision.RUN, Decision.WAIT):
            upto = [*takewhile(lambda attempt: attempt.name != following.attempt, attempts)]
            upto.append(next(attempt for attempt in attempts if attempt.name == following.attempt))
            failure = read_failure(event.get("problem"))
            problem = f"{failure.error}: {failure.message}" if failure else ""
            record = record_scene(item, following, upto, self._reports(upto), before, problem)
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
            return read_stored(SceneReport, storage.read_bytes(at, self.s3), at)
        except (NotFoundError, UnreadableError):
            return None

    def _refused(self, attempts: list[Attempt], before: SceneRecord | None) -> bool:
        """Whether the last attempt was refused for good."""
        last = attempts[-2]
        if last.execution is not None and last.execution.status == "FAILED":
            failure = failure_of(last.execution, self._report(last.name))
        elif last.execution is None and before and before.error_class:
            failure = SceneFailure(before.error_class, before.reason, before.message)
        else:
            return False
        return failure.error_class is ErrorClass.REFUSED and not failure.passes

    def _whole(self, attempt: str, item: Item) -> bool:
        """Whether every product that an attempt reported exists as requested; False if its report is gone."""
        report = self._report(attempt)
        # Only settings are compared, so any bucket will do.
        request = parse_request({**item.payload, "burst_id_list": None}, "products")
        return report is not None and all(
            burst.item is not None and self._stands(parse_s3_uri(burst.item), request)
            for burst in report.bursts
        )

    def _stands(self, item: Location, request: SceneRequest) -> bool:
        """Whether a product exists and is the one that a request asks for.

        An item that is empty, cut off or damaged counts as missing.
        """
        try:
            if not is_item(storage.read_bytes(item, self.s3)):
                return False
        except NotFoundError:
            return False
        folder, _, name = item.key.rpartition("/")
        at = Location(item.bucket, folder).join(name.replace("metadata", "manifest", 1))
        try:
            manifest = read_stored(Manifest, storage.read_bytes(at, self.s3), at)
        except NotFoundError:
            return True
        except UnreadableError:
            return False
        return not differences(manifest, request)
