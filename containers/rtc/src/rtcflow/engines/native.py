"""The engine of this project: computes the layers with NumPy and Numba and writes them."""

import warnings
from pathlib import Path
from typing import Any, Literal

import numpy as np
from rasterio.errors import NotGeoreferencedWarning
from shapely import to_wkt
from shapely.geometry import shape

from rtcflow.engines.base import EngineInputs, EngineResult, WriteFiles
from rtcflow.engines.orbit_fit import orbit_fit_record
from rtcflow.product.browse import write_browse
from rtcflow.product.cog import write_cog
from rtcflow.product.footprint import footprint_of
from rtcflow.product.hdf5 import write_hdf5
from rtcflow.product.record import make_record
from rtcflow.product.tags import tags_of
from rtcflow.progress import Progress
from rtcflow.provenance import software_versions
from rtcflow.resources import Meter
from rtcflow.sentinel1.orbit import StateVectors
from rtcflow_contract.backscatter import NegativePower, in_convention
from rtcflow_contract.errors import DefectError
from rtcflow_contract.grid import Grid
from rtcflow_contract.job import BurstJob
from rtcflow_contract.layers import LAYERS, Product, layers_of
from rtcflow_contract.product_id import browse_file_name, layer_file_name, metadata_file_name

# Measurements are in radar geometry: that their TIFFs have no georeference is no news.
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
        """Compute the layers in memory; gives the function that writes all files of the product."""
        with meter.stage("compute"):
            arrays, metadata = _compute(job, inputs, grid, progress)
        meter.details |= metadata["stage_seconds"]
        return lambda: _write(job, inputs, grid, folder, meter, progress, arrays, metadata)


def _write(
    job: BurstJob,
    inputs: EngineInputs,
    grid: Grid,
    folder: Path,
    meter: Meter,
    progress: Progress,
    arrays: dict[str, np.ndarray],
    metadata: dict[str, Any],
) -> EngineResult:
    parameters = metadata["parameters"] | orbit_fit_record(metadata["orbit_fit_residual_m"], "native")
    versions = software_versions(_SOFTWARE)
    outline = shape(footprint_of(_valid_pixels(arrays), grid).geometry)
    record = make_record(job, inputs, grid, versions, parameters, to_wkt(outline, rounding_precision=6))
    with meter.stage("write layers"):
        _write_layers(job, arrays, grid, tags_of(record, job.product_id, grid), folder, progress)
    progress("write browse image", 0.0)
    with meter.stage("write browse and metadata"):
        write_browse(folder / browse_file_name(job.product_id, job.naming), arrays)
        path = folder / metadata_file_name(job.product_id, job.naming)
        write_hdf5(path, record, grid, job.polarizations, _state_vectors(metadata))
    return EngineResult(versions, parameters, _compiled_state(), metadata["notes"])


def _write_layers(
    job: BurstJob,
    arrays: dict[str, np.ndarray],
    grid: Grid,
    tags: dict[str, str],
    folder: Path,
    progress: Progress,
) -> None:
    layers = layers_of(job.product, job.polarizations)
    for number, layer in enumerate(layers):
        progress("write layers", number / len(layers))
        if layer.name not in arrays:
            raise DefectError(f"the engine computed no layer {layer.name}", reason="layer-missing")
        named = in_convention(layer, job.backscatter)
        write_cog(
            folder / layer_file_name(job.product_id, layer.name, job.naming),
            arrays[layer.name],
            named,
            grid,
            tags,
            job.precision,
        )


def _compute(
    job: BurstJob, inputs: EngineInputs, grid: Grid, progress: Progress
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    # Numba takes seconds to load, which a refused input need not wait for.
    from rtcflow.native.engine import NativeOptions, compute_layers

    backscatter = job.product is Product.RTC_S1
    options = NativeOptions(
        backscatter=job.backscatter,
        bistatic_correction=backscatter and job.bistatic_correction,
        troposphere_correction=backscatter and job.troposphere_correction,
        tide_correction=backscatter and job.tide_correction,
        align_area_factors=backscatter and job.align_area_factors,
        clip_negative=job.negative_power is NegativePower.CLIP,
    )
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
    return computed.arrays, computed.metadata


def _compiled_state() -> str:
    # Numba is loaded by now, and is not before.
    from rtcflow.compiled_code import compiled_state

    return compiled_state()


def _state_vectors(metadata: dict[str, Any]) -> StateVectors:
    return StateVectors(
        metadata["orbit_file"],
        metadata["orbit_epoch"],
        metadata["orbit_seconds"],
        metadata["orbit_positions_m"],
        metadata["orbit_velocities_m_s"],
    )


def _valid_pixels(arrays: dict[str, np.ndarray]) -> np.ndarray:
    """Pixels inside the burst's valid samples, shape (rows, cols): where the mask is not fill."""
    return arrays["mask"] != int(LAYERS["mask"].nodata)
