"""A small year of operation: passes, revisions, outages, failures, releases and edits by hand, from a table and a seed.

Searches, starts, campaigns, inventory, promotion and pruning are the project's own code on moto; a task writes files of
a few bytes, Step Functions is a table of names that forgets after 90 days, and a catalogue takes the topic's notices.
"""

import random
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from rtcflow_archives.cmr import Cmr
from rtcflow_contract.errors import ErrorClass, NotFoundError
from rtcflow_contract.keys import Location
from rtcflow_files import storage
from rtcflow_files.files import Store
from rtcflow_files.retry import Retry
from rtcflow_files.storage import open_store
from tests.support.catalogue_case import feature, put_area
from tests.support.cmr_catalogue import Catalogue
from tests.support.year_archive import YearOfArchive
from tests.support.year_executions import NamedExecutions
from tests.support.year_people import YearOfPeople
from tests.support.year_stack import YearOfStack

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
AREA = {"revisions": "replace", "link_static_layers": True, "on_missing_static": "create", "collection": "s1"}
POLL = timedelta(days=1)


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


class Year(YearOfArchive, YearOfStack, YearOfPeople):
    """A stack, its archive and its operators, from day to day."""

    def __init__(self, s3: Any, catalogue: Catalogue, url: str, folder: Path, seed: int, days: int) -> None:
        self.s3, self.catalogue, self.folder, self.days = s3, catalogue, folder, days
        self.dice = random.Random(seed)
        self.now = START
        self.version = "0.1"
        self.outage_until = START
        self.calm = False
        self.waiting: list[str] = []
        self.states = NamedExecutions(self)
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

    def run(self) -> None:
        """Play all days, and then quiet ones until nothing is left to do."""
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
        """Do what the documents tell operators to do, until nothing is left to do."""
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

    def items(self) -> dict[str, dict[str, Any]]:
        """Readable items of all versions, by key."""
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
        """Assets of items whose file is missing."""
        there = {f"s3://products/{entry.name}" for entry in storage.list_objects(Location("products", ""))}
        return [
            f"{key}: {asset['href']}"
            for key, item in self.items().items()
            for asset in item["assets"].values()
            if asset["href"] not in there
        ]

    def failures(self) -> Counter[ErrorClass]:
        """Number of executions by status."""
        return Counter(one["status"] for one in self.states.found.values())
