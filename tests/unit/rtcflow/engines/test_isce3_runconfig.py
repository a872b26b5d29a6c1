"""The run configuration of the OPERA RTC workflow, against what its schema (1.0.4) requires and allows."""

import json

import pytest

from rtcflow.engines.isce3.runconfig import Folders, as_text, run_configuration
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.grid import Grid
from rtcflow_contract.keys import Location
from rtcflow_contract.layers import Product, layers_of
from tests.support.burst_case import GRID, make_job

# Schema of opera-adt/RTC 1.0.4: required keys by group, and all keys a group may have.
REQUIRED = {
    "primary_executable": {"product_type"},
    "pge_name_group": {"pge_name"},
    "input_file_group": {"safe_file_path", "orbit_file_path"},
    "product_group": {"product_path", "scratch_path", "output_dir"},
}
GROUPS = {
    "primary_executable": {"product_type"},
    "pge_name_group": {"pge_name"},
    "input_file_group": {"safe_file_path", "source_data_access", "orbit_file_path", "burst_id"},
    "dynamic_ancillary_file_group": {"dem_file", "dem_file_description"},
    "static_ancillary_file_group": {"burst_database_file"},
    "product_group": {
        *("processing_type", "product_version", "product_path", "scratch_path", "output_dir", "product_id"),
        *("rtc_s1_static_validity_start_date", "product_data_access", "static_layers_data_access"),
        *(
            "save_bursts",
            "save_mosaics",
            "save_browse",
            "output_imagery_format",
            "output_imagery_compression",
        ),
        *("output_imagery_nbits", "save_secondary_layers_as_hdf5", "save_metadata"),
    },
    "processing": {
        *("check_ancillary_inputs_coverage", "polarization", "geo2rdr", "rdr2geo", "range_split_spectrum"),
        *(
            "dem_interpolation_method",
            "apply_absolute_radiometric_correction",
            "apply_thermal_noise_correction",
        ),
        *("correction_lut_range_spacing_in_meters", "correction_lut_azimuth_spacing_in_meters", "apply_rtc"),
        *(
            "apply_bistatic_delay_correction",
            "apply_static_tropospheric_delay_correction",
            "rtc",
            "geocoding",
        ),
        *("mosaicking", "browse_image_group", "num_workers"),
    },
}
RTC = {
    *("output_type", "algorithm_type", "input_terrain_radiometry", "rtc_min_value_db", "dem_upsampling"),
    "area_beta_mode",
}
GEOCODING = {
    *("apply_valid_samples_sub_swath_masking", "apply_shadow_masking", "skip_if_output_files_exist"),
    *(
        "algorithm_type",
        "memory_mode",
        "save_incidence_angle",
        "save_local_inc_angle",
        "save_projection_angle",
    ),
    *("save_rtc_anf_projection_angle", "save_range_slope", "save_nlooks", "save_rtc_anf"),
    *("save_rtc_anf_gamma0_to_sigma0", "save_dem", "save_mask", "shadow_dilation_size", "abs_rad_cal"),
    *("clip_max", "clip_min", "upsample_radargrid", "bursts_geogrid"),
    *(f"estimated_geometric_accuracy_{kind}_{axis}" for kind in ("bias", "stddev") for axis in "xy"),
}
GEOGRID = {"output_epsg", "x_posting", "y_posting", "x_snap", "y_snap", "top_left", "bottom_right"}


@pytest.fixture
def folders(tmp_path):
    return Folders(*(tmp_path / name for name in ("x.SAFE", "x.EOF", "dem.tif", "scratch", "output")))


def groups_of(job, folders, grid=GRID):
    return run_configuration(job, grid, folders)["runconfig"]["groups"]


@pytest.mark.parametrize("product", list(Product))
def test_all_keys_are_in_the_schema_and_all_required_ones_are_there(tmp_path, folders, product):
    groups = groups_of(make_job(tmp_path, product=product), folders)
    assert groups.keys() == GROUPS.keys()
    for name, keys in GROUPS.items():
        assert groups[name].keys() <= keys, name
    for name, keys in REQUIRED.items():
        assert all(groups[name].get(key) for key in keys), name
    processing = groups["processing"]
    assert processing["rtc"].keys() <= RTC
    assert processing["geocoding"].keys() <= GEOCODING
    assert processing["geocoding"]["bursts_geogrid"].keys() == GEOGRID
    assert processing["mosaicking"]["mosaic_geogrid"].keys() == GEOGRID


