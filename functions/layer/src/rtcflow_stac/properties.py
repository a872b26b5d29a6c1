"""Properties of an item, from the manifest."""

from datetime import UTC, datetime
from typing import Any

from rtcflow_contract import ceos_ard
from rtcflow_contract.backscatter import Backscatter, words
from rtcflow_contract.keys import parse_s3_uri
from rtcflow_contract.layers import Product
from rtcflow_contract.manifest import Manifest
from rtcflow_contract.naming import SCHEMES, Naming
from rtcflow_contract.scene_id import parse_scene_id
from rtcflow_stac.context import ItemContext
from rtcflow_stac.odc import product_name

_CONSTELLATION = "sentinel-1"
_PLATFORMS = {f"S1{unit}": f"sentinel-1{unit.lower()}" for unit in "ABCD"}
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
# Days after which a satellite flies the same track again.
_REPEAT_CYCLE_DAYS = 12
# Time from sensing to publication, by the timeliness category of manifest.safe.
_TIMELINESS = {
    "NRT-10m": "PT10M",
    "NRT-1h": "PT1H",
    "NRT-3h": "PT3H",
    "Fast-24h": "PT24H",
    "Off-line": "P7D",
    "Reprocessing": "P7D",
}


def _stamp(time: datetime) -> str:
    """A time in STAC's form: UTC, ending in Z."""
    return time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _static_validity(manifest: Manifest) -> datetime:
    """Start of validity of static layers; they are valid until replaced."""
    return datetime.strptime(SCHEMES[manifest.naming].static_since, "%Y%m%d").replace(tzinfo=UTC)


def item_properties(manifest: Manifest, context: ItemContext) -> dict[str, Any]:
    """All properties but `datetime`."""
    taken, grid = manifest.acquisition, manifest.grid
    found: dict[str, Any] = {
        "title": _TITLES[manifest.product].format(
            backscatter=words(convention_of(manifest)), burst_id=manifest.burst_id, date=taken.start.date()
        ),
        "created": _stamp(manifest.created),
        "updated": _stamp(manifest.created),
        **_interval(manifest),
        "platform": _PLATFORMS[taken.platform],
        "constellation": _CONSTELLATION,
        "instruments": ["c-sar"],
        "gsd": grid.spacing,
        "license": context.license,
        "providers": providers(context),
        "sar:instrument_mode": "IW",
        "sar:frequency_band": "C",
        "sar:center_frequency": taken.center_frequency_hz / 1e9,
        "sar:polarizations": list(taken.polarizations),
        "sar:observation_direction": taken.look_side,
        "sar:pixel_spacing_range": grid.spacing,
        "sar:pixel_spacing_azimuth": grid.spacing,
        "sar:looks_range": 1,
        "sar:looks_azimuth": 1,
        "sar:beam_ids": [taken.swath.upper()],
        "sat:orbit_state": taken.orbit_state,
        "sat:absolute_orbit": taken.absolute_orbit,
        "sat:relative_orbit": taken.relative_orbit,
        "sat:orbit_cycle": _REPEAT_CYCLE_DAYS,
        "view:incidence_angle": taken.incidence_angle_deg,
        "proj:code": f"EPSG:{grid.epsg}",
        "proj:bbox": list(grid.bounds),
        "proj:shape": list(grid.shape),
        "proj:transform": list(grid.transform),
        "processing:level": "L2",
        "processing:facility": context.processor.name,
        "processing:datetime": _stamp(manifest.created),
        "processing:version": manifest.product_version,
        "processing:lineage": _lineage(manifest),
        "processing:software": dict(manifest.engine.versions),
        "product:type": manifest.product.value,
        "s1:product_identifier": manifest.scene,
        "s1:datatake_id": parse_scene_id(manifest.scene).datatake,
        "s1:orbit_source": taken.orbit_type,
        "s1:processing_level": "1",
        **_quality(manifest),
        **_datacube(manifest, context),
    }
    if manifest.naming is Naming.GA:
        found |= _ga_properties(manifest)
    if conforms(manifest, context):
        found |= {
            "ceosard:type": "radar",
            "ceosard:specification": "NRB",
            "ceosard:specification_version": ceos_ard.VERSION,
        }
    if manifest.product is Product.RTC_S1:
        found["rtcflow:negative_power"] = manifest.parameters.get("negative_power", "clip")
    if manifest.parameters.get("dem_sources"):
        found["rtcflow:dem_sources"] = manifest.parameters["dem_sources"]
    if manifest.notes:
        found["rtcflow:notes"] = list(manifest.notes)
    if context.names_storage:
        found["storage:schemes"] = _storage_schemes(context)
    return found


