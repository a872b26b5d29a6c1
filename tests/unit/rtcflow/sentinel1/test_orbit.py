"""The orbit of a scene: the newest file that covers it with its margin, by the archives' names."""

import re
from datetime import timedelta

import boto3
import pytest
from moto import mock_aws

from rtcflow.resources import Meter
from rtcflow.sentinel1.orbit import has_state_vectors
from rtcflow.sources.orbit.orbit_source import fetch_orbit
from rtcflow_contract.errors import RefusedError, TransientError
from rtcflow_contract.orbit_file import choose_orbits, parse_orbit_name
from rtcflow_contract.request import OrbitChoice
from rtcflow_contract.scene_id import parse_scene_id
from rtcflow_files.s3_clients import s3_client
from tests.support.burst_case import ORBIT, SCENE, orbit_text

ID = parse_scene_id(SCENE)
RESORB = "S1A_OPER_AUX_RESORB_OPOD_20220101T151000_V20220101T105000_20220101T140700.EOF"
EARLIER = "S1A_OPER_AUX_RESORB_OPOD_20220101T140000_V20220101T094000_20220101T124500.EOF"
LATER = "S1A_OPER_AUX_RESORB_OPOD_20220101T160000_V20220101T120000_20220101T150000.EOF"


def name(
    created="20220121T121549", start="20211231T225942", stop="20220102T005942", kind="POEORB", platform="S1A"
):
    return f"{platform}_OPER_AUX_{kind}_OPOD_{created}_V{start}_{stop}.EOF"


def fetch(source, folder, choice=OrbitChoice.BEST, age=timedelta(days=400)):
    return fetch_orbit(str(source), ID, choice, folder, Meter(), now=ID.stop + age)


def test_the_name_says_what_it_covers():
    orbit = parse_orbit_name(f"AUX_POEORB/{ORBIT}")
    assert (orbit.platform, orbit.type) == ("S1A", "POEORB")
    assert orbit.start.isoformat() == "2021-12-31T22:59:42+00:00"
    assert parse_orbit_name("S1A_OPER_AUX_PREORB_OPOD_x.EOF") is None


def test_the_newest_precise_file_comes_first():
    newer = name(created="20230101T000000")
    assert [o.name for (o,) in choose_orbits([RESORB, ORBIT, newer], ID)] == [newer, ORBIT, RESORB]


@pytest.mark.parametrize(
    "other",
    [
        name(platform="S1B"),
        name(start="20220101T110930"),  # less than an orbit and a minute before the scene
        name(stop="20220101T124900"),  # less than a minute after it
    ],
)
def test_a_file_of_another_platform_or_a_short_one_is_not_used(other):
    assert choose_orbits([other], ID) == []


def test_two_restituted_files_can_cover_a_scene_together():
    # The later one alone would cover the scene, but not the node.
    chosen = [[orbit.name for orbit in files] for files in choose_orbits([LATER, EARLIER], ID)]
    assert chosen == [[EARLIER, LATER], [LATER]]


def test_a_restituted_file_that_does_not_reach_the_node_is_the_last_choice():
    short = RESORB.replace(RESORB[42:57], "20220101T120000")
    assert [orbit.name for (orbit,) in choose_orbits([short], ID)] == [short]
    assert [orbit.name for (orbit,) in choose_orbits([short, RESORB], ID)] == [RESORB, short]


@pytest.mark.parametrize("sub", ["AUX_POEORB", ""])
def test_a_local_folder_may_be_flat(tmp_path, sub):
    (tmp_path / sub).mkdir(exist_ok=True)
    (tmp_path / sub / ORBIT).write_text(orbit_text())
    orbit = fetch(tmp_path, tmp_path / "work")
    assert (orbit.path, orbit.type, orbit.id) == (tmp_path / sub / ORBIT, "POEORB", ORBIT[:-4])


def test_an_empty_file_is_passed_over(tmp_path):
    (tmp_path / name(created="20230101T000000")).write_text("<Earth_Explorer_File/>")
    (tmp_path / ORBIT).write_text(orbit_text())
    assert fetch(tmp_path, tmp_path).path.name == ORBIT


def test_from_s3_only_the_chosen_file_is_fetched(tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    s3_client.cache_clear()
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="orbits")
        for key in (f"AUX_POEORB/{ORBIT}", f"AUX_RESORB/{RESORB}", f"AUX_POEORB/{name(platform='S1B')}"):
            client.put_object(Bucket="orbits", Key=key, Body=orbit_text().encode())
        meter = Meter()
        orbit = fetch_orbit("s3://orbits", ID, OrbitChoice.BEST, tmp_path, meter)
    s3_client.cache_clear()
    assert orbit.href == f"s3://orbits/AUX_POEORB/{ORBIT}"
    assert meter.bytes_fetched == len(orbit_text())


def test_precise_does_not_accept_a_restituted_file(tmp_path):
    (tmp_path / RESORB).write_text(orbit_text())
    assert fetch(tmp_path, tmp_path).type == "RESORB"
    with pytest.raises(RefusedError, match="has no POEORB"):
        fetch(tmp_path, tmp_path, OrbitChoice.PRECISE)


def test_for_a_recent_scene_a_missing_orbit_is_transient(tmp_path):
    with pytest.raises(TransientError) as caught:
        fetch(tmp_path, tmp_path, OrbitChoice.PRECISE, age=timedelta(days=24))
    assert caught.value.reason == "orbit-not-yet"


def test_for_an_old_scene_a_missing_orbit_is_refused_by_name(tmp_path):
    with pytest.raises(
        RefusedError, match=r"POEORB or RESORB of S1A from before 2022-01-01T11:07:59"
    ) as caught:
        fetch(tmp_path, tmp_path)
    assert caught.value.reason == "orbit-missing"


def test_a_pair_is_joined_where_the_later_one_begins(tmp_path):
    early = re.sub(r"<VY>[^<]*<", "<VY>1<", orbit_text())
    late = "".join(orbit_text().partition("<OSV>")[:1]) + "<OSV>" + orbit_text().split("<OSV>", 5)[5]
    (tmp_path / EARLIER).write_text(early)
    (tmp_path / LATER).write_text(late)
    # The folder that the joined file is written to is made.
    orbit = fetch(tmp_path, tmp_path / "work" / "orbit")
    text = orbit.path.read_text()
    assert orbit.path.parent == tmp_path / "work" / "orbit"
    assert orbit.id == f"{EARLIER[:-4]}+{LATER[:-4]}"
    count = orbit_text().count("<OSV>")
    assert (text.count("<VY>1<"), text.count("<OSV>")) == (4, count)
    assert f'count="{count}"' in text


def test_a_given_file_must_exist_cover_the_scene_and_hold_vectors(tmp_path):
    with pytest.raises(RefusedError, match="does not exist"):
        fetch(tmp_path / ORBIT, tmp_path)
    (tmp_path / ORBIT).write_text(orbit_text())
    assert fetch(tmp_path / ORBIT, tmp_path).path == tmp_path / ORBIT
    other = tmp_path / name(start="20220105T225942", stop="20220107T005942")
    other.write_text(orbit_text())
    with pytest.raises(RefusedError, match="does not cover scene"):
        fetch(other, tmp_path)
    (tmp_path / ORBIT).write_text("")
    assert not has_state_vectors(tmp_path / ORBIT)
    with pytest.raises(RefusedError, match="no state vectors"):
        fetch(tmp_path / ORBIT, tmp_path)
