"""Properties of an item, from the manifest."""

from datetime import UTC, datetime
from typing import Any

from rtcflow_contract.backscatter import Backscatter, corrects_radiometry, words
from rtcflow_contract.keys import Location
from rtcflow_contract.layers import Product
from rtcflow_contract.manifest import Manifest
from rtcflow_contract.scene_id import parse_scene_id
from rtcflow_stac.context import HrefStyle, ItemContext

_CONSTELLATION = "sentinel-1"
_PLATFORMS = {f"S1{unit}": f"sentinel-1{unit.lower()}" for unit in "ABCD"}
_CEOS_ARD = {"ceosard:type": "radar", "ceosard:specification": "NRB", "ceosard:specification_version": "1.1"}
# Corrections of the geolocation, by the manifest's parameter.
_CORRECTIONS = {
    "bistatic_delay_correction": "bistatic delay",
    "static_tropospheric_delay_correction": "static troposphere",
    "solid_earth_tide_correction": "solid earth tides",
}
_TITLES = {
    Product.RTC_S1: "RTC {backscatter} backscatter of burst {burst_id}, {date}",
    Product.RTC_S1_STATIC: "Static layers of burst {burst_id}",
}


def stamp(time: datetime) -> str:
    """A time as STAC wants it: UTC, ending in Z."""
    return time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def item_properties(manifest: Manifest, context: ItemContext) -> dict[str, Any]:
    """All properties but `datetime`."""
    took = manifest.acquisition
    grid = manifest.grid
    found: dict[str, Any] = {
        "title": _TITLES[manifest.product].format(
            backscatter=words(convention_of(manifest)), burst_id=manifest.burst_id, date=took.start.date()
        ),
        "created": stamp(manifest.created),
        "updated": stamp(manifest.created),
        "start_datetime": stamp(took.start),
        "end_datetime": stamp(took.stop),
        "platform": _PLATFORMS[took.platform],
        "constellation": _CONSTELLATION,
        "instruments": ["c-sar"],
        "gsd": grid.spacing,
        "license": context.license,
        "providers": providers(context),
        "sar:instrument_mode": "IW",
        "sar:frequency_band": "C",
        "sar:center_frequency": took.center_frequency_hz / 1e9,
        "sar:polarizations": list(took.polarizations),
        "sar:observation_direction": took.look_side,
        "sar:pixel_spacing_range": grid.spacing,
        "sar:pixel_spacing_azimuth": grid.spacing,
        "sar:beam_ids": [took.swath.upper()],
        "sat:orbit_state": took.orbit_state,
        "sat:absolute_orbit": took.absolute_orbit,
        "sat:relative_orbit": took.relative_orbit,
        "view:incidence_angle": took.incidence_angle_deg,
        "proj:code": f"EPSG:{grid.epsg}",
        "proj:bbox": list(grid.bounds),
        "proj:shape": list(grid.shape),
        "proj:transform": list(grid.transform),
        "processing:level": "L2",
        "processing:facility": context.processor.name,
        "processing:datetime": stamp(manifest.created),
        "processing:version": manifest.product_version,
        "processing:lineage": _lineage(manifest),
        "processing:software": dict(manifest.engine.versions),
        "product:type": manifest.product.value,
        "s1:product_identifier": manifest.scene,
        "s1:datatake_id": parse_scene_id(manifest.scene).datatake,
        "s1:orbit_source": took.orbit_type,
    }
    if manifest.product is Product.RTC_S1:
        found |= _CEOS_ARD if corrects_radiometry(convention_of(manifest)) else {}
    if context.style is not HrefStyle.RELATIVE:
        found["storage:schemes"] = storage_schemes(context)
    return found


def convention_of(manifest: Manifest) -> Backscatter:
    """Convention of a product's backscatter; manifests of releases that made one alone do not name it."""
    return Backscatter(str(manifest.parameters.get("backscatter", Backscatter.GAMMA0)))


def _lineage(manifest: Manifest) -> str:
    """What was made of what: engine, convention of backscatter, and the corrections of its geolocation."""
    words_of = [f"Sentinel-1 IW SLC burst, {manifest.engine.name} engine"]
    if manifest.product is Product.RTC_S1:
        words_of.append(words(convention_of(manifest)))
        applied = [name for parameter, name in _CORRECTIONS.items() if manifest.parameters.get(parameter)]
        words_of.append(f"corrected for {', '.join(applied)}" if applied else "no correction of delays")
    return "; ".join(words_of)


def providers(context: ItemContext) -> list[dict[str, Any]]:
    """Who made the data and who processed it."""
    processor: dict[str, Any] = {"name": context.processor.name, "roles": ["processor"]}
    if context.processor.url:
        processor["url"] = context.processor.url
    return [
        {
            "name": "European Space Agency",
            "roles": ["producer", "licensor"],
            "url": "https://sentinels.copernicus.eu/copernicus/sentinel-1",
        },
        processor,
    ]


def storage_schemes(context: ItemContext) -> dict[str, Any]:
    """The buckets that assets lie in, by the key that `storage_ref` gives."""
    folders = [context.folder, *([context.static.folder] if context.static else [])]
    return {
        storage_ref(folder): {
            "type": "aws-s3",
            "platform": "https://{bucket}.s3.{region}.amazonaws.com",
            "bucket": folder.bucket,
            "region": context.region,
            "requester_pays": False,
        }
        for folder in folders
    }


def storage_ref(folder: Location) -> str:
    """Key of a bucket in `storage:schemes`."""
    return f"s3-{folder.bucket}"
