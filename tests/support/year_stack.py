"""What a stack does during a year of operation: searches, executions, tasks, and the notices that a catalogue takes."""

import json
from datetime import timedelta
from typing import Any

from rtcflow.destination import Destination
from rtcflow_campaign.area_sweep import SweepLimits, SweepServices, read_areas, sweep
from rtcflow_campaign.retries import LONGEST_EXECUTION, SceneExecutions
from rtcflow_campaign.scene_start import SceneStarter
from rtcflow_contract.errors import RefusedError, RtcflowError, TransientError
from rtcflow_contract.job import BurstJob, Sources, linked_static_folder, make_job
from rtcflow_contract.keys import ITEM, MANIFEST, Location
from rtcflow_contract.layers import Product
from rtcflow_contract.report import BurstOutcome, Outcome, SceneOutcome, SceneReport
from rtcflow_contract.request import SceneRequest, parse_request
from rtcflow_contract.scene_id import parse_scene_id
from rtcflow_contract.standing import Verdict, judge
from rtcflow_files import storage
from rtcflow_scene.assembly import assemble_stac
from rtcflow_scene.burst_choice import existing_item
from rtcflow_stac.notice import notice_of
from tests.support.inventory_case import SETTINGS, Spec, body, manifest_of

MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:scene"
# How an execution ends; the rest succeed.
FATES = ((0.10, "transient"), (0.05, "dies before the commit"), (0.05, "dies before the item"))


class Killed(Exception):
    """The process dies here."""


