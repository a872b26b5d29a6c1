"""A year of operation in small: passes, revisions, outages, failures, releases, edits by hand, by a table and a seed.

Searches, starts, campaigns, inventory, promotion and pruning are the project's own code on moto; a task writes files of
a few bytes, Step Functions is a table of names that forgets after 90 days, and a catalogue takes what the topic tells.
"""

import json
import random
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from rtcflow.destination import Destination
from rtcflow_archives.cmr import Cmr
from rtcflow_campaign.area_sweep import SweepLimits, SweepServices, read_areas, sweep
from rtcflow_campaign.campaign_list import make_items
from rtcflow_campaign.retries import LONGEST_EXECUTION, SceneExecutions
from rtcflow_campaign.scene_following import FollowSettings, SceneFollower
from rtcflow_campaign.scene_start import SceneStarter
from rtcflow_contract.errors import ErrorClass, NotFoundError, RefusedError, RtcflowError, TransientError
from rtcflow_contract.job import BurstJob, Sources, linked_static_folder, make_job
from rtcflow_contract.keys import ITEM, MANIFEST, Location
from rtcflow_contract.layers import Product
from rtcflow_contract.report import BurstOutcome, Outcome, SceneOutcome, SceneReport
from rtcflow_contract.request import SceneRequest, parse_request
from rtcflow_contract.scene_id import parse_scene_id
from rtcflow_contract.standing import Verdict, judge
from rtcflow_files import storage
from rtcflow_files.files import Store
from rtcflow_files.retry import Retry
from rtcflow_files.storage import open_store
from rtcflow_local.inventory import reprocess
from rtcflow_local.inventory.archive_listing import read_archive
from rtcflow_local.inventory.build import build
from rtcflow_local.inventory.prune import plan_pruning, prune
from rtcflow_local.inventory.tables import open_tables
from rtcflow_local.inventory.versions import Promoted, find_folders, promote
from rtcflow_scene.assembly import assemble_stac
from rtcflow_scene.existing import existing_item
from rtcflow_stac.notice import notice_of
from tests.support.catalogue_case import feature, put_area
from tests.support.cmr_catalogue import Catalogue, Granule
from tests.support.inventory_case import BURSTS, SETTINGS, Spec, body, manifest_of

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:scene"
MEMORY = timedelta(days=90)
PLACE = (150.0, -34.0)
AREA = {"revisions": "replace", "link_static_layers": True, "on_missing_static": "create", "collection": "s1"}
STATIC_COLLECTION = "s1_rtc_static_c1"
POLL = timedelta(days=1)


class Killed(Exception):
    """The process dies here."""


class Chance(NamedTuple):
    """Something that happens on a day with a probability."""

    per_day: float
    what: str


CHANCES = (
    Chance(0.08, "pass"),
    Chance(0.05, "revision"),
    Chance(0.02, "late_earlier_processing"),
    Chance(0.02, "outage"),
    Chance(0.03, "spoil_item"),
    Chance(0.02, "spoil_manifest"),
    Chance(0.02, "delete_item"),
    Chance(0.01, "delete_file"),
    Chance(0.02, "search_anew"),
    Chance(0.02, "precise_orbits"),
    Chance(0.02, "prune"),
    Chance(0.02, "spoil_position"),
)
# Share of the time, and what an operator does then.
CALENDAR = (
    (0.25, "release"),
    (0.30, "make_beside"),
    (0.34, "promote_and_die"),
    (0.38, "prune"),
    (0.40, "promote"),
    (0.45, "prune"),
    (0.50, "replace_static"),
    (0.55, "prune"),
    (0.60, "fill_gaps"),
    (0.65, "release"),
    (0.70, "make_beside"),
    (0.75, "promote_and_die"),
    (0.78, "promote"),
    (0.80, "prune"),
    (0.90, "replace_static"),
)
# How an execution ends; the rest succeed.
FATES = ((0.10, "transient"), (0.05, "dies before the commit"), (0.05, "dies before the item"))


