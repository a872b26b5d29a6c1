"""Ids: any spelling is read and one is written; formula and file names are as published."""

from datetime import UTC, datetime

import pytest

from rtcflow_contract.burst_id import burst_id_from_anx_time, burst_id_in_product_id, normalize_burst_id
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.layers import Product, layers_of
from rtcflow_contract.product_id import layer_file_name, product_id
from rtcflow_contract.scene_id import parse_scene_id

SCENE = "S1A_IW_SLC__1SSH_20220101T124744_20220101T124814_041267_04E7A2_1DAD"


@pytest.mark.parametrize(
    "spelling", ["t070_149815_iw3", "T070-149815-IW3", "070_149815_IW3", " t070_149815_IW3 "]
)
def test_burst_id_is_read_in_every_spelling(spelling):
    assert normalize_burst_id(spelling) == "t070_149815_iw3"


@pytest.mark.parametrize(
    "text", ["", "t070_149815_iw4", "t000_149815_iw1", "t176_149815_iw1", "t70_149815_iw3", "../x"]
)
def test_what_is_not_a_burst_id_is_refused(text):
    with pytest.raises(ValueError, match="not a burst id"):
        normalize_burst_id(text)


def test_burst_id_in_product_id():
    assert burst_id_in_product_id("t070_149815_iw3") == "T070-149815-IW3"


def test_formula_gives_the_same_number_to_the_three_bursts_of_a_cycle():
    start = 2195.0
    numbers = {
        burst_id_from_anx_time(start + offset, 71, swath)[5:11]
        for swath, offset in (("iw1", 0.0), ("iw2", 0.832), ("iw3", 1.91))
    }
    assert len(numbers) == 1


def test_formula_counts_on_into_the_next_track_past_the_node():
    assert burst_id_from_anx_time(6000.0, 175, "iw1").startswith("t001_")


def test_scene_id_is_parsed():
    scene = parse_scene_id(SCENE + ".SAFE")
    assert (scene.id, scene.platform, scene.polarizations) == (SCENE, "S1A", ("HH",))
    assert scene.absolute_orbit == 41267
    assert scene.start == datetime(2022, 1, 1, 12, 47, 44, tzinfo=UTC)


@pytest.mark.parametrize(
    ("code", "polarizations"),
    [("SH", ("HH",)), ("SV", ("VV",)), ("DH", ("HH", "HV")), ("DV", ("VV", "VH"))],
)
def test_polarization_codes(code, polarizations):
    assert parse_scene_id(SCENE.replace("1SSH", "1S" + code)).polarizations == polarizations


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("hello", "scene-id"),
        (SCENE.replace("_IW_", "_EW_"), "mode"),
        (SCENE.replace("SLC_", "GRDH"), "type"),
        (SCENE.replace("S1A", "S1E"), "scene-id"),
        (SCENE.replace("20220101T124744", "20221301T124744"), "scene-id"),
    ],
)
def test_scene_ids_that_can_never_work_are_refused_by_name(text, reason):
    with pytest.raises(RefusedError) as caught:
        parse_scene_id(text)
    assert caught.value.reason == reason


def test_product_id_of_backscatter():
    assert (
        product_id(
            Product.RTC_S1,
            "t070_149815_iw3",
            datetime(2022, 1, 1, 12, 47, 52, 900000, tzinfo=UTC),
            datetime(2025, 4, 8, 2, 54, 1, tzinfo=UTC),
            "S1A",
            20,
            "0.1",
        )
        == "OPERA_L2_RTC-S1_T070-149815-IW3_20220101T124752Z_20250408T025401Z_S1A_20_v0.1"
    )


def test_product_id_of_static_layers_has_no_sensing_time():
    assert (
        product_id(
            Product.RTC_S1_STATIC,
            "t070_149815_iw3",
            datetime(2022, 1, 1, 12, 47, 52, tzinfo=UTC),
            datetime(2025, 4, 8, 1, 24, 21, tzinfo=UTC),
            "S1A",
            20,
            "1.0.2",
        )
        == "OPERA_L2_RTC-S1-STATIC_T070-149815-IW3_20010101_20250408T012421Z_S1A_20_v1.0.2"
    )


def test_layer_file_names_end_in_the_layer():
    assert layer_file_name("P", "rtc_anf_gamma0_to_beta0") == "P_rtc_anf_gamma0_to_beta0.tif"


def test_layers_of_each_product():
    assert [layer.name for layer in layers_of(Product.RTC_S1, ("VV", "VH"))] == ["VV", "VH", "mask"]
    assert [layer.name for layer in layers_of(Product.RTC_S1_STATIC)] == [
        "mask",
        "number_of_looks",
        "rtc_anf_gamma0_to_beta0",
        "rtc_anf_gamma0_to_sigma0",
        "local_incidence_angle",
        "incidence_angle",
        "interpolated_dem",
    ]
