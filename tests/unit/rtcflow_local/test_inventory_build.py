"""An inventory has the counts of its bucket of real items after additions, changes and deletions."""

import json
from datetime import UTC, datetime

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from rtcflow_contract.errors import NotFoundError, RefusedError
from rtcflow_contract.keys import ITEM, MANIFEST, Location
from rtcflow_contract.layers import Product
from rtcflow_files import storage
from rtcflow_files.storage import open_store
from rtcflow_local.inventory.build import build
from rtcflow_local.inventory.command import app
from rtcflow_local.inventory.facts import without_facts
from rtcflow_local.inventory.outcomes import collect_outcomes
from rtcflow_local.inventory.parts import items_of_part, part_names
from rtcflow_local.inventory.tables import open_tables
from tests.support.inventory_case import Spec, put_product

STATIC = Product.RTC_S1_STATIC
SPECS = [*(Spec(burst, days) for burst in range(3) for days in (0, 12, 40)), Spec(0, product=STATIC)]


@pytest.fixture
def products(aws):
    for spec in SPECS:
        put_product(spec)
    return open_store("s3://products/experimental")


def items_in_bucket(s3):
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket="products")
    return {
        f"s3://products/{entry['Key']}"
        for page in pages
        for entry in page.get("Contents", [])
        if entry["Key"].endswith(f"/{ITEM}")
    }


def items_in(inventory):
    return {row[0] for row in open_tables(inventory).execute("SELECT item FROM products").fetchall()}


@pytest.mark.parametrize("place", ["folder", "s3://work/inventory"])
def test_the_inventory_holds_exactly_what_is_in_the_bucket(aws, products, place, tmp_path):
    inventory = open_store(str(tmp_path) if place == "folder" else place)
    assert build(products, inventory)[:4] == (len(SPECS), len(SPECS), 0, 0)
    assert items_in(inventory) == items_in_bucket(aws)


def test_a_second_build_reads_nothing(aws, products, tmp_path, monkeypatch):
    inventory = open_store(str(tmp_path))
    build(products, inventory)
    monkeypatch.setattr(type(products), "read", lambda *_: pytest.fail("an item was read again"))
    assert build(products, inventory)[:4] == (len(SPECS), 0, 0, 0)


def test_new_changed_and_removed_products_are_taken_over(aws, products, tmp_path):
    inventory = open_store(str(tmp_path))
    build(products, inventory)
    put_product(Spec(2, 52))
    put_product(Spec(1, 0, version="0.2", made=datetime(2025, 5, 1, tzinfo=UTC)))
    gone = put_product(Spec(0, 40))
    storage.delete(gone.join(ITEM))
    assert build(products, inventory)[:4] == (len(SPECS), 1, 1, 1)
    assert items_in(inventory) == items_in_bucket(aws)
    rows = open_tables(inventory).execute("SELECT count(*) FROM products WHERE version = '0.2'").fetchone()
    assert rows == (1,)


def test_a_month_that_lost_all_its_products_leaves_no_file(aws, tmp_path):
    source, inventory = open_store("s3://products/experimental"), open_store(str(tmp_path))
    put_product(Spec(0, 0))
    folder = put_product(Spec(0, 40))
    build(source, inventory)
    storage.delete(folder.join(ITEM))
    build(source, inventory)
    assert part_names(inventory) == ["items/s1_rtc_c1/2022-01.parquet"]


def test_products_of_another_folder_stay(aws, tmp_path):
    inventory = open_store(str(tmp_path))
    put_product(Spec(0, payload={"s3_project_folder": "first"}))
    put_product(Spec(1, payload={"s3_project_folder": "second"}))
    build(open_store("s3://products/first"), inventory)
    build(open_store("s3://products/second"), inventory)
    assert items_in(inventory) == items_in_bucket(aws)


def test_a_file_of_the_inventory_is_stac_geoparquet(aws, products, tmp_path):
    inventory = open_store(str(tmp_path))
    build(products, inventory)
    metadata = pq.read_metadata(tmp_path / "items/s1_rtc_c1/2022-01.parquet").metadata
    assert {b"geo", b"stac-geoparquet"} <= set(metadata)


