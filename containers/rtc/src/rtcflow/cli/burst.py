"""`rtcflow burst`: bursts of a scene on this machine, with no cloud at all."""

import shutil
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from rtcflow.burst import BurstResult, make_burst
from rtcflow.cli.local_job import BurstOptions, linked_static, local_jobs
from rtcflow.cli.local_stac import check_collection, item_stands, write_stac
from rtcflow.cli.progress_bar import ProgressBar
from rtcflow.cli.scene_choice import Safe, SceneSource, choose_scene
from rtcflow.destination_local import LocalDestination
from rtcflow.inputs import CACHE_VARIABLE
from rtcflow_contract.backscatter import Backscatter, refuse_options
from rtcflow_contract.burst_id import normalize_burst_id
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.job import BurstJob, Sources
from rtcflow_contract.layers import Product
from rtcflow_contract.naming import Naming
from rtcflow_contract.product_id import check_version
from rtcflow_contract.report import Outcome
from rtcflow_contract.request import (
    COARSEST_M,
    FINEST_M,
    Engine,
    OnExisting,
    OrbitChoice,
    Precision,
    parse_crs,
)

_DEFAULT_GEOID = Sources.model_fields["geoid"].default
_DEFAULT_DEM = Sources.model_fields["dem"].default
_DEFAULT_ORBITS = Sources.model_fields["orbits"].default

console = Console(soft_wrap=True, highlight=False)


def burst(
    burst_id: Annotated[
        list[str],
        typer.Option(help="Burst, like t070_149815_iw3; repeat for several. `rtcflow bursts` lists them."),
    ],
    out: Annotated[
        Path, typer.Option(help="Folder for the products, of as many bursts and passes as you like.")
    ],
    safe: Safe = None,
    scene: Annotated[
        str | None, typer.Option(help="Scene id, to fetch the bursts from an archive in place of a SAFE.")
    ] = None,
    scene_source: SceneSource = "asf",
    orbit: Annotated[
        str, typer.Option(help="Orbit file (.EOF), or folder, s3:// or https:// prefix to find it in.")
    ] = _DEFAULT_ORBITS,
    dem: Annotated[
        str,
        typer.Option(help="GeoTIFF of heights above the ellipsoid, or folder or prefix of Copernicus tiles."),
    ] = _DEFAULT_DEM,
    geoid: Annotated[
        str, typer.Option(help="EGM2008 raster, added to the heights of tiles.")
    ] = _DEFAULT_GEOID,
    product: Annotated[Product, typer.Option(help="Backscatter, or its static layers.")] = Product.RTC_S1,
    engine: Annotated[
        Engine, typer.Option(help="Who computes; auto takes the best installed.")
    ] = Engine.AUTO,
    backscatter: Annotated[
        Backscatter, typer.Option(help="Area that the power of a pixel is referred to.")
    ] = Backscatter.GAMMA0,
    bistatic_correction: Annotated[
        bool, typer.Option(help="Correct azimuth for the bistatic delay (RTC_S1).")
    ] = True,
    troposphere_correction: Annotated[
        bool, typer.Option(help="Correct range for the static troposphere (RTC_S1).")
    ] = True,
    tide_correction: Annotated[
        bool, typer.Option(help="Correct range and azimuth for solid earth tides (RTC_S1, engine native).")
    ] = False,
    resolution: Annotated[int, typer.Option(help="Pixel size in metres.", min=FINEST_M, max=COARSEST_M)] = 20,
    output_crs: Annotated[
        str | None, typer.Option(help="EPSG code of the map, like 3031; the burst's UTM zone by default.")
    ] = None,
    static: Annotated[
        Path | None,
        typer.Option(help="Folder of static products, to take each burst's grid from and to link to."),
    ] = None,
    grids: Annotated[
        Path | None, typer.Option(help="Folder whose grids/ has the bursts' grids; OUT by default.")
    ] = None,
    cache: Annotated[
        str,
        typer.Option(
            help="Folder or s3:// prefix that keeps orbits and DEM tiles of public archives; off for none.",
            envvar=CACHE_VARIABLE,
        ),
    ] = "~/.cache/rtcflow",
    orbit_choice: Annotated[
        OrbitChoice,
        typer.Option(help="Where a folder of orbits is given: precise only, or the best there is."),
    ] = OrbitChoice.BEST,
    on_existing: Annotated[
        OnExisting, typer.Option(help="What to do where a product exists.")
    ] = OnExisting.SKIP,
    naming: Annotated[
        Naming, typer.Option(help="Names of files, folders, assets and collection; ga wants --static.")
    ] = Naming.OPERA,
    precision: Annotated[
        Precision, typer.Option(help="Bits of backscatter; rounded is a quarter smaller, within 0.0005 dB.")
    ] = Precision.FULL,
    product_version: Annotated[str, typer.Option(help="Version in the product id.")] = "0.1",
    work_dir: Annotated[
        Path | None, typer.Option(help="Folder for unfinished files, some 2 GB a burst; OUT by default.")
    ] = None,
) -> None:
    """Make burst products on this machine, in OUT/BURST_ID/YEAR/MONTH/DAY; static layers in OUT/BURST_ID."""
    refuse_options(engine.value, backscatter, tide_correction)
    source, scene_id = choose_scene(safe, scene, scene_source)
    options = BurstOptions(
        scene=scene_id,
        sources=Sources(scene=source, orbits=orbit, dem=dem, geoid=geoid, cache=cache),
        product=product,
        engine=engine,
        resolution=resolution,
        output_crs=parse_crs(output_crs),
        orbit=orbit_choice,
        on_existing=on_existing,
        product_version=check_version(product_version),
        static=static if product is Product.RTC_S1 else None,
        out=out,
        grids=grids,
        backscatter=backscatter,
        bistatic_correction=bistatic_correction,
        troposphere_correction=troposphere_correction,
        tide_correction=tide_correction,
        naming=naming,
        precision=precision,
    )
    # All jobs first: a misspelt third burst should not show up after the second is done.
    jobs = local_jobs(dict.fromkeys(_checked(text) for text in burst_id), options)
    for job in jobs:
        check_collection(job, out)
        _make(job, options, work_dir or out)


