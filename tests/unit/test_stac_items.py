"""STAC items and collections: valid against core and every declared extension, and saying what the manifest says."""

import json
from datetime import UTC, datetime

import pystac
import pytest
from pystac.validation.stac_validator import JsonSchemaSTACValidator

from rtcflow_contract.errors import RefusedError
from rtcflow_contract.grid import Grid
from rtcflow_contract.keys import Location
from rtcflow_contract.layers import Product, layers_of
from rtcflow_contract.manifest import (
    Acquisition,
    EngineInfo,
    InputRef,
    Manifest,
    ProductFile,
    Resources,
    Statistics,
)
from rtcflow_stac.collection import build_collection
from rtcflow_stac.context import HrefStyle, ItemContext, LinkedStatic, Processor
from rtcflow_stac.extensions import item_extensions
from rtcflow_stac.item import build_item

SCENE = "S1A_IW_SLC__1SDV_20220101T124744_20220101T124814_041267_04E7A2_1DAD"
POLYGON = {"type": "Polygon", "coordinates": [[[149, -35], [150, -35], [150, -34], [149, -34], [149, -35]]]}
SPLIT = {
    "type": "MultiPolygon",
    "coordinates": [
        [[[179, -75], [180, -75], [180, -74], [179, -74], [179, -75]]],
        [[[-180, -75], [-179, -75], [-179, -74], [-180, -74], [-180, -75]]],
    ],
}


def manifest(product=Product.RTC_S1, footprint=POLYGON, bbox=(149.0, -35.0, 150.0, -34.0), left=500000.0):
    start = datetime(2022, 1, 1, 12, 47, 52, 123456, tzinfo=UTC)
    names = [layer.name for layer in layers_of(product, ("VV", "VH"))]
    files = [
        ProductFile(
            name=f"P_{name}.tif",
            kind="layer",
            layer=name,
            media_type="image/tiff",
            size=10,
            sha256="a" * 64,
            statistics=Statistics(minimum=0.0, maximum=1.0, mean=0.5, stddev=0.1, valid_percent=60.0)
            if name != "mask"
            else None,
        )
        for name in names
    ]
    files.append(ProductFile(name="P.png", kind="browse", media_type="image/png", size=1, sha256="b" * 64))
    files.append(
        ProductFile(name="P.h5", kind="metadata", media_type="application/x-hdf5", size=1, sha256="c" * 64)
    )
    return Manifest(
        product=product,
        product_id="P",
        product_version="1.0",
        collection="s1_rtc_c1",
        scene=SCENE,
        burst_id="t070_149815_iw3",
        execution="run",
        created=datetime(2025, 4, 8, tzinfo=UTC),
        engine=EngineInfo(name="native", versions={"rtcflow": "0.1.0"}),
        acquisition=Acquisition(
            platform="S1A",
            start=start,
            stop=start.replace(second=55),
            orbit_state="descending",
            absolute_orbit=41267,
            relative_orbit=70,
            polarizations=("VV", "VH"),
            swath="iw3",
            center_frequency_hz=5.405e9,
            range_spacing_m=2.33,
            azimuth_spacing_m=13.9,
            incidence_angle_deg=43.9,
            ipf_version="003.40",
            orbit_type="POEORB",
        ),
        grid=Grid(epsg=32755, left=left, top=6000000, spacing=20, rows=10, cols=20),
        footprint=footprint,
        bbox=bbox,
        files=tuple(files),
        inputs=(
            InputRef(kind="scene", id=SCENE, href=f"s3://scenes/{SCENE}.SAFE"),
            InputRef(kind="orbit", id="ORB.EOF", href="s3://s1-orbits/AUX_POEORB/ORB.EOF"),
            InputRef(kind="dem", id="tile", href="s3://copernicus-dem-30m/tile/tile.tif"),
            InputRef(kind="geoid", id="EGM2008", href="https://example.com/geoid.tif"),
        ),
        parameters={},
        resources=Resources(
            seconds=1, cpu_seconds=1, peak_memory_bytes=1, bytes_fetched=1, bytes_written=1, stages={}
        ),
    )


def context(static=None, style=HrefStyle.S3):
    return ItemContext(
        folder=Location("products", "experimental/s1_rtc_c1/t070_149815_iw3/2022/1/1"),
        collection_folder=Location("products", "experimental/s1_rtc_c1"),
        style=style,
        region="ap-southeast-2",
        processor=Processor("Ice Institute", "https://ice.example.com"),
        license="CC-BY-4.0",
        static=static,
    )


def static_link(**changes):
    return LinkedStatic(
        manifest(Product.RTC_S1_STATIC, **changes), Location("statics", "p/s1_rtc_static_c1/t070_149815_iw3")
    )


