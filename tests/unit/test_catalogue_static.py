"""The static catalogue of an inventory, as pystac and its reader walk it."""

import pystac
import pytest
from inventory_case import BURSTS, Spec, put_product

from rtcflow_contract.layers import Product
from rtcflow_files.storage import open_store
from rtcflow_local.inventory.build import build
from rtcflow_local.inventory.static_catalogue import write_catalogue

SPECS = [
    *(Spec(burst, days) for burst in range(2) for days in (0, 40)),
    Spec(0, product=Product.RTC_S1_STATIC),
]


@pytest.fixture
def catalogue(aws, tmp_path):
    for spec in SPECS:
        put_product(spec)
    inventory = open_store(str(tmp_path / "inventory"))
    build(open_store("s3://products"), inventory)
    assert write_catalogue(inventory, open_store(str(tmp_path / "stac"))) == (2, len(SPECS))
    return pystac.Catalog.from_file(str(tmp_path / "stac" / "catalog.json"))


def test_every_product_is_found_by_its_links(catalogue):
    found = {(item.collection_id, item.id) for item in catalogue.get_items(recursive=True)}
    assert len(found) == len(SPECS)
    assert {child.id for child in catalogue.get_children()} == {"s1_rtc_c1", "s1_rtc_static_c1"}
    assert {child.id for child in catalogue.get_child("s1_rtc_c1").get_children()} == set(BURSTS[:2])


def test_items_know_their_collection_and_where_they_came_from(catalogue):
    item = next(catalogue.get_child("s1_rtc_c1").get_items(recursive=True))
    assert item.get_collection().id == "s1_rtc_c1"
    assert item.get_single_link("canonical").href.startswith("s3://products/experimental/s1_rtc_c1/")
    assert not [name for name in item.properties if name.startswith("rtcflow:")]
    assert item.assets["VV"].href.startswith("s3://products/")


def test_a_collections_extent_is_that_of_its_items(catalogue):
    extent = catalogue.get_child("s1_rtc_c1").extent
    assert extent.spatial.bboxes == [[149.0, -35.0, pytest.approx(150.3), -34.8]]
    (first, last) = extent.temporal.intervals[0]
    assert (first.date().isoformat(), last.date().isoformat()) == ("2022-01-01", "2022-02-10")


def test_a_collection_keeps_what_its_products_say_of_it(catalogue):
    collection = catalogue.get_child("s1_rtc_c1")
    assert collection.title == "Sentinel-1 RTC gamma0"
    assert "VV" in collection.item_assets


def test_a_catalogue_can_be_written_to_a_bucket(aws, tmp_path):
    put_product(Spec())
    inventory = open_store(str(tmp_path))
    build(open_store("s3://products"), inventory)
    write_catalogue(inventory, open_store("s3://work/stac"))
    keys = [entry["Key"] for entry in aws.list_objects_v2(Bucket="work", Prefix="stac/")["Contents"]]
    assert "stac/catalog.json" in keys
    assert len(keys) == 4
