"""Turn the workflow's output into the product's files, with names, tags and metadata of the contract."""

import io
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import h5py
import numpy as np
import rasterio
from numpy.typing import NDArray
from PIL import Image
from shapely import to_wkt
from shapely.geometry import shape

from rtcflow.engines.base import (
    EngineInputs,
    EngineResult,
    Processing,
    fill_notes,
    fill_record,
    orbit_fit_record,
)
from rtcflow.product.browse import MAX_BYTES, save_browse
from rtcflow.product.check import check_layer
from rtcflow.product.cog import write_cog
from rtcflow.product.footprint import footprint_of
from rtcflow.product.hdf5 import fixed_text
from rtcflow.product.record import ProductRecord, make_record
from rtcflow.product.tags import tags_of
from rtcflow.progress import Progress
from rtcflow.provenance import software_version
from rtcflow.sentinel1.orbit import fit_orbit, read_orbit
from rtcflow_contract.backscatter import in_convention
from rtcflow_contract.errors import DefectError, RefusedError
from rtcflow_contract.grid import Grid
from rtcflow_contract.job import BurstJob
from rtcflow_contract.layers import LAYERS, POLARIZATION_LAYERS, Product, layers_of
from rtcflow_contract.product_id import browse_file_name, layer_file_name, metadata_file_name

if TYPE_CHECKING:
    from rtcflow.engines.isce3.staged_dem import StagedDem

_ALGORITHMS = "metadata/processingInformation/algorithms"
_PARAMETERS = "metadata/processingInformation/parameters"
_VERSIONS = {"rtc": "softwareVersion", "isce3": "isce3Version", "s1Reader": "s1ReaderVersion"}
_NO_CLASS = int(LAYERS["mask"].nodata)
# File attributes, and the datasets with the same content.
_WHO = {"institution": "institution", "contact": "contactInformation", "project": "project"}
_OF_THIS_RUN = (
    *_WHO.values(),
    "ceosAnalysisReadyDataDocumentIdentifier",
    "ceosAnalysisReadyDataProductType",
    "dataAccess",
    "processingDateTime",
    "productVersion",
)


class Facts(NamedTuple):
    """The workflow's run, as its HDF5 file describes it."""

    burst_id: str
    product: str
    versions: dict[str, str]
    processing: Processing


def collect_output(
    job: BurstJob,
    inputs: EngineInputs,
    grid: Grid,
    output: Path,
    folder: Path,
    progress: Progress,
    dem: "StagedDem",
    filled: Mapping[str, float],
) -> EngineResult:
    """Bring the workflow's files into the product folder.

    Layers keep their values and get the tags that every engine writes. The HDF5 file is the workflow's, with processor
    and time corrected: the workflow always names NASA JPL.

    Parameters
    ----------
    job, inputs, grid
    output : Path
        The workflow's output folder; files are found by the endings of their names.
    folder : Path
        The product's.
    progress : Progress
    dem : StagedDem
        DEM given to the workflow; pixels over its voids are no data in every layer.
    filled : mapping
        Share of the valid samples where nothing was received, 0 to 1, by polarization; empty for static layers.

    Raises
    ------
    DefectError
        When a file is missing, is of another burst, or a layer is not on the planned grid.
    """
    metadata = _the(output, ".h5")
    facts = read_facts(metadata)
    expected = job.product.value.replace("_", "-")
    if (facts.burst_id, facts.product) != (job.burst_id, expected):
        raise DefectError(
            f"OPERA RTC made a product {facts.product} of burst {facts.burst_id}, not {expected} of {job.burst_id}",
            reason="burst-id",
        )
    layers = layers_of(job.product, job.polarizations)
    paths = {layer.name: _the(output, f"_{layer.name}.tif") for layer in layers}
    browse = _the(output, ".png")
    checked = {layer.name: check_layer(paths[layer.name], layer, grid) for layer in layers}
    mask = _read(paths["mask"])
    mask[_without_value({name: layer.valid for name, layer in checked.items()}) & (mask == 0)] = _NO_CLASS
    if dem.void.size:
        mask[dem.void] = _NO_CLASS
    outline = shape(footprint_of(mask != _NO_CLASS, grid).geometry)
    zeros = {"filled_percent": fill_record(filled)} if job.product is Product.RTC_S1 else {}
    processing = replace(facts.processing, more={**dem.parameters, **_orbit_fit(inputs), **zeros})
    record = make_record(job, inputs, grid, facts.versions, processing, to_wkt(outline, rounding_precision=6))
    tags = tags_of(record, job.product_id, grid)
    for number, layer in enumerate(layers):
        progress("write layers", number / len(layers))
        values = mask if layer.name == "mask" else _read(paths[layer.name])
        if dem.void.size:
            values[dem.void] = layer.nodata
        named = in_convention(layer, job.backscatter)
        path = folder / layer_file_name(job.product_id, layer.name, job.naming)
        write_cog(path, values, named, grid, tags, job.precision)
    _copy_browse(browse, folder / browse_file_name(job.product_id, job.naming))
    _write_metadata(metadata, folder / metadata_file_name(job.product_id, job.naming), record)
    return EngineResult(facts.versions, processing.parameters(), notes=fill_notes(filled))


