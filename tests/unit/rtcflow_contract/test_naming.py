"""Naming schemes: what a payload may ask for, and the folders and names of products."""

import hashlib
import json
from datetime import UTC, datetime

import pytest
import yaml

from rtcflow.product.companions import write_scheme_files, write_styles
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.job import Sources, make_job
from rtcflow_contract.layers import LAYERS, Product
from rtcflow_contract.naming import SCHEMES, Naming, default_collection, is_item_name
from rtcflow_contract.product_id import layer_file_name
from rtcflow_contract.request import parse_request
from rtcflow_stac.odc import all_definitions, product_name

HH = "S1A_IW_SLC__1SSH_20220101T124744_20220101T124814_041267_04E7A2_1DAD"
VV_VH = "S1A_IW_SLC__1SDV_20220130T191354_20220130T191421_041694_04F5F9_1AFD"
SENSED = datetime(2022, 1, 1, 12, 47, 52, 123456, tzinfo=UTC)


def job_of(product=Product.RTC_S1, **payload):
    request = parse_request(
        {"scene": HH, "naming": "ga", "link_static_layers": True, "s3_project_folder": "folder", **payload},
        "bucket-of-products",
    )
    return make_job(
        request,
        product=product,
        burst_id="t070_149815_iw3",
        sensing_start=SENSED,
        execution="run",
        execution_started=datetime(2025, 4, 8, tzinfo=UTC),
        work_bucket="work-bucket",
        product_version="0.1",
        sources=Sources(scene="asf"),
    )


def test_folders_and_files_of_ga_are_those_of_its_collection_1():
    job = job_of()
    folder = "s3://bucket-of-products/folder/ga_s1_nrb_iw_hh_1/t070_149815_iw3/2022/01/01/20220101T124752"
    stem = "ga_s1a_nrb_iw_0-1-0_T070-149815-IW3_20220101T124752Z"
    assert str(job.destination) == folder
    assert job.collection == "ga_s1_nrb_iw_hh_1"
    assert job.product_id == stem
    assert layer_file_name(stem, "HH", Naming.GA) == f"{stem}_HH-gamma0.tif"
    assert str(job.item) == f"{folder}/{stem}_stac-item.json"


def test_folders_of_static_layers_of_ga_have_validity_and_dem():
    job = job_of(Product.RTC_S1_STATIC)
    stem = "ga_s1_nrb-static_iw_0-1-0_T070-149815-IW3_20140403"
    assert str(job.destination) == (
        "s3://bucket-of-products/experimental/ga_s1_nrb_iw_static_1/t070_149815_iw3/20140403/cop_glo30"
    )
    assert job.product_id == stem
    assert layer_file_name(stem, "number_of_looks", Naming.GA) == f"{stem}_number-of-looks.tif"
    assert job_of().linked_static == job.destination


@pytest.mark.parametrize(
    ("payload", "sentence"),
    [
        ({"link_static_layers": False}, "set link_static_layers"),
        ({"collection": "s1_rtc_c1"}, "ga_s1_nrb_iw_hh_1 and not s1_rtc_c1"),
        ({"collection": "ga_s1_nrb_iw_vv_vh_1"}, "ga_s1_nrb_iw_hh_1"),
        ({"linked_static_layers_collection": "s1_rtc_static_c1"}, "ga_s1_nrb_iw_static_1"),
        ({"on_existing": "beside"}, "cannot hold a version beside"),
        ({"backscatter": "beta0"}, "gamma0 only"),
        ({"naming": "dea"}, "naming"),
    ],
)
def test_what_naming_ga_cannot_express_is_refused(payload, sentence):
    with pytest.raises(RefusedError, match=sentence):
        job_of(**payload)


def test_another_collection_number_is_accepted():
    assert job_of(collection="ga_s1_nrb_iw_hh_0").collection == "ga_s1_nrb_iw_hh_0"