class YearOfStack:
    """Searches and executions; a task writes files of a few bytes."""

    def _sweep(self) -> None:
        executions = SceneExecutions(MACHINE, "work", self.states)
        starter = SceneStarter(MACHINE, self.version, "products", self.states)
        limits = SweepLimits(timedelta(hours=24), timedelta(days=30), 100)
        failed = executions.failed_since(self.now - limits.retry - LONGEST_EXECUTION)
        visible = list(self.catalogue.granules)
        self.catalogue.granules[:] = [one for one in visible if one.created <= self.now]
        try:
            (area,) = read_areas("work", "products").areas
            sweep(area, self.now, limits, SweepServices(self.cmr, starter, executions, failed), "work")
        except TransientError:
            pass
        except RefusedError as error:
            if error.reason != "position":
                raise
            # As the message says.
            self._search_anew()
        finally:
            self.catalogue.granules[:] = visible

    def _search_anew(self) -> None:
        storage.delete(Location("work", "find_scenes/coast.json"))

    def _spoil_position(self) -> None:
        storage.write_bytes(Location("work", "find_scenes/coast.json"), b'{"searched_until": ')

    def _work(self) -> None:
        """Run what was started."""
        while self.waiting:
            self._execute(self.waiting.pop(0))

    def _execute(self, name: str) -> None:
        execution = self.states.found[name]
        request = parse_request(json.loads(execution["input"]), "products")
        self.attempts[f"{request.scene[:-5]} {self.version}"] += 1
        outcomes: list[BurstOutcome] = []
        fate = self._fate(request.scene)
        try:
            for burst in request.burst_id_list or self.bursts[request.scene[:-5]]:
                outcomes.append(self._burst(request, burst, name, fate))
        except Killed:
            pass
        failed = any(one.outcome is Outcome.FAILED for one in outcomes) or fate.startswith("dies")
        execution |= {"status": "FAILED" if failed else "SUCCEEDED", "stopDate": self.now}
        if failed:
            execution |= {"error": "TransientError", "cause": fate}
        if not fate.startswith("dies"):
            report = SceneReport(
                execution=name,
                scene=request.scene,
                product=request.product,
                collection=request.collection,
                started=self.now,
                finished=self.now,
                outcome=SceneOutcome.FAILED if failed else SceneOutcome.SUCCEEDED,
                message=fate,
                bursts=tuple(outcomes),
            )
            at = Location("work", f"executions/{name}/report.json")
            storage.write_bytes(at, report.model_dump_json().encode())

    def _fate(self, scene: str) -> str:
        if scene[:-5] in self.poison:
            return "refused"
        roll = 1.0 if self.calm else self.dice.random()
        for share, fate in FATES:
            if roll < share:
                return fate
            roll -= share
        return "succeeds"

    def _burst(self, request: SceneRequest, burst: str, name: str, fate: str) -> BurstOutcome:
        static = linked_static_folder(request, burst) if request.link_static_layers else None
        if static is not None and not storage.exists(static.join(ITEM)):
            self._task(self._job(request, burst, name, Product.RTC_S1_STATIC), "succeeds")
        job = self._job(request, burst, name, request.product)
        values: dict[str, Any] = {"burst_id": burst, "product": request.product}
        existing = existing_item(job)
        if existing is not None:
            return BurstOutcome(**values, outcome=Outcome.SKIPPED, item=str(existing))
        try:
            made = self._task(job, fate)
        except RtcflowError as error:
            problem = {"error_class": error.error_class, "reason": error.reason, "message": error.message}
            return BurstOutcome(**values, outcome=Outcome.FAILED, **problem)
        return BurstOutcome(**values, outcome=Outcome.MADE, item=made)

    def _job(self, request: SceneRequest, burst: str, name: str, product: Product) -> BurstJob:
        return make_job(
            request,
            product=product,
            burst_id=burst,
            sensing_start=parse_scene_id(request.scene).start + timedelta(seconds=8),
            execution=name,
            execution_started=self.now,
            work_bucket="work",
            product_version=self.version,
            sources=Sources(scene="asf"),
        )

    def _task(self, job: BurstJob, fate: str) -> str:
        """Make a product as a task and AssembleStac do; returns its item."""
        if fate == "refused":
            raise RefusedError("the burst can never work", reason="poison")
        if fate == "transient":
            raise TransientError("no answer", reason="network")
        destination = Destination(job)
        standing = destination.existing()
        if judge(standing, job, destination.href(MANIFEST), destination.complete) is Verdict.MAKE:
            folder = self.folder / "task"
            folder.mkdir(exist_ok=True)
            manifest = self._manifest(job)
            for file in manifest.files:
                (folder / file.name).write_bytes(body(job, file.layer))
            destination.put_files(folder, [file.name for file in manifest.files])
            if fate == "dies before the commit":
                raise Killed
            if destination.commit(folder, manifest):
                self.made[f"{job.destination} {job.product_version} {job.scene}"] += 1
            if fate == "dies before the item":
                raise Killed
        made = assemble_stac(job, SETTINGS)
        if made.in_use:
            self._hear(made.item, made.item_uri, made.manifest.burst_id, made.manifest.replaces or "")
        return made.item_uri

    def _manifest(self, job: BurstJob) -> Any:
        manifest = manifest_of(Spec(product=job.product, version=job.product_version, made=self.now), job)
        processed = next(one.processed for one in self.catalogue.granules if one.scene == job.scene)
        start = job.sensing_start
        precise = self.calm or job.orbit == "precise" or self.dice.random() < 0.7
        return manifest.model_copy(
            update={
                "acquisition": manifest.acquisition.model_copy(
                    update={
                        "start": start,
                        "stop": start + timedelta(seconds=3),
                        "processed": processed,
                        "orbit_type": "POEORB" if precise else "RESORB",
                    }
                )
            }
        )

    def _hear(self, item: dict[str, Any], href: str, burst_id: str, replaces: str) -> None:
        """Update a catalogue: it stores items by id, and removes the one that a notice replaces."""
        notice = notice_of(item, href, burst_id, replaces)
        sentence = json.loads(notice.message)
        if "replaces" in notice.attributes:
            self.heard.pop(notice.attributes["replaces"][1], None)
        self.heard[sentence["id"]] = sentence
