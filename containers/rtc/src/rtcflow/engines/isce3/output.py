"""What the workflow wrote, as files of the product: names, tags and metadata as the contract has them."""

import io
import shutil
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import h5py
import rasterio
from PIL import Image
from shapely import to_wkt
from shapely.geometry import shape

from rtcflow.engines.base import EngineInputs, EngineResult, Processing
from rtcflow.engines.isce3.terrain import StagedDem
from rtcflow.engines.orbit_fit import orbit_fit_record
from rtcflow.product.browse import MAX_BYTES, save_browse
from rtcflow.product.check import check_layer
from rtcflow.product.cog import write_cog
from rtcflow.product.footprint import footprint_of
from rtcflow.product.hdf5 import fixed_text
from rtcflow.product.record import Record, make_record
from rtcflow.product.tags import tags_of
from rtcflow.progress import Progress
from rtcflow.provenance import software_version
from rtcflow.sentinel1.orbit import fit_orbit, read_orbit
from rtcflow_contract.backscatter import in_convention
from rtcflow_contract.errors import DefectError, RefusedError
from rtcflow_contract.grid import Grid
from rtcflow_contract.job import BurstJob
from rtcflow_contract.layers import layers_of
from rtcflow_contract.product_id import browse_file_name, layer_file_name, metadata_file_name

_ALGORITHMS = "metadata/processingInformation/algorithms"
_PARAMETERS = "metadata/processingInformation/parameters"
_VERSIONS = {"rtc": "softwareVersion", "isce3": "isce3Version", "s1Reader": "s1ReaderVersion"}
# Of the file as a whole, and where in it the same is said.
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
    dem: StagedDem,
) -> EngineResult:
    """Bring the workflow's files into the product folder.

    Layers keep their values and get the tags that every engine writes; the HDF5 file is the workflow's, with who
    processed, and when, put right: it names NASA JPL whoever runs it.

    Parameters
    ----------
    job, inputs, grid
    output : Path
        Folder that the workflow wrote to; files are found in it by how their names end.
    folder : Path
        The product's.
    progress : Progress
    dem : StagedDem
        What the workflow was given; pixels without a height of their own get no data in every layer.

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
    seen = checked["mask"].valid & ~dem.void if dem.void.size else checked["mask"].valid
    outline = shape(footprint_of(seen, grid).geometry)
    processing = replace(facts.processing, more={**dem.parameters, **_orbit_fit(inputs)})
    record = make_record(job, inputs, grid, facts.versions, processing, to_wkt(outline, rounding_precision=6))
    tags = tags_of(record, job.product_id, grid)
    for number, layer in enumerate(layers):
        progress("write layers", number / len(layers))
        with rasterio.open(paths[layer.name]) as source:
            values = source.read(1)
        if dem.void.size:
            values[dem.void] = layer.nodata
        named = in_convention(layer, job.backscatter)
        path = folder / layer_file_name(job.product_id, layer.name, job.naming)
        write_cog(path, values, named, grid, tags, job.precision)
    _copy_browse(browse, folder / browse_file_name(job.product_id, job.naming))
    _write_metadata(metadata, folder / metadata_file_name(job.product_id, job.naming), record)
    return EngineResult(facts.versions, processing.parameters())


def _orbit_fit(inputs: EngineInputs) -> dict[str, object]:
    burst = inputs.source.burst
    try:
        vectors = read_orbit(inputs.orbit.path, burst.sensing_start)
        fitted = fit_orbit(vectors, 0.0, (burst.lines - 1) * burst.azimuth_interval_s)
    except RefusedError:
        # The workflow took it: how smooth it is stays unknown.
        return {}
    return orbit_fit_record(fitted.residual_m, "isce3")


def _copy_browse(source: Path, target: Path) -> None:
    """Copy the workflow's browse image, smaller where it is above the limit of products."""
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
        When it lacks what every such file has.
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


def _write_metadata(source: Path, target: Path, record: Record) -> None:
    identification = record.identification
    buffer = io.BytesIO(source.read_bytes())
    with h5py.File(buffer, "r+") as file:
        for attribute, name in _WHO.items():
            file.attrs[attribute] = fixed_text(identification[name])
        for name in _OF_THIS_RUN:
            _replace(file["identification"], name, identification[name])
        # What the operator's own campaign found; the workflow leaves it open.
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
    """The one file of the workflow whose name has an ending; local_incidence_angle also ends in incidence_angle."""
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
    """The workflow leaves a parameter out where it means nothing, as noise removal for static layers."""
    path = f"{_PARAMETERS}/{key}"
    return bool(file[path][()]) if path in file else False
