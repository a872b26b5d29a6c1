"""A campaign's files in the work bucket: lists, records, the flag that pauses it, and its report."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from rtcflow_campaign.campaign_list import read_items, write_items
from rtcflow_campaign.campaign_page import render
from rtcflow_campaign.campaign_report import CampaignReport, report_campaign
from rtcflow_contract import campaign as names
from rtcflow_contract.campaign import Item, ItemList, SceneRecord, StartedCampaign
from rtcflow_contract.errors import NotFoundError, RefusedError
from rtcflow_contract.keys import REPORT, Location, campaign_folder
from rtcflow_files import storage

_READERS = 32


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

    def write_items(self, execution: str, name: str, items: list[Item], repeated: int = 0) -> ItemList:
        """Write what a start works through."""
        at = self.folder.join(f"{names.ITEMS}/{execution}/{name}")
        storage.write_bytes(at, write_items(items).encode(), self.client)
        return ItemList(bucket=at.bucket, key=at.key, count=len(items), repeated=repeated)

    def read_items(self, listed: ItemList) -> list[Item]:
        """Read it back."""
        return read_items(storage.read_bytes(Location(listed.bucket, listed.key), self.client).decode())

    def write_start(self, start: StartedCampaign) -> None:
        """Keep a start, in place of the one before."""
        data = start.model_dump_json(indent=1).encode()
        storage.write_bytes(self.folder.join(names.STARTED), data, self.client)

    def read_start(self) -> StartedCampaign:
        """The last start; RefusedError when the campaign was never started."""
        try:
            data = storage.read_bytes(self.folder.join(names.STARTED), self.client)
        except NotFoundError as error:
            name = self.folder.key.rsplit("/", 1)[-1]
            raise RefusedError(f"campaign {name} was never started here", reason="campaign") from error
        return StartedCampaign.model_validate_json(data)

    def paused(self) -> bool:
        """Whether no further scene is to be started."""
        return storage.exists(self.folder.join(names.PAUSE), self.client)

    def pause(self, now: datetime) -> None:
        """Let no further scene start."""
        text = f'{{"paused": "{now.isoformat()}"}}\n'
        storage.write_bytes(self.folder.join(names.PAUSE), text.encode(), self.client)

    def resume(self) -> None:
        """Let scenes start again."""
        storage.delete(self.folder.join(names.PAUSE), self.client)

    def write_record(self, record: SceneRecord) -> None:
        """Write the record of a scene, in place of the one before."""
        at = self.folder.join(f"{names.RECORDS}/{record.name}.json")
        storage.write_bytes(at, record.model_dump_json(exclude_defaults=True).encode(), self.client)

    def read_records(self) -> Iterator[SceneRecord]:
        """All records, read many at a time."""
        folder = self.folder.join(names.RECORDS)
        client = self.client
        listed = (folder.join(entry.name) for entry in storage.list_objects(folder, client))
        with ThreadPoolExecutor(_READERS) as pool:
            for data in pool.map(lambda at: storage.read_bytes(at, client), listed):
                yield SceneRecord.model_validate_json(data)

    def report(self, now: datetime, region: str) -> CampaignReport:
        """The report as things stand; nothing is written."""
        start = self.read_start()
        lists = {"scenes": self.read_items(start.scenes), "static": self.read_items(start.static)}
        return report_campaign(start, lists, self.read_records(), now, region)

    def write_report(self, report: CampaignReport) -> Location:
        """Write report.json and report.html; gives the place of the first."""
        storage.write_bytes(self.folder.join(names.PAGE), render(report).encode(), self.client)
        at = self.folder.join(REPORT)
        storage.write_bytes(at, report.model_dump_json(indent=1).encode(), self.client)
        return at
