"""Fetch a burst from CDSE: metadata files from the SAFE in CDSE's S3, pixels as one range of bytes.

The catalogue gives the position of a burst's bytes (`S3Path`, `ByteOffset`); keys are never constructed, since two
layouts exist.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import boto3
import urllib3
from botocore.config import Config

from rtcflow.progress import Progress
from rtcflow.resources import Meter
from rtcflow.sources.access.cdse_keys import S3Keys, refused_keys, s3_keys
from rtcflow.sources.access.lease import Hold
from rtcflow.sources.download import download
from rtcflow.sources.partial_file import Extent
from rtcflow.sources.scene.asf_burst import BurstRequest
from rtcflow.sources.scene.measurement_tiff import TiffLayout, write_lines
from rtcflow.sources.scene.safe_burst import FetchedScene, fetch_from_place
from rtcflow.sources.shared import Shared
from rtcflow_archives.archived_burst import LocatedBurst
from rtcflow_archives.cdse import list_cdse_bursts
from rtcflow_archives.hosts import ArchiveHosts
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.keys import Location
from rtcflow_contract.layers import Product
from rtcflow_contract.scene_id import parse_scene_id
from rtcflow_files.files import Files
from rtcflow_files.retry import Retry
from rtcflow_files.s3 import S3Files
from rtcflow_files.web import request

_LINK_S = 3600


class Cdse(NamedTuple):
    """CDSE's services; `hold` waits for a connection of the quota, `parts` is the folder of unfinished downloads."""

    hosts: ArchiveHosts
    meter: Meter
    retry: Retry
    parts: Path
    hold: Hold
    environment: Mapping[str, str]
    shared: Shared

    def fetch(self, wanted: BurstRequest, folder: Path, progress: Progress) -> FetchedScene:
        """Fetch a burst.

        Raises
        ------
        RefusedError
            When CDSE does not have the scene or burst, or accepts none of the credentials.
        TransientError
            When CDSE does not answer, or no connection of the quota becomes free.
        """
        located = self._locate(wanted)
        root = _safe_of(located[0].path)
        with self.hold(), s3_keys(self.hosts, self.retry, self.environment) as keys, _own_refusals():
            client = _client(self.hosts, keys)
            place = self.shared.files(S3Files(root, client, self.meter.fetched))
            by_name = {PurePosixPath(burst.path).name: burst for burst in located}

            def read_lines(safe: Files, name: str, first: int, count: int, target: Path) -> tuple[Path, int]:
                burst = by_name[PurePosixPath(name).name]
                return self._fetch_lines(client, root.join(name), burst, count, target / name), first

            return fetch_from_place(
                place,
                f"{self.hosts.cdse_s3_url}/{root.bucket}/{root.key}",
                wanted.scene,
                wanted.burst_id,
                wanted.polarizations,
                Product.RTC_S1 if wanted.with_pixels else Product.RTC_S1_STATIC,
                folder,
                progress,
                read_lines,
            )

    def _locate(self, wanted: BurstRequest) -> list[LocatedBurst]:
        # The listing may lack other bursts.
        listed = self.shared.once(
            ("cdse", wanted.scene),
            lambda: list_cdse_bursts(
                parse_scene_id(wanted.scene), self.hosts, self.retry, (wanted.burst_id,)
            ),
        )
        found = [entry for entry in listed if entry.burst.burst_id == wanted.burst_id]
        if not found:
            there = sorted({entry.burst.burst_id for entry in listed})
            raise RefusedError(
                f"burst {wanted.burst_id} is not in scene {wanted.scene}; it has {', '.join(there)}",
                reason="burst-not-in-scene",
            )
        return found

    def _fetch_lines(self, client: Any, at: Location, burst: LocatedBurst, count: int, path: Path) -> Path:
        """Read the burst's lines in one range, and write them as a TIFF."""
        if burst.lines != count:
            raise RefusedError(
                f"CDSE's catalogue gives burst {burst.burst.burst_id} {burst.lines} lines, its annotation {count}; "
                "give scene_source asf",
                reason="catalogue-differs",
            )
        layout = TiffLayout(str(at), "<", count, burst.samples, 1, (), ())
        extent = Extent(burst.offset, count * layout.bytes_per_line)
        raw = path.with_suffix(".lines")

        def get(url: str, headers: Mapping[str, str]) -> urllib3.BaseHTTPResponse:
            link = client.generate_presigned_url(
                "get_object", {"Bucket": at.bucket, "Key": at.key}, ExpiresIn=_LINK_S
            )
            answer = request("GET", link, headers, stream=True)
            if answer.status in (401, 403):
                answer.close()
                raise refused_keys()
            return answer

        download(
            f"{self.hosts.cdse_s3_url}/{at.bucket}/{at.key}",
            raw,
            get,
            self.meter,
            self.retry,
            self.parts,
            extent,
        )
        write_lines(path, raw.read_bytes(), layout)
        raw.unlink()
        return path


def _safe_of(path: str) -> Location:
    """The SAFE folder of a measurement in the catalogue: `/eodata/.../<scene>.SAFE/measurement/x.tiff`."""
    parts = PurePosixPath(path.lstrip("/")).parts
    folder = next((n for n, part in enumerate(parts) if part.endswith(".SAFE")), None)
    if folder is None:
        raise RefusedError(f"CDSE's catalogue gives {path}, which is in no SAFE", reason="catalogue-path")
    return Location(parts[0], "/".join(parts[1 : folder + 1]))


def _client(hosts: ArchiveHosts, keys: S3Keys) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=hosts.cdse_s3_url,
        aws_access_key_id=keys.access,
        aws_secret_access_key=keys.secret,
        region_name="default",
        config=Config(
            retries={"mode": "standard", "total_max_attempts": 1},
            connect_timeout=15,
            read_timeout=60,
            signature_version="s3v4",
            # Newer checksums are specific to AWS.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            # The quota counts connections.
            max_pool_connections=1,
            s3={"addressing_style": "path"},
        ),
    )


@contextmanager
def _own_refusals() -> Iterator[None]:
    """Rephrase refusals for CDSE: those of our S3 client are about AWS."""
    try:
        yield
    except RefusedError as error:
        if error.reason in ("credentials", "access-denied"):
            raise refused_keys() from error
        raise
