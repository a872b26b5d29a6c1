"""Fetching a burst of the archives' sample as a job does."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rtcflow.progress import silent
from rtcflow.resources import Meter
from rtcflow.sources.scene.safe_burst import FetchedScene
from rtcflow.sources.scene.scene_source import fetch_scene
from rtcflow_contract.job import BurstJob, Sources
from rtcflow_contract.keys import Location
from rtcflow_contract.layers import Product
from rtcflow_local.sample import Sample
from tests.support.archive_clock import Clock


def job_of(sample: Sample, burst_id: str, source: str, **changes: Any) -> BurstJob:
    """A job for a burst of the sample; orbit, DEM and geoid are the sample's own."""
    values: dict[str, Any] = {
        "execution": "execution-1",
        "execution_started": datetime(2025, 4, 8, tzinfo=UTC),
        "scene": sample.scene,
        "burst_id": burst_id,
        "product": Product.RTC_S1,
        "product_id": "x",
        "product_version": "0.1",
        "polarizations": sample.polarizations,
        "sensing_start": datetime(2023, 3, 2, tzinfo=UTC),
        "resolution": 20,
        "sources": Sources(
            scene=source, orbits=str(sample.orbit), dem=str(sample.dem), geoid=str(sample.geoid)
        ),
        "collection": "c",
        "destination": Location("", "d"),
        "collection_folder": Location("", "c"),
        "work": Location("", "w"),
    }
    return BurstJob.model_validate(values | changes)


def fetch(
    sample: Sample,
    source: str,
    environment: dict[str, str],
    at: Path,
    *,
    burst_id: str | None = None,
    clock: Clock | None = None,
    meter: Meter | None = None,
    **changes: Any,
) -> FetchedScene:
    """The burst (the second of IW1), as `fetch_scene` brings it with `at` as its work folder."""
    job = job_of(sample, burst_id or sample.bursts["iw1"][1], source, **changes)
    retry = (clock or Clock()).retry()
    # An empty .netrc, so that the one of who runs the tests is not read.
    given = {"NETRC": str(at.parent / "no-netrc"), **environment}
    return fetch_scene(job, job.polarizations, at, meter or Meter(), silent, retry, given)
