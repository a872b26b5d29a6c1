"""Files that the first release wrote stay readable: manifests, items, collections, grids and inventories."""

import json
from pathlib import Path

import pystac
import pytest

from rtcflow_contract.grid import Grid
from rtcflow_contract.layers import Product, layers_of
from rtcflow_contract.manifest import Manifest
from rtcflow_contract.request import parse_request
from rtcflow_contract.stored import read_stored
from rtcflow_files.storage import open_store
from rtcflow_local.inventory.build import build
from rtcflow_local.inventory.tables import open_tables
from rtcflow_scene.static_check import StaticState, examine

FOLDER = Path(__file__).parents[2] / "fixtures" / "first_release"
BURST = "t147_314884_iw1"
PRODUCTS = {
    Product.RTC_S1: FOLDER / "products" / BURST / "2023" / "3" / "2",
    Product.RTC_S1_STATIC: FOLDER / "static" / BURST,
}


@pytest.mark.parametrize("product", PRODUCTS)
def test_manifests_are_read(product):
    at = PRODUCTS[product] / "manifest.json"
    manifest = read_stored(Manifest, at.read_bytes(), at)
    assert (manifest.product, manifest.burst_id) == (product, BURST)
    for layer in layers_of(product, manifest.acquisition.polarizations):
        assert manifest.file_of_layer(layer.name) is not None


def test_static_layers_are_linked_to():
    at = PRODUCTS[Product.RTC_S1_STATIC] / "manifest.json"
    manifest = read_stored(Manifest, at.read_bytes(), at)
    sizes = {file.name: file.size for file in manifest.files} | {"metadata.json": 1}
    request = parse_request({"scene": manifest.scene, "resolution": 40}, "products")
    assert examine(BURST, manifest, sizes, request, manifest.product_version).state is StaticState.FIT


@pytest.mark.parametrize("kind", ["products", "static"])
def test_grids_are_those_of_the_manifests(kind):
    grid = Grid.model_validate_json((FOLDER / kind / "grids" / BURST / "default_40m.json").read_text())
    (at,) = (FOLDER / kind / BURST).rglob("manifest.json")
    assert read_stored(Manifest, at.read_bytes(), at).grid == grid


@pytest.mark.parametrize("product", PRODUCTS)
def test_items_and_collections_are_read(product):
    item = pystac.Item.from_dict(json.loads((PRODUCTS[product] / "metadata.json").read_text()))
    root = FOLDER / ("products" if product is Product.RTC_S1 else "static")
    collection = pystac.Collection.from_dict(json.loads((root / "collection.json").read_text()))
    assert item.collection_id == collection.id
    assert "mask" in item.assets


def test_an_inventory_answers():
    tables = open_tables(open_store(str(FOLDER / "inventory")))
    assert tables.execute("SELECT count(*), any_value(product) FROM products").fetchall() == [(1, "RTC_S1")]


def test_products_are_taken_into_an_inventory(tmp_path):
    inventory = open_store(str(tmp_path))
    build(open_store(str(FOLDER / "products")), inventory)
    assert open_tables(inventory).execute("SELECT count(*) FROM products").fetchall() == [(1,)]