def test_items_come_back_as_they_went_in(aws, products, tmp_path):
    inventory = open_store(str(tmp_path))
    build(products, inventory)
    (item,) = items_of_part(inventory, "items/s1_rtc_static_c1/2022-01.parquet")
    key = item["properties"]["rtcflow:item"].removeprefix("s3://products/")
    written = storage.read_json(Location("products", key))
    # Parquet knows times, not how many zeros of a second were written.
    came_back, went_in = (json.dumps(i).replace(".000000Z", "Z") for i in (without_facts(item), written))
    assert json.loads(came_back) == json.loads(went_in)


def test_other_json_files_are_no_products(aws, tmp_path):
    put_product(Spec())
    storage.write_bytes(Location("products", "experimental/grids/metadata.json"), b"{}")
    storage.write_bytes(Location("products", "experimental/metadata.json"), b"not JSON")
    assert build(open_store("s3://products/experimental"), open_store(str(tmp_path))).total == 1


def edit(folder, change):
    """An item as a person leaves it after an edit."""
    item = storage.read_json(folder.join(ITEM))
    change(item)
    storage.write_bytes(folder.join(ITEM), json.dumps(item).encode())


def _set(field, value):
    def change(item):
        *above, name = field.split("/")
        for part in above:
            item = item[part]
        if value is None:
            del item[name]
        else:
            item[name] = value

    return change


def test_a_manifest_that_is_damaged_later_is_told_by_every_build_until_it_is_mended(aws, products, tmp_path):
    inventory = open_store(str(tmp_path))
    build(products, inventory)
    at = next(Location("products", key[len("s3://products/") :]) for key in sorted(items_in(inventory)))
    at = Location("products", at.key.replace(ITEM, MANIFEST))
    whole = storage.read_bytes(at)
    storage.write_bytes(at, b"")
    engine = "SELECT count(*) FROM products WHERE engine IS NULL"
    for _ in range(2):
        built = build(products, inventory)
        assert [MANIFEST in trouble for trouble in built.troubles] == [True]
        assert open_tables(inventory).execute(engine).fetchone() == (1,)
    storage.write_bytes(at, whole)
    assert build(products, inventory).troubles == ()
    assert open_tables(inventory).execute(engine).fetchone() == (0,)
    assert build(products, inventory)[:4] == (len(SPECS), 0, 0, 0)


# Field by its path, and what it is changed to; None takes it away.
EDITS = [
    ("type", "feature"),
    ("id", 7),
    ("id", "../../elsewhere"),
    ("collection", "../../elsewhere"),
    ("collection", None),
    ("geometry", "here"),
    ("geometry/coordinates", [["149", "-35"]]),
    ("bbox", [149, -35]),
    ("bbox", ["149", "-35", "150", "-34"]),
    ("links", {}),
    ("links", [{"rel": "self"}]),
    ("assets", []),
    ("assets/mask/href", None),
    ("assets/mask/file:size", "12 MB"),
    ("properties", []),
    ("properties/datetime", None),
    ("properties/datetime", "January"),
    ("properties/created", 20250408),
    ("properties/gsd", "20 m"),
    ("properties/platform", ["sentinel-1a"]),
]
# Fields that the inventory asks nothing of: they fit the others, or they do not.
OTHER_EDITS = [
    ("properties/sat:relative_orbit", "seventy"),
    ("properties/providers", "me"),
    ("assets/mask/roles", "mask"),
    ("stac_extensions", {}),
    ("properties/proj:bbox", {"west": 1}),
]


@pytest.mark.parametrize(("field", "value"), [*EDITS, *OTHER_EDITS])
def test_an_item_edited_by_hand_is_left_out_by_name_and_the_others_are_taken(
    aws, products, tmp_path, field, value
):
    folder = Location("products", "experimental/s1_rtc_c1/t070_149816_iw3/2022/1/1")
    edit(folder, _set(field, value))
    inventory = open_store(str(tmp_path))
    built = build(products, inventory)
    assert built[:4] == (len(SPECS) - 1, len(SPECS) - 1, 0, 0)
    assert [str(folder.join(ITEM)) in text for text in built.troubles] == [True]
    assert items_in(inventory) == items_in_bucket(aws) - {str(folder.join(ITEM))}
    assert [str(folder.join(ITEM)) in text for text in build(products, inventory).troubles] == [True]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [(b"", "is empty"), (b'{"type": "Fea', "not a STAC item"), (b"[]", "not a JSON object")],
)
def test_an_item_that_was_damaged_leaves_the_inventory(aws, products, tmp_path, data, sentence):
    inventory = open_store(str(tmp_path))
    build(products, inventory)
    folder = Location("products", "experimental/s1_rtc_c1/t070_149816_iw3/2022/1/1")
    storage.write_bytes(folder.join(ITEM), data)
    built = build(products, inventory)
    assert built[:4] == (len(SPECS) - 1, 0, 0, 1)
    assert sentence in built.troubles[0]
    assert str(folder.join(ITEM)) not in items_in(inventory)


