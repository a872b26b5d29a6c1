"""From an inventory to a campaign list: counts first, then lines that the scene's state machine accepts."""

import json
from datetime import timedelta

import pytest
from typer.testing import CliRunner

from rtcflow_campaign.campaign_list import make_items, parse_list
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.job import Sources, make_job
from rtcflow_contract.layers import Product
from rtcflow_contract.request import parse_request
from rtcflow_files import storage
from rtcflow_files.storage import open_store
from rtcflow_local.inventory.build import build
from rtcflow_local.inventory.reprocess_command import reprocess
from tests.support.inventory_case import BURSTS, FIRST, Spec, put_product, scene_of

STATIC = Product.RTC_S1_STATIC


@pytest.fixture
def listed(aws, tmp_path):
    """Builds the inventory; gives what the command says, and the payloads it wrote."""

    def run(*arguments, write=True):
        import typer

        build(open_store("s3://products"), open_store(str(tmp_path / "inventory")))
        app = typer.Typer()
        app.command()(reprocess)
        to = ["--to", str(tmp_path / "list.jsonl")] if write else []
        result = CliRunner().invoke(app, [*arguments, *to, "--inventory", str(tmp_path / "inventory")])
        if result.exception is not None:
            raise result.exception
        text = (tmp_path / "list.jsonl").read_text() if write else ""
        return result.output, [json.loads(line) for line in text.splitlines()]

    return run


def test_products_without_a_precise_orbit_are_listed_by_scene(listed):
    for burst in (0, 1):
        put_product(Spec(burst, 0, orbit="RESORB"))
    put_product(Spec(0, 12, orbit="RESORB"))
    put_product(Spec(1, 12))
    said, payloads = listed("--orbit", "precise")
    assert "3 products of 2 bursts, from 2 scenes" in said
    assert [(p["scene"], p["burst_id_list"]) for p in payloads] == [
        (scene_of(0), [BURSTS[0], BURSTS[1]]),
        (scene_of(12), [BURSTS[0]]),
    ]
    assert {(p["orbit"], p["on_existing"]) for p in payloads} == {("precise", "replace")}


def test_without_a_file_there_is_a_count_and_nothing_else(listed, tmp_path):
    put_product(Spec(orbit="RESORB"))
    said, _ = listed("--orbit", "precise", write=False)
    assert "1 products of 1 bursts, from 1 scenes" in said
    assert "nothing was written" in said
    assert not (tmp_path / "list.jsonl").exists()


def test_a_line_makes_the_product_in_its_place_with_its_settings(listed):
    settings = {"s3_project_folder": "ice/sheet", "output_crs": 3031, "collection": "mine"}
    linked = {"link_static_layers": True, "linked_static_layers_collection": "layers"}
    put_product(
        Spec(0, 0, STATIC, payload={"collection": "layers", **{k: settings[k] for k in ("output_crs",)}})
    )
    folder = put_product(Spec(0, 0, orbit="RESORB", payload={**settings, **linked}))
    _, (payload,) = listed("--orbit", "precise")
    request = parse_request(payload, "products")
    job = make_job(
        request,
        product=request.product,
        burst_id=BURSTS[0],
        sensing_start=Spec().made.replace(year=2022, month=1, day=1),
        execution="again",
        execution_started=Spec().made,
        work_bucket="work",
        product_version="0.1",
        sources=Sources(scene="asf"),
    )
    assert job.destination == folder
    assert job.output_crs == 3031
    assert str(job.linked_static) == "s3://products/experimental/layers/" + BURSTS[0]


def test_older_versions_are_made_beside(listed):
    put_product(Spec(0, 0, version="0.9"))
    put_product(Spec(0, 12, version="0.10"))
    put_product(Spec(0, 24, version="1.0"))
    _, payloads = listed("--version-below", "0.10")
    assert [(p["scene"], p["on_existing"]) for p in payloads] == [(scene_of(0), "beside")]


def test_products_of_another_engine(listed):
    put_product(Spec(0, 0))
    put_product(Spec(0, 12, engine="isce3"))
    _, payloads = listed("--engine", "isce3")
    assert [(p["scene"], p["engine"]) for p in payloads] == [(scene_of(0), "isce3")]


def test_what_cannot_be_read_is_never_another_engine(listed):
    put_product(Spec(0, 0))
    folder = put_product(Spec(0, 12))
    storage.write_bytes(folder.join("manifest.json"), b"")
    said, payloads = listed("--engine", "isce3")
    assert [p["scene"] for p in payloads] == [scene_of(0)]
    assert "1 products left out, for which the inventory cannot tell" in said


def test_a_version_that_is_none_stops_nothing(listed):
    folder = put_product(Spec(0, 0))
    item = storage.read_json(folder.join("metadata.json"))
    item["properties"]["processing:version"] = "new"
    storage.write_bytes(folder.join("metadata.json"), json.dumps(item).encode())
    put_product(Spec(0, 12))
    said, payloads = listed("--version-below", "0.2")
    assert [p["scene"] for p in payloads] == [scene_of(12)]
    assert "1 products left out" in said


def listing(tmp_path, *rows):
    path = tmp_path / "archive.csv"
    lines = [f"{burst},{scene},{FIRST + timedelta(days=days):%Y-%m-%d}" for burst, scene, days in rows]
    path.write_text("\n".join(["burst_id,scene,date", *lines]) + "\n")
    return str(path)


