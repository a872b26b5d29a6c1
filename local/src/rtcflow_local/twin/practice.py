"""Scenes to practise on: two simulated passes in the twin's archive, and the payloads that make them."""

import json
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

from rtcflow_local.sample import Sample, SampleSpec, write_sample
from rtcflow_local.twin.archive import Archive, upload_sample
from rtcflow_local.twin.emulator import REGION, Emulator

ARCHIVE = Archive("sample-archive", "sample")
PAYLOAD, CAMPAIGN_LIST = "scene.json", "scenes.jsonl"
# Two passes of one track, a cycle of 12 days apart.
_DAYS = (date(2023, 3, 2), date(2023, 3, 14))
_FOLDER = "sample"


def write_practice(folder: Path, say: Callable[[str], None]) -> list[Sample]:
    """Simulate the passes below the twin's folder, with a payload of the first and a campaign's list of both."""
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
    """Put the passes, their orbits and heights where the stack reads them from."""
    for sample in samples:
        upload_sample(emulator.client("s3"), sample.folder, ARCHIVE, REGION)
