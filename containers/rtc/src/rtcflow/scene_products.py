"""The bursts of one scene as products in a folder, as `rtcflow scene --out` makes them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rtcflow.cli.input_choice import choose_dem
from rtcflow.cli.work_folder import work_folder
from rtcflow.progress import Unwatched
from rtcflow.scene_run import NO_BUCKET, RunSettings, SafeOfThisMachine, Scene, SceneLoop, plan_scenes
from rtcflow.sources.scene.scene_safe import scene_of_path
from rtcflow_contract.errors import DefectError, RefusedError, error_of
from rtcflow_contract.job import LocalPlaces, Sources
from rtcflow_contract.keys import MANIFEST, Location, parse_location
from rtcflow_contract.manifest import Manifest
from rtcflow_contract.stored import read_stored

_DEFAULTS = Sources(scene="")


class BurstProduct(NamedTuple):
    """A burst's product: its folder, and the manifest that describes and lists its files."""

    burst_id: str
    folder: Path
    manifest: Manifest

    def layer(self, name: str) -> Path:
        """Path of a layer's GeoTIFF; RefusedError if the product has no such layer."""
        file = self.manifest.file_of_layer(name)
        if file is None:
            there = ", ".join(file.layer for file in self.manifest.files if file.layer)
            raise RefusedError(f"{self.folder} has no layer {name}; it has {there}", reason="layer")
        return self.folder / file.name


def make_scene(
    safe: str | Path,
    out: str | Path,
    bursts: Sequence[str] = (),
    *,
    orbit_source: str = _DEFAULTS.orbits,
    dem_source: str = _DEFAULTS.dem,
    geoid: str = _DEFAULTS.geoid,
    cache: str = "off",
    parallel: int = 1,
    **fields: Any,
) -> list[BurstProduct]:
    """Make the products of a scene's bursts; existing ones are kept.

    Parameters
    ----------
    safe : str or Path
        SAFE folder or zip, also `s3://` or `https://`.
    out : str or Path
        Folder for the products.
    bursts : sequence of str
        Burst ids like `t070_149815_iw3`; all of the scene by default.
    orbit_source, dem_source, geoid : str
        Where inputs come from: a file, folder, `s3://` or `https://`; the public archives by default.
    cache : str
        Folder or `s3://` prefix that keeps files of public archives; `off` for none.
    parallel : int
        Bursts that compute at once, 1 GB of memory each.
    **fields
        Any other field of a scene payload: `resolution=10`, `product="RTC_S1_STATIC"`.

    Returns
    -------
    list of BurstProduct
        In the order of the plan, existing ones first.

    Raises
    ------
    RefusedError, TransientError, DefectError
        When the scene cannot be planned; or, after all other bursts were made, the reason of the first that failed.

    Examples
    --------
    >>> products = make_scene("S1A_IW_SLC__1SDV_....SAFE", "products", orbit_source="orbits")  # doctest: +SKIP
    >>> products[0].manifest.grid.epsg, products[0].layer("VV")  # doctest: +SKIP
    """
    folder, source = Path(out).expanduser().absolute(), str(safe)
    heights, place = choose_dem(fields.pop("dem", None), fields.pop("dem_datum", None), dem_source)
    payload: dict[str, Any] = {"scene": scene_of_path(source), "s3_bucket": NO_BUCKET, **fields, **heights}
    if bursts:
        payload["burst_id_list"] = list(bursts)
    sources = Sources(scene=source, orbits=orbit_source, dem=place, geoid=geoid, cache=cache)
    places = LocalPlaces(out=Location.local(folder), grids=Location.local(folder))
    with work_folder(folder, None) as work:
        settings = RunSettings(work, places, parallel=parallel)
        planned = plan_scenes([Scene(payload, sources, SafeOfThisMachine(source))], settings)
        [scene] = planned
        if scene.error is not None or scene.plan is None:
            raise scene.error or DefectError(f"scene {source} has no plan", reason="plan")
        standing = [parse_location(burst.item).path.parent for burst in scene.plan.existing]
        [report] = SceneLoop(planned, settings, Unwatched()).run()
    outcomes = (*report.static_bursts, *report.bursts)
    made = [Path(outcome.manifest) for outcome in outcomes if outcome.manifest]
    for failed in (outcome for outcome in outcomes if outcome.error_class is not None):
        assert failed.error_class is not None
        raise error_of(failed.error_class, failed.message or "", failed.reason)
    paths = dict.fromkeys([*(folder / MANIFEST for folder in standing), *made])
    return [_product(path) for path in paths]


def _product(path: Path) -> BurstProduct:
    manifest = read_stored(Manifest, path.read_bytes(), str(path))
    return BurstProduct(manifest.burst_id, path.parent, manifest)
