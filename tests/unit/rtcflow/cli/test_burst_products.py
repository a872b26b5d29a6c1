"""`rtcflow burst`: the products it makes on this machine, and what it does with existing ones."""

import pystac

from rtcflow_contract.keys import COLLECTION, GRIDS, ITEM, MONITORING
from rtcflow_contract.layers import Product
from tests.support.burst_case import BURSTS, GRID, ORBIT, SCENE
from tests.support.burst_command import PASS, burst, manifest_in, names_in, write_later_pass


def test_a_burst_is_made_in_a_folder_of_its_own(case, engine, monkeypatch, capsys):
    assert burst(monkeypatch, case) == 0
    manifest = manifest_in(case / "out" / PASS)
    assert manifest.product is Product.RTC_S1
    assert {path.name for path in (case / "out" / PASS).iterdir()} >= {f.name for f in manifest.files}
    assert names_in(case / "out") == {BURSTS[1], COLLECTION, GRIDS, MONITORING}
    assert f"{BURSTS[1]}: " in capsys.readouterr().out


def test_the_stac_item_names_the_files_beside_it_and_who_processed(case, engine, monkeypatch):
    monkeypatch.setenv("PROCESSOR_NAME", "Example Institute")
    assert burst(monkeypatch, case) == 0
    folder = case / "out" / PASS
    item = pystac.Item.from_file(str(folder / ITEM))
    assert item.id == manifest_in(folder).product_id
    assert all((folder / asset.href).is_file() for asset in item.assets.values())
    assert item.get_collection().id == item.collection_id
    assert "Example Institute" in (folder / ITEM).read_text()


def test_several_bursts_are_made_in_one_go_in_any_spelling(case, engine, monkeypatch):
    assert burst(monkeypatch, case, "--burst-id", "070_148570_IW1") == 0
    assert names_in(case / "out") == {*BURSTS, COLLECTION, GRIDS, MONITORING}


def test_an_existing_product_is_skipped_and_reported(case, engine, monkeypatch, capsys):
    burst(monkeypatch, case)
    first = manifest_in(case / "out" / PASS)
    capsys.readouterr()
    assert burst(monkeypatch, case) == 0
    assert f"{BURSTS[1]}: skipped, a product of 20 m by engine" in capsys.readouterr().out
    assert manifest_in(case / "out" / PASS) == first


def test_an_existing_product_is_replaced_on_request(case, engine, monkeypatch, capsys):
    burst(monkeypatch, case)
    first = manifest_in(case / "out" / PASS)
    assert burst(monkeypatch, case, on_existing="replace") == 0
    assert "skipped" not in capsys.readouterr().out
    assert manifest_in(case / "out" / PASS).execution != first.execution


def test_backscatter_and_static_layers_do_not_share_a_folder(case, engine, monkeypatch, capsys):
    assert burst(monkeypatch, case) == 0
    assert burst(monkeypatch, case, product="RTC_S1_STATIC") == 65
    assert "holds products of collection s1_rtc_c1; give RTC_S1_STATIC another" in capsys.readouterr().err
    assert manifest_in(case / "out" / PASS).product is Product.RTC_S1


def test_passes_of_many_days_share_one_folder(case, engine, monkeypatch):
    assert burst(monkeypatch, case) == 0
    first = manifest_in(case / "out" / PASS)
    safe, orbit = write_later_pass(case / "later")
    assert burst(monkeypatch, case, safe=safe, orbit=orbit) == 0
    folders = sorted(path.parent.relative_to(case / "out") for path in (case / "out").rglob(ITEM))
    assert [str(folder) for folder in folders] == [PASS, f"{BURSTS[1]}/2022/1/13"]
    assert manifest_in(case / "out" / PASS) == first


def test_a_product_without_its_item_gets_it(case, engine, monkeypatch):
    assert burst(monkeypatch, case) == 0
    item = case / "out" / PASS / ITEM
    item.unlink()
    assert burst(monkeypatch, case) == 0
    assert item.exists()


def test_a_crs_may_be_spelled_as_in_the_payload(case, engine, monkeypatch):
    assert burst(monkeypatch, case, output_crs=f"EPSG:{GRID.epsg}") == 0
    assert manifest_in(case / "out" / PASS).parameters["output_crs"] == GRID.epsg


def test_relative_inputs_are_linked_by_absolute_paths(case, engine, monkeypatch):
    monkeypatch.chdir(case)
    relative = {"safe": f"{SCENE}.SAFE", "orbit": ORBIT, "dem": "dem.tif", "out": "out"}
    assert burst(monkeypatch, case, **relative) == 0
    item = pystac.Item.from_file(str(case / "out" / PASS / ITEM))
    linked = {link.rel: link.href for link in item.links}
    assert linked["derived_from"] == f"file://{case}/{SCENE}.SAFE"
    assert linked["orbit-source"] == f"file://{case}/{ORBIT}"
    assert linked["dem-source"] == f"file://{case}/dem.tif"
