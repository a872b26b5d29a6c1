"""STAC items and collections are valid against core and every declared extension, and agree with the manifest."""

import json
from datetime import UTC, datetime

import pystac
import pytest

from rtcflow_contract.errors import RefusedError
from rtcflow_contract.grid import Grid
from rtcflow_contract.layers import Product, layers_of
from rtcflow_contract.manifest import (
    Acquisition,
    EngineInfo,
    GeometricAccuracy,
    InputRef,
    Manifest,
    NoiseLevel,
    ProductFile,
    Quality,
    Resources,
    Statistics,
)
from rtcflow_stac.collection import build_collection
from rtcflow_stac.context import HrefStyle, ItemContext, LinkedStatic, Processor, local_uri
from rtcflow_stac.item import build_item

COLLECTION = "s3://products/experimental/s1_rtc_c1"
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
        folder=f"{COLLECTION}/t070_149815_iw3/2022/1/1",
        collection_folder=COLLECTION,
        style=style,
        region="ap-southeast-2",
        processor=Processor("Ice Institute", "https://ice.example.com"),
        license="CC-BY-4.0",
        static=static,
    )


def static_link(**changes):
    return LinkedStatic(
        manifest(Product.RTC_S1_STATIC, **changes), "s3://statics/p/s1_rtc_static_c1/t070_149815_iw3"
    )


ITEMS = {
    "backscatter": (manifest(), context()),
    "with static layers": (manifest(), context(static_link())),
    "static": (manifest(Product.RTC_S1_STATIC), context()),
    "https": (manifest(), context(style=HrefStyle.HTTPS)),
    "relative": (manifest(), context(static_link(), HrefStyle.RELATIVE)),
    "naming ga": (
        manifest().model_copy(update={"naming": "ga"}),
        context(static_link()),
    ),
    "antimeridian": (manifest(footprint=SPLIT, bbox=(179.0, -75.0, -179.0, -74.0)), context()),
}


@pytest.mark.parametrize("case", ITEMS)
def test_items_are_valid_against_core_and_every_declared_extension(case, stac_validator):
    item = build_item(*ITEMS[case])
    uris = pystac.validation.validate_dict(item, validator=stac_validator)
    assert set(item["stac_extensions"]) <= set(uris)


def test_collections_are_valid(stac_validator):
    for product in Product:
        pystac.validation.validate_dict(
            build_collection(manifest(product), context()), validator=stac_validator
        )


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
    # Names of Open Data Cube, and our own, are of no extension.
    used -= {"odc", "sarard", "rtcflow"}
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
        "license",
    }


def test_relative_hrefs_find_the_collection():
    item = build_item(manifest(), context(style=HrefStyle.RELATIVE))
    assert item["assets"]["VV"]["href"] == "./P_VV.tif"
    (link,) = [link for link in item["links"] if link["rel"] == "collection"]
    assert link["href"] == "../../../../collection.json"


@pytest.mark.parametrize("style", HrefStyle)
def test_self_is_absolute_in_every_style(style):
    for found in (
        build_item(manifest(), context(style=style)),
        build_collection(manifest(), context(style=style)),
    ):
        (own,) = [link["href"] for link in found["links"] if link["rel"] == "self"]
        assert own.startswith(("s3://products/experimental/", "https://products.s3.ap-southeast-2."))


def test_local_uris_are_read_as_paths_and_escape_only_what_would_cut_them():
    assert local_uri("/data/a b/é [1]/x.json") == "file:///data/a b/é [1]/x.json"
    assert local_uri("/data/50%#1?/x") == "file:///data/50%25%231%3F/x"


def test_readers_of_rasters_leave_the_hdf5_file_alone():
    assets = build_item(manifest(), context())["assets"]
    assert assets["metadata"]["type"] == "application/vnd.hdfgroup.hdf5"
    collection = build_collection(manifest(), context())
    assert collection["item_assets"]["metadata"]["type"] == "application/vnd.hdfgroup.hdf5"


def test_products_are_searched_by_burst():
    properties = build_item(manifest(), context())["properties"]
    assert properties["odc:region_code"] == "t070_149815_iw3"
    assert properties["odc:product"] == "s1_rtc_c1"


