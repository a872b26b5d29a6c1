"""Compare the product that exists with the one requested: one rule for plan, task, laptop and campaign.

The same product is kept (`on_existing: skip`). A different one in its place, say of another resolution or engine, is
refused unless it is to be replaced. Another acquisition is never replaced, nor a later processing by an earlier one.
"""

import math
from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from rtcflow_contract.dem import BEST, candidates, heights_of
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.job import BurstJob
from rtcflow_contract.layers import Product
from rtcflow_contract.manifest import Manifest
from rtcflow_contract.request import Engine, OnExisting, SceneRequest
from rtcflow_contract.scene_id import parse_scene_id

# A burst takes 3 s, and an orbit 99 minutes.
_SAME_PASS = timedelta(minutes=1)
# OPERA's polar projections, by latitude.
_NORTH_POLAR_DEG, _SOUTH_POLAR_DEG = 75.0, -75.0

_Asked = BurstJob | SceneRequest


class Verdict(StrEnum):
    """What a job does: `make` the product, or `keep` the existing one."""

    MAKE = "make"
    KEEP = "keep"


class _Setting(NamedTuple):
    """A setting that makes a different product: its name, and its existing and requested value.

    A requested value of None accepts any. `requested` is the value in a request.
    """

    name: str
    stands: Callable[[Manifest], Any]
    asked: Callable[[_Asked, Manifest], Any]
    products: tuple[Product, ...] = tuple(Product)
    requested: Callable[[SceneRequest], Any] | None = None


def _parameter(name: str, field: str, default: str, *products: Product) -> _Setting:
    """A setting that jobs have as a field, and manifests as a parameter of the same name.

    Manifests of earlier releases count as having its default.
    """

    def stands(manifest: Manifest) -> str:
        value = manifest.parameters.get(field)
        return default if value is None else str(value)

    def requested(request: _Asked) -> str:
        return str(getattr(request, field, default))

    return _Setting(name, stands, lambda asked, _: requested(asked), products or tuple(Product), requested)


def _asked_crs(asked: _Asked, manifest: Manifest) -> str | None:
    if asked.output_crs is not None:
        return f"EPSG:{asked.output_crs}"
    if manifest.parameters.get("output_crs") is None or manifest.grid.epsg in _default_crs(manifest):
        return None
    return "the burst's default"


def _default_crs(manifest: Manifest) -> set[int]:
    """Codes that a burst's default CRS may have: one, or two near the edge of a zone."""
    west, south, east, north = manifest.bbox
    if north >= _NORTH_POLAR_DEG:
        return {3413}
    if south <= _SOUTH_POLAR_DEG:
        return {3031}
    zones = {math.floor((lon + 180) / 6) % 60 + 1 for lon in (west, east)}
    return {base + zone for base in (32600, 32700) for zone in zones}


def _requested_crs(asked: _Asked) -> str | None:
    return f"EPSG:{asked.output_crs}" if asked.output_crs is not None else None


def _requested_engine(asked: _Asked) -> str | None:
    return None if asked.engine is Engine.AUTO else asked.engine.value


def _asked_engine(asked: _Asked, _: Manifest) -> str | None:
    return _requested_engine(asked)


def _asked_grid(asked: _Asked, _: Manifest) -> Any:
    return asked.grid if isinstance(asked, BurstJob) else None


def _asked_dem(asked: _Asked, manifest: Manifest) -> str:
    """The requested DEM; the product's own if `best` is requested and would choose the same."""
    preferred = candidates(asked.dem, manifest.bbox[3])[0]
    used = heights_of(manifest.parameters)
    same = asked.dem == BEST and (manifest.parameters.get("dem") == BEST or used == preferred)
    return used if same else asked.dem


def _asked_polarizations(asked: _Asked, _: Manifest) -> str | None:
    return "+".join(sorted(asked.polarizations)) if isinstance(asked, BurstJob) else None


# A new setting is a new line here.
_SETTINGS: tuple[_Setting, ...] = (
    _Setting(
        "resolution",
        lambda m: f"{m.grid.spacing:g} m",
        lambda a, _: f"{a.resolution:g} m",
        requested=lambda r: f"{r.resolution:g} m",
    ),
    _Setting("CRS", lambda m: f"EPSG:{m.grid.epsg}", _asked_crs, requested=_requested_crs),
    _Setting("engine", lambda m: m.engine.name, _asked_engine, requested=_requested_engine),
    _Setting("grid", lambda m: m.grid, _asked_grid),
    _Setting(
        "polarizations",
        lambda m: "+".join(sorted(m.acquisition.polarizations)),
        _asked_polarizations,
        (Product.RTC_S1,),
        lambda r: r.polarizations,
    ),
    _Setting("DEM", lambda m: heights_of(m.parameters), _asked_dem, requested=lambda r: r.dem),
    _parameter("datum of the DEM", "dem_datum", "None"),
    _parameter("backscatter", "backscatter", "gamma0", Product.RTC_S1),
    _parameter("negative power", "negative_power", "clip", Product.RTC_S1),
    _parameter("precision", "precision", "full"),
    _parameter("bistatic correction", "bistatic_correction", "True", Product.RTC_S1),
    _parameter("troposphere correction", "troposphere_correction", "True", Product.RTC_S1),
    _parameter("tide correction", "tide_correction", "False", Product.RTC_S1),
    _parameter("aligned area factors", "align_area_factors", "False", Product.RTC_S1),
)


