"""Situations from users and public bug reports of this field, each with the right behaviour; add new ones here.

| Report | Situation | Right behaviour |
|---|---|---|
| s1-reader#117 | `azimuthAnxTime` off by -2.7 s, no burst ids | ids of the right ground, from the orbit |
| s1-reader PR 121 | start and stop track equal, time over one orbit | the id of the track that was flown: t157_335079 |
| s1-reader (first seconds of track 1) | burst number 0 | number 375887 |
| - | manifest with another track | the track of the orbit, reported |
| - | state vectors missing, or damaged | annotated times serve |
| - | a stored grid of another burst | refused: it covers part of the footprint |
| sentinelsat#314 | a zip damaged inside | refused by name: test_zip_damage |
| PlanetaryComputer#493, #307 | lines filled with zeros | no data: tests/engine/test_native_fill |
| sarpy#569 | a DEM with infinite heights | a hole: test_dem_values |
| dem-stitcher#34, PlanetaryComputer#319 | DEM tiles and list of another place | refused: test_dem |
| s1-reader#87, gmtsar#929 | an orbit with a step of centimetres | fitted and recorded: test_sentinel1_readers |
| sentineleof#78, #41 | two RESORB that cover a scene together | joined; a short one serves too |
| burst2safe#239, #240, sweets#135 | the catalogue lacks another burst | made: test_archive_plan |
| burst2safe#137, #83 | VH lacks a burst, a SAFE of IW1 alone | the message says which file lacks what |
| pyroSAR#227, #265, MintPy#395 | accents in paths | a product: test_surroundings |
| - | NaN in a lookup table, a table one value short | refused by name |
| - | annotation, calibration or noise changed since the archive wrote it | noted, refused |
"""

import re
from datetime import timedelta

import numpy as np
import pytest

from rtcflow.sentinel1.ground import refuse_partial_grid
from rtcflow.sentinel1.radiometry import read_beta0, read_noise
from rtcflow_contract.burst_id import ORBIT_PERIOD_S, burst_id_from_anx_time
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.grid import Grid
from rtcflow_safe.annotation import Annotation
from rtcflow_safe.identity import StateVector, _node_of, _track_of

TRACK = 147


@pytest.fixture(scope="module")
def text(tiny_sample):
    (path,) = (tiny_sample.safe / "annotation").glob("s1?-iw1-slc-vv-*.xml")
    return path.read_text()


def shifted(text, seconds):
    return re.sub(r"<azimuthAnxTime>(.*?)<", lambda m: f"<azimuthAnxTime>{float(m[1]) + seconds:.15e}<", text)


def without_ids(text):
    return re.sub(r"\s*<burstId.*?</burstId>", "", text)


def without_vectors(text):
    return re.sub(r"<orbitList.*?</orbitList>", "", text, flags=re.DOTALL)


def ids(text, track=TRACK):
    return [burst.burst_id for burst in Annotation(text).bursts(track)]


@pytest.mark.parametrize("seconds", [-2.7, -0.3, 0.0, 2.7, 60.0, ORBIT_PERIOD_S, -ORBIT_PERIOD_S])
def test_ids_come_from_the_orbit_however_wrong_the_annotated_time_is(tiny_sample, text, seconds):
    found = Annotation(shifted(without_ids(text), seconds)).labels(TRACK)
    assert [label.burst_id for label in found] == list(tiny_sample.bursts["iw1"])
    off = abs(seconds) > 0.5 and abs(seconds) != ORBIT_PERIOD_S
    assert all(("azimuthAnxTime is off" in label.remark) == off for label in found)


@pytest.mark.parametrize("track", [1, 2, 146, 148, 175])
def test_a_manifest_of_another_track_does_not_change_ids(tiny_sample, text, track):
    assert ids(without_ids(text), track) == list(tiny_sample.bursts["iw1"])


def test_a_burst_number_of_other_ground_is_corrected_and_reported(tiny_sample, text):
    wrong = re.sub(r"(<burstId[^>]*>)(\d+)<", lambda m: f"{m[1]}{int(m[2]) + 40}<", text)
    (label, *_) = Annotation(wrong).labels(TRACK)
    assert label.burst_id == tiny_sample.bursts["iw1"][0]
    assert "the annotation says burst number" in label.remark


