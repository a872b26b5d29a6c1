"""`rtcflow burst`: make bursts of a scene on this machine, without AWS; `rtcflow scene` with fewer options."""

from pathlib import Path
from typing import Annotated

import typer

from rtcflow.cli.input_choice import Safe, SceneSource, choose_dem, choose_scene
from rtcflow.cli.payload_options import make_payload
from rtcflow.cli.run_scenes import Options, run_scenes
from rtcflow.cli.scene import local_folder
from rtcflow.inputs import CACHE_VARIABLE
from rtcflow.scene_run import NO_BUCKET, SafeOfThisMachine, Scene
from rtcflow.sources.scene.scene_bursts import ARCHIVES
from rtcflow_contract.backscatter import Backscatter, NegativePower
from rtcflow_contract.burst_id import normalize_burst_id
from rtcflow_contract.dem import DEFAULT_DEM
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.job import Sources
from rtcflow_contract.layers import Product
from rtcflow_contract.naming import Naming
from rtcflow_contract.product_id import check_version
from rtcflow_contract.request import COARSEST_M, FINEST_M, Engine, OnExisting, OrbitChoice, Precision

_DEFAULT_GEOID = Sources.model_fields["geoid"].default
_DEM_SOURCE = Sources.model_fields["dem"].default
_DEFAULT_ORBITS = Sources.model_fields["orbits"].default


def burst(
    burst_id: Annotated[
        list[str],
        typer.Option(help="Burst, like t070_149815_iw3; repeat for several. `rtcflow bursts` lists them."),
    ],
    out: Annotated[str, typer.Option(help="Folder for the products of any number of bursts and passes.")],
    safe: Safe = None,
    scene: Annotated[
        str | None, typer.Option(help="Scene id, to fetch the bursts from an archive instead of a SAFE.")
    ] = None,
    scene_source: SceneSource = "asf",
    orbit: Annotated[
        str, typer.Option(help="Orbit file (.EOF), or folder, s3:// or https:// prefix of orbit files.")
    ] = _DEFAULT_ORBITS,
    dem: Annotated[
        str,
        typer.Option(
            help="DEM: best, cop_glo30, rema_32 and others by name; a GeoTIFF, VRT or STAC item; or a folder of tiles."
        ),
    ] = DEFAULT_DEM,
    dem_datum: Annotated[
        str | None,
        typer.Option(
            help="Vertical reference of your own DEM: ellipsoid (default), egm2008, or the raster of a geoid."
        ),
    ] = None,
    dem_source: Annotated[
        str, typer.Option(help="Folder or prefix of DEM tiles, as in their archives.", envvar="DEM_SOURCE")
    ] = _DEM_SOURCE,
    geoid: Annotated[
        str, typer.Option(help="EGM2008 raster, added to the heights of tiles.")
    ] = _DEFAULT_GEOID,
    product: Annotated[Product, typer.Option(help="Backscatter, or its static layers.")] = Product.RTC_S1,
    engine: Annotated[Engine, typer.Option(help="Engine; auto uses the best one installed.")] = Engine.AUTO,
    backscatter: Annotated[Backscatter, typer.Option(help="Backscatter convention.")] = Backscatter.GAMMA0,
    bistatic_correction: Annotated[
        bool, typer.Option(help="Correct azimuth for the bistatic delay (RTC_S1).")
    ] = True,
    troposphere_correction: Annotated[
        bool, typer.Option(help="Correct range for the static troposphere (RTC_S1).")
    ] = True,
    tide_correction: Annotated[
        bool, typer.Option(help="Correct range and azimuth for solid earth tides (RTC_S1, engine native).")
    ] = False,
    align_area_factors: Annotated[
        bool,
        typer.Option(
            help="Compute area factors at the terrain's position in the image, delays included (engine "
            "native)."
        ),
    ] = False,
    negative_power: Annotated[
        NegativePower,
        typer.Option(
            help="Power that noise removal made negative: clip to zero, or keep, without bias (native)."
        ),
    ] = NegativePower.CLIP,
    resolution: Annotated[int, typer.Option(help="Pixel size in metres.", min=FINEST_M, max=COARSEST_M)] = 20,
    output_crs: Annotated[
        str | None,
        typer.Option(help="EPSG code of the output CRS, like 3031; the burst's UTM zone by default."),
    ] = None,
    static: Annotated[
        Path | None, typer.Option(help="Folder of static products to link to and to take grids from.")
    ] = None,
    grids: Annotated[
        Path | None, typer.Option(help="Folder with grids/ of the bursts; OUT by default.")
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
        typer.Option(help="With a folder of orbits: precise only, or the best available."),
    ] = OrbitChoice.BEST,
    on_existing: Annotated[
        OnExisting, typer.Option(help="What to do if a product exists.")
    ] = OnExisting.SKIP,
    naming: Annotated[
        Naming, typer.Option(help="Names of files, folders, assets and collection; ga needs --static.")
    ] = Naming.OPERA,
    precision: Annotated[
        Precision,
        typer.Option(help="Precision of backscatter; rounded is a quarter smaller, within 0.0005 dB."),
    ] = Precision.FULL,
    product_version: Annotated[str, typer.Option(help="Version in the product id.")] = "0.1",
    work_dir: Annotated[
        Path | None, typer.Option(help="Folder for unfinished files, up to 6 GB; OUT by default.")
    ] = None,
) -> None:
    """Make burst products on this machine, in OUT/BURST_ID/YEAR/MONTH/DAY; static layers in OUT/BURST_ID."""
    folder = local_folder(out)
    source, scene_id = choose_scene(safe, scene, scene_source)
    heights, dem_source = choose_dem(dem, dem_datum, dem_source)
    payload = make_payload(
        {
            "scene": scene_id,
            "scene_source": source if source in ARCHIVES else None,
            **heights,
            "burst_id_list": " ".join(dict.fromkeys(map(_checked, burst_id))),
            "product": product,
            "engine": engine,
            "resolution": resolution,
            "output_crs": output_crs,
            "orbit": orbit_choice,
            "on_existing": on_existing,
            "s3_bucket": NO_BUCKET,
            "backscatter": backscatter,
            "bistatic_correction": bistatic_correction,
            "troposphere_correction": troposphere_correction,
            "tide_correction": tide_correction,
            "align_area_factors": align_area_factors,
            "negative_power": negative_power,
            "naming": naming,
            "precision": precision,
            "link_static_layers": static is not None and product is Product.RTC_S1,
        },
        None,
    )
    catalogue = None if source in ARCHIVES else SafeOfThisMachine(source)
    run_scenes(
        [
            Scene(
                payload,
                Sources(scene=source, orbits=orbit, dem=dem_source, geoid=geoid, cache=cache),
                catalogue,
            )
        ],
        Options(
            out=folder,
            static=static,
            grids=grids,
            work_dir=work_dir,
            product_version=check_version(product_version),
        ),
    )


def _checked(text: str) -> str:
    try:
        return normalize_burst_id(text)
    except ValueError as error:
        raise RefusedError(str(error), reason="burst-id") from error
