"""What happens in the archive during a year of operation: passes, revisions, outages."""

from datetime import datetime, timedelta

from tests.support.cmr_catalogue import Granule
from tests.support.inventory_case import BURSTS

PLACE = (150.0, -34.0)


class YearOfArchive:
    """Passes, processings and outages, by the year's dice."""

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
