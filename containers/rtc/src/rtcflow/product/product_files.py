"""Check every layer that an engine wrote, compute checksums, and build the manifest."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np

from rtcflow.engines.base import EngineResult
from rtcflow.inputs import FetchedInputs
from rtcflow.product.check import CheckedLayer, check_layer
from rtcflow.product.companions import write_scheme_files, write_styles
from rtcflow.product.footprint import footprint_of
from rtcflow.resources import Meter
from rtcflow.settings import geometric_accuracy
from rtcflow.threads import Pool
from rtcflow_contract.errors import DefectError
from rtcflow_contract.grid import Grid
from rtcflow_contract.job import BurstJob
from rtcflow_contract.layers import Layer, layers_of
from rtcflow_contract.manifest import EngineInfo, Manifest, ProductFile
from rtcflow_contract.product_id import browse_file_name, layer_file_name, metadata_file_name
from rtcflow_files.s3 import media_type

_PARALLEL = 2


class ProductFiles(NamedTuple):
    """Files of a product that passed their checks, with grid and valid pixels (rows, cols) of the written COGs."""

    files: tuple[ProductFile, ...]
    grid: Grid
    valid: np.ndarray


def collect_files(
    job: BurstJob, engine: str, parameters: Mapping[str, Any], planned: Grid, folder: Path
) -> ProductFiles:
    """Check the files that an engine wrote to a folder, and add companion files.

    Parameters
    ----------
    job : BurstJob
    engine : str
        Name of the engine.
    parameters : mapping
        Of the processing.
    planned : Grid
        Grid that every layer must have.
    folder : Path

    Raises
    ------
    DefectError
        When a file is missing, or a layer fails its checks.
    """
    layers = layers_of(job.product, job.polarizations)
    paths = {layer.name: folder / layer_file_name(job.product_id, layer.name, job.naming) for layer in layers}
    others = {
        "browse": folder / browse_file_name(job.product_id, job.naming),
        "metadata": folder / metadata_file_name(job.product_id, job.naming),
    }
    missing = [path.name for path in (*paths.values(), *others.values()) if not path.is_file()]
    if missing:
        raise DefectError(f"engine {engine} did not write {', '.join(missing)}", reason="layer-missing")
    with Pool(_PARALLEL) as pool:
        checks = dict(
            zip(
                paths,
                pool.map(lambda layer: _checked(paths[layer.name], layer, planned), layers),
                strict=True,
            )
        )
        styles = write_styles(job, folder)
        extra = write_scheme_files(job, parameters, folder, [*paths.values(), *others.values()])
        beside = [*others.items(), *(("style", path) for path in styles), *extra.items()]
        sums = list(pool.map(_sha256, (*paths.values(), *(path for _, path in beside))))
    files = (
        *(
            _layer_file(name, path, checks[name], digest)
            for (name, path), digest in zip(paths.items(), sums, strict=False)
        ),
        *(
            _other_file(kind, path, digest)
            for (kind, path), digest in zip(beside, sums[len(paths) :], strict=True)
        ),
    )
    return ProductFiles(files, checks["mask"].grid, checks["mask"].valid)


def make_manifest(
    job: BurstJob,
    engine: str,
    result: EngineResult,
    inputs: FetchedInputs,
    written: ProductFiles,
    meter: Meter,
) -> Manifest:
    """Make the manifest of a product whose files are written and checked."""
    footprint = footprint_of(written.valid, written.grid)
    quality = inputs.engine.quality
    if quality is not None:
        quality = quality.model_copy(update={"border_pixels": border_pixels(written.valid)})
    return Manifest(
        product=job.product,
        product_id=job.product_id,
        product_version=job.product_version,
        collection=job.collection,
        scene=job.scene,
        burst_id=job.burst_id,
        execution=job.execution,
        created=datetime.now(UTC).replace(microsecond=0),
        engine=EngineInfo(name=cast(Any, engine), versions=result.versions, compiled=result.compiled),
        acquisition=inputs.engine.acquisition,
        grid=written.grid,
        footprint=footprint.geometry,
        bbox=footprint.bbox,
        files=written.files,
        inputs=tuple(inputs.refs),
        parameters={
            **result.parameters,
            **inputs.engine.facts,
            **_job_parameters(job),
            "grid_origin": inputs.grid_origin,
        },
        notes=(*inputs.engine.notes, *result.notes),
        resources=meter.measured(),
        naming=job.naming,
        quality=quality,
        accuracy=geometric_accuracy(),
    )


def _job_parameters(job: BurstJob) -> dict[str, object]:
    return {
        "resolution": job.resolution,
        "output_crs": job.output_crs,
        "dem": job.dem,
        "dem_datum": job.dem_datum,
        "orbit": job.orbit.value,
        "backscatter": job.backscatter.value,
        "bistatic_correction": job.bistatic_correction,
        "troposphere_correction": job.troposphere_correction,
        "tide_correction": job.tide_correction,
        "align_area_factors": job.align_area_factors,
        "negative_power": job.negative_power.value,
        "precision": job.precision.value,
    }


def border_pixels(valid: np.ndarray) -> tuple[int, int, int, int]:
    """Rows and columns at the edges without any valid pixel: top, right, bottom, left."""
    rows, cols = np.flatnonzero(valid.any(axis=1)), np.flatnonzero(valid.any(axis=0))
    height, width = valid.shape
    return int(rows[0]), int(width - 1 - cols[-1]), int(height - 1 - rows[-1]), int(cols[0])


def _checked(path: Path, layer: Layer, planned: Grid) -> CheckedLayer:
    """Check a layer; only the mask keeps its valid pixels, to save memory."""
    checked = check_layer(path, layer, planned)
    return checked if layer.name == "mask" else checked._replace(valid=np.zeros((0, 0), bool))


def _layer_file(name: str, path: Path, checked: CheckedLayer, digest: str) -> ProductFile:
    return ProductFile(
        name=path.name,
        kind="layer",
        layer=name,
        media_type=media_type(path.name),
        size=path.stat().st_size,
        sha256=digest,
        statistics=checked.statistics,
        class_counts=checked.class_counts,
        header_size=checked.header_size,
    )


def _other_file(kind: str, path: Path, digest: str) -> ProductFile:
    return ProductFile(
        name=path.name,
        kind=cast(Any, kind),
        media_type=media_type(path.name),
        size=path.stat().st_size,
        sha256=digest,
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
