"""An inventory against a bucket of real items: the same counts, whatever came, changed and went."""

import json
from datetime import UTC, datetime

import pyarrow.parquet as pq
import pytest
from inventory_case import Spec, put_product

from rtcflow_cloud import storage
from rtcflow_contract.errors import NotFoundError, RefusedError
from rtcflow_contract.keys import ITEM, Location
from rtcflow_contract.layers import Product
from rtcflow_local.inventory.build import build
from rtcflow_local.inventory.facts import without_facts
from rtcflow_local.inventory.parts import items_of_part, part_names
from rtcflow_local.inventory.store import open_store
from rtcflow_local.inventory.tables import open_tables

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
    assert build(products, inventory) == (len(SPECS), len(SPECS), 0, 0)
    assert items_in(inventory) == items_in_bucket(aws)


def test_a_second_build_reads_nothing(aws, products, tmp_path, monkeypatch):
    inventory = open_store(str(tmp_path))
    build(products, inventory)
    monkeypatch.setattr(type(products), "read", lambda *_: pytest.fail("an item was read again"))
    assert build(products, inventory) == (len(SPECS), 0, 0, 0)


def test_new_changed_and_removed_products_are_taken_over(aws, products, tmp_path):
    inventory = open_store(str(tmp_path))
    build(products, inventory)
    put_product(Spec(2, 52))
    put_product(Spec(1, 0, version="0.2", made=datetime(2025, 5, 1, tzinfo=UTC)))
    gone = put_product(Spec(0, 40))
    storage.delete(gone.join(ITEM))
    assert build(products, inventory) == (len(SPECS), 1, 1, 1)
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


def test_an_item_that_is_none_is_refused_by_name(aws, tmp_path):
    folder = put_product(Spec())
    storage.write_bytes(folder.join(ITEM), b"[]")
    with pytest.raises(RefusedError, match=r"t070_149815_iw3/2022/1/1/metadata\.json is no STAC item"):
        build(open_store("s3://products/experimental"), open_store(str(tmp_path)))


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
    with pytest.raises(RefusedError, match="nothing at all"):
        build(open_store(str(tmp_path / "unmounted")), inventory)
    assert items_in(inventory) == items_in_bucket(aws)


def test_an_inventory_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(RefusedError, match="rtcflow inventory build"):
        open_tables(open_store(str(tmp_path / "nothing")))