def test_collections_of_ga_follow_the_polarizations():
    assert default_collection(Naming.GA, Product.RTC_S1, ("VV", "VH")) == "ga_s1_nrb_iw_vv_vh_1"
    request = parse_request(
        {"scene": VV_VH, "naming": "ga", "link_static_layers": True}, "bucket-of-products"
    )
    assert request.collection == "ga_s1_nrb_iw_vv_vh_1"
    assert request.linked_static_layers_collection == "ga_s1_nrb_iw_static_1"


def test_names_of_opera_do_not_change():
    job = job_of(naming="opera", link_static_layers=False)
    assert str(job.destination).endswith("folder/s1_rtc_c1/t070_149815_iw3/2022/1/1")
    assert job.item.key.endswith("/metadata.json")
    assert job.product_id == "OPERA_L2_RTC-S1_T070-149815-IW3_20220101T124752Z_20250408T000000Z_S1A_20_v0.1"


def test_every_scheme_names_every_layer():
    for scheme in SCHEMES.values():
        assert set(scheme.files) == set(scheme.assets) == set(LAYERS)
        assert len(set(scheme.assets.values())) == len(LAYERS)


def test_asset_keys_of_ga_are_the_measurements_of_its_definitions(shared):
    definition = yaml.safe_load((shared / "today" / "ga_s1_nrb_iw_vv_vh_1.odc-product.yaml").read_text())
    wanted = {entry["name"] for entry in definition["measurements"]}
    assert wanted <= set(SCHEMES[Naming.GA].assets.values())


@pytest.mark.parametrize(
    ("name", "is_item"),
    [
        ("metadata.json", True),
        ("ga_s1a_nrb_iw_0-1-0_T070-149815-IW3_20220101T124752Z_stac-item.json", True),
        ("manifest.json", False),
        ("metadata.v0.2.json", False),
        ("_stac-item.json", False),
    ],
)
def test_items_are_known_by_their_names(name, is_item):
    assert is_item_name(name) is is_item


def test_ga_has_its_parameters_and_checksums_and_no_other_files(tmp_path):
    job = job_of()
    layer = tmp_path / f"{job.product_id}_HH-gamma0.tif"
    layer.write_bytes(b"pixels")
    paths = write_scheme_files(job, {"geocoding": "area projection"}, tmp_path, [layer])
    settings = yaml.safe_load(paths["configuration"].read_text())
    assert settings["job"]["burst_id"] == "t070_149815_iw3"
    sums = dict(reversed(line.split("\t")) for line in paths["checksum"].read_text().splitlines())
    assert sums[layer.name] == hashlib.sha1(b"pixels", usedforsecurity=False).hexdigest()
    assert paths["configuration"].name in sums
    assert write_styles(job, tmp_path) == []


def test_styles_show_decibels_and_names_of_classes(tmp_path):
    job = job_of(naming="opera", link_static_layers=False)
    texts = {path.name.rsplit("_", 1)[-1]: path.read_text() for path in write_styles(job, tmp_path)}
    assert set(texts) == {"HH.qml", "mask.qml"}
    assert 'value="0.1" label="-10 dB"' in texts["HH.qml"]
    assert 'label="Layover and shadow"' in texts["mask.qml"]


def test_files_for_catalogues_are_those_of_the_layer_table(request):
    docs = request.config.rootpath / "docs"
    for definition in all_definitions():
        written = yaml.safe_load((docs / "odc" / f"{definition['name']}.odc-product.yaml").read_text())
        assert [entry["name"] for entry in written["measurements"]] == [
            entry["name"] for entry in definition["measurements"]
        ]
        assert written["metadata"] == definition["metadata"]
    queryables = json.loads((docs / "stac" / "queryables.json").read_text())
    assert queryables["properties"]["odc:region_code"]["type"] == "string"


def test_datasets_belong_to_the_definition_of_their_collection():
    assert product_name("s1_rtc_c1") == "s1_rtc_c1"
    assert product_name("my-rtc.2") == "my_rtc_2"
    names = {entry["name"]: [m["name"] for m in entry["measurements"]] for entry in all_definitions()}
    assert names["s1_rtc_c1"] == ["VV", "VH", "mask"]
    assert names["s1_rtc_c1_hh"] == ["HH", "mask"]
