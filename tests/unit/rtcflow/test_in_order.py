"""Sources in order of preference: for the listing of a scene, its bursts and its orbit; and which polarizations."""

from datetime import UTC, datetime, timedelta

import pytest

from rtcflow.resources import Meter
from rtcflow.sources.orbit.orbit_source import fetch_orbit
from rtcflow_contract.errors import RefusedError, TransientError
from rtcflow_contract.request import OrbitChoice, parse_request
from rtcflow_contract.scene_id import parse_scene_id
from rtcflow_scene.burst_catalogue import list_from_first
from rtcflow_scene.burst_choice import SceneBurst
from rtcflow_scene.orbit_wait import shortest_wait
from rtcflow_scene.planning import _orbit_choice
from tests.support.archive_asf import AsfArchive, Fault
from tests.support.archive_case import fetch
from tests.support.archive_cdse import CdseArchive

SCENE = "S1A_IW_SLC__1SDV_20220101T124744_20220101T124814_041267_04E7A2_1DAD"
BURST = SceneBurst("t070_149815_iw3", datetime(2022, 1, 1, 12, 47, 52, tzinfo=UTC))


class Catalogue:
    def __init__(self, answer):
        self.answer = answer

    def list_bursts(self, scene, wanted=None):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def listed(sources, **answers):
    """The listing when each source answers in a given way."""
    request = parse_request({"scene": SCENE, "scene_source": sources}, "products")
    return list_from_first(request, lambda source, polarizations: Catalogue(answers[source]))


def test_the_first_source_that_lists_the_scene_gives_its_bursts():
    found = listed(["asf", "cdse"], asf=[BURST], cdse=AssertionError("not asked"))
    assert found == ([BURST], ("asf", "cdse"))


def test_a_source_without_the_scene_is_not_asked_for_its_bursts():
    found = listed(["asf", "cdse"], asf=RefusedError("no such scene"), cdse=[BURST])
    assert found == ([BURST], ("cdse",))


def test_a_source_that_is_down_comes_last():
    found = listed(["asf", "cdse"], asf=TransientError("down"), cdse=[BURST])
    assert found == ([BURST], ("cdse", "asf"))


def test_a_transient_failure_is_not_refused_for_good():
    with pytest.raises(TransientError, match="down"):
        listed(["asf", "cdse"], asf=RefusedError("no such scene"), cdse=TransientError("down"))
    with pytest.raises(RefusedError, match="asf has none"):
        listed(["asf", "cdse"], asf=RefusedError("asf has none"), cdse=RefusedError("cdse has none"))


@pytest.fixture
def archives(archive_sample):
    made = AsfArchive(archive_sample.safe), CdseArchive(archive_sample.safe)
    yield made
    for archive in made:
        archive.close()


def sources_of(sample, first, *more):
    from rtcflow_contract.job import Sources

    return Sources(
        scene=first, more_scenes=more, orbits=str(sample.orbit), dem=str(sample.dem), geoid=str(sample.geoid)
    )


def test_a_burst_comes_from_the_next_source_if_one_stays_down(archive_sample, archives, tmp_path):
    asf, cdse = archives
    environment = cdse.environment | asf.environment
    for server in (asf.extractor, asf.datapool):
        server.faults.append(Fault(at="/", status=503, lasting=True))
    got = fetch(
        archive_sample, "asf", {name: value for name, value in environment.items() if not name.startswith("CDSE_")},
        tmp_path / "a", sources=sources_of(archive_sample, "asf", str(archive_sample.safe)),
    )  # fmt: skip
    assert got.href == str(archive_sample.safe)


def test_if_no_source_has_the_burst_the_first_reason_is_reported(archive_sample, tmp_path):
    sources = sources_of(archive_sample, str(tmp_path / "none.SAFE"), str(tmp_path / "nor.SAFE"))
    with pytest.raises(RefusedError, match="none"):
        fetch(archive_sample, "asf", {}, tmp_path / "a", sources=sources)


def test_an_orbit_comes_from_the_next_source_if_one_lacks_it(archive_sample, tmp_path):
    (tmp_path / "empty").mkdir()
    scene = parse_scene_id(archive_sample.scene)
    arguments = (scene, OrbitChoice.BEST, tmp_path / "o", Meter())
    got = fetch_orbit(str(tmp_path / "empty"), *arguments, more=[str(archive_sample.orbit.parent)])
    assert got.path.name == archive_sample.orbit.name
    assert str(archive_sample.orbit.parent) in got.href
    with pytest.raises(RefusedError, match="empty"):
        fetch_orbit(str(tmp_path / "empty"), *arguments)


def test_a_plan_waits_for_no_orbit_that_one_of_its_sources_may_have():
    scene = parse_scene_id(SCENE)
    now = scene.stop + timedelta(days=2)
    # Only buckets are searched beforehand; other places are left to the task.
    waits = shortest_wait(
        scene, OrbitChoice.PRECISE, ("https://orbits.example",), started=now, now=now, limit=timedelta(1)
    )
    assert waits == 0


@pytest.mark.parametrize(("days", "choice"), [(24, OrbitChoice.PRECISE), (25, OrbitChoice.BEST)])
def test_precise_orbits_are_waited_for_within_some_days(days, choice):
    request = parse_request({"scene": SCENE, "precise_within": "25d"}, "products")
    assert _orbit_choice(request, parse_scene_id(SCENE).stop + timedelta(days=days)) is choice
