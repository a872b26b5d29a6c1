"""A campaign's files in the work bucket: lists, records, pause flag and report."""

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

from rtcflow_campaign.campaign_list import Items, read_items, write_items
from rtcflow_campaign.campaign_page import render
from rtcflow_campaign.campaign_report import CampaignReport, report_campaign
from rtcflow_cloud.executions import RUNNING
from rtcflow_contract import campaign as names
from rtcflow_contract.campaign import CampaignInput, Claim, Item, ItemList, SceneRecord, StartedCampaign
from rtcflow_contract.errors import NotFoundError, RefusedError
from rtcflow_contract.keys import REPORT, Location, campaign_folder
from rtcflow_contract.stored import NewerFormatError, UnreadableError, read_stored
from rtcflow_files import compare_and_swap, storage

_READERS = 32
_MOST_NAMED = 100
# Lists are checked and uploaded between a claim and the start of its execution.
_CLAIMED = timedelta(minutes=15)

_log = logging.getLogger("rtcflow.campaign")


def _claim(data: bytes | None, at: Location) -> Claim | None:
    """Read a claim; None if it cannot be read."""
    try:
        return read_stored(Claim, data, at) if data is not None else None
    except UnreadableError:
        return None


class CampaignStore:
    """The folder of one campaign.

    Parameters
    ----------
    work_bucket, campaign : str
    client : optional
        S3 client, the default one when None.
    """

    def __init__(self, work_bucket: str, campaign: str, client: Any = None) -> None:
        self.folder: Location = campaign_folder(work_bucket, campaign)
        self.client = client

    def write_items(self, execution: str, name: str, items: Items, request: CampaignInput) -> ItemList:
        """Write the items of a list."""
        at = self.folder.join(f"{names.ITEMS}/{execution}/{name}")
        how = {"max_attempts": request.max_attempts, "retry_refused": request.retry_refused}
        lines = [item.model_copy(update=how) for item in items.items]
        storage.write_bytes(at, write_items(lines).encode(), self.client)
        return ItemList(
            bucket=at.bucket,
            key=at.key,
            count=len(lines),
            repeated=items.repeated,
            wrong=len(items.wrong),
            told=items.wrong[:_MOST_NAMED],
        )

    def read_items(self, listed: ItemList) -> list[Item]:
        """Read the items of a list."""
        return read_items(storage.read_bytes(Location(listed.bucket, listed.key), self.client).decode())

    def write_start(self, start: StartedCampaign) -> None:
        """Store a start, replacing the previous one."""
        data = start.model_dump_json(indent=1).encode()
        storage.write_bytes(self.folder.join(names.STARTED), data, self.client)

    def find_start(self) -> StartedCampaign | None:
        """Read the last start; None if no start of the campaign read its lists."""
        at = self.folder.join(names.STARTED)
        try:
            data = storage.read_bytes(at, self.client)
        except NotFoundError:
            return None
        return read_stored(StartedCampaign, data, at)

    def read_start(self) -> StartedCampaign:
        """Read the last start; RefusedError if the campaign was never started."""
        start = self.find_start()
        if start is None:
            name = self.folder.key.rsplit("/", 1)[-1]
            raise RefusedError(
                f"campaign {name} was never started here; check its name and the stack", reason="campaign"
            )
        return start

    def claim(self, execution: str, now: datetime, status_of: Callable[[str], str | None]) -> None:
        """Claim the campaign by a conditional write for an execution about to start.

        Parameters
        ----------
        execution : str
        now : datetime
        status_of : callable
            Status of the execution of another claim; None if it was not started (yet).

        Raises
        ------
        RefusedError
            When the campaign is running or being started.
        """
        at = self.folder.join(names.CLAIM)
        read = compare_and_swap.read(at, self.client)
        held = _claim(read.data, at)
        if held is not None:
            status = status_of(held.execution)
            if status == RUNNING or (status is None and now - held.at < _CLAIMED):
                raise self._claimed(held.execution)
        data = Claim(execution=execution, at=now).model_dump_json().encode()
        if not compare_and_swap.write(at, data, read, self.client):
            raise self._claimed("another")

    def release(self) -> None:
        """Give up the claim of an execution that will not be started."""
        storage.delete(self.folder.join(names.CLAIM), self.client)

    def _claimed(self, execution: str) -> RefusedError:
        name = self.folder.key.rsplit("/", 1)[-1]
        return RefusedError(
            f"campaign {name} runs already or is being started, as {execution}; stop it first, or wait for its end",
            reason="campaign-running",
        )

    def paused(self) -> bool:
        """Whether the campaign is paused."""
        return storage.exists(self.folder.join(names.PAUSE), self.client)

    def pause(self, now: datetime) -> None:
        """Pause the campaign: no further scene starts."""
        text = f'{{"paused": "{now.isoformat()}"}}\n'
        storage.write_bytes(self.folder.join(names.PAUSE), text.encode(), self.client)

    def resume(self) -> None:
        """Resume the campaign."""
        storage.delete(self.folder.join(names.PAUSE), self.client)

    def write_record(self, record: SceneRecord) -> None:
        """Write the record of a scene, replacing the previous one."""
        at = self.folder.join(f"{names.RECORDS}/{record.name}.json")
        storage.write_bytes(at, record.model_dump_json(exclude_defaults=True).encode(), self.client)

    def read_record(self, name: str) -> SceneRecord | None:
        """Read the record of a scene; None if there is none or it cannot be read."""
        at = self.folder.join(f"{names.RECORDS}/{name}.json")
        try:
            return read_stored(SceneRecord, storage.read_bytes(at, self.client), at)
        except NewerFormatError:
            raise
        except (NotFoundError, UnreadableError):
            return None

    def read_records(self) -> Iterator[SceneRecord]:
        """Read all records in parallel; the scene of an unreadable one counts as open."""
        folder = self.folder.join(names.RECORDS)
        client = self.client
        listed = (folder.join(entry.name) for entry in storage.list_objects(folder, client))
        with ThreadPoolExecutor(_READERS) as pool:
            for at, data in pool.map(lambda at: (at, storage.read_bytes(at, client)), listed):
                try:
                    yield read_stored(SceneRecord, data, at)
                except NewerFormatError:
                    raise
                except UnreadableError as error:
                    _log.warning("%s; its scene counts as open", error.message)

    def report(self, now: datetime, region: str) -> CampaignReport:
        """Build the current report without writing it."""
        start = self.read_start()
        lists = {"scenes": self.read_items(start.scenes), "static": self.read_items(start.static)}
        return report_campaign(start, lists, self.read_records(), now, region)

    def write_report(self, report: CampaignReport) -> Location:
        """Write report.json and report.html; returns the location of the first."""
        storage.write_bytes(self.folder.join(names.PAGE), render(report).encode(), self.client)
        at = self.folder.join(REPORT)
        storage.write_bytes(at, report.model_dump_json(indent=1).encode(), self.client)
        return at
