"""The scene payload: the defaults of the system being replaced, and every wrong field named at once."""

from datetime import UTC, datetime

import pytest

from rtcflow_contract.errors import RefusedError
from rtcflow_contract.job import BurstJob, Sources, make_job
from rtcflow_contract.keys import parse_s3_uri
from rtcflow_contract.layers import Product
from rtcflow_contract.payload_fields import burst_list_file, parse_burst_list_text
from rtcflow_contract.request import parse_request

SCENE = "S1A_IW_SLC__1SSH_20220101T124744_20220101T124814_041267_04E7A2_1DAD"


def request(**fields):
    return parse_request({"scene": SCENE, **fields}, default_bucket="stack-products")


def job(product=Product.RTC_S1, **fields) -> BurstJob:
    return make_job(
        request(**fields),
        product=product,
        burst_id="t070_149815_iw3",
        sensing_start=datetime(2022, 1, 1, 12, 47, 52, tzinfo=UTC),
        execution="run-1",
        execution_started=datetime(2025, 4, 8, 2, 54, 1, tzinfo=UTC),
        work_bucket="work",
        product_version="1.0",
        sources=Sources(scene="asf"),
    )


def test_a_scene_alone_is_enough():
    got = request()
    assert (got.resolution, got.dem, got.product, got.s3_project_folder) == (
        20,
        "cop_glo30",
        "RTC_S1",
        "experimental",
    )
    assert (got.s3_bucket, got.collection) == ("stack-products", "s1_rtc_c1")
    assert (got.linked_static_layers_s3_bucket, got.linked_static_layers_collection) == (
        "stack-products",
        "s1_rtc_static_c1",
    )
    assert (got.engine, got.orbit, got.on_existing, got.on_missing_static) == (
        "auto",
        "best",
        "skip",
        "fail",
    )


def test_static_product_has_its_own_default_collection():
    assert request(product="RTC_S1_STATIC").collection == "s1_rtc_static_c1"


@pytest.mark.parametrize(
    "value",
    [
        ["t070_149815_iw2", "T070-149815-IW3"],
        "t070_149815_iw2 t070_149815_iw3",
        "070_149815_IW2,t070_149815_iw3",
    ],
)
def test_burst_list_as_list_or_string(value):
    assert request(burst_id_list=value).burst_id_list == ("t070_149815_iw2", "t070_149815_iw3")


def test_burst_list_file_is_recognized_and_read():
    assert burst_list_file("s3://b/bursts.txt") == "s3://b/bursts.txt"
    assert burst_list_file("t070_149815_iw2") is None
    assert parse_burst_list_text("# mine\nt070_149815_iw2\n\nt070_149815_iw3 # last\n") == [
        "t070_149815_iw2",
        "t070_149815_iw3",
    ]


@pytest.mark.parametrize(("value", "epsg"), [(3031, 3031), ("3031", 3031), ("EPSG:3031", 3031), ("", None)])
def test_output_crs_spellings(value, epsg):
    assert request(output_crs=value).output_crs == epsg


@pytest.mark.parametrize(("metres", "taken"), [(4, False), (5, True), (500, True), (501, False)])
def test_resolution_is_one_that_every_engine_can_make(metres, taken):
    if taken:
        assert request(resolution=metres).resolution == metres
        return
    with pytest.raises(RefusedError, match="resolution"):
        request(resolution=metres)


def test_every_wrong_field_is_named_at_once():
    with pytest.raises(RefusedError) as caught:
        request(
            resolution=-1,
            output_crs="utm",
            s3_bucket="My_Bucket",
            s3_project_folder="../up",
            product="GRD",
            burst_id_list="nonsense",
            surprise=1,
        )
    for field in (
        "resolution",
        "output_crs",
        "s3_bucket",
        "s3_project_folder",
        "product",
        "burst_id_list",
        "surprise",
    ):
        assert field in caught.value.message


