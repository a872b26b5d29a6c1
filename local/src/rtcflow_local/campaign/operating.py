"""Start, watch, pause, resume and stop a campaign of a deployed stack."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from rtcflow_campaign.campaign_report import CampaignReport
from rtcflow_campaign.campaign_store import CampaignStore
from rtcflow_cloud.executions import describe
from rtcflow_contract.campaign import SCENES, STATIC, parse_campaign
from rtcflow_contract.errors import RefusedError, RtcflowError
from rtcflow_local.campaign.lists import Lists, upload_list
from rtcflow_local.report.aws import BUCKET_OUTPUT, Clients, asked

_MACHINE_OUTPUT = "CampaignStateMachineArn"
_WORK_OUTPUT = "WorkBucketName"
RUNNING = "RUNNING"
# Suffix of an execution's name after the campaign's.
_STARTED = re.compile(r"-\d{8}T\d{12}$")


class MapCounts(NamedTuple):
    """Counts of the children of a Map run."""

    name: str
    status: str
    counts: Mapping[str, int]


class Status(NamedTuple):
    """State of a campaign; no report while its execution has not read the lists, nor after it failed to."""

    execution: str
    status: str
    paused: bool
    maps: list[MapCounts]
    report: CampaignReport | None
    cause: str = ""


class Campaign:
    """A campaign by name, in a stack given by its outputs."""

    def __init__(self, name: str, clients: Clients, outputs: Mapping[str, str]) -> None:
        if _MACHINE_OUTPUT not in outputs:
            raise RefusedError("the stack has no campaigns; deploy this version of rtcflow", reason="stack")
        # Refuses an invalid name.
        parse_campaign({"campaign": name, "scenes": "s3://any/list.jsonl"})
        self.name = name
        self.machine = outputs[_MACHINE_OUTPUT]
        self._products_bucket = outputs[BUCKET_OUTPUT]
        self._states = clients("stepfunctions")
        self._s3 = clients("s3")
        self.store = CampaignStore(outputs[_WORK_OUTPUT], name, self._s3)

    def start(self, lists: Lists, settings: Mapping[str, Any], leave_out_wrong: bool = False) -> str:
        """Upload the lists and start, ending any pause; returns the execution's ARN.

        Parameters
        ----------
        lists : Lists
        settings : mapping
            Fields of CampaignInput, except name and lists.
        leave_out_wrong : bool
            Start even if lines cannot work: the campaign leaves them out and reports them.

        Raises
        ------
        RefusedError
            When the campaign is running or being started, or a list or setting cannot work.
        """
        running = self.execution()
        if running and running["status"] == RUNNING:
            raise RefusedError(
                f"campaign {self.name} runs already, as {running['name']}; stop it first, or wait for its end",
                reason="campaign-running",
            )
        request: dict[str, Any] = dict(settings)
        parse_campaign({"campaign": self.name, "scenes": "s3://any/list.jsonl", **request})
        now = datetime.now(UTC)
        name = f"{self.name}-{now:%Y%m%dT%H%M%S%f}"
        # Only one of two simultaneous starts gets the claim; the other has not changed anything yet.
        self.store.claim(name, now, self._status_of)
        try:
            for field, source, file in (("scenes", lists.scenes, SCENES), ("static", lists.static, STATIC)):
                if source is not None:
                    request[field] = upload_list(
                        source, self.store.folder, file, self._products_bucket, self._s3, leave_out_wrong
                    )
            self.store.resume()
            with asked(f"campaign '{self.name}'"):
                started = self._states.start_execution(
                    stateMachineArn=self.machine,
                    name=name,
                    input=json.dumps({"campaign": self.name, **request}),
                )
        except RtcflowError:
            self.store.release()
            raise
        return str(started["executionArn"])

    def _status_of(self, name: str) -> str | None:
        """Status of an execution; None if there is none of that name."""
        found = describe(self.machine, name, self._states)
        return found.status if found else None

    def execution(self) -> dict[str, Any] | None:
        """The last execution of this campaign; None if there is none, or it was forgotten."""
        with asked(f"campaign '{self.name}'"):
            pages = self._states.get_paginator("list_executions").paginate(stateMachineArn=self.machine)
            for page in pages:
                for found in page["executions"]:
                    if _STARTED.sub("", found["name"]) == self.name:
                        newest: dict[str, Any] = found
                        return newest
        return None

    def status(self) -> Status:
        """State of the campaign; RefusedError if it was never started."""
        found = self.execution()
        if found and not self._has_opened(found):
            return Status(found["name"], found["status"], self.store.paused(), [], None, self._cause(found))
        report = self._report()
        maps = self._maps(found["executionArn"]) if found else []
        status = found["status"] if found else "forgotten by Step Functions"
        return Status(report.execution, status, self.store.paused(), maps, report)

    def _has_opened(self, execution: Mapping[str, Any]) -> bool:
        """Whether an execution has read its lists; until then an earlier start's are stored, or none."""
        start = self.store.find_start()
        return start is not None and (
            start.execution == execution["name"] or execution["startDate"] <= start.started
        )

    def _cause(self, execution: Mapping[str, Any]) -> str:
        described = describe(self.machine, execution["name"], self._states)
        return described.cause if described else ""

    def _maps(self, execution: str) -> list[MapCounts]:
        with asked(f"execution {execution}"):
            runs = self._states.list_map_runs(executionArn=execution)["mapRuns"]
            described = [self._states.describe_map_run(mapRunArn=run["mapRunArn"]) for run in runs]
        return [
            MapCounts(f"map {number}", run["status"], run["executionCounts"])
            for number, run in enumerate(described, start=1)
        ]

    def report(self) -> CampaignReport:
        """Build the current report and write it to the work bucket; RefusedError if there is nothing to report."""
        found = self.execution()
        if found and not self._has_opened(found):
            state = "is being started; ask again in a minute"
            if found["status"] != RUNNING:
                state = f"ended before it read its lists ({found['status']}): {self._cause(found)}"
            raise RefusedError(f"campaign {self.name} {state}", reason="campaign")
        return self._report()

    def _report(self) -> CampaignReport:
        report = self.store.report(datetime.now(UTC), str(self._s3.meta.region_name))
        self.store.write_report(report)
        return report

    def pause(self) -> None:
        """Start no further scenes; running ones finish."""
        self._check_started()
        self.store.pause(datetime.now(UTC))

    def resume(self) -> None:
        """End a pause."""
        self._check_started()
        self.store.resume()

    def _check_started(self) -> None:
        if self.execution() is None:
            self.store.read_start()

    def stop(self) -> str:
        """Stop the campaign and its running scenes at once; returns the name of the execution.

        Raises
        ------
        RefusedError
            When the campaign is not running.
        """
        found = self.execution()
        if not found or found["status"] != RUNNING:
            raise RefusedError(f"campaign {self.name} is not running", reason="campaign")
        with asked(f"campaign '{self.name}'"):
            self._states.stop_execution(executionArn=found["executionArn"], cause="stopped by its operator")
        return str(found["name"])
