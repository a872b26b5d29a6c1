"""The static catalogue of an inventory, as read by pystac."""

import json

import pystac
import pytest

from rtcflow_contract.layers import Product
from rtcflow_files.storage import open_store
from rtcflow_local.inventory.build import build
from rtcflow_local.inventory.parts import items_of_part, part_names
from rtcflow_local.inventory.static_catalogue import write_catalogue
from tests.support.inventory_case import BURSTS, Spec, put_product

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
    assert "rtcflow:item" not in item.properties
    assert "rtcflow:tag" not in item.properties
    assert item.assets["VV"].href.startswith("s3://products/")


def test_links_of_items_lead_somewhere_from_the_catalogue(tmp_path):
    folder = tmp_path / "products" / "t070_149815_iw3" / "2022" / "1" / "1"
    folder.mkdir(parents=True)
    item = {
        "type": "Feature",
        "stac_version": "1.1.0",
        "id": "P",
        "collection": "c",
        "geometry": {"type": "Polygon", "coordinates": [[[1, 2], [3, 2], [3, 4], [1, 4], [1, 2]]]},
        "bbox": [1, 2, 3, 4],
        "properties": {"datetime": "2022-01-01T00:00:00Z"},
        "assets": {"VV": {"href": "./P_VV.tif"}},
        "links": [
            {"rel": "self", "href": "file:///moved/away/metadata.json"},
            {"rel": "static-layers", "href": "../../../metadata.json"},
        ],
    }
    (folder / "metadata.json").write_text(json.dumps(item))
    own = f"file://{tmp_path}/products/collection.json"
    collection = {
        "type": "Collection",
        "stac_version": "1.1.0",
        "id": "c",
        "description": "c",
        "license": "other",
        "assets": {"thumbnail": {"href": "./P.png"}},
        "links": [{"rel": "self", "href": own}, {"rel": "license", "href": "./licence.html"}],
    }
    (tmp_path / "products" / "collection.json").write_text(json.dumps(collection))
    inventory = open_store(str(tmp_path / "inventory"))
    build(open_store(str(tmp_path / "products")), inventory)
    write_catalogue(inventory, open_store(str(tmp_path / "stac")))
    written = pystac.Catalog.from_file(str(tmp_path / "stac" / "catalog.json"))
    (found,) = written.get_items(recursive=True)
    link = found.get_single_link("static-layers")
    assert link.href == f"file://{tmp_path}/products/t070_149815_iw3/metadata.json"
    assert found.assets["VV"].href == f"file://{folder}/P_VV.tif"
    held = written.get_child("c")
    assert held.assets["thumbnail"].href == f"file://{tmp_path}/products/P.png"
    assert held.get_single_link("license").href == f"file://{tmp_path}/products/licence.html"


def test_the_inventory_says_where_an_item_is_and_not_where_it_was(aws, tmp_path):
    put_product(Spec())
    inventory = open_store(str(tmp_path))
    build(open_store("s3://products"), inventory)
    (item,) = (item for part in part_names(inventory) for item in items_of_part(inventory, part))
    (own,) = [link["href"] for link in item["links"] if link["rel"] == "self"]
    assert own == item["properties"]["rtcflow:item"]


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
