"""Questions to an inventory, asked by command, on products and reports made for them."""

import csv
import io
import json
import re
from datetime import UTC, datetime, timedelta

import pytest
import shapely
from typer.testing import CliRunner

from rtcflow_contract.errors import ErrorClass, RefusedError
from rtcflow_contract.keys import REPORT, Location, execution_folder, processed_scene_key
from rtcflow_contract.layers import Product
from rtcflow_contract.processed_scene import ProcessedBurst, ProcessedScene
from rtcflow_contract.report import BurstOutcome, Outcome, SceneOutcome, SceneReport
from rtcflow_files import storage
from rtcflow_files.storage import open_store
from rtcflow_local.inventory.command import app
from rtcflow_local.inventory.map_page import _read_footprints
from tests.support.inventory_case import BURSTS, FIRST, Spec, put_product, scene_of

STATIC = Product.RTC_S1_STATIC


def put_report(execution, bursts, *, hours=0, message="said", days=0, failed=None):
    finished = FIRST + timedelta(hours=hours)
    failed = any(b.outcome is Outcome.FAILED for b in bursts) if failed is None else failed
    report = SceneReport(
        execution=execution,
        scene=scene_of(days),
        product=Product.RTC_S1,
        collection="s1_rtc_c1",
        started=finished,
        finished=finished,
        outcome=SceneOutcome.FAILED if failed else SceneOutcome.SUCCEEDED,
        message=message,
        bursts=tuple(bursts),
    )
    at = execution_folder("work", execution).join(REPORT)
    storage.write_bytes(at, report.model_dump_json().encode())


def outcome(burst, kind=Outcome.MADE, error_class=None, reason=None):
    return BurstOutcome(
        burst_id=BURSTS[burst],
        product=Product.RTC_S1,
        outcome=kind,
        error_class=error_class,
        reason=reason,
        message=f"{reason} happened" if reason else None,
    )


@pytest.fixture
def ask(aws, tmp_path):
    """Builds the inventory, then gives the answer of a command as dicts."""

    def asked(*arguments):
        run(["build", "s3://products", "--work", "s3://work", "--inventory", str(tmp_path)])
        return json.loads(run([*arguments, "--format", "json", "--inventory", str(tmp_path)]))

    return asked


def run(arguments):
    result = CliRunner().invoke(app, arguments)
    if result.exception is not None:
        raise result.exception
    return result.output


def test_bursts_without_static_layers(ask):
    for burst in (0, 1):
        put_product(Spec(burst, 0))
        put_product(Spec(burst, 12))
    put_product(Spec(0, product=STATIC))
    assert ask("missing-static") == [
        {"burst_id": BURSTS[1], "products": 2, "first": "2022-01-01", "last": "2022-01-13"}
    ]


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_dates_that_the_archive_has_and_the_bucket_has_not(ask, tmp_path, kind):
    put_product(Spec(0, 0))
    rows = [
        {"burst_id": BURSTS[0], "scene": scene_of(days), "sensing_start": f"2022-01-{1 + days:02}T12:47:52Z"}
        for days in (0, 12, 24)
    ]
    listing = tmp_path / f"archive.{kind}"
    if kind == "csv":
        with listing.open("w") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
    else:
        listing.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = ask("missing-dates", "--archive", str(listing))
    assert [(row["date"], row["scene"]) for row in found] == [
        ("2022-01-13", scene_of(12)),
        ("2022-01-25", scene_of(24)),
    ]


def test_missing_dates_need_the_archive(ask):
    put_product(Spec())
    with pytest.raises(RefusedError, match="--archive"):
        ask("missing-dates")


def test_an_archive_listing_without_dates_is_refused(ask, tmp_path):
    put_product(Spec())
    (tmp_path / "a.csv").write_text("burst_id\nx\n")
    with pytest.raises(RefusedError, match="burst_id, scene and date"):
        ask("missing-dates", "--archive", str(tmp_path / "a.csv"))


def test_products_made_without_a_precise_orbit(ask):
    put_product(Spec(0, 0, orbit="RESORB"))
    put_product(Spec(0, 12))
    (row,) = ask("resorb")
    assert (row["burst_id"], row["date"], row["orbit_type"]) == (BURSTS[0], "2022-01-01", "RESORB")


def test_products_by_version_and_by_engine(ask):
    put_product(Spec(0, 0, version="0.1"))
    put_product(Spec(0, 12, version="0.2", engine="isce3"))
    put_product(Spec(1, 12, version="0.2", engine="isce3"))
    assert [(r["version"], r["products"]) for r in ask("versions")] == [("0.1", 1), ("0.2", 2)]
    assert [(r["engine"], r["products"]) for r in ask("engines")] == [("isce3", 2), ("native", 1)]


def test_volume_by_month_is_that_of_the_files(ask, aws):
    put_product(Spec(0, 0))
    put_product(Spec(0, 40))
    put_product(Spec(1, 40))
    sizes = {
        month: sum(
            entry["Size"]
            for entry in aws.list_objects_v2(Bucket="products")["Contents"]
            if f"/2022/{month}/" in entry["Key"] and entry["Key"].endswith(".tif")
        )
        for month in (1, 2)
    }
    assert [(r["month"], r["products"], r["bytes"]) for r in ask("volume")] == [
        ("2022-01", 1, sizes[1]),
        ("2022-02", 2, sizes[2]),
    ]


