"""One burst: a job in, a committed product out. The container task and the command line both run this."""

from pathlib import Path
from typing import NamedTuple

from rtcflow.destination import Destination
from rtcflow.engines.registry import choose_engine
from rtcflow.grid.resolve import check_crs
from rtcflow.grid.store import GridPlace
from rtcflow.inputs import fetch_inputs
from rtcflow.product.collect import collect
from rtcflow.progress import Progress, silent
from rtcflow.resources import Meter
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.job import BurstJob
from rtcflow_contract.keys import MANIFEST
from rtcflow_contract.manifest import Manifest
from rtcflow_contract.report import Outcome
from rtcflow_contract.request import Engine, OnExisting
from rtcflow_contract.scene_rules import refuse_old_processor


class BurstResult(NamedTuple):
    """`made` or `skipped`, and the product that stands now."""

    outcome: Outcome
    manifest: Manifest


def make_burst(
    job: BurstJob,
    work: Path,
    destination: Destination,
    progress: Progress = silent,
    meter: Meter | None = None,
    grid_place: GridPlace | None = None,
) -> BurstResult:
    """Make one burst product.

    Parameters
    ----------
    job : BurstJob
    work : Path
        Folder for inputs and unfinished files; the caller removes it.
    destination : Destination
        Where the product goes.
    progress : Progress
    meter : Meter, optional
        What the burst costs is measured here, and recorded in the manifest.
    grid_place : GridPlace, optional
        Where the burst's grid is stored, in place of the job's `grid_store`.

    Raises
    ------
    RefusedError, TransientError, DefectError
        With one sentence for the user. Whatever was brought to the destination before is not committed, and is
        overwritten or removed by the next attempt.
    """
    meter = meter or Meter()
    engine = choose_engine(job.engine)
    check_crs(job.output_crs)
    standing = _standing(job, destination)
    if standing is not None:
        return standing
    inputs, grid, refs, origin = fetch_inputs(job, work, progress, meter, grid_place)
    # The engine that `auto` stands for is known only here.
    refuse_old_processor(job.scene, inputs.source.burst.ipf_version, Engine(engine.name))
    folder = work / "product"
    folder.mkdir(parents=True, exist_ok=True)
    result = engine.make(job, inputs, grid, folder, meter, progress)
    progress("check", 0.0)
    with meter.stage("check"):
        manifest = collect(job, engine, result, inputs, refs, grid, folder, meter)
    progress("publish", 0.0)
    with meter.stage("publish"):
        destination.put_files(folder, [file.name for file in manifest.files])
    parameters = {**manifest.parameters, **_job_parameters(job), "grid_origin": origin}
    manifest = manifest.model_copy(update={"parameters": parameters, "resources": meter.measured()})
    committed = destination.commit(folder, manifest)
    progress("publish", 1.0)
    if committed:
        return BurstResult(Outcome.MADE, manifest)
    return BurstResult(Outcome.SKIPPED, destination.existing() or manifest)


def _standing(job: BurstJob, destination: Destination) -> BurstResult | None:
    """The result that stands already: this execution's own, or another's that is to stay; None where work is due."""
    manifest = destination.existing()
    if manifest is None:
        return None
    if manifest.product is not job.product:
        raise RefusedError(
            f"{destination.href(MANIFEST)} is of a product {manifest.product}; give {job.product} another folder",
            reason="other-product",
        )
    own = manifest.execution == job.execution and manifest.product_id == job.product_id
    if not own and job.on_existing is OnExisting.REPLACE:
        return None
    if not destination.complete(manifest):
        return None
    return BurstResult(Outcome.MADE if own else Outcome.SKIPPED, manifest)


def _job_parameters(job: BurstJob) -> dict[str, object]:
    return {
        "resolution": job.resolution,
        "output_crs": job.output_crs,
        "dem": job.dem,
        "orbit": job.orbit.value,
    }