def _checked(text: str) -> str:
    try:
        return normalize_burst_id(text)
    except ValueError as error:
        raise RefusedError(str(error), reason="burst-id") from error


def _make(job: BurstJob, options: BurstOptions, work_parent: Path) -> None:
    folder = Path(job.destination.key)
    work = _work_folder(work_parent)
    try:
        with ProgressBar(job.burst_id) as progress:
            result = make_burst(job, work, LocalDestination(folder, job), progress)
            # A product that was left without its item, by a kill between the two, or was moved, gets it now.
            if result.outcome is Outcome.MADE or not item_stands(result.manifest, folder):
                static = linked_static(options.static, job.burst_id) if options.static else None
                write_stac(result.manifest, job, options.out, static)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    _say(job, result, folder)


def _work_folder(parent: Path) -> Path:
    """A new folder for unfinished files."""
    try:
        parent.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=".rtcflow-", dir=parent))
    except OSError as error:
        raise RefusedError(
            f"cannot write to {parent} ({error.strerror}); give another --out or --work-dir",
            reason="output-folder",
        ) from error


def _say(job: BurstJob, result: BurstResult, folder: Path) -> None:
    manifest = result.manifest
    if result.outcome is Outcome.SKIPPED:
        console.print(
            f"{job.burst_id}: skipped, a product of {manifest.grid.spacing:g} m by engine {manifest.engine.name} "
            f"exists (--on-existing replace makes it anew)\n  {folder}"
        )
        return
    size = sum(file.size for file in manifest.files)
    console.print(
        f"{job.burst_id}: {len(manifest.files)} files, {size / 1e6:.1f} MB, in {manifest.resources.seconds:.1f} s, "
        f"at most {manifest.resources.peak_memory_bytes / 1e9:.1f} GB of memory\n  {folder}"
    )