class Machine:
    """Step Functions by names: what the project asks of it."""

    def __init__(self, year: "Year") -> None:
        self.year = year
        self.found: dict[str, dict[str, Any]] = {}

    def _known(self, name: str) -> dict[str, Any] | None:
        found = self.found.get(name)
        ended = found and found.get("stopDate")
        return None if ended and self.year.now - ended > MEMORY else found

    def start_execution(self, stateMachineArn: str, name: str, **fields: str) -> dict[str, Any]:
        if self._known(name):
            raise ClientError({"Error": {"Code": "ExecutionAlreadyExists"}}, "StartExecution")
        self.found[name] = {
            "name": name,
            "status": "RUNNING",
            "input": fields["input"],
            "startDate": self.year.now,
        }
        self.year.waiting.append(name)
        return {"startDate": datetime.now(UTC)}

    def describe_execution(self, executionArn: str) -> dict[str, Any]:
        found = self._known(executionArn.rpartition(":")[2])
        if found is None:
            raise ClientError({"Error": {"Code": "ExecutionDoesNotExist"}}, "DescribeExecution")
        return found

    def get_paginator(self, operation: str) -> Any:
        return self

    def paginate(self, stateMachineArn: str, statusFilter: str) -> list[dict[str, Any]]:
        listed = [
            one for name, one in self.found.items() if self._known(name) and one["status"] == statusFilter
        ]
        return [{"executions": sorted(listed, key=lambda one: one["startDate"], reverse=True)}]


