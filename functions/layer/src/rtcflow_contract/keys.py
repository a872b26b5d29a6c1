"""The S3 key layout: every key of the system is spelled here and nowhere else.

Products::

    RTC_S1         {s3_project_folder}/{collection}/{burst_id}/{year}/{month}/{day}/...    not padded: 2022/1/1
    RTC_S1_STATIC  {s3_project_folder}/{collection}/{burst_id}/...

Folders below the collection depend on the naming scheme; these are those of `opera`, see `rtcflow_contract.naming`.

    {s3_project_folder}/monitoring/processed_scenes/{scene}.json     outcomes of a scene's bursts over all runs

manifest.json and metadata.json belong to the version in use; other versions have manifest.v0.2.json and
metadata.v0.2.json, and files with their own ids.

Work bucket::

    executions/{execution}/plan.json, report.json
    executions/{execution}/tasks/{number}.json       the burst jobs of one container
    executions/{execution}/{product}/{burst_id}/begun.json, outcome.json
    areas/*.geojson                                  areas of interest, uploaded by people
    find_scenes/{area}.json                          how far the archive was searched for an area
    campaigns/{campaign}/...                         see rtcflow_contract.campaign
    leases/{archive}/{slot}.json                     the tasks that fetch from an archive with a quota
"""

import re
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from rtcflow_contract.errors import RefusedError
from rtcflow_contract.layers import Product
from rtcflow_contract.naming import Naming, folder_below_collection

MANIFEST = "manifest.json"
ITEM = "metadata.json"
COLLECTION = "collection.json"
BEGUN = "begun.json"
OUTCOME = "outcome.json"
PLAN = "plan.json"
REPORT = "report.json"
AREAS = "areas"
GRIDS = "grids"
MONITORING = "monitoring"
PROCESSED_SCENES = f"{MONITORING}/processed_scenes"
_EXECUTIONS = "executions"


class Location(NamedTuple):
    """A bucket and a key (or key prefix without trailing slash); for this machine, an empty bucket and a path."""

    bucket: str
    key: str

    def __str__(self) -> str:
        return self.key if self.is_local else f"s3://{self.bucket}/{self.key}"

    @classmethod
    def local(cls, path: Path) -> "Location":
        """The location of a file or folder of this machine."""
        return cls("", path.absolute().as_posix())

    @property
    def is_local(self) -> bool:
        """Whether it is on this machine."""
        return not self.bucket

    @property
    def path(self) -> Path:
        """Path of a local location."""
        return Path(self.key)

    def join(self, name: str) -> "Location":
        """The location of `name` below this one."""
        return Location(self.bucket, f"{self.key}/{name}" if self.key else name)


_OTHER_VERSION = re.compile(r"^(?P<stem>manifest|metadata)\.v(?P<version>\d+(\.\d+)*)\.json$")


def version_name(name: str, version: str) -> str:
    """Name of the manifest or item of a version that is not in use: `manifest.v0.2.json`."""
    stem, dot, ending = name.partition(".")
    return f"{stem}.v{version}{dot}{ending}"


def version_of_name(name: str) -> str | None:
    """Version whose manifest or item a file is; None for any other file."""
    match = _OTHER_VERSION.fullmatch(name)
    return match["version"] if match else None


_S3_URI = re.compile(r"^s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(?P<key>.*))?$")


def parse_s3_uri(uri: str) -> Location:
    """Parse an `s3://bucket/key` URI.

    Raises
    ------
    RefusedError
        When the text is not an S3 URI.
    """
    match = _S3_URI.fullmatch(uri)
    if match is None:
        raise RefusedError(
            f"'{uri}' is not an S3 location; write it like s3://bucket/folder", reason="s3-uri"
        )
    return Location(match["bucket"], (match["key"] or "").strip("/"))


def parse_location(text: str) -> Location:
    """The location that an `s3://` URI or a path of this machine names.

    Raises
    ------
    RefusedError
        When the text starts with `s3://` but is not an S3 URI.
    """
    return parse_s3_uri(text) if text.startswith("s3://") else Location.local(Path(text).expanduser())


def collection_folder(bucket: str, project_folder: str, collection: str) -> Location:
    """Folder of a collection; it holds `collection.json`."""
    return Location(bucket, "/".join(part for part in (project_folder, collection) if part))


def product_folder(
    bucket: str,
    project_folder: str,
    collection: str,
    burst_id: str,
    product: Product,
    sensing_start: datetime,
    naming: Naming = Naming.OPERA,
    dem: str = "cop_glo30",
) -> Location:
    """Folder of a burst product: by date (UTC) for RTC_S1; with `ga`, by DEM for RTC_S1_STATIC."""
    below = folder_below_collection(naming, product, burst_id, sensing_start, dem)
    return collection_folder(bucket, project_folder, collection).join(below)


def grid_key(
    bucket: str, project_folder: str, burst_id: str, epsg: int | None, resolution: float
) -> Location:
    """Key of a burst's stored grid; `epsg` None means the burst's default CRS."""
    crs = f"epsg{epsg}" if epsg else "default"
    key = f"{GRIDS}/{burst_id}/{crs}_{resolution:g}m.json"
    return Location(bucket, f"{project_folder}/{key}" if project_folder else key)


def grid_index_key(bucket: str, project_folder: str, epsg: int | None, resolution: float) -> Location:
    """Key of the list of imported grids of a CRS and pixel size."""
    crs = f"epsg{epsg}" if epsg else "default"
    key = f"{GRIDS}/index_{crs}_{resolution:g}m.json"
    return Location(bucket, f"{project_folder}/{key}" if project_folder else key)


def processed_scene_key(project: Location, scene: str) -> Location:
    """Key of the record of a processed scene, in the project folder or in a folder of products on this machine."""
    return project.join(f"{PROCESSED_SCENES}/{scene}.json")


def is_processed_scene(name: str) -> bool:
    """Whether a file is the record of a processed scene."""
    return f"/{name}".rpartition("/")[0].endswith(f"/{PROCESSED_SCENES}") and name.endswith(".json")


def execution_folder(work: str | Location, execution: str) -> Location:
    """Folder of an execution's plan, tasks, outcomes and report: in the work bucket, or below a work folder."""
    root = work if isinstance(work, Location) else Location(work, "")
    return root.join(f"{_EXECUTIONS}/{execution}")


def work_of(at: Location) -> Location:
    """The work bucket or folder that a location of an execution is in."""
    return Location(at.bucket, at.key.rpartition(f"{_EXECUTIONS}/")[0].rstrip("/"))


def position_key(work_bucket: str, area: str) -> Location:
    """Key of the file that says how far FindScenes has searched for an area."""
    return Location(work_bucket, f"find_scenes/{area}.json")


def campaign_folder(work_bucket: str, campaign: str) -> Location:
    """Folder of a campaign: its lists, records, results and report."""
    return Location(work_bucket, f"campaigns/{campaign}")


def job_folder(work: str | Location, execution: str, product: Product, burst_id: str) -> Location:
    """Folder of one burst job and its outcome."""
    return execution_folder(work, execution).join(f"{product.value}/{burst_id}")


def task_key(work: str | Location, execution: str, number: int) -> Location:
    """Key of a task of an execution."""
    return execution_folder(work, execution).join(f"tasks/{number}.json")


def lease_folder(work_bucket: str, archive: str) -> Location:
    """Folder of the leases of an archive with a quota."""
    return Location(work_bucket, f"leases/{archive}")
