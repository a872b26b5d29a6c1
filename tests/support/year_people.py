"""What people do during a year of operation: edit and delete files, release, reprocess, promote and prune."""

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from rtcflow_campaign.campaign_list import make_items
from rtcflow_campaign.scene_following import FollowSettings, SceneFollower
from rtcflow_contract.errors import NotFoundError, RtcflowError
from rtcflow_contract.keys import ITEM, MANIFEST, Location
from rtcflow_contract.scene_id import parse_scene_id
from rtcflow_files import storage
from rtcflow_local.inventory import reprocess
from rtcflow_local.inventory.archive_listing import read_archive
from rtcflow_local.inventory.build import build
from rtcflow_local.inventory.prune import plan_pruning, prune
from rtcflow_local.inventory.tables import open_tables
from rtcflow_local.inventory.versions import Promoted, find_folders, promote
from tests.support.inventory_case import BURSTS
from tests.support.year_stack import MACHINE, Killed

STATIC_COLLECTION = "s1_rtc_static_c1"


class YearOfPeople:
    """Edits in the bucket, and the commands of operators."""

    version: str

    def _any(self, name: str, *, static: bool = False) -> Location | None:
        keys = [
            entry.name
            for entry in storage.list_objects(Location("products", ""))
            if entry.name.endswith(f"/{name}") and (STATIC_COLLECTION in entry.name) == static
        ]
        return Location("products", self.dice.choice(sorted(keys))) if keys else None

    def _whole(self, at: Location) -> bool:
        """Whether item and manifest can be read: if both are lost, nothing says which item a catalogue has."""
        folder = Location("products", at.key.rpartition("/")[0])
        try:
            return all(
                "version" in storage.read_json(folder.join(name)) or name == ITEM for name in (ITEM, MANIFEST)
            )
        except (ValueError, NotFoundError):
            return False

    def _forget(self, item: Location) -> None:
        """People who delete an item also remove it from the catalogue."""
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