def test_without_state_vectors_the_annotated_time_is_used_also_beyond_one_orbit(tiny_sample, text):
    alone = without_vectors(without_ids(text))
    assert ids(alone) == list(tiny_sample.bursts["iw1"])
    assert ids(shifted(alone, ORBIT_PERIOD_S)) == list(tiny_sample.bursts["iw1"])


def test_damaged_state_vectors_are_ignored(tiny_sample, text):
    damaged = re.sub(r"<x>[^<]*<", "<x>nan<", without_ids(text), count=40)
    assert ids(damaged) == list(tiny_sample.bursts["iw1"])


def test_the_first_seconds_of_track_1_belong_to_the_last_number():
    # Sensed by IW3 after the node, in a cycle that IW1 began before it.
    assert burst_id_from_anx_time(1.156, 1, "iw3") == "t175_375887_iw3"
    assert burst_id_from_anx_time(ORBIT_PERIOD_S + 1.156, 175, "iw3") == "t175_375887_iw3"


def test_one_burst_has_one_id_whichever_side_of_the_node_its_scene_begins():
    for swath in ("iw1", "iw2", "iw3"):
        for seconds in np.arange(-3, 3, 0.37):
            before = burst_id_from_anx_time(ORBIT_PERIOD_S + seconds, 70, swath)
            assert before == burst_id_from_anx_time(seconds, 71, swath)


def test_the_node_of_a_real_orbit_is_found_over_a_revolution(shared):
    text = next((shared / "reference").glob("*POEORB*.EOF")).read_text()
    numbers = r"UTC=(.*?)<.*?<X.*?>(.*?)<.*?<Y.*?>(.*?)<.*?<Z.*?>(.*?)<.*?<VX.*?>(.*?)<.*?<VY.*?>(.*?)<.*?<VZ.*?>(.*?)<"
    from rtcflow_safe.xml import time_of

    vectors = [
        StateVector(time_of(t), tuple(map(float, xyz[:3])), tuple(map(float, xyz[3:])))
        for t, *xyz in re.findall(numbers, text, re.DOTALL)
    ]
    at = next(v.time for v in vectors if f"{v.time:%H%M}" == "1351")
    around = [v for v in vectors if abs((v.time - at).total_seconds()) < 90]
    whole, near = _node_of(vectors, at), _node_of(around, at)
    assert abs((whole.time - near.time).total_seconds()) < 0.2
    assert _track_of(whole.longitude) == _track_of(near.longitude) == 71
    assert abs(near.time - whole.time) < timedelta(seconds=1)


@pytest.mark.parametrize("share", [0.5, 0.8])
def test_a_grid_over_part_of_the_burst_is_refused_with_the_covered_share(share):
    ring = np.array([(148.0, -35.0), (148.9, -35.0), (148.9, -35.2), (148.0, -35.2)])
    whole = Grid(epsg=32755, left=590_000, top=6_130_000, spacing=100, rows=300, cols=1000)
    refuse_partial_grid(whole, ring, "t070_148570_iw1", "grid store")
    cut = whole.model_copy(update={"cols": int(95 + 820 * share)})
    with pytest.raises(RefusedError, match=r"covers \d\d % of the burst's footprint"):
        refuse_partial_grid(cut, ring, "t070_148570_iw1", "grid store")


DAMAGES = {
    "betaNought": lambda v: [*v[:3], "nan", *v[4:]],
    "noiseRangeLut": lambda v: [*v[:3], "inf", *v[4:]],
    "noiseAzimuthLut": lambda v: v[:-1],
    "pixel": lambda v: v[::-1],
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_lookup_table_is_refused_by_file_name(tiny_sample, tmp_path, name):
    from rtcflow.sentinel1.burst_metadata import read_burst

    (annotation,) = (tiny_sample.safe / "annotation").glob("s1?-iw1-slc-vv-*.xml")
    burst = read_burst(annotation, tiny_sample.bursts["iw1"][0])
    kind = "noise" if name.startswith("noise") else "calibration"
    (path,) = (tiny_sample.safe / "annotation" / "calibration").glob(f"{kind}-*iw1-slc-vv*.xml")
    damaged = re.sub(
        rf"(<{name}[^>]*>)([^<]+)<",
        lambda m: f"{m[1]}{' '.join(DAMAGES[name](m[2].split()))}<",
        path.read_text(),
    )
    (tmp_path / path.name).write_text(damaged)
    read = read_noise if kind == "noise" else read_beta0
    read(path, burst)
    with pytest.raises(RefusedError, match=path.name):
        read(tmp_path / path.name, burst)