def differences(manifest: Manifest, asked: _Asked) -> list[str]:
    """How an existing product differs from the requested one, as `resolution 40 m, not 20 m`; empty if it does not.

    Parameters
    ----------
    manifest : Manifest
        Of the existing product; settings that an earlier release did not write count as defaults.
    asked : BurstJob or SceneRequest
    """
    found = []
    for setting in _SETTINGS:
        stands, asked_for = setting.stands(manifest), setting.asked(asked, manifest)
        if manifest.product in setting.products and asked_for is not None and stands != asked_for:
            same = setting.name == "grid"
            found.append("another grid" if same else f"{setting.name} {stands}, not {asked_for}")
    return found


def judge(
    standing: Manifest | None, job: BurstJob, where: object, whole: Callable[[Manifest], bool]
) -> Verdict:
    """Decide what a job does about the product in its place.

    Parameters
    ----------
    standing : Manifest or None
        Manifest in the place where the job writes; None if there is no product, or it cannot be read.
    job : BurstJob
    where : Location or str
        The place, for people.
    whole : callable
        Whether every file of a manifest exists; called only if it matters.

    Raises
    ------
    RefusedError
        When a different product is there and must stay: of another kind, burst or acquisition, or with other settings.
    """
    if standing is None:
        return Verdict.MAKE
    refuse_other_acquisition(standing, job, where)
    if standing.execution == job.execution and standing.product_id == job.product_id:
        return Verdict.KEEP if whole(standing) else Verdict.MAKE
    if job.on_existing is OnExisting.REPLACE:
        return Verdict.MAKE
    other = differences(standing, job)
    if other:
        raise RefusedError(
            f"another product of {job.burst_id} stands at {where}: {', '.join(other)}; give another collection, or "
            "on_existing replace",
            reason="other-settings",
        )
    return Verdict.KEEP if whole(standing) else Verdict.MAKE


def refuse_other_acquisition(standing: Manifest, job: BurstJob, where: object) -> None:
    """Refuse a place that holds a product of another kind, burst, platform or pass.

    Raises
    ------
    RefusedError
    """
    if standing.product is not job.product or standing.burst_id != job.burst_id:
        raise RefusedError(
            f"{where} is of {standing.product} {standing.burst_id}; give {job.product} {job.burst_id} another folder",
            reason="other-product",
        )
    if job.product is Product.RTC_S1_STATIC:
        return
    platform = parse_scene_id(job.scene).platform
    acquired = standing.acquisition
    if acquired.platform != platform or abs(acquired.start - job.sensing_start) > _SAME_PASS:
        raise RefusedError(
            f"{where} has {job.burst_id} of {acquired.platform} at {acquired.start:%H:%M:%S}, and the job is of "
            f"{platform} at {job.sensing_start:%H:%M:%S} of the same day; give another collection",
            reason="other-acquisition",
        )


def refuse_earlier_processing(
    standing: Manifest, scene: str, processed: datetime | None, where: object
) -> None:
    """Refuse to put an earlier processing of an acquisition in the place of a later one.

    Parameters
    ----------
    standing : Manifest
    scene : str
        Id of the scene that the new product is made from.
    processed : datetime or None
        When that scene was processed, UTC; nothing is refused if either time is unknown.
    where : Location or str

    Raises
    ------
    RefusedError
    """
    stands = standing.acquisition.processed
    if (
        standing.product is not Product.RTC_S1
        or standing.scene == scene
        or processed is None
        or stands is None
    ):
        return
    if processed < stands:
        raise RefusedError(
            f"{where} was made from {standing.scene}, processed {stands:%Y-%m-%d %H:%M}, later than {scene} "
            f"({processed:%Y-%m-%d %H:%M}); delete it first if the earlier one is to take its place",
            reason="earlier-processing",
        )


def other_dem(manifest: Manifest, asked: _Asked) -> str:
    """How the DEM of a product differs from the requested one: `DEM cop_glo30, not rema_32`; empty if it does not."""
    return ", ".join(text for text in differences(manifest, asked) if "DEM" in text)


def settings_of(request: SceneRequest, product: Product) -> dict[str, Any]:
    """The settings of a request that distinguish products of a kind, by name; None means the burst's default.

    Parameters
    ----------
    request : SceneRequest
    product : Product
        That of the request, or its static layers.
    """
    return {
        setting.name: setting.requested(request)
        for setting in _SETTINGS
        if setting.requested is not None and product in setting.products
    }