def convention_of(manifest: Manifest) -> Backscatter:
    """Convention of a product's backscatter; early releases made only gamma0 and do not name it."""
    return Backscatter(str(manifest.parameters.get("backscatter", Backscatter.GAMMA0)))


def _lineage(manifest: Manifest) -> str:
    """Lineage in a sentence: engine, backscatter convention, and geolocation corrections."""
    words_of = [f"Sentinel-1 IW SLC burst, {manifest.engine.name} engine"]
    if manifest.product is Product.RTC_S1:
        words_of.append(words(convention_of(manifest)))
        applied = [name for parameter, name in _CORRECTIONS.items() if manifest.parameters.get(parameter)]
        words_of.append(f"corrected for {', '.join(applied)}" if applied else "no correction of delays")
    return "; ".join(words_of)


def conforms(manifest: Manifest, context: ItemContext) -> bool:
    """Whether the item meets every threshold requirement of CEOS-ARD."""
    return not ceos_ard.unmet_thresholds(
        manifest.product,
        normalization=convention_of(manifest).value,
        static_layers=context.static is not None,
        noise_removed=bool(manifest.parameters.get("thermal_noise_removal")),
        quality=manifest.quality,
        accuracy=manifest.accuracy,
    )


def _interval(manifest: Manifest) -> dict[str, Any]:
    if manifest.product is Product.RTC_S1_STATIC:
        # Valid until replaced; STAC requires an end, and some readers cannot handle the year 9999.
        return {"start_datetime": _stamp(_static_validity(manifest)), "end_datetime": "2100-01-01T00:00:00Z"}
    taken = manifest.acquisition
    return {"start_datetime": _stamp(taken.start), "end_datetime": _stamp(taken.stop)}


def _quality(manifest: Manifest) -> dict[str, Any]:
    """Quality from the scene's metadata; fields without an extension have the names of s1ard."""
    quality = manifest.quality
    if quality is None:
        return {}
    found: dict[str, Any] = {
        "sar:resolution_range": quality.range_resolution_m,
        "sar:resolution_azimuth": quality.azimuth_resolution_m,
        "near_range_incidence_angle": quality.near_incidence_deg,
        "far_range_incidence_angle": quality.far_incidence_deg,
    }
    if quality.equivalent_looks is not None and manifest.product is Product.RTC_S1:
        found["sar:looks_equivalent_number"] = quality.equivalent_looks
    if quality.heading_deg is not None:
        found["platform_heading"] = quality.heading_deg
        # The antenna looks to the right of the heading.
        side = 90 if manifest.acquisition.look_side == "right" else -90
        found["view:azimuth"] = round((quality.heading_deg + side) % 360, 4)
    if quality.altitude_m is not None:
        found["platform_altitude"] = quality.altitude_m
    if quality.border_pixels is not None:
        found["border_pixels"] = dict(
            zip(("top", "right", "bottom", "left"), quality.border_pixels, strict=True)
        )
    if quality.noise_equivalent_sigma0_db and manifest.product is Product.RTC_S1:
        found["noise_equivalent_sigma0"] = {
            name: level.model_dump() for name, level in quality.noise_equivalent_sigma0_db.items()
        }
    if quality.timeliness in _TIMELINESS:
        found["product:timeliness"] = _TIMELINESS[quality.timeliness]
        found["product:timeliness_category"] = quality.timeliness
    residual = manifest.parameters.get("orbit_fit_residual_m")
    if residual is not None:
        # Centimetres if an orbit file has a step near the burst.
        found["orbit_fit_residual_m"] = residual
    accuracy = manifest.accuracy
    if accuracy is not None:
        found["geometric_accuracy"] = accuracy.model_dump()
    return found