def _read(path: Path) -> NDArray[Any]:
    with rasterio.open(path) as source:
        values: NDArray[Any] = source.read(1)
    return values


def _without_value(valid: Mapping[str, NDArray[np.bool_]]) -> NDArray[np.bool_]:
    """Pixels that no backscatter layer has a value of, (rows, cols); none where there is no backscatter.

    The workflow's mask calls them clear where the samples under them are no data, or the area factor is too small.
    """
    layers = [values for name, values in valid.items() if name in POLARIZATION_LAYERS]
    return ~np.any(layers, axis=0) if layers else np.zeros(valid["mask"].shape, bool)


def _orbit_fit(inputs: EngineInputs) -> dict[str, object]:
    burst = inputs.source.burst
    try:
        vectors = read_orbit(inputs.orbit.path, burst.sensing_start)
        fitted = fit_orbit(vectors, 0.0, (burst.lines - 1) * burst.azimuth_interval_s)
    except RefusedError:
        # The workflow accepted the orbit; its residual is unknown.
        return {}
    return orbit_fit_record(fitted.residual_m, "isce3")


def _copy_browse(source: Path, target: Path) -> None:
    """Copy the workflow's browse image, shrunk if it exceeds the limit of products."""
    if source.stat().st_size < MAX_BYTES:
        shutil.copyfile(source, target)
        return
    with Image.open(source) as image:
        save_browse(target, image)


def read_facts(path: Path) -> Facts:
    """Read the workflow's HDF5 file.

    Raises
    ------
    DefectError
        When it lacks a required dataset.
    """
    try:
        with h5py.File(path) as file:
            versions = {name: _text(file[f"{_ALGORITHMS}/{key}"]) for name, key in _VERSIONS.items()}
            # For beta0 the workflow names no correction.
            correction = file.get(f"{_ALGORITHMS}/radiometricTerrainCorrection")
            processing = Processing(
                bistatic_delay_correction=_truth(file, "bistaticDelayCorrectionApplied"),
                static_tropospheric_delay_correction=_truth(
                    file, "staticTroposphericGeolocationCorrectionApplied"
                ),
                thermal_noise_removal=_truth(file, "noiseCorrectionApplied"),
                dem_interpolation=_text(file[f"{_ALGORITHMS}/demInterpolation"]),
                geocoding=_text(file[f"{_ALGORITHMS}/geocoding"]),
                radiometric_terrain_correction="none" if correction is None else _text(correction),
            )
            return Facts(
                _text(file["identification/burstID"]).lower(),
                _text(file["identification/productType"]),
                {"rtcflow": software_version(), **versions},
                processing,
            )
    except (OSError, KeyError) as error:
        raise DefectError(
            f"OPERA RTC's {path.name} cannot be read: {error}", reason="layer-missing"
        ) from error


def _write_metadata(source: Path, target: Path, record: ProductRecord) -> None:
    identification = record.identification
    buffer = io.BytesIO(source.read_bytes())
    with h5py.File(buffer, "r+") as file:
        for attribute, name in _WHO.items():
            file.attrs[attribute] = fixed_text(identification[name])
        for name in _OF_THIS_RUN:
            _replace(file["identification"], name, identification[name])
        # From the operator's own campaign; the workflow leaves these open.
        for name, value in record.qa.items():
            if name.startswith("geometricAccuracy/") and f"metadata/qa/{name}" in file:
                _replace(file["metadata/qa"], name, value)
    target.write_bytes(buffer.getbuffer())


def _replace(group: h5py.Group, name: str, value: str | float) -> None:
    attributes = dict(group[name].attrs) if name in group else {}
    if name in group:
        del group[name]
    data = fixed_text(value) if isinstance(value, str) else value
    group.create_dataset(name, data=data).attrs.update(attributes)


def _the(folder: Path, ending: str) -> Path:
    """The one output file whose name has an ending; local_incidence_angle also ends in incidence_angle."""
    found = [
        path
        for path in sorted(folder.rglob(f"*{ending}"))
        if ("_local_" in path.name) == ("_local_" in ending)
    ]
    if len(found) != 1:
        raise DefectError(
            f"OPERA RTC wrote {len(found)} files *{ending} where there must be one; read its log",
            reason="layer-missing",
        )
    return found[0]


def _text(dataset: h5py.Dataset) -> str:
    value = dataset[()]
    return value.decode() if isinstance(value, bytes) else str(value)


def _truth(file: h5py.File, key: str) -> bool:
    """The workflow leaves out parameters that do not apply, such as noise removal for static layers."""
    path = f"{_PARAMETERS}/{key}"
    return bool(file[path][()]) if path in file else False