def test_dates_that_are_missing_become_lines_with_the_settings_of_the_collection(listed, tmp_path):
    put_product(Spec(0, 0, payload={"output_crs": 32755, "s3_project_folder": "ice"}))
    dates = [(BURSTS[0].upper().replace("_", "-"), scene_of(days), days) for days in (0, 12, 24)]
    said, payloads = listed("--missing-dates", listing(tmp_path, *dates))
    assert "2 products of 1 bursts, from 2 scenes" in said
    assert [(p["scene"], p["burst_id_list"], p["output_crs"], p["s3_project_folder"]) for p in payloads] == [
        (scene_of(days), [BURSTS[0]], 32755, "ice") for days in (12, 24)
    ]
    assert not any("on_existing" in p for p in payloads)


def test_the_product_of_another_collection_fills_no_gap(listed, tmp_path):
    put_product(Spec(0, 0))
    put_product(Spec(0, 0, payload={"collection": "mine"}))
    put_product(Spec(0, 12, payload={"collection": "mine"}))
    dates = listing(tmp_path, *((BURSTS[0], scene_of(days), days) for days in (0, 12)))
    _, payloads = listed("--missing-dates", dates)
    assert [(p["scene"], p["collection"]) for p in payloads] == [(scene_of(12), "s1_rtc_c1")]
    _, payloads = listed("--missing-dates", dates, "--collection", "mine")
    assert payloads == []


def test_dates_that_can_never_work_are_left_out_and_counted(listed, tmp_path):
    put_product(Spec(0, 0))
    uncalibrated = "S1C_IW_SLC__1SDV_20250113T124744_20250113T124811_001267_04E7A2_1DAD"
    dates = listing(
        tmp_path,
        (BURSTS[0], uncalibrated, 1108),
        (BURSTS[0], "", 24),
        (BURSTS[0], scene_of(12), 12),
    )
    said, payloads = listed("--missing-dates", dates)
    assert [p["scene"] for p in payloads] == [scene_of(12)]
    assert "1 dates of a period before the platform was calibrated left out" in said
    assert "1 dates without the name of a scene left out" in said


def test_a_burst_without_a_product_is_made_as_its_collection_is(listed, tmp_path):
    put_product(Spec(0, 0, payload={"output_crs": 32755}))
    dates = listing(tmp_path, (BURSTS[1], scene_of(0), 0))
    _, (payload,) = listed("--missing-dates", dates)
    assert (payload["burst_id_list"], payload["output_crs"]) == ([BURSTS[1]], 32755)
    put_product(Spec(0, 0, payload={"collection": "mine"}))
    said, payloads = listed("--missing-dates", dates)
    assert payloads == []
    assert "give --collection left out" in said
    _, (payload,) = listed("--missing-dates", dates, "--collection", "mine")
    assert (payload["burst_id_list"], payload["collection"]) == ([BURSTS[1]], "mine")


def test_products_whose_manifest_cannot_be_read_are_made_again(listed):
    put_product(Spec(0, 0))
    folder = put_product(Spec(0, 12))
    storage.write_bytes(folder.join("manifest.json"), b"")
    _, payloads = listed("--unreadable")
    assert [(p["scene"], p.get("on_existing")) for p in payloads] == [(scene_of(12), None)]


def test_static_layers_are_made_from_the_latest_scene_of_a_burst(listed):
    put_product(Spec(0, 0))
    put_product(Spec(0, 12))
    put_product(Spec(1, 0))
    put_product(Spec(1, product=STATIC))
    _, payloads = listed("--missing-static")
    assert [(p["scene"], p["product"], p["burst_id_list"]) for p in payloads] == [
        (scene_of(12), "RTC_S1_STATIC", [BURSTS[0]])
    ]


def test_settings_go_into_every_line(listed):
    put_product(Spec(orbit="RESORB"))
    _, (payload,) = listed("--orbit", "precise", "--set", "scene_source=cdse", "--set", "max_concurrency=4")
    assert (payload["scene_source"], payload["max_concurrency"]) == ("cdse", 4)


def test_a_setting_that_no_payload_has_is_refused(listed):
    put_product(Spec(orbit="RESORB"))
    with pytest.raises(RefusedError, match="colour"):
        listed("--orbit", "precise", "--set", "colour=red")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "say which products"),
        (["--orbit", "precise", "--missing-static"], "say which products"),
        (["--orbit", "best"], "--orbit precise"),
        (["--version-below", "new"], "write it like 1.2"),
        (["--engine", "auto"], "give native or isce3"),
        (["--missing-static", "--set", "x"], "scene_source=cdse"),
    ],
)
def test_a_wrong_selection_is_refused(listed, arguments, sentence):
    put_product(Spec())
    with pytest.raises(RefusedError, match=sentence):
        listed(*arguments)


def test_a_campaign_takes_the_list(listed, tmp_path):
    for burst in (0, 1):
        put_product(Spec(burst, 0, orbit="RESORB"))
    put_product(Spec(0, 12, orbit="RESORB"))
    listed("--orbit", "precise")
    text = (tmp_path / "list.jsonl").read_text()
    items = make_items(parse_list(text, "list.jsonl"), "products", "0.1")
    assert [item.payload["scene"] for item in items.items] == [scene_of(0), scene_of(12)]