@pytest.fixture(scope="module")
def validator(shared):
    index = shared / "schemas" / "index.json"
    found = JsonSchemaSTACValidator()
    found.schema_cache.update(
        {
            uri: json.loads((index.parent / name).read_text())
            for uri, name in json.loads(index.read_text()).items()
        }
    )
    return found


ITEMS = {
    "backscatter": (manifest(), context()),
    "with static layers": (manifest(), context(static_link())),
    "static": (manifest(Product.RTC_S1_STATIC), context()),
    "https": (manifest(), context(style=HrefStyle.HTTPS)),
    "relative": (manifest(), context(static_link(), HrefStyle.RELATIVE)),
    "antimeridian": (manifest(footprint=SPLIT, bbox=(179.0, -75.0, -179.0, -74.0)), context()),
}


@pytest.mark.parametrize("case", ITEMS)
def test_items_are_valid_against_core_and_every_declared_extension(case, validator):
    item = build_item(*ITEMS[case])
    uris = pystac.validation.validate_dict(item, validator=validator)
    assert set(item["stac_extensions"]) <= set(uris)


def test_collections_are_valid(validator):
    for product in Product:
        pystac.validation.validate_dict(build_collection(manifest(product), context()), validator=validator)


@pytest.mark.parametrize("case", ITEMS)
def test_every_prefixed_field_belongs_to_a_declared_extension(case):
    item = build_item(*ITEMS[case])
    prefixes = {
        "sar": "sar",
        "sat": "sat",
        "view": "view",
        "proj": "projection",
        "raster": "raster",
        "processing": "processing",
        "product": "product",
        "file": "file",
        "classification": "classification",
        "s1": "sentinel-1",
        "storage": "storage",
        "ceosard": "ceos-ard",
    }
    used = {key.split(":")[0] for key in item["properties"] if ":" in key}
    used |= {key.split(":")[0] for asset in item["assets"].values() for key in asset if ":" in key}
    for prefix in used:
        assert any(f"/{prefixes[prefix]}/" in uri for uri in item["stac_extensions"]), prefix


def test_grid_fields_come_from_the_manifest():
    properties = build_item(manifest(), context())["properties"]
    assert properties["proj:code"] == "EPSG:32755"
    assert properties["proj:shape"] == [10, 20]
    assert properties["proj:transform"] == [20, 0, 500000, 0, -20, 6000000]
    assert properties["proj:bbox"] == [500000, 5999800, 500400, 6000000]


def test_frequency_is_in_ghz_and_orbits_are_numbers():
    properties = build_item(manifest(), context())["properties"]
    assert properties["sar:center_frequency"] == pytest.approx(5.405)
    assert (properties["sat:relative_orbit"], properties["sat:absolute_orbit"]) == (70, 41267)


def test_who_processed_is_configuration():
    item = build_item(manifest(), context())
    assert item["properties"]["processing:facility"] == "Ice Institute"
    assert {"name": "Ice Institute", "roles": ["processor"], "url": "https://ice.example.com"} in item[
        "properties"
    ]["providers"]


def test_checksums_are_multihashes():
    assert build_item(manifest(), context())["assets"]["VV"]["file:checksum"] == "1220" + "a" * 64


def test_static_assets_keep_the_static_products_href():
    item = build_item(manifest(), context(static_link()))
    looks = item["assets"]["number_of_looks"]
    assert looks["href"] == "s3://statics/p/s1_rtc_static_c1/t070_149815_iw3/P_number_of_looks.tif"
    assert item["assets"]["mask"]["href"].startswith("s3://products/")
    (link,) = [link for link in item["links"] if link["rel"] == "static-layers"]
    assert link["href"] == "s3://statics/p/s1_rtc_static_c1/t070_149815_iw3/metadata.json"
    assert set(item["properties"]["storage:schemes"]) == {"s3-products", "s3-statics"}


def test_static_layers_on_another_grid_are_refused():
    with pytest.raises(RefusedError, match="another grid"):
        build_item(manifest(), context(static_link(left=500020.0)))


def test_links_name_all_inputs_and_algorithms():
    rels = {link["rel"] for link in build_item(manifest(), context())["links"]}
    assert rels >= {
        "self",
        "collection",
        "parent",
        "root",
        "derived_from",
        "orbit-source",
        "dem-source",
        "geoid-source",
        "rtc-algorithm",
        "geocoding-algorithm",
        "noise-correction",
        "ceos-ard-specification",
    }


def test_relative_hrefs_find_the_collection():
    item = build_item(manifest(), context(style=HrefStyle.RELATIVE))
    assert item["assets"]["VV"]["href"] == "./P_VV.tif"
    (link,) = [link for link in item["links"] if link["rel"] == "collection"]
    assert link["href"] == "../../../../collection.json"


def test_static_items_do_not_claim_the_backscatter_specification():
    assert not any("ceos-ard" in uri for uri in item_extensions(Product.RTC_S1_STATIC, True))