def test_payload_that_is_not_an_object_is_refused():
    with pytest.raises(RefusedError, match="JSON object"):
        parse_request("scene", default_bucket="b-b")


@pytest.mark.parametrize("uri", ["s3://b/x", "http://b/x.SAFE", "s3://bucket/no-safe", "file:///x.SAFE"])
def test_unknown_scene_sources_are_refused(uri):
    with pytest.raises(RefusedError, match="scene_source"):
        request(scene_source=uri)


def test_static_product_links_to_none():
    with pytest.raises(RefusedError, match="links to none"):
        request(product="RTC_S1_STATIC", link_static_layers=True)


def test_keys_of_backscatter_go_by_date_without_padding():
    assert str(job().destination) == "s3://stack-products/experimental/s1_rtc_c1/t070_149815_iw3/2022/1/1"


def test_keys_of_static_layers_have_no_date():
    got = job(product=Product.RTC_S1_STATIC, link_static_layers=True, linked_static_layers_s3_bucket="other")
    assert str(got.destination) == "s3://other/experimental/s1_rtc_static_c1/t070_149815_iw3"
    assert got.collection == "s1_rtc_static_c1"
    assert got.linked_static is None


def test_linked_job_knows_its_static_product():
    got = job(link_static_layers=True)
    assert str(got.linked_static) == "s3://stack-products/experimental/s1_rtc_static_c1/t070_149815_iw3"


def test_job_survives_json():
    got = job(link_static_layers=True)
    assert BurstJob.model_validate_json(got.model_dump_json()) == got


def test_s3_uri():
    assert parse_s3_uri("s3://bucket/a/b/") == ("bucket", "a/b")
    with pytest.raises(RefusedError):
        parse_s3_uri("https://bucket/a")


@pytest.mark.parametrize(
    "wrong",
    [
        {"s3_bucket": "products\n"},
        {"s3_project_folder": "experimental\n"},
        {"collection": "s1_rtc_c1\n"},
        {"scene_source": "s3://scenes/x.SAFE\n"},
    ],
)
def test_a_line_break_behind_a_name_is_refused(wrong):
    with pytest.raises(RefusedError, match=next(iter(wrong))):
        parse_request({"scene": SCENE, **wrong}, "products")


DUAL = SCENE.replace("1SSH", "1SDV")


@pytest.mark.parametrize(
    ("asked", "chosen", "names"),
    [
        ("all", "all", ("VV", "VH")),
        ("co", "co", ("VV",)),
        ("cross", "cross", ("VH",)),
        ("vh", "VH", ("VH",)),
        ("VH,VV", "VV+VH", ("VV", "VH")),
        (["VV"], "VV", ("VV",)),
    ],
)
def test_polarizations_are_those_asked_for(asked, chosen, names):
    assert request(scene=DUAL, polarizations=asked).polarizations == chosen
    assert job(scene=DUAL, polarizations=asked).polarizations == names


@pytest.mark.parametrize("asked", ["HV", "cross", "HH+HV", "XX", "", [], ["all", "VV"], 3])
def test_polarizations_that_a_scene_lacks_are_refused(asked):
    with pytest.raises(RefusedError, match=r"polarizations|scene has HH"):
        request(polarizations=asked)


@pytest.mark.parametrize("given", ["asf,cdse", "asf cdse", ["asf", "cdse"]])
def test_sources_keep_their_order(given):
    assert request(scene_source=given).scene_source == ("asf", "cdse")


def test_an_unknown_source_is_named():
    with pytest.raises(RefusedError, match="esa"):
        request(scene_source=["asf", "esa"])
    with pytest.raises(RefusedError, match="orbit_source"):
        request(orbit_source="ftp://x")


def test_days_for_the_precise_orbit():
    assert request(precise_within="25d").precise_within == 25
    assert request(precise_within=3).precise_within == 3
    with pytest.raises(RefusedError, match="25d"):
        request(precise_within="a while")
    with pytest.raises(RefusedError, match="give one of them"):
        request(precise_within=3, orbit="precise")
