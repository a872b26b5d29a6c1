"""The engine of this project: computes the layers with NumPy and Numba and writes them."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from rasterio.errors import NotGeoreferencedWarning
from shapely import to_wkt
from shapely.geometry import shape

from rtcflow.engines.base import (
    AREA_PROJECTION,
    EngineInputs,
    EngineResult,
    Processing,
    WriteFiles,
    fill_notes,
    fill_record,
    orbit_fit_record,
)
from rtcflow.native.options import NativeOptions
from rtcflow.product.browse import write_browse
from rtcflow.product.cog import write_cog
from rtcflow.product.footprint import footprint_of
from rtcflow.product.hdf5 import write_hdf5
from rtcflow.product.record import make_record
from rtcflow.product.tags import tags_of
from rtcflow.progress import Progress
from rtcflow.provenance import software_versions
from rtcflow.resources import Meter
from rtcflow_contract.backscatter import NegativePower, corrects_radiometry, in_convention
from rtcflow_contract.errors import DefectError
from rtcflow_contract.grid import Grid
from rtcflow_contract.job import BurstJob
from rtcflow_contract.layers import LAYERS, Product, layers_of
from rtcflow_contract.product_id import browse_file_name, layer_file_name, metadata_file_name

if TYPE_CHECKING:
    from rtcflow.native.engine import ComputedLayers

# Measurements are in radar geometry, so their TIFFs have no georeference.
warnings.filterwarnings("ignore", category=NotGeoreferencedWarning)

_SOFTWARE = ("numpy", "numba", "rasterio", "pyproj")


class NativeEngine:
    """Runs wherever the package is installed."""

    name: Literal["native"] = "native"

    def available(self) -> bool:
        """Always."""
        return True

    def compute(
        self,
        job: BurstJob,
        inputs: EngineInputs,
        grid: Grid,
        folder: Path,
        meter: Meter,
        progress: Progress,
    ) -> WriteFiles:
        """Compute the layers in memory; returns the function that writes all files of the product."""
        options = _options(job)
        with meter.stage("compute"):
            # Numba takes seconds to load, so it is imported only after all inputs are accepted.
            from rtcflow.native.engine import compute_layers

            computed = compute_layers(
                inputs.scene.files,
                job.burst_id,
                inputs.orbit.path,
                inputs.dem.path,
                grid,
                job.product,
                options,
                progress=progress,
            )
        meter.details |= computed.stage_seconds
        processing = _processing(job, options, computed)
        return lambda: _write(job, inputs, grid, folder, meter, progress, computed, processing)


def _write(
    job: BurstJob,
    inputs: EngineInputs,
    grid: Grid,
    folder: Path,
    meter: Meter,
    progress: Progress,
    computed: "ComputedLayers",
    processing: Processing,
) -> EngineResult:
    arrays = computed.arrays
    versions = software_versions(_SOFTWARE)
    outline = shape(footprint_of(_valid_pixels(arrays), grid).geometry)
    record = make_record(job, inputs, grid, versions, processing, to_wkt(outline, rounding_precision=6))
    progress("write browse image", 0.0)
    with meter.stage("write browse and metadata"):
        write_browse(folder / browse_file_name(job.product_id, job.naming), arrays)
        path = folder / metadata_file_name(job.product_id, job.naming)
        write_hdf5(path, record, grid, job.polarizations, computed.vectors)
    with meter.stage("write layers"):
        _write_layers(job, arrays, grid, tags_of(record, job.product_id, grid), folder, progress)
    return EngineResult(versions, processing.parameters(), _compiled_state(), fill_notes(computed.filled))


def _write_layers(
    job: BurstJob,
    arrays: dict[str, np.ndarray],
    grid: Grid,
    tags: dict[str, str],
    folder: Path,
    progress: Progress,
) -> None:
    """Write the layers, each out of memory as it is written: another burst computes meanwhile."""
    layers = layers_of(job.product, job.polarizations)
    for number, layer in enumerate(layers):
        progress("write layers", number / len(layers))
        if layer.name not in arrays:
            raise DefectError(f"the engine computed no layer {layer.name}", reason="layer-missing")
        named = in_convention(layer, job.backscatter)
        write_cog(
            folder / layer_file_name(job.product_id, layer.name, job.naming),
            arrays.pop(layer.name),
            named,
            grid,
            tags,
            job.precision,
        )


def _options(job: BurstJob) -> NativeOptions:
    backscatter = job.product is Product.RTC_S1
    return NativeOptions(
        backscatter=job.backscatter,
        bistatic_correction=backscatter and job.bistatic_correction,
        troposphere_correction=backscatter and job.troposphere_correction,
        tide_correction=backscatter and job.tide_correction,
        align_area_factors=backscatter and job.align_area_factors,
        clip_negative=job.negative_power is NegativePower.CLIP,
    )


def _processing(job: BurstJob, options: NativeOptions, computed: "ComputedLayers") -> Processing:
    bistatic, troposphere = options.corrections(job.product)
    static = job.product is Product.RTC_S1_STATIC
    return Processing(
        bistatic_delay_correction=bistatic,
        static_tropospheric_delay_correction=troposphere,
        thermal_noise_removal=options.noise_removal,
        dem_interpolation="biquintic",
        geocoding=AREA_PROJECTION,
        radiometric_terrain_correction=(
            AREA_PROJECTION if static or corrects_radiometry(options.backscatter) else "none"
        ),
        more={
            "filled_percent": fill_record(computed.filled),
            "negative_power_clipped": options.clip_negative,
            "solid_earth_tide_correction": options.tide_correction,
            "area_factors_aligned": options.align_area_factors,
            "dem_upsampling": options.dem_upsampling,
            "shadow_masking": options.shadow_masking,
            "valid_samples_masking": not static,
            "minimum_factor_db": options.minimum_factor_db,
            **orbit_fit_record(computed.orbit_residual_m, "native"),
        },
    )


def _compiled_state() -> str:
    # Numba is loaded by now, but not when this module is imported.
    from rtcflow.compiled_code import compiled_state

    return compiled_state()


def _valid_pixels(arrays: dict[str, np.ndarray]) -> np.ndarray:
    """Pixels inside the burst's valid samples, shape (rows, cols): those whose mask is not fill."""
    return arrays["mask"] != int(LAYERS["mask"].nodata)
