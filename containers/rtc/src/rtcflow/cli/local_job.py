"""Burst jobs for this machine: the same job as on AWS, with paths for locations."""

import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from rtcflow.resources import Meter
from rtcflow.sources.safe import scene_of_path
from rtcflow.sources.scene import find_burst
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.grid import Grid
from rtcflow_contract.job import BurstJob, Sources
from rtcflow_contract.keys import MANIFEST, Location
from rtcflow_contract.layers import Product
from rtcflow_contract.manifest import Manifest
from rtcflow_contract.product_id import product_id
from rtcflow_contract.request import DEFAULT_COLLECTIONS, Engine, OnExisting, OrbitChoice
from rtcflow_contract.scene_id import parse_scene_id

_NO_BUCKET = "local"


class BurstOptions(NamedTuple):
    """What the command line gives for all its bursts."""

    safe: str
    sources: Sources
    product: Product
    engine: Engine
    resolution: int
    output_crs: int | None
    orbit: OrbitChoice
    on_existing: OnExisting
    product_version: str
    static: Path | None


def local_job(burst_id: str, options: BurstOptions, now: datetime | None = None) -> BurstJob:
    """The job of one burst.

    Raises
    ------
    RefusedError
        When the scene cannot be read or does not have the burst.
    """
    started = (now or datetime.now(UTC)).replace(microsecond=0)
    scene = parse_scene_id(scene_of_path(options.safe))
    found = find_burst(options.safe, scene.id, burst_id, scene.polarizations[0], Meter())
    nowhere = Location(_NO_BUCKET, found.burst_id)
    return BurstJob(
        execution=f"local-{uuid.uuid4().hex[:12]}",
        execution_started=started,
        scene=scene.id,
        burst_id=found.burst_id,
        product=options.product,
        product_id=product_id(
            options.product,
            found.burst_id,
            found.sensing_start,
            started,
            scene.platform,
            options.resolution,
            options.product_version,
        ),
        product_version=options.product_version,
        polarizations=scene.polarizations,
        sensing_start=found.sensing_start,
        resolution=options.resolution,
        output_crs=options.output_crs,
        engine=options.engine,
        orbit=options.orbit,
        on_existing=options.on_existing,
        sources=options.sources,
        collection=DEFAULT_COLLECTIONS[options.product],
        destination=nowhere,
        collection_folder=nowhere,
        work=nowhere,
        grid=_static_grid(options.static, found.burst_id) if options.static else None,
    )


def _static_grid(folder: Path, burst_id: str) -> Grid:
    """Grid of a static product: its own folder, or a folder with one for each burst."""
    for path in (folder / burst_id / MANIFEST, folder / MANIFEST):
        if path.is_file():
            manifest = Manifest.model_validate_json(path.read_bytes())
            if manifest.burst_id == burst_id and manifest.product is Product.RTC_S1_STATIC:
                return manifest.grid
    raise RefusedError(
        f"{folder} has no static product of burst {burst_id}; make it with --product RTC_S1_STATIC",
        reason="static-missing",
    )