def _datacube(manifest: Manifest, context: ItemContext) -> dict[str, Any]:
    """Properties for Open Data Cube; the product definitions are in docs/odc."""
    return {
        "odc:product": product_name(manifest.collection),
        "odc:product_family": "sar_ard",
        "odc:region_code": manifest.burst_id,
        "odc:producer": context.processor.name,
        "odc:dataset_version": manifest.product_version,
        "odc:processing_datetime": _stamp(manifest.created),
        "odc:file_format": "GeoTIFF",
    }


def _ga_properties(manifest: Manifest) -> dict[str, Any]:
    """The `sarard:` properties of Geoscience Australia's metadata type, as text where it has text."""
    taken, quality, parameters = manifest.acquisition, manifest.quality, manifest.parameters
    orbits = [ref.id for ref in manifest.inputs if ref.kind == "orbit"]
    found: dict[str, Any] = {
        "sarard:scene_id": manifest.scene,
        "sarard:burst_id": manifest.burst_id,
        "sarard:beam_id": taken.swath.upper(),
        "sarard:source_id": manifest.scene,
        "sarard:source_geometry": "slant range",
        "sarard:orbit_file": ", ".join(orbits),
        "sarard:pixel_spacing_x": manifest.grid.spacing,
        "sarard:pixel_spacing_y": manifest.grid.spacing,
        "sarard:speckle_filter_applied": False,
        "sarard:measurement_type": "Gamma-0",
        "sarard:measurement_convention": "linear backscatter intensity",
        "sarard:conversion_eq": "10*log10(backscatter_linear)",
        "sarard:noise_removal_applied": bool(parameters.get("thermal_noise_removal")),
        "sarard:static_tropospheric_correction_applied": bool(
            parameters.get("static_tropospheric_delay_correction")
        ),
        "sarard:wet_tropospheric_correction_applied": False,
        "sarard:bistatic_correction_applied": bool(parameters.get("bistatic_delay_correction")),
        "sarard:ionospheric_correction_applied": False,
    }
    if quality is not None:
        found["sarard:near_range_incidence_angle"] = quality.near_incidence_deg
        found["sarard:far_range_incidence_angle"] = quality.far_incidence_deg
    accuracy = manifest.accuracy
    if accuracy is not None:
        found |= {
            "sarard:geometric_accuracy_type": "ARD ALE",
            "sarard:geometric_accuracy_bias_x": accuracy.bias_x_m,
            "sarard:geometric_accuracy_bias_y": accuracy.bias_y_m,
            "sarard:geometric_accuracy_stddev_x": accuracy.stddev_x_m,
            "sarard:geometric_accuracy_stddev_y": accuracy.stddev_y_m,
            "sarard:geometric_accuracy_reference": accuracy.reference,
        }
    return found


def providers(context: ItemContext) -> list[dict[str, Any]]:
    """Producer and processor of the data."""
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


def _storage_schemes(context: ItemContext) -> dict[str, Any]:
    """The buckets of the assets, by key of `storage_ref`."""
    folders = [context.folder, *([context.static.folder] if context.static else [])]
    return {
        storage_ref(folder): {
            "type": "aws-s3",
            "platform": "https://{bucket}.s3.{region}.amazonaws.com",
            "bucket": parse_s3_uri(folder).bucket,
            "region": context.region,
            "requester_pays": False,
        }
        for folder in folders
        if folder.startswith("s3://")
    }


def storage_ref(folder: str) -> str:
    """Key in `storage:schemes` for the bucket of a folder."""
    return f"s3-{parse_s3_uri(folder).bucket}"
