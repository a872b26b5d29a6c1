"""Make one burst: from a job to a committed product, in steps that a task overlaps."""

from pathlib import Path
from typing import NamedTuple

from rtcflow.destination import Destination
from rtcflow.engines.registry import choose_engine
from rtcflow.grid.resolve import check_crs
from rtcflow.inputs import fetch_inputs
from rtcflow.product.product_files import collect_files, make_manifest
from rtcflow.progress import Progress, silent
from rtcflow.resources import Meter
from rtcflow.sources.shared import Shared
from rtcflow_contract.backscatter import refuse_options
from rtcflow_contract.grid import Grid
from rtcflow_contract.job import BurstJob
from rtcflow_contract.manifest import Manifest
from rtcflow_contract.report import Outcome
from rtcflow_contract.request import Engine
from rtcflow_contract.scene_rules import refuse_old_processor
from rtcflow_contract.standing import Verdict, judge


class BurstResult(NamedTuple):
    """`made` or `skipped`, and the product that now exists."""

    outcome: Outcome
    manifest: Manifest


class BurstRun:
    """The steps from job to product: `fetch`, `compute`, `write`, `publish`, called once each in this order.

    If the product exists already, `fetch` sets `result` and nothing else is to be done. Each step raises RefusedError,
    TransientError or DefectError with one sentence for the user. Files brought to the destination before an error are
    not committed; the next attempt overwrites or removes them.

    Parameters
    ----------
    job : BurstJob
    work : Path
        Folder for inputs and unfinished files; the caller removes it.
    destination : Destination
        Where the product goes.
    progress : Progress
    meter : Meter, optional
        Measures the resources used, which the manifest records.
    shared : Shared, optional
        Inputs that the bursts of a task fetch once.
    """

    def __init__(
        self,
        job: BurstJob,
        work: Path,
        destination: Destination,
        progress: Progress = silent,
        meter: Meter | None = None,
        shared: Shared | None = None,
    ) -> None:
        self.job = job
        self.meter = meter or Meter()
        self.result: BurstResult | None = None
        self._work = work
        self._folder = work / "product"
        self._destination = destination
        self._progress = progress
        self._shared = shared

    @property
    def grid(self) -> Grid:
        """The grid of the product; known after `fetch`."""
        return self.result.manifest.grid if self.result else self._inputs.grid

    def fetch(self) -> None:
        """Look for an existing product, and fetch the inputs if there is none."""
        with self.meter.working():
            self._engine = choose_engine(self.job.engine)
            check_crs(self.job.output_crs)
            refuse_options(
                self._engine.name,
                self.job.backscatter,
                self.job.tide_correction,
                self.job.align_area_factors,
                self.job.negative_power,
            )
            self.result = _standing(self.job, self._destination)
            if self.result is not None:
                return
            self._inputs = fetch_inputs(self.job, self._work, self._progress, self.meter, self._shared)
            # What `auto` resolves to is known only here.
            version = self._inputs.engine.source.burst.ipf_version
            refuse_old_processor(self.job.scene, version, Engine(self._engine.name))

    def compute(self) -> None:
        """Compute the layers, in memory or in the engine's own files."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with self.meter.working():
            self._write_files = self._engine.compute(
                self.job, self._inputs.engine, self._inputs.grid, self._folder, self.meter, self._progress
            )

    def write(self) -> None:
        """Write the product's files and check them."""
        with self.meter.working():
            self._engine_result = self._write_files()
            # Frees the layers in memory.
            del self._write_files
            self._progress("check", 0.0)
            with self.meter.stage("check"):
                self._written = collect_files(
                    self.job,
                    self._engine.name,
                    self._engine_result.parameters,
                    self._inputs.grid,
                    self._folder,
                )
            self.meter.bytes_written = sum(file.size for file in self._written.files)

    def publish(self) -> BurstResult:
        """Bring the files to the destination and commit the product."""
        with self.meter.working():
            self._progress("publish", 0.0)
            with self.meter.stage("publish"):
                self._destination.put_files(self._folder, [file.name for file in self._written.files])
            manifest = make_manifest(
                self.job, self._engine.name, self._engine_result, self._inputs, self._written, self.meter
            )
            committed = self._destination.commit(self._folder, manifest)
            self._progress("publish", 1.0)
            # The committed manifest has the id of the item.
            standing = self._destination.existing()
        outcome = Outcome.MADE if committed else Outcome.SKIPPED
        self.result = BurstResult(outcome, standing or manifest)
        return self.result


def make_burst(
    job: BurstJob,
    work: Path,
    destination: Destination,
    progress: Progress = silent,
    meter: Meter | None = None,
) -> BurstResult:
    """Make one burst product by all steps of `BurstRun`; parameters are those of `BurstRun`."""
    run = BurstRun(job, work, destination, progress, meter)
    run.fetch()
    if run.result is not None:
        return run.result
    run.compute()
    run.write()
    return run.publish()


def _standing(job: BurstJob, destination: Destination) -> BurstResult | None:
    """The existing product, of this execution or another that must stay; None if the product is to be made."""
    manifest = destination.existing()
    verdict = judge(manifest, job, destination.href(destination.record), destination.complete)
    if manifest is None or verdict is Verdict.MAKE:
        return None
    own = manifest.execution == job.execution and manifest.product_id == job.product_id
    return BurstResult(Outcome.MADE if own else Outcome.SKIPPED, manifest)
