"""One twin for all tests of a session: the real template, deployed once, and a tiny sample scene in its archive."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from rtcflow_local.sample import Sample, SampleSpec, write_sample
from rtcflow_local.twin import emulator as emulators
from rtcflow_local.twin.archive import Archive, upload_sample
from rtcflow_local.twin.deployment import Stack, deploy
from rtcflow_local.twin.emulator import Emulator
from rtcflow_local.twin.faults import FaultFile
from tests.support.campaign_scenes import ARCHIVE
from tests.support.cmr_catalogue import Catalogue, serve

ROOT = Path(__file__).parents[2]


@dataclass
class Run:
    """A finished execution."""

    name: str
    status: str
    error: str | None
    cause: str
    output: dict[str, Any]
    report: dict[str, Any] = field(default_factory=dict)

    def outcomes(self) -> dict[str, str]:
        return {burst["burst_id"]: burst["outcome"] for burst in self.report["bursts"]}

    def burst(self, burst_id: str) -> dict[str, Any]:
        return next(burst for burst in self.report["bursts"] if burst["burst_id"] == burst_id)


@dataclass
class Twin:
    """The running twin with the sample, and the calls that tests make."""

    emulator: Emulator
    stack: Stack
    sample: Sample

    def __post_init__(self) -> None:
        self.s3 = self.emulator.client("s3")
        self.states = self.emulator.client("stepfunctions")
        self.faults = FaultFile(self.emulator.folder / "faults.json")

    @property
    def bursts(self) -> list[str]:
        return sorted(burst_id for ids in self.sample.bursts.values() for burst_id in ids)

    def payload(self, **fields: Any) -> dict[str, Any]:
        return {"scene": self.sample.scene, "scene_source": ARCHIVE.scene_source(self.sample), **fields}

    def start(self, payload: Any, name: str | None = None) -> str:
        extra = {"name": name} if name else {}
        return self.states.start_execution(
            stateMachineArn=self.stack.state_machine, input=json.dumps(payload), **extra
        )["executionArn"]

    def wait(self, arn: str, timeout_s: float = 120) -> Run:
        deadline = time.monotonic() + timeout_s
        while (found := self.states.describe_execution(executionArn=arn))["status"] == "RUNNING":
            assert time.monotonic() < deadline, f"{arn} still runs"
            time.sleep(0.2)
        name = arn.rpartition(":")[2]
        run = Run(
            name,
            found["status"],
            found.get("error"),
            found.get("cause", ""),
            json.loads(found.get("output") or "{}"),
        )
        key = f"executions/{name}/report.json"
        if key in self.keys(self.stack.work_bucket, f"executions/{name}/"):
            run.report = json.loads(self.read(self.stack.work_bucket, key))
        return run

    def run(self, folder: str, **fields: Any) -> Run:
        """Run the sample scene into a project folder of the test's own."""
        return self.wait(self.start(self.payload(s3_project_folder=folder, **fields)))

    def keys(self, bucket: str, prefix: str = "") -> list[str]:
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return [entry["Key"] for page in pages for entry in page.get("Contents", [])]

    def products(self, folder: str) -> list[str]:
        return self.keys(self.stack.products_bucket, f"{folder}/")

    def read(self, bucket: str, key: str) -> bytes:
        return self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()

    def archive(self, name: str) -> Archive:
        """A second archive with the sample's files, for a test to break."""
        archive = Archive(ARCHIVE.bucket, name)
        upload_sample(self.s3, self.sample.folder, archive, emulators.REGION)
        return archive


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    return write_sample(tmp_path_factory.mktemp("sample"), SampleSpec.tiny())


@pytest.fixture(scope="session")
def catalogue() -> Iterator[tuple[Catalogue, str]]:
    """The catalogue in which the twin finds new scenes, and its address."""
    found = Catalogue()
    with serve(found) as url:
        yield found, url


@pytest.fixture(scope="session")
def twin(
    tmp_path_factory: pytest.TempPathFactory, sample: Sample, catalogue: tuple[Catalogue, str]
) -> Iterator[Twin]:
    # Tasks ask S3 thrice, not six times: what S3 refuses for long is then found in seconds.
    # Two minutes between SIGTERM and SIGKILL are six seconds here.
    tasks = {"AWS_MAX_ATTEMPTS": "3", "RTCFLOW_STOP_S": "6"}
    emulator = emulators.start(tmp_path_factory.mktemp("twin"), task_environment=tasks, wait_scale=0.05)
    try:
        upload_sample(emulator.client("s3"), sample.folder, ARCHIVE, emulators.REGION)
        topic = emulator.client("sns").create_topic(Name="new-granules")["TopicArn"]
        archives = {"CmrUrl": catalogue[1], "NewSceneTopicArn": topic}
        stack = deploy(emulator, ROOT, {**ARCHIVE.parameters, **archives, "SceneBuckets": ARCHIVE.bucket})
        yield Twin(emulator, stack, sample)
    finally:
        emulators.stop(emulator)


@pytest.fixture(scope="session")
def side(twin: Twin) -> Stack:
    """A second stack beside the first: every option on but for what the emulator has no resource of."""
    topic = twin.emulator.client("sns").create_topic(Name="archive")["TopicArn"]
    options = {
        "FindScenesSchedule": "rate(1 minute)",
        "NewSceneTopicArn": topic,
        "AlarmEmail": "operator@example.org",
        "ExpectDailyProducts": "true",
        "PublicReadProducts": "true",
        "PublishItems": "true",
    }
    return deploy(twin.emulator, ROOT, {**ARCHIVE.parameters, **options}, stack="side")
