"""A sample scene as the archives a stack reads from: scene, orbits, DEM and geoid in one bucket."""

from pathlib import Path
from typing import Any, NamedTuple

from rtcflow_local.sample import Sample


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


def upload_sample(client: Any, folder: Path, archive: Archive, region: str) -> None:
    """Put a sample's files into its bucket, orbits in the folder by type that their archive has."""
    names = {bucket["Name"] for bucket in client.list_buckets()["Buckets"]}
    if archive.bucket not in names:
        client.create_bucket(Bucket=archive.bucket, CreateBucketConfiguration={"LocationConstraint": region})
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not name.startswith("truth/"):
            key = name.replace("orbits/S1", "orbits/AUX_POEORB/S1")
            client.upload_file(str(path), archive.bucket, f"{archive.prefix}/{key}")
