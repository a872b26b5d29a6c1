"""Small scenes of one burst each: two passes over the sample's place, repeated every twelve days."""

import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from rtcflow_local.sample import Sample, SampleSpec, write_sample
from rtcflow_local.twin.archive import Archive

# The bucket and prefix of the twin's scenes, orbits and DEM.
ARCHIVE = Archive("sample-archive", "tiny")
_FIRST = date(2022, 3, 1)
_REPEAT = timedelta(days=12)


def write_scenes(folder: Path, count: int) -> list[Sample]:
    """Write scenes of descending and ascending passes in turn."""
    specs = (
        SampleSpec(
            swaths=("iw2",),
            bursts=1,
            lines=64,
            samples=512,
            direction=("descending", "ascending")[number % 2],
            day=_FIRST + _REPEAT * (number // 2),
        )
        for number in range(count)
    )
    return [write_sample(folder / str(number), spec) for number, spec in enumerate(specs)]


def upload_scene(client: Any, scene: Sample, archive: Archive) -> None:
    """Upload SAFE and orbit beside those of the archive's sample, whose DEM and geoid cover them."""
    for path in sorted([*scene.safe.rglob("*"), scene.orbit]):
        if path.is_file():
            name = path.relative_to(scene.folder).as_posix().replace("orbits/S1", "orbits/AUX_POEORB/S1")
            client.upload_file(str(path), archive.bucket, f"{archive.prefix}/{name}")


def wait_until(done: Callable[[], bool], timeout_s: float = 600) -> None:
    """Poll until a condition holds."""
    deadline = time.monotonic() + timeout_s
    while not done():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.3)
