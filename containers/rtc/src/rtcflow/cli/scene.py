"""`rtcflow scene`: make whole scenes in one process, to a folder or S3, with the options of a payload."""

import inspect
import os
from pathlib import Path
from typing import Annotated, Any

import typer

from rtcflow.cli.input_choice import choose_dem
from rtcflow.cli.payload_options import make_payload, payload_parameters
from rtcflow.cli.run_scenes import Options, run_scenes
from rtcflow.inputs import CACHE_VARIABLE
from rtcflow.scene_run import NO_BUCKET, SafeOfThisMachine, Scene
from rtcflow.sources.scene.scene_safe import scene_of_path
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.job import Sources
from rtcflow_contract.orbit_file import PUBLIC_ORBITS
from rtcflow_contract.product_id import check_version
from rtcflow_contract.request import OrbitChoice
from rtcflow_safe.safe_manifest import MANIFEST_SAFE

_BUCKET_VARIABLE = "RTCFLOW_BUCKET"
_DEFAULTS = Sources(scene="asf")
# Payload fields that are about AWS, or that this command defines itself.
_OF_AWS = ("compute", "max_concurrency", "bursts_per_task")
_OWN = ("scene", "burst_id_list", "orbit", "orbit_source")


def scene(
    *,
    scene: Annotated[
        list[str] | None,
        typer.Option(help="Scene id, or a SAFE folder or zip (path or s3://); one or more."),
    ] = None,
    burst_id_list: Annotated[
        list[str] | None,
        typer.Option(help="One or more bursts, or a .txt with one per line (path or s3://); all by default."),
    ] = None,
    safe: Annotated[
        list[str] | None, typer.Option(help="SAFE folder or zip, a path or s3://; same as with --scene.")
    ] = None,
    orbit: Annotated[
        str,
        typer.Option(
            help="precise, best, an orbit file (.EOF), or a source of orbits: folder, s3://, https://."
        ),
    ] = OrbitChoice.BEST.value,
    orbit_source: Annotated[
        str,
        typer.Option(
            help="Sources of orbits, in order: asf, cdse, folder, s3://, https://; separated by commas.",
            envvar="ORBIT_SOURCE",
        ),
    ] = _DEFAULTS.orbits,
    dem_source: Annotated[
        str,
        typer.Option(
            help="Folder or prefix of DEM tiles, as in their archives, or a GeoTIFF of heights above the ellipsoid.",
            envvar="DEM_SOURCE",
        ),
    ] = _DEFAULTS.dem,
    geoid: Annotated[
        str, typer.Option(help="EGM2008 raster, added to the heights of tiles.", envvar="GEOID_SOURCE")
    ] = _DEFAULTS.geoid,
    out: Annotated[
        str | None, typer.Option(help="Local folder for the products, instead of a bucket.")
    ] = None,
    static: Annotated[
        Path | None,
        typer.Option(help="With --out: folder of static products to link to, or to make them in."),
    ] = None,
    grids: Annotated[
        Path | None,
        typer.Option(help="With --out: folder with grids/ of the bursts; OUT by default."),
    ] = None,
    parallel: Annotated[
        int, typer.Option(help="Bursts that compute at once, 1 GB of memory each.", min=1, max=64)
    ] = 1,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be fetched and made.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report of each scene as JSON.")] = False,
    report: Annotated[Path | None, typer.Option(help="HTML file for the report of the run.")] = None,
    cache: Annotated[
        str,
        typer.Option(
            help="Folder or s3:// prefix that keeps orbits and DEM tiles of public archives; off for none.",
            envvar=CACHE_VARIABLE,
        ),
    ] = "~/.cache/rtcflow",
    product_version: Annotated[
        str, typer.Option(help="Version in the product id.", envvar="PRODUCT_VERSION")
    ] = "0.1",
    work_dir: Annotated[
        Path | None,
        typer.Option(
            help="Folder for unfinished files, up to 6 GB; OUT by default.", envvar="RTCFLOW_WORK_DIR"
        ),
    ] = None,
    **fields: Any,
) -> None:
    """Make the bursts of scenes on this machine, to a folder or to S3 as the state machine does."""
    named = [*(scene or ()), *(safe or ())]
    if not named:
        raise RefusedError("give --scene with a scene id, or a SAFE folder or zip", "scene-source")
    where = _where(out, fields)
    choice, orbits = _orbit(orbit, orbit_source)
    first, *more = (PUBLIC_ORBITS if name == "asf" else name for name in orbits.split(","))
    heights, dem_source = choose_dem(fields.pop("dem", None), fields.pop("dem_datum", None), dem_source)
    places = {"orbits": first, "more_orbits": tuple(more), "dem": dem_source, "geoid": geoid, "cache": cache}
    sources = _DEFAULTS.model_copy(update=places)
    fields |= heights | {"orbit": choice, "burst_id_list": _burst_list(burst_id_list)}
    if static is not None and where is not None and not fields.get("link_static_layers"):
        fields["link_static_layers"] = True
    options = Options(
        out=where,
        static=static,
        grids=grids,
        work_dir=work_dir,
        product_version=check_version(product_version),
        parallel=parallel,
        dry_run=dry_run,
        as_json=as_json,
        report=report,
    )
    _check_linked(options, fields)
    run_scenes([_scene(name, fields, sources) for name in dict.fromkeys(named)], options)