class Year:
    """A stack, its archive and its operators, from day to day."""

    def __init__(self, s3: Any, catalogue: Catalogue, url: str, folder: Path, seed: int, days: int) -> None:
        self.s3, self.catalogue, self.folder, self.days = s3, catalogue, folder, days
        self.dice = random.Random(seed)
        self.now = START
        self.version = "0.1"
        self.outage_until = START
        self.calm = False
        self.waiting: list[str] = []
        self.states = Machine(self)
        self.cmr = Cmr(url, Retry(sleep=lambda seconds: None))
        self.catalogue.disturb = lambda number, status, items: (
            503 if self.now < self.outage_until else status,
            items,
        )
        self.heard: dict[str, dict[str, Any]] = {}
        self.made: Counter[str] = Counter()
        self.poison: set[str] = set()
        self.bursts: dict[str, tuple[str, ...]] = {}
        self.attempts: Counter[str] = Counter()
        self.log: list[str] = []
        self.campaigns = 0
        put_area(s3, feature("coast", **AREA))

    @property
    def products(self) -> Store:
        return open_store("s3://products")

    @property
    def inventory(self) -> Store:
        return open_store(str(self.folder / "inventory"))

    # Days

    def run(self) -> None:
        """All days, and then as many quiet ones as it takes to come to rest."""
        calendar = defaultdict(list)
        for share, what in CALENDAR:
            calendar[int(share * self.days)].append(what)
        for day in range(self.days):
            happens = [chance.what for chance in CHANCES if self.dice.random() < chance.per_day]
            for what in [*happens, *calendar[day]]:
                self.log.append(f"day {day}: {what}")
                getattr(self, f"_{what}")()
            self._day()
        self.settle()

    def _day(self) -> None:
        self._sweep()
        self._work()
        self.now += POLL

    def settle(self) -> None:
        """What operators do until nothing is left to do, by the documents."""
        self.calm = True
        self.outage_until = self.now
        for _ in range(10):
            self._day()
        for _ in range(3):
            self._fill_gaps()
            self._make_unreadable()
            self._make_beside()
            self._promote()
            self._prune()
            self._day()

    # The archive

    def _pass(self) -> None:
        bursts = tuple(self.dice.sample(BURSTS, 2))
        start = self.now - timedelta(hours=3, seconds=self.dice.randrange(3000))
        scene = self._scene(start, "1DAD")
        if any(other.scene[17:25] == scene[17:25] for other in self.catalogue.granules):
            return
        if self.dice.random() < 0.05:
            self.poison.add(scene[:-5])
        published = self.now + timedelta(hours=self.dice.choice((0, 0, 0, 30, 80)))
        self._publish(scene, published, self.now, bursts)

    def _scene(self, start: datetime, unique: str) -> str:
        stop = start + timedelta(seconds=27)
        return f"S1A_IW_SLC__1SDV_{start:%Y%m%dT%H%M%S}_{stop:%Y%m%dT%H%M%S}_041267_04E7A2_{unique}"

    def _publish(self, scene: str, published: datetime, processed: datetime, bursts: tuple[str, ...]) -> None:
        self.bursts[scene[:-5]] = bursts
        self.catalogue.granules.append(Granule(scene, published, PLACE, processed=processed, bursts=bursts))

    def _another(self, later: bool) -> None:
        fresh = [
            one
            for one in self.catalogue.granules
            if one.created <= self.now and self.now - one.created < timedelta(days=40)
        ]
        if not fresh:
            return
        scene = self.dice.choice(fresh).scene
        same = [one for one in self.catalogue.granules if one.scene[:-5] == scene[:-5]]
        times = [one.processed for one in same if one.processed]
        processed = max(times) + timedelta(hours=2) if later else min(times) - timedelta(hours=2)
        name = f"{scene[:-4]}{self.dice.randrange(0x2000, 0xFFFF):04X}"
        self._publish(name, self.now, processed, self.bursts[scene[:-5]])

    def _revision(self) -> None:
        self._another(later=True)

    def _late_earlier_processing(self) -> None:
        self._another(later=False)

    def _outage(self) -> None:
        self.outage_until = self.now + timedelta(days=self.dice.randrange(1, 10))

    def newest(self) -> dict[str, Granule]:
        """The last processing of each acquisition that is published."""
        newest: dict[str, Granule] = {}
        for one in self.catalogue.granules:
            known = newest.get(one.scene[:-5])
            if one.created <= self.now and (known is None or known.processed < one.processed):
                newest[one.scene[:-5]] = one
        return newest

    # The stack

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
        """Make a product as a task and AssembleStac do; gives its item."""
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
        """A catalogue that takes items by id, and drops what the message says is replaced."""
        notice = notice_of(item, href, burst_id, replaces)
        told = json.loads(notice.message)
        if "replaces" in notice.attributes:
            self.heard.pop(notice.attributes["replaces"][1], None)
        self.heard[told["id"]] = told

    # People

    def _any(self, name: str, *, static: bool = False) -> Location | None:
        keys = [
            entry.name
            for entry in storage.list_objects(Location("products", ""))
            if entry.name.endswith(f"/{name}") and (STATIC_COLLECTION in entry.name) == static
        ]
        return Location("products", self.dice.choice(sorted(keys))) if keys else None

    def _whole(self, at: Location) -> bool:
        """Whether item and manifest are there: where both are lost, nothing tells which item a catalogue has."""
        folder = Location("products", at.key.rpartition("/")[0])
        try:
            return all(
                "version" in storage.read_json(folder.join(name)) or name == ITEM for name in (ITEM, MANIFEST)
            )
        except (ValueError, NotFoundError):
            return False

    def _forget(self, item: Location) -> None:
        """Who deletes an item by hand takes it out of the catalogue too."""
        with suppress(ValueError, KeyError, TypeError, NotFoundError):
            self.heard.pop(storage.read_json(item)["id"], None)

    def _spoil_item(self) -> None:
        at = self._any(ITEM)
        if at and self._whole(at):
            whole = storage.read_bytes(at)
            storage.write_bytes(at, self.dice.choice((b"", whole[: len(whole) // 2], b"[]", b'{"id": 7}')))

    def _spoil_manifest(self) -> None:
        at = self._any(MANIFEST)
        if at and self._whole(at):
            storage.write_bytes(at, self.dice.choice((b"", storage.read_bytes(at)[:40])))

    def _delete_item(self) -> None:
        at = self._any(ITEM)
        if at and self._whole(at):
            self._forget(at)
            storage.delete(at)

    def _delete_file(self) -> None:
        at = self._any(MANIFEST)
        if at:
            try:
                name = storage.read_json(at)["files"][0]["name"]
            except (ValueError, KeyError):
                return
            folder = Location("products", at.key.rpartition("/")[0])
            storage.delete(folder.join(name))
            # Who deletes a file of a product deletes its item first.
            self._forget(folder.join(ITEM))
            storage.delete(folder.join(ITEM))

    def _release(self) -> None:
        self.version = f"0.{int(self.version[2:]) + 1}"

    def _tables(self, listing: bytes | None = None) -> Any:
        build(self.products, self.inventory)
        return open_tables(self.inventory, read_archive("a.csv", listing) if listing else None)

    def _campaign(self, payloads: list[dict[str, Any]]) -> None:
        """Follow every scene of a list to its end."""
        self.campaigns += 1
        follower = SceneFollower(FollowSettings("work", MACHINE), states=self.states)
        made = make_items(enumerate(payloads, start=1), "products", self.version)
        assert not made.wrong, made.wrong
        for item in made.items:
            event: dict[str, Any] = {"campaign": f"c-{self.campaigns}", "item": item.model_dump()}
            while True:
                answer = follower.follow(event)
                if answer["decision"] != "run":
                    break
                self.states.start_execution(MACHINE, answer["attempt"], input=json.dumps(item.payload))
                self._work()
                event["seen"] = answer["seen"]

    def _again(self, wanted: reprocess.Wanted, changes: dict[str, Any] | None = None) -> None:
        if not self._holds_products():
            return
        rows = reprocess.select(self._tables(), wanted)
        self._campaign(reprocess.payloads(rows, {**wanted.changes, **(changes or {})}, {}))

    def _holds_products(self) -> bool:
        return self._any(ITEM) is not None

    def _precise_orbits(self) -> None:
        self._again(reprocess.precise_orbit())

    def _make_beside(self) -> None:
        self._again(reprocess.version_below(self.version))

    def _make_unreadable(self) -> None:
        self._again(reprocess.unreadable())

    def _replace_static(self) -> None:
        if self._any(ITEM, static=True):
            self._again(
                reprocess.Wanted("product = 'RTC_S1_STATIC' AND $1", True, {"on_existing": "replace"})
            )

    def _fill_gaps(self) -> None:
        lines = ["burst_id,scene,date"]
        for granule in self.newest().values():
            if granule.scene[:-5] not in self.poison:
                day = parse_scene_id(granule.scene).start
                lines += [f"{burst.upper()},{granule.scene},{day:%Y-%m-%d}" for burst in granule.bursts]
        if self._holds_products() and len(lines) > 1:
            dates = reprocess.missing_dates(self._tables("\n".join(lines).encode() + b"\n"))
            self._campaign(reprocess.payloads(dates.rows, {}, {}))

    def _promote(self, dies: Callable[[], bool] = lambda: False) -> None:
        store = self.products
        for folder in list(find_folders(store)):
            if self.version not in folder.versions:
                continue
            if dies():
                self._die_in(folder)
                continue
            with suppress(RtcflowError):
                promote(store, folder, self.version, self._told)

    def _told(self, promoted: Promoted) -> None:
        burst = next(burst for burst in BURSTS if burst in promoted.folder)
        self._hear(promoted.item, f"s3://products/{promoted.folder}/{ITEM}", burst, promoted.replaces)

    def _promote_and_die(self) -> None:
        self._promote(lambda: self.dice.random() < 0.5)

    def _die_in(self, folder: Any) -> None:
        """A promotion that is killed after some of its writes."""
        store = self.products
        left = self.dice.randrange(6)
        write = store.write

        def dying(name: str, data: bytes) -> None:
            nonlocal left
            if not left:
                raise Killed
            left -= 1
            write(name, data)

        def silent(promoted: Promoted) -> None:
            raise Killed

        store.write = dying
        with suppress(Killed, RtcflowError):
            promote(store, folder, self.version, silent)

    def _prune(self) -> None:
        store = self.products
        pruning = plan_pruning(store, list(find_folders(store)), None, [], self.now)
        list(prune(store, pruning.removals))

    # What must hold

    def items(self) -> dict[str, dict[str, Any]]:
        """Items in use and beside, by key, that can be read."""
        found = {}
        for entry in storage.list_objects(Location("products", "")):
            if entry.name.rpartition("/")[2].startswith("metadata"):
                try:
                    item = storage.read_json(Location("products", entry.name))
                    found[entry.name] = item if isinstance(item.get("assets"), dict) else {}
                except (ValueError, AttributeError, NotFoundError):
                    continue
        return {key: item for key, item in found.items() if item}

    def dead_links(self) -> list[str]:
        """Assets of items whose file is not there."""
        there = {f"s3://products/{entry.name}" for entry in storage.list_objects(Location("products", ""))}
        return [
            f"{key}: {asset['href']}"
            for key, item in self.items().items()
            for asset in item["assets"].values()
            if asset["href"] not in there
        ]

    def failures(self) -> Counter[ErrorClass]:
        """Executions that ended badly."""
        return Counter(one["status"] for one in self.states.found.values())
