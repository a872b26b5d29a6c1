"""Burst jobs for this machine: the same job as on AWS, with locations of this machine."""

import uuid
from collections.abc import Callable, Collection, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from rtcflow.resources import Meter
from rtcflow.sources.scene.safe_burst import open_scene
from rtcflow.sources.scene.scene_bursts import ARCHIVES, Found, list_archived
from rtcflow_archives.archived_burst import ArchivedBurst
from rtcflow_contract.backscatter import Backscatter
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.job import BurstJob, Sources
from rtcflow_contract.keys import GRIDS, MANIFEST, grid_key, parse_location, product_folder
from rtcflow_contract.layers import Product
from rtcflow_contract.manifest import Manifest
from rtcflow_contract.naming import SCHEMES, Naming, default_collection
from rtcflow_contract.product_id import product_id
from rtcflow_contract.request import Engine, OnExisting, OrbitChoice, Precision
from rtcflow_contract.scene_id import SceneId, parse_scene_id
from rtcflow_contract.scene_rules import refuse_uncalibrated
from rtcflow_contract.stored import read_stored
from rtcflow_stac.context import LinkedStatic, local_uri


class BurstOptions(NamedTuple):
    """What the command line gives for all its bursts; `scene` is an id, where `sources` names an archive.

    Products go below the folder `out`; grids of bursts are taken from and stored below `grids`, by default `out` too.
    """

    scene: str
    sources: Sources
    product: Product
    engine: Engine
    resolution: int
    output_crs: int | None
    orbit: OrbitChoice
    on_existing: OnExisting
    product_version: str
    static: Path | None
    out: Path
    grids: Path | None = None
    backscatter: Backscatter = Backscatter.GAMMA0
    bistatic_correction: bool = True
    troposphere_correction: bool = True
    tide_correction: bool = False
    naming: Naming = Naming.OPERA
    precision: Precision = Precision.FULL


def local_jobs(
    burst_ids: Iterable[str], options: BurstOptions, now: datetime | None = None
) -> list[BurstJob]:
    """One job a burst; an archive is asked for the scene once.

    Raises
    ------
    RefusedError
        When the scene cannot be read or processed, or does not have one of the bursts.
    TransientError
        When the archive's catalogue does not answer.
    """
    scene = parse_scene_id(options.scene)
    refuse_uncalibrated(scene)
    _check_grids(options.grids)
    _refuse_misfit(options)
    wanted = list(burst_ids)
    find = _finder(scene, options, wanted)
    return [_job(find(burst_id), scene, options, now) for burst_id in wanted]


def _job(found: Found, scene: SceneId, options: BurstOptions, now: datetime | None) -> BurstJob:
    started = (now or datetime.now(UTC)).replace(microsecond=0)
    out = parse_location(str(options.out))
    destination = product_folder(
        "", out.key, "", found.burst_id, options.product, found.sensing_start, options.naming
    )
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
            options.naming,
        ),
        product_version=options.product_version,
        polarizations=scene.polarizations,
        sensing_start=found.sensing_start,
        burst_index=found.burst_index,
        resolution=options.resolution,
        output_crs=options.output_crs,
        engine=options.engine,
        backscatter=options.backscatter,
        bistatic_correction=options.bistatic_correction,
        troposphere_correction=options.troposphere_correction,
        tide_correction=options.tide_correction,
        orbit=options.orbit,
        on_existing=options.on_existing,
        naming=options.naming,
        precision=options.precision,
        sources=options.sources,
        collection=default_collection(options.naming, options.product, scene.polarizations),
        destination=destination,
        collection_folder=out,
        work=destination,
        grid=linked_static(options.static, found.burst_id).manifest.grid if options.static else None,
        grid_store=grid_key(
            "",
            parse_location(str(options.grids or out)).key,
            found.burst_id,
            options.output_crs,
            options.resolution,
        ),
    )


def _check_grids(grids: Path | None) -> None:
    if grids is not None and not (grids / GRIDS).is_dir():
        raise RefusedError(
            f"there are no grids in {grids}; give a folder of products, or that `rtcflow grids import --to` wrote",
            reason="grids-missing",
        )


def _finder(scene: SceneId, options: BurstOptions, wanted: Collection[str]) -> Callable[[str], Found]:
    """Finds a burst by its id as the source lists it, in the first polarization."""
    source, name = options.sources.scene, scene.polarizations[0]
    if source not in ARCHIVES:
        safe = open_scene(source, scene.id, Meter())
        return lambda burst_id: safe.find(burst_id, name)
    listed = list_archived(source, scene, wanted)
    bursts = {burst.burst_id: burst for burst in listed if burst.polarization == name}

    def find(burst_id: str) -> ArchivedBurst:
        if burst_id not in bursts:
            raise RefusedError(
                f"burst {burst_id} is not in scene {scene.id}; it has {', '.join(sorted(bursts))}",
                reason="burst-not-in-scene",
            )
        return bursts[burst_id]

    return find


def _refuse_misfit(options: BurstOptions) -> None:
    if options.naming is Naming.OPERA:
        return
    if options.product is Product.RTC_S1 and options.static is None:
        raise RefusedError(
            "naming ga wants static layers, since its product definitions have them; make them with "
            "--product RTC_S1_STATIC --naming ga, and give their folder as --static",
            reason="naming",
        )
    if options.backscatter is not Backscatter.GAMMA0:
        raise RefusedError(
            "naming ga has product definitions of gamma0 alone; give --backscatter gamma0", reason="naming"
        )
    if options.on_existing is OnExisting.BESIDE:
        raise RefusedError(
            "naming ga has no place for a version beside another; give another --out", reason="naming"
        )


def linked_static(folder: Path, burst_id: str) -> LinkedStatic:
    """The static product of a burst: in a folder of its own, or in one with those of many bursts, however named.

    Raises
    ------
    RefusedError
        When there is none.
    """
    below = [scheme.folders[Product.RTC_S1_STATIC] for scheme in SCHEMES.values()]
    names = [text.format(burst_id=burst_id, since="*", dem="*") for text in below]
    for path in (
        *(path for name in names for path in sorted(folder.glob(f"{name}/{MANIFEST}"))),
        folder / MANIFEST,
    ):
        if path.is_file():
            manifest = read_stored(Manifest, path.read_bytes(), path)
            if manifest.burst_id == burst_id and manifest.product is Product.RTC_S1_STATIC:
                return LinkedStatic(manifest, local_uri(path.parent))
    raise RefusedError(
        f"{folder} has no static product of burst {burst_id}; make it with --product RTC_S1_STATIC",
        reason="static-missing",
    )