def test_static_items_are_valid_from_a_date_on():
    properties = build_item(manifest(Product.RTC_S1_STATIC), context())["properties"]
    assert properties["start_datetime"] < properties["datetime"] < properties["end_datetime"]
    assert properties["start_datetime"].startswith("2001-01-01")
    assert properties["end_datetime"] > "2099"


def test_collections_describe_linked_static_layers_and_searchable_values():
    found = build_collection(manifest(), context(static_link()))
    assert {"VV", "mask", "thumbnail", "local_incidence_angle"} <= set(found["item_assets"])
    assert {"platform", "sat:orbit_state", "sat:relative_orbit", "sar:beam_ids", "s1:orbit_source"} <= set(
        found["summaries"]
    )
    assert found["renders"]["vv_db"]["rescale"] == [[-20, 0]]
    assert found["renders"]["mask"]["colormap"]["2"] == [230, 159, 0, 255]
    assert [link["href"] for link in found["links"] if link["rel"] == "license"] == [
        "https://spdx.org/licenses/CC-BY-4.0.html"
    ]


def test_get_items_of_a_collection_finds_its_first_item(tmp_path):
    folder = tmp_path / "t070_149815_iw3/2022/1/1"
    folder.mkdir(parents=True)
    here = context(style=HrefStyle.RELATIVE)._replace(
        folder=local_uri(folder), collection_folder=local_uri(tmp_path)
    )
    (folder / "metadata.json").write_text(json.dumps(build_item(manifest(), here)))
    (tmp_path / "collection.json").write_text(json.dumps(build_collection(manifest(), here)))
    collection = pystac.Collection.from_file(str(tmp_path / "collection.json"))
    (item,) = collection.get_items()
    assert item.assets["VV"].get_absolute_href() == f"{folder}/P_VV.tif"


FACTS = Quality(
    near_incidence_deg=41.2,
    far_incidence_deg=45.9,
    heading_deg=194.0,
    altitude_m=704e3,
    range_resolution_m=3.5,
    azimuth_resolution_m=22.6,
    equivalent_looks=3.5,
    noise_equivalent_sigma0_db={"VV": NoiseLevel(minimum=-28.0, mean=-26.0, maximum=-24.0)},
    border_pixels=(1, 2, 3, 4),
    timeliness="Fast-24h",
)
ACCURACY = GeometricAccuracy(
    bias_x_m=0.3, bias_y_m=-0.5, stddev_x_m=1.1, stddev_y_m=1.4, reference="https://example.com/campaign"
)


def certified():
    facts = {"quality": FACTS, "accuracy": ACCURACY, "parameters": {"thermal_noise_removal": True}}
    return manifest().model_copy(update=facts)


def test_conformance_is_claimed_when_every_threshold_is_met(stac_validator):
    item = build_item(certified(), context(static_link()))
    assert item["properties"]["ceosard:specification_version"] == "5.6"
    assert [link for link in item["links"] if link["rel"] == "ceos-ard-specification"]
    pystac.validation.validate_dict(item, validator=stac_validator)


@pytest.mark.parametrize(
    ("lacking", "static"),
    [({"accuracy": None}, True), ({"quality": None}, True), ({"parameters": {}}, True), ({}, False)],
)
def test_conformance_is_not_claimed_where_a_threshold_is_missed(lacking, static):
    made = certified().model_copy(update=lacking)
    item = build_item(made, context(static_link() if static else None))
    assert not [name for name in item["properties"] if name.startswith("ceosard:")]
    assert not any("ceos-ard" in uri for uri in item["stac_extensions"])
    assert not [link for link in item["links"] if link["rel"] == "ceos-ard-specification"]


def test_quality_that_the_scene_reports_is_in_the_item():
    properties = build_item(certified(), context())["properties"]
    assert properties["noise_equivalent_sigma0"]["VV"]["mean"] == -26.0
    assert (properties["platform_heading"], properties["view:azimuth"]) == (194.0, 284.0)
    assert properties["border_pixels"] == {"top": 1, "right": 2, "bottom": 3, "left": 4}
    assert (properties["product:timeliness_category"], properties["product:timeliness"]) == (
        "Fast-24h",
        "PT24H",
    )
    assert properties["geometric_accuracy"]["bias_y_m"] == -0.5