# Typer reads parameters from the signature: those of the payload first, then the command's own.
_own = [
    p for p in inspect.signature(scene).parameters.values() if p.kind is not inspect.Parameter.VAR_KEYWORD
]
_of_payload = [p for p in payload_parameters() if p.name not in (*_OF_AWS, *_OWN)]
_all = [*_own[:2], *_of_payload, *_own[2:]]
scene.__signature__ = inspect.Signature(_all)  # type: ignore[attr-defined]
scene.__annotations__ = {parameter.name: parameter.annotation for parameter in _all}


def _where(out: str | None, fields: dict[str, Any]) -> Path | None:
    """The folder for the products; None if they go to the bucket in the fields."""
    bucket = fields.get("s3_bucket")
    if out is not None and bucket:
        raise RefusedError("give either --out with a folder or --s3-bucket with a bucket", reason="output")
    if out is not None:
        return local_folder(out)
    if not bucket:
        fields["s3_bucket"] = _from_environment()
    return None


def local_folder(out: str) -> Path:
    """Check that a path is a local folder for products.

    Raises
    ------
    RefusedError
        When it is an S3 URI, or a scene.
    """
    if "://" in out:
        raise RefusedError(
            f"--out {out} is not a folder of this machine; to write to S3 use `rtcflow scene` with --s3-bucket",
            reason="output",
        )
    if (Path(out) / MANIFEST_SAFE).exists():
        raise RefusedError(f"--out {out} is a scene; give another folder for the products", reason="output")
    return Path(out)


def _from_environment() -> str:
    bucket = os.environ.get(_BUCKET_VARIABLE, "").strip()
    if not bucket:
        raise RefusedError(
            "say where the products go: --out FOLDER for this machine, or --s3-bucket BUCKET (or the variable "
            f"{_BUCKET_VARIABLE}) for S3",
            reason="output",
        )
    return bucket


def _orbit(text: str, source: str) -> tuple[str, str]:
    """Choice and source of orbits; a file or location given as choice is the source."""
    if text in list(OrbitChoice):
        return text, source
    return OrbitChoice.BEST.value, text


def _burst_list(words: list[str] | None) -> str | None:
    return " ".join(words) if words else None


def _check_linked(options: Options, fields: dict[str, Any]) -> None:
    linked = fields.get("link_static_layers") and not fields.get("linked_static_layers_s3_bucket")
    if options.out is not None and linked and options.static is None:
        raise RefusedError(
            "say which static layers to link to: --static FOLDER, or --linked-static-layers-s3-bucket BUCKET",
            reason="static-folder",
        )


def _scene(name: str, fields: dict[str, Any], sources: Sources) -> Scene:
    payload = {**fields}
    payload["s3_bucket"] = payload.get("s3_bucket") or NO_BUCKET
    is_safe = name.rstrip("/").endswith((".SAFE", ".zip")) or "/" in name or Path(name).exists()
    if not is_safe:
        checked = make_payload({**payload, "scene": name}, None)
        return Scene(checked, sources.model_copy(update={"scene": checked.get("scene_source") or "asf"}))
    checked = make_payload({**payload, "scene": scene_of_path(name), "scene_source": None}, None)
    return Scene(checked, sources.model_copy(update={"scene": name}), SafeOfThisMachine(name))