def test_values_are_among_those_the_schema_allows(tmp_path, folders):
    groups = groups_of(make_job(tmp_path), folders)
    processing, product = groups["processing"], groups["product_group"]
    assert groups["pge_name_group"]["pge_name"] == "RTC_S1_PGE"
    assert product["processing_type"] in {"NOMINAL", "URGENT", "CUSTOM", "UNDEFINED"}
    assert product["output_imagery_format"] == "COG"
    assert 20000101 <= product["rtc_s1_static_validity_start_date"] <= 21991231
    assert processing["dem_interpolation_method"] in {"sinc", "bilinear", "bicubic", "nearest", "biquintic"}
    assert processing["rtc"]["output_type"] in {"gamma0", "sigma0"}
    assert processing["rtc"]["algorithm_type"] in {"area_projection", "bilinear_distribution"}
    assert processing["rtc"]["input_terrain_radiometry"] in {"beta0", "sigma0"}


def test_backscatter_has_the_mask_and_no_static_layer(tmp_path, folders):
    geocoding = groups_of(make_job(tmp_path), folders)["processing"]["geocoding"]
    assert {key for key, value in geocoding.items() if key.startswith("save_") and value} == {"save_mask"}


def test_static_layers_are_all_on(tmp_path, folders):
    geocoding = groups_of(make_job(tmp_path, product=Product.RTC_S1_STATIC), folders)["processing"][
        "geocoding"
    ]
    on = {key for key, value in geocoding.items() if key.startswith("save_") and value}
    assert len(on) == len(layers_of(Product.RTC_S1_STATIC))
    assert {"save_dem", "save_local_inc_angle", "save_rtc_anf_gamma0_to_sigma0"} <= on


@pytest.mark.parametrize(("product", "corrected"), [(Product.RTC_S1, True), (Product.RTC_S1_STATIC, False)])
def test_timing_corrections_are_for_backscatter_alone(tmp_path, folders, product, corrected):
    processing = groups_of(make_job(tmp_path, product=product), folders)["processing"]
    assert processing["apply_bistatic_delay_correction"] is corrected
    assert processing["apply_static_tropospheric_delay_correction"] is corrected
    assert processing["apply_thermal_noise_correction"] is True


def test_the_grid_is_the_plans_to_the_pixel(tmp_path, folders):
    geogrid = groups_of(make_job(tmp_path), folders)["processing"]["geocoding"]["bursts_geogrid"]
    assert geogrid == {
        "output_epsg": 32645,
        "x_posting": 20,
        "y_posting": 20,
        "x_snap": 20,
        "y_snap": 20,
        "top_left": {"x": 354_800, "y": 6_755_600},
        "bottom_right": {"x": 354_800 + 280 * 20, "y": 6_755_600 - 1000 * 20},
    }


def test_metadata_are_saved_for_both_products_though_off_by_default_for_static_ones(tmp_path, folders):
    for product in Product:
        group = groups_of(make_job(tmp_path, product=product), folders)["product_group"]
        assert (group["save_metadata"], group["save_browse"], group["save_mosaics"]) == (True, True, False)


def test_the_browse_image_has_the_size_of_natives(tmp_path, folders):
    grid = Grid(epsg=32756, left=300000, top=6200000, spacing=20, rows=2000, cols=5000)
    browse = groups_of(make_job(tmp_path), folders, grid)["processing"]["browse_image_group"]
    assert browse == {"browse_image_burst_height": 400, "browse_image_burst_width": 1000}


def test_the_product_id_is_the_jobs(tmp_path, folders):
    job = make_job(tmp_path, linked_static=Location("products", "static/t070_148571_iw1"))
    group = groups_of(job, folders)["product_group"]
    assert group["product_id"] == job.product_id
    assert group["product_version"] == "0.1"
    assert group["static_layers_data_access"] == "s3://products/static/t070_148571_iw1"


@pytest.mark.parametrize(
    ("polarizations", "product", "mode"),
    [
        (("VV", "VH"), Product.RTC_S1, "dual-pol"),
        (("HH",), Product.RTC_S1, "co-pol"),
        (("VH",), Product.RTC_S1, "cross-pol"),
        (("VV", "VH"), Product.RTC_S1_STATIC, "co-pol"),
    ],
)
def test_polarization_mode(tmp_path, folders, polarizations, product, mode):
    job = make_job(tmp_path, polarizations=polarizations, product=product)
    assert groups_of(job, folders)["processing"]["polarization"] == mode


def test_the_text_is_read_back_unchanged(tmp_path, folders):
    configuration = run_configuration(
        make_job(tmp_path), GRID, folders, "cop_glo30: a tile", "s3://scenes/x.zip"
    )
    assert json.loads(as_text(configuration)) == configuration
    inputs = configuration["runconfig"]["groups"]["input_file_group"]
    assert inputs["source_data_access"] == "s3://scenes/x.zip"


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"epsg": 102_001}, "crs"), ({"left": 600_007.0}, "grid"), ({"top": 6_100_010}, "grid")],
)
def test_a_grid_that_the_workflow_would_change_is_refused(tmp_path, folders, change, reason):
    with pytest.raises(RefusedError, match="use engine native") as caught:
        groups_of(make_job(tmp_path), folders, GRID.model_copy(update=change))
    assert caught.value.reason == reason
