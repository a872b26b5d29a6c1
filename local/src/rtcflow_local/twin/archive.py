"""Sample scenes as the archives that a stack reads from: scene, orbits, DEM and geoid in one bucket."""

import json
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from rtcflow_local.sample import Sample, SampleSpec, write_sample
from rtcflow_local.twin.emulator import REGION, Emulator

PAYLOAD, CAMPAIGN_LIST = "scene.json", "scenes.jsonl"
# Two passes of one track, a cycle of 12 days apart.
_DAYS = (date(2023, 3, 2), date(2023, 3, 14))
_FOLDER = "sample"


class Archive(NamedTuple):
    """Where a sample was put."""

    bucket: str
    prefix: str

    @property
    def uri(self) -> str:
        """URI of the folder."""
        return f"s3://{self.bucket}/{self.prefix}"

    def scene_source(self, sample: Sample) -> str:
        """`scene_source` of a payload."""
        return f"{self.uri}/{sample.scene}.SAFE"

    @property
    def parameters(self) -> dict[str, str]:
        """Template parameters that make a stack read from here."""
        return {
            "OrbitSource": f"{self.uri}/orbits",
            "DemSource": f"{self.uri}/dem",
            "GeoidSource": f"{self.uri}/geoid/us_nga_egm2008_1_4326__agisoft.tif",
            "SceneBuckets": self.bucket,
        }


# Of the demo and of the scenes to practise on.
ARCHIVE = Archive("sample-archive", "sample")


def upload_sample(client: Any, folder: Path, archive: Archive, region: str) -> None:
    """Upload a sample's files, with orbits in a folder by type as in their archive."""
    names = {bucket["Name"] for bucket in client.list_buckets()["Buckets"]}
    if archive.bucket not in names:
        client.create_bucket(Bucket=archive.bucket, CreateBucketConfiguration={"LocationConstraint": region})
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not name.startswith("truth/"):
            key = name.replace("orbits/S1", "orbits/AUX_POEORB/S1")
            client.upload_file(str(path), archive.bucket, f"{archive.prefix}/{key}")


def write_practice(folder: Path, say: Callable[[str], None]) -> list[Sample]:
    """Simulate two passes to practise on, with a payload for the first and a campaign list of both."""
    shutil.rmtree(folder / _FOLDER, ignore_errors=True)
    samples = []
    for day in _DAYS:
        say(f"simulating a scene of {day}")
        samples.append(write_sample(folder / _FOLDER / f"{day}", SampleSpec.tiny(day=day)))
    payloads = [{"scene": one.scene, "scene_source": ARCHIVE.scene_source(one)} for one in samples]
    (folder / PAYLOAD).write_text(json.dumps(payloads[0], indent=2) + "\n")
    (folder / CAMPAIGN_LIST).write_text("".join(json.dumps(payload) + "\n" for payload in payloads))
    return samples


def upload_practice(emulator: Emulator, samples: list[Sample]) -> None:
    """Upload the passes, with their orbits and heights, to where the stack reads them from."""
    for sample in samples:
        upload_sample(emulator.client("s3"), sample.folder, ARCHIVE, REGION)
