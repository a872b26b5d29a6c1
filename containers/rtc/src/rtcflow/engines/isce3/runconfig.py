"""The run configuration of the OPERA RTC workflow for one burst job.

Keys and values follow the schema of opera-adt/RTC 1.0.4. The text is JSON, which is YAML too.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

from rtcflow.product.browse import shrink_factor
from rtcflow_contract.backscatter import Backscatter, corrects_radiometry
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.grid import Grid
from rtcflow_contract.job import BurstJob
from rtcflow_contract.layers import Product
from rtcflow_contract.naming import SCHEMES

# Bounds of `output_epsg` in the workflow's schema.
_EPSG_CODES = range(1024, 32768)
_CROSS = {"VH", "HV"}
# In pixels: the workflow shifts a grid whose edges are not multiples of the spacing.
_SNAPPED = 1e-6

# The workflow's switches for layers, by layer name; backscatter has none.
_LAYER_SWITCHES: dict[str, str] = {
    "mask": "save_mask",
    "number_of_looks": "save_nlooks",
    "rtc_anf_gamma0_to_beta0": "save_rtc_anf",
    "rtc_anf_gamma0_to_sigma0": "save_rtc_anf_gamma0_to_sigma0",
    "local_incidence_angle": "save_local_inc_angle",
    "incidence_angle": "save_incidence_angle",
    "interpolated_dem": "save_dem",
}
_NEVER = ("save_projection_angle", "save_rtc_anf_projection_angle", "save_range_slope")
_LAYERS_OF: dict[Product, frozenset[str]] = {
    # Static layers are a separate product: computing them with every pass would take a third longer.
    Product.RTC_S1: frozenset({"mask"}),
    Product.RTC_S1_STATIC: frozenset(_LAYER_SWITCHES),
}


class Folders(NamedTuple):
    """Where the workflow reads and writes."""

    safe: Path
    orbit: Path
    dem: Path
    scratch: Path
    output: Path


def run_configuration(
    job: BurstJob, grid: Grid, folders: Folders, dem_description: str = "", source: str = ""
) -> dict[str, Any]:
    """The run configuration of a job, as nested dicts.

    Parameters
    ----------
    job : BurstJob
    grid : Grid
        Grid of the plan, given to the workflow as EPSG code, corners and posting, so that it does not choose its own.
    folders : Folders
    dem_description : str
        Source of the DEM.
    source : str
        Where the scene comes from.

    Raises
    ------
    RefusedError
        When the workflow cannot make this grid.
    """
    check_grid(grid)
    backscatter = job.product is Product.RTC_S1
    return {
        "runconfig": {
            "name": f"rtcflow_{job.burst_id}",
            "groups": {
                "primary_executable": {"product_type": job.product.value},
                "pge_name_group": {"pge_name": "RTC_S1_PGE"},
                "input_file_group": {
                    "safe_file_path": [str(folders.safe)],
                    "source_data_access": source or None,
                    "orbit_file_path": [str(folders.orbit)],
                    "burst_id": [job.burst_id],
                },
                "dynamic_ancillary_file_group": {
                    "dem_file": str(folders.dem),
                    "dem_file_description": dem_description or job.dem,
                },
                "static_ancillary_file_group": {"burst_database_file": None},
                "product_group": _product_group(job, folders),
                "processing": {
                    "check_ancillary_inputs_coverage": True,
                    "polarization": _polarization(job),
                    "dem_interpolation_method": "biquintic",
                    "apply_absolute_radiometric_correction": True,
                    "apply_thermal_noise_correction": True,
                    "apply_rtc": not backscatter or corrects_radiometry(job.backscatter),
                    "apply_bistatic_delay_correction": backscatter and job.bistatic_correction,
                    "apply_static_tropospheric_delay_correction": backscatter and job.troposphere_correction,
                    "rtc": {
                        "output_type": "sigma0"
                        if backscatter and job.backscatter is Backscatter.SIGMA0
                        else "gamma0",
                        "algorithm_type": "area_projection",
                        "input_terrain_radiometry": "beta0",
                        "dem_upsampling": 2,
                    },
                    "geocoding": {
                        "apply_valid_samples_sub_swath_masking": True,
                        "apply_shadow_masking": True,
                        "skip_if_output_files_exist": False,
                        "algorithm_type": "area_projection",
                        **_layer_switches(job.product),
                        "bursts_geogrid": _geogrid(grid),
                    },
                    # No mosaic is made, but the workflow computes its grid, which must fit the burst's.
                    "mosaicking": {"mosaic_geogrid": _geogrid(grid)},
                    # By default the workflow writes a full-size browse image, a tenth of the whole product.
                    "browse_image_group": _browse(grid),
                },
            },
        }
    }


def as_text(configuration: dict[str, Any]) -> str:
    """The run configuration as the text of a YAML file."""
    return json.dumps(configuration, indent=2) + "\n"


def check_grid(grid: Grid) -> None:
    """Refuse a grid that the workflow cannot make, or would change.

    Raises
    ------
    RefusedError
        Says why, and what to do.
    """
    if grid.epsg not in _EPSG_CODES:
        raise RefusedError(
            f"engine isce3 supports EPSG codes from {_EPSG_CODES.start} to {_EPSG_CODES.stop - 1}, not {grid.epsg}; "
            "use engine native or a UTM or polar stereographic CRS",
            reason="crs",
        )
    pixels = (grid.left / grid.spacing, grid.top / grid.spacing)
    if any(abs(value - round(value)) > _SNAPPED for value in pixels):
        raise RefusedError(
            f"engine isce3 makes grids whose edges are multiples of the {grid.spacing:g} m spacing, and the burst's "
            f"begins at {grid.left:g}, {grid.top:g}; use engine native for this grid",
            reason="grid",
        )


def _product_group(job: BurstJob, folders: Folders) -> dict[str, Any]:
    return {
        "processing_type": "CUSTOM",
        "product_version": job.product_version,
        "product_path": str(folders.output),
        "scratch_path": str(folders.scratch),
        "output_dir": str(folders.output),
        # The workflow's own id contains the run time, so each attempt would leave different files.
        "product_id": job.product_id,
        "rtc_s1_static_validity_start_date": int(SCHEMES[job.naming].static_since),
        "static_layers_data_access": str(job.linked_static) if job.linked_static else None,
        "save_bursts": True,
        "save_mosaics": False,
        "save_browse": True,
        "output_imagery_format": "COG",
        "output_imagery_compression": "DEFLATE",
        "output_imagery_nbits": 32,
        "save_secondary_layers_as_hdf5": False,
        "save_metadata": True,
    }


def _polarization(job: BurstJob) -> str:
    """Polarization mode; static layers use the co-polarized annotation and no pixels."""
    if job.product is Product.RTC_S1_STATIC:
        return "cross-pol" if job.polarizations[0] in _CROSS else "co-pol"
    if len(job.polarizations) > 1:
        return "dual-pol"
    return "cross-pol" if job.polarizations[0] in _CROSS else "co-pol"


def _layer_switches(product: Product) -> dict[str, bool]:
    wanted = _LAYERS_OF[product]
    return {switch: layer in wanted for layer, switch in _LAYER_SWITCHES.items()} | dict.fromkeys(
        _NEVER, False
    )


def _geogrid(grid: Grid) -> dict[str, Any]:
    spacing = _number(grid.spacing)
    return {
        "output_epsg": grid.epsg,
        "x_posting": spacing,
        "y_posting": spacing,
        "x_snap": spacing,
        "y_snap": spacing,
        "top_left": {"x": _number(grid.left), "y": _number(grid.top)},
        "bottom_right": {"x": _number(grid.right), "y": _number(grid.bottom)},
    }


def _browse(grid: Grid) -> dict[str, int]:
    factor = shrink_factor(grid.rows, grid.cols)
    return {
        "browse_image_burst_height": max(1, grid.rows // factor),
        "browse_image_burst_width": max(1, grid.cols // factor),
    }


def _number(value: float) -> float | int:
    return int(value) if value == int(value) else value
