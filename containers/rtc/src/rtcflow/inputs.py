"""Fetch the inputs of a burst: its lines and annotation, orbit, grid and DEM."""

import os
from pathlib import Path
from typing import NamedTuple

from rtcflow.engines.base import EngineInputs
from rtcflow.grid.resolve import resolve_grid
from rtcflow.product.quality import burst_quality, noise_remarks
from rtcflow.progress import Progress
from rtcflow.resources import Meter
from rtcflow.sentinel1.burst_metadata import read_burst, scene_track
from rtcflow.sentinel1.ground import check_identity, outline, refuse_partial_grid
from rtcflow.sources.dem.dem_area import ground_area
from rtcflow.sources.dem.dem_source import FetchedDem, fetch_dem
from rtcflow.sources.orbit.orbit_source import FetchedOrbit, fetch_orbit
from rtcflow.sources.scene.safe_burst import FetchedScene
from rtcflow.sources.scene.scene_source import fetch_scene
from rtcflow.sources.scene.source_data import acquisition_of, read_source_data
from rtcflow.sources.shared import Shared
from rtcflow_contract.dem import heights_of
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.grid import Grid
from rtcflow_contract.job import BurstJob
from rtcflow_contract.keys import MANIFEST, Location
from rtcflow_contract.layers import Product
from rtcflow_contract.manifest import InputRef, Manifest
from rtcflow_contract.scene_id import parse_scene_id
from rtcflow_contract.stored import read_stored
from rtcflow_files import storage
from rtcflow_stac.context import local_uri

# The cache in which the tasks of a stack keep inputs for later tasks.
CACHE_VARIABLE = "RTCFLOW_CACHE"


class FetchedInputs(NamedTuple):
    """Inputs for the engine and its grid; for the manifest, references to the inputs and the origin of the grid."""

    engine: EngineInputs
    grid: Grid
    refs: list[InputRef]
    grid_origin: str


def fetch_inputs(
    job: BurstJob,
    work: Path,
    progress: Progress,
    meter: Meter,
    shared: Shared | None = None,
) -> FetchedInputs:
    """Fetch all inputs of a job to the folder `work`.

    Parameters
    ----------
    shared
        Inputs that the bursts of a task fetch once.

    Raises
    ------
    RefusedError, TransientError, DefectError
        From the source that failed, with one sentence for the user.
    """
    static = job.product is Product.RTC_S1_STATIC
    # Static layers are the same for every polarization.
    polarizations = job.polarizations[:1] if static else job.polarizations
    shared = shared or Shared(work / "shared")
    cache = os.environ.get(CACHE_VARIABLE, "") if job.sources.cache is None else job.sources.cache
    with meter.stage("fetch orbit"):
        orbit = _orbit(job, shared, meter, cache)
    with meter.stage("fetch scene"):
        scene = fetch_scene(job, polarizations, work, meter, progress, shared=shared)
    annotation = next(iter(scene.files.values())).annotation
    burst = read_burst(annotation, job.burst_id)
    platform = parse_scene_id(job.scene).platform
    if burst.platform != platform:
        raise RefusedError(
            f"{annotation.name} is of {burst.platform}, and scene {job.scene} of {platform}; fetch the scene again",
            reason="annotation",
        )
    source = read_source_data(scene.safe, annotation, burst)
    identity = check_identity(burst, annotation, orbit.path, scene_track(annotation, job.burst_id))
    ring = outline(burst, annotation)
    acquisition = acquisition_of(source, job.polarizations, orbit.type)

    def heights(grid: Grid, origin: str) -> FetchedDem:
        refuse_partial_grid(grid, ring, job.burst_id, origin)
        with meter.stage("fetch DEM"):
            return fetch_dem(
                job.sources.dem,
                job.sources.geoid,
                job.dem,
                grid,
                work / "dem",
                meter,
                progress,
                ground_area(ring),
                shared=shared,
                cache=cache,
                datum=job.dem_datum,
            )

    fetched: dict[Grid, FetchedDem] = {}

    def own_grid() -> Grid:
        """The burst's own grid, which is stored: no sooner than all inputs are accepted."""
        with meter.stage("grid"):
            made = _own_grid(job, scene, orbit)
        fetched[made] = heights(made, "burst footprint")
        return made

    grid, origin = resolve_grid(job, own_grid)
    dem = fetched.get(grid) or heights(grid, origin)
    if job.linked_static is not None and job.grid is None:
        # Where the grid is given, the layers are being made by the same task with the same DEM.
        _refuse_other_heights(job.linked_static, dem.used or job.dem)
    refs = [
        InputRef(kind="scene", id=job.scene, href=scene.href),
        InputRef(kind="orbit", id=orbit.id, href=orbit.href),
        *dem.inputs,
    ]
    if job.linked_static is not None:
        refs.append(InputRef(kind="static", id=job.burst_id, href=str(job.linked_static.join(MANIFEST))))
    refs = [ref.model_copy(update={"href": _located(ref.href)}) for ref in refs]
    quality = burst_quality(scene, source, orbit.path, job.burst_id, job.product, grid)
    noise = noise_remarks(quality, job.burst_id, burst.ipf_version)
    notes = (*scene.remarks, *identity, *dem.notes(), *noise)
    facts = {
        **dem.facts(),
        "files_without_checksum": list(scene.unchecked),
    }
    return FetchedInputs(
        EngineInputs(scene, orbit, dem, acquisition, source, quality, notes, facts), grid, refs, origin
    )


def _orbit(job: BurstJob, shared: Shared, meter: Meter, cache: str) -> FetchedOrbit:
    return shared.once(
        ("orbit", job.sources.orbits, job.scene, job.orbit),
        lambda: fetch_orbit(
            job.sources.orbits,
            parse_scene_id(job.scene),
            job.orbit,
            shared.folder / "orbit",
            meter,
            cache=cache,
            more=job.sources.more_orbits,
        ),
    )


def _refuse_other_heights(linked: Location, dem: str) -> None:
    """Refuse static layers that were made with another DEM; only here is it known which DEM `best` chose."""
    at = linked.join(MANIFEST)
    used = heights_of(read_stored(Manifest, storage.read_bytes(at), at).parameters)
    if used != dem:
        raise RefusedError(
            f"the static layers at {linked} were made with DEM {used}, and this burst uses {dem}; link to layers "
            "made with the same DEM",
            reason="static-dem",
        )


def _located(href: str) -> str:
    # A path relative to the working directory would be read as relative to the item.
    return href if "://" in href else local_uri(href)


def _own_grid(job: BurstJob, scene: FetchedScene, orbit: FetchedOrbit) -> Grid:
    # Loads Numba, which a burst with a stored grid does not need yet.
    from rtcflow.native.burst_grid import burst_grid

    files = next(iter(scene.files.values()))
    return burst_grid(files, job.burst_id, orbit.path, job.resolution, job.output_crs)
