"""`rtcflow burst`: all passes of a burst and its static layers use one grid."""

import pytest

import rtcflow.inputs
from rtcflow_contract.keys import COLLECTION, GRIDS, MONITORING
from tests.support.burst_case import BURSTS, GRID
from tests.support.burst_command import PASS, burst, manifest_in, names_in, write_later_pass


@pytest.fixture
def other_footprints(monkeypatch):
    """Each pass has another footprint."""
    grids = iter(GRID.model_copy(update={"left": GRID.left + 20 * n}) for n in range(9))
    monkeypatch.setattr(rtcflow.inputs, "_own_grid", lambda *arguments: next(grids))


def grid_origin(folder):
    manifest = manifest_in(folder)
    return manifest.grid, manifest.parameters["grid_origin"]


def test_the_grid_is_taken_from_static_products(case, engine, monkeypatch):
    assert burst(monkeypatch, case, product="RTC_S1_STATIC", out=case / "static") == 0
    monkeypatch.setattr(rtcflow.inputs, "_own_grid", None)
    assert burst(monkeypatch, case, static=case / "static") == 0
    made = manifest_in(case / "out" / PASS)
    assert made.grid == manifest_in(case / "static" / BURSTS[1]).grid
    assert burst(monkeypatch, case, static=case / "out", out=case / "other") == 65


def test_a_later_pass_uses_the_grid_of_the_first(case, engine, monkeypatch, other_footprints):
    assert burst(monkeypatch, case) == 0
    safe, orbit = write_later_pass(case / "later")
    assert burst(monkeypatch, case, safe=safe, orbit=orbit) == 0
    assert names_in(case / "out" / GRIDS / BURSTS[1]) == {"default_20m.json"}
    assert grid_origin(case / "out" / PASS) == (GRID, "burst footprint")
    assert grid_origin(case / "out" / f"{BURSTS[1]}/2022/1/13") == (GRID, "grid store")


def test_grids_are_read_from_and_stored_in_another_folder(case, engine, monkeypatch, other_footprints):
    assert burst(monkeypatch, case, out=case / "first") == 0
    also = ("--burst-id", BURSTS[0])
    assert burst(monkeypatch, case, *also, grids=case / "first") == 0
    assert grid_origin(case / "out" / PASS) == (GRID, "grid store")
    assert names_in(case / "out") == {*BURSTS, COLLECTION, MONITORING}
    assert names_in(case / "first" / GRIDS) == set(BURSTS)


def test_each_crs_has_a_grid_of_its_own(case, engine, monkeypatch):
    assert burst(monkeypatch, case) == 0
    assert burst(monkeypatch, case, output_crs=GRID.epsg, on_existing="replace") == 0
    assert names_in(case / "out" / GRIDS / BURSTS[1]) == {"default_20m.json", f"epsg{GRID.epsg}_20m.json"}


@pytest.mark.parametrize("edge", [None, "NaN", "Infinity"])
def test_an_invalid_stored_grid_is_refused_by_name(case, engine, monkeypatch, capsys, edge):
    stored = case / "out" / GRIDS / BURSTS[1] / "default_20m.json"
    stored.parent.mkdir(parents=True)
    left = f'"left":{GRID.left}'
    assert left in GRID.model_dump_json()
    stored.write_text(GRID.model_dump_json().replace(left, f'"left":{edge}') if edge else "")
    assert burst(monkeypatch, case) == 65
    (said,) = capsys.readouterr().err.strip().splitlines()
    assert str(stored) in said
    assert "is not a grid" in said
    assert said.endswith("; delete it and start again")
