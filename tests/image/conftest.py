"""The image, built once for all tests, and the twin's S3 with a tiny sample scene."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from rtcflow_local.sample import Sample, SampleSpec, write_sample
from rtcflow_local.twin import emulator as emulators
from rtcflow_local.twin.archive import Archive, upload_sample
from tests.support import image_tools


@pytest.fixture(scope="session")
def image() -> str:
    reason = image_tools.missing()
    if reason:
        pytest.skip(reason)
    # The image of a run before, for who changes these tests alone.
    if not os.environ.get("RTCFLOW_IMAGE_BUILT"):
        image_tools.build()
    return image_tools.IMAGE


class Bucket(NamedTuple):
    """S3 on loopback: the client, what a container is told of it, and where the sample is."""

    client: Any
    environment: dict[str, str]
    archive: Archive
    sample: Sample

    def options(self, **more: str) -> tuple[str, ...]:
        """Options of `podman run` for a container that reaches it."""
        return tuple(f"--env={name}={value}" for name, value in {**self.environment, **more}.items())


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bucket]:
    folder: Path = tmp_path_factory.mktemp("image")
    sample = write_sample(folder / "sample", SampleSpec.tiny())
    emulator = emulators.start(folder / "s3")
    try:
        client = emulator.client("s3")
        archive = Archive("archive", "tiny")
        upload_sample(client, sample.folder, archive, emulators.REGION)
        for name in ("products", "work"):
            client.create_bucket(
                Bucket=name, CreateBucketConfiguration={"LocationConstraint": emulators.REGION}
            )
        given = {name: value for name, value in emulator.environment.items() if name.startswith("AWS_")}
        yield Bucket(client, {**given, "AWS_DEFAULT_REGION": emulators.REGION}, archive, sample)
    finally:
        emulators.stop(emulator)