def test_failures_with_their_reasons(ask):
    put_product(Spec())
    refused = outcome(1, Outcome.FAILED, ErrorClass.REFUSED, "dem-missing-land")
    put_report("a", [outcome(0), refused])
    (row,) = ask("failures")
    assert (row["burst_id"], row["error_class"], row["reason"]) == (BURSTS[1], "refused", "dem-missing-land")


def test_a_burst_that_was_made_since_is_no_failure(ask):
    put_product(Spec())
    put_report("a", [outcome(0, Outcome.FAILED, ErrorClass.TRANSIENT, "network")])
    put_report("b", [outcome(0)], hours=1)
    assert ask("failures") == []
    assert [(row["reason"], row["outcomes"]) for row in ask("reasons")] == [("network", 1)]


def put_record(execution, burst, *, hours=0):
    """The record of a processed scene, in which a burst failed."""
    record = ProcessedScene(
        scene=scene_of(0),
        updated=FIRST + timedelta(hours=hours),
        bursts=(
            ProcessedBurst(
                collection="s1_rtc_c1",
                product=Product.RTC_S1,
                burst_id=BURSTS[burst],
                outcome=Outcome.FAILED,
                execution=execution,
                finished=FIRST + timedelta(hours=hours),
                error_class=ErrorClass.REFUSED,
                reason="no-dem",
            ),
        ),
    )
    at = processed_scene_key(Location("products", "experimental"), record.scene)
    storage.write_bytes(at, record.model_dump_json().encode())


def test_failures_are_known_of_runs_without_a_work_bucket(ask):
    put_product(Spec())
    put_record("local-1", 1)
    (row,) = ask("failures")
    assert (row["burst_id"], row["reason"], row["execution"]) == (BURSTS[1], "no-dem", "local-1")


def test_what_report_and_record_both_say_counts_once(ask):
    put_product(Spec())
    put_report("a", [outcome(1, Outcome.FAILED, ErrorClass.REFUSED, "no-dem")])
    put_record("a", 1)
    assert [(row["reason"], row["outcomes"]) for row in ask("reasons")] == [("no-dem", 1)]


def test_a_scene_that_never_got_to_its_bursts_is_a_failure(ask):
    put_product(Spec())
    put_report("a", [], message="the scene is in EW mode", failed=True)
    (row,) = ask("failures")
    assert (row["scene"], row["message"]) == (scene_of(0), "the scene is in EW mode")


def test_a_report_is_read_once(ask, tmp_path):
    put_product(Spec())
    put_report("a", [outcome(0)])
    ask("summary")
    sentence = run(["build", "s3://products", "--work", "s3://work", "--inventory", str(tmp_path)])
    assert "0 new scene reports" in sentence


def test_any_sql_is_answered(ask):
    put_product(Spec())
    assert ask("sql", "SELECT count(*) AS n FROM products") == [{"n": 1}]


def test_wrong_sql_is_refused_in_a_sentence(ask):
    put_product(Spec())
    with pytest.raises(RefusedError, match="the question was refused: Catalog Error"):
        ask("sql", "SELECT * FROM nothing")


def test_an_empty_question_is_refused(ask):
    put_product(Spec())
    with pytest.raises(RefusedError, match="returns nothing"):
        ask("sql", "")


@pytest.mark.parametrize("option", ["--inventory", "--endpoint-url", "--to"])
def test_an_option_that_would_do_nothing_before_a_command_is_refused(option, tmp_path):
    with pytest.raises(RefusedError, match=f"{option} before 'summary' has no effect; give it after"):
        run([option, str(tmp_path), "summary"])


def test_csv_and_table_say_the_same(aws, tmp_path):
    put_product(Spec(made=datetime(2025, 4, 8, 1, 2, 3, tzinfo=UTC)))
    run(["build", "s3://products", "--inventory", str(tmp_path)])
    text = run(["summary", "--format", "csv", "--inventory", str(tmp_path)])
    (row,) = csv.DictReader(io.StringIO(text))
    assert (row["collection"], row["products"], row["first"]) == ("s1_rtc_c1", "1", "2022-01-01")
    table = run(["summary", "--inventory", str(tmp_path)])
    assert "s1_rtc_c1" in table
    assert "1 row" in table
    assert "1 rows" not in table


def test_a_map_marks_the_bursts_of_the_answer(aws, tmp_path):
    for burst in range(3):
        put_product(Spec(burst))
    put_product(Spec(0, product=STATIC))
    run(["build", "s3://products", "--inventory", str(tmp_path / "inventory")])
    page = tmp_path / "map.html"
    run(["missing-static", "--map", str(page), "--inventory", str(tmp_path / "inventory")])
    text = page.read_text()
    assert re.findall(r'class="foot hit".*<title>(t\d+_\d+_iw\d)', text) == [BURSTS[1], BURSTS[2]]
    assert re.findall(r'class="foot idle".*<title>(t\d+_\d+_iw\d)', text) == [BURSTS[0]]
    assert "http" not in text


def test_a_map_has_the_reach_of_passes_and_that_of_static_layers_where_there_is_no_pass(aws, tmp_path):
    put_product(Spec(0))
    for burst in (0, 1):
        put_product(Spec(burst, product=STATIC))
    run(["build", "s3://products", "--inventory", str(tmp_path)])
    found = _read_footprints(open_store(str(tmp_path)))
    assert shapely.geometry.shape(found[BURSTS[0]]).bounds[1] == -35.0
    assert shapely.geometry.shape(found[BURSTS[1]]).bounds[1] == -35.2