def test_the_common_form_of_items_counts(aws, tmp_path):
    for burst in (0, 1, 2):
        folder = put_product(Spec(burst))
    edit(folder, _set("properties/providers", "me"))
    built = build(open_store("s3://products/experimental"), open_store(str(tmp_path)))
    assert built.total == 2
    assert [str(folder) in text for text in built.troubles] == [True]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [(b"", "is empty"), (b'{"version": 1', "cut off"), (b'{"version": 9}', "upgrade rtcflow")],
)
def test_a_manifest_that_cannot_be_read_is_named_and_the_product_stays(aws, tmp_path, data, sentence):
    folder = put_product(Spec())
    storage.write_bytes(folder.join(MANIFEST), data)
    inventory = open_store(str(tmp_path))
    built = build(open_store("s3://products/experimental"), inventory)
    assert built.total == 1
    assert sentence in built.troubles[0]
    assert "without engine and static layers" in built.troubles[0]
    assert open_tables(inventory).execute("SELECT engine FROM products").fetchall() == [(None,)]


def test_fields_of_a_later_release_lose_no_engine(aws, tmp_path):
    folder = put_product(Spec())
    manifest = storage.read_json(folder.join(MANIFEST))
    storage.write_bytes(folder.join(MANIFEST), json.dumps({**manifest, "colour": "red"}).encode())
    inventory = open_store(str(tmp_path))
    assert build(open_store("s3://products/experimental"), inventory).troubles == ()
    assert open_tables(inventory).execute("SELECT engine FROM products").fetchall() == [("native",)]


@pytest.mark.parametrize("data", [b"", b"{}", b'{"id": "../x"}', b"[]"])
def test_a_damaged_collection_is_named(aws, products, tmp_path, data):
    at = Location("products", "experimental/s1_rtc_c1/collection.json")
    storage.write_bytes(at, data)
    built = build(products, open_store(str(tmp_path)))
    assert built.total == len(SPECS)
    assert [str(at) in text for text in built.troubles] == [True]


def test_the_command_names_what_it_left_out_and_does_not_succeed(aws, products, tmp_path):
    folder = Location("products", "experimental/s1_rtc_c1/t070_149816_iw3/2022/1/1")
    storage.write_bytes(folder.join(ITEM), b"")
    sentence = CliRunner().invoke(app, ["build", "s3://products", "--inventory", str(tmp_path)])
    assert f"{folder.join(ITEM)} is empty" in sentence.output
    assert isinstance(sentence.exception, RefusedError)
    assert "1 files were left out" in sentence.exception.message


def test_a_report_that_cannot_be_read_is_named(aws, tmp_path):
    at = Location("work", "executions/run/report.json")
    storage.write_bytes(at, b'{"version": 1')
    collected = collect_outcomes(open_store("s3://work"), open_store(str(tmp_path)))
    assert collected.reports == 0
    assert f"{at} is cut off" in collected.unread[0]


def test_a_missing_bucket_is_refused(aws, tmp_path):
    with pytest.raises(RefusedError, match="bucket 'nowhere' does not exist"):
        build(open_store("s3://nowhere/x"), open_store(str(tmp_path)))


def test_an_item_that_goes_away_meanwhile_is_not_counted(aws, products, tmp_path, monkeypatch):
    read = type(products).read

    def losing(self, name):
        if name.endswith("t070_149817_iw3/2022/1/1/metadata.json"):
            raise NotFoundError("gone")
        return read(self, name)

    monkeypatch.setattr(type(products), "read", losing)
    assert build(products, open_store(str(tmp_path))).total == len(SPECS) - 1


def test_an_empty_folder_does_not_empty_the_inventory(aws, products, tmp_path):
    inventory = open_store(str(tmp_path / "inventory"))
    build(products, inventory)
    with pytest.raises(RefusedError, match="is empty or does not exist"):
        build(open_store(str(tmp_path / "unmounted")), inventory)
    assert items_in(inventory) == items_in_bucket(aws)


def test_an_inventory_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(RefusedError, match="rtcflow inventory build"):
        open_tables(open_store(str(tmp_path / "nothing")))
