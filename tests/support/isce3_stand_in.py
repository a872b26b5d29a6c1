"""Stands in for rtc_s1_single_job.py: reads the run configuration, and writes the same log and output folder.

STAND_IN says how it goes: ok, slow, crash, hang, disk-full, no-memory, killed, no-coverage, other-burst, other-grid,
no-metadata.
"""

import json
import os
import signal
import sys
from pathlib import Path

import h5py
import numpy as np
import rasterio

_SWITCHES = {
    "save_mask": "mask",
    "save_nlooks": "number_of_looks",
    "save_rtc_anf": "rtc_anf_gamma0_to_beta0",
    "save_rtc_anf_gamma0_to_sigma0": "rtc_anf_gamma0_to_sigma0",
    "save_local_inc_angle": "local_incidence_angle",
    "save_incidence_angle": "incidence_angle",
    "save_dem": "interpolated_dem",
}
_POLARIZATIONS = {"dual-pol": ("VV", "VH"), "co-pol": ("VV",), "cross-pol": ("VH",)}


def main() -> None:
    how = os.environ.get("STAND_IN", "ok")
    groups = json.loads(Path(sys.argv[1]).read_text())["runconfig"]["groups"]
    say("OPERA RTC-S1 Science Application Software (SAS) v1.0.4")
    say("    reading burst SLCs")
    check_inputs(groups)
    say("    computing layover shadow mask for the burst")
    end_badly(how)
    for number in range(2000 if how == "slow" else 0):
        say(f"    block {number}")
    write(groups, how)
    say("elapsed time: 1.0")


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def check_inputs(groups: dict) -> None:
    """What s1-reader opens."""
    safe = Path(groups["input_file_group"]["safe_file_path"][0])
    (safe / "manifest.safe").read_bytes()
    for swath in ("iw1", "iw2", "iw3"):
        (found,) = safe.glob(f"annotation/*-{swath}-slc-vv-*.xml")
        found.read_bytes()
    Path(groups["input_file_group"]["orbit_file_path"][0]).read_bytes()
    Path(groups["dynamic_ancillary_file_group"]["dem_file"]).read_bytes()
    for name in ("scratch_path", "output_dir"):
        Path(groups["product_group"][name]).mkdir(parents=True, exist_ok=True)


def end_badly(how: str) -> None:
    if how == "crash":
        raise ValueError("the radar grid is empty")
    if how == "hang":
        signal.pause()
    if how == "disk-full":
        with open("/dev/full", "wb", buffering=0) as file:
            file.write(b"x")
    if how == "no-memory":
        raise MemoryError
    if how == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "no-coverage":
        raise ValueError("ERROR the DEM file with extents S/N: [0,1] does not fully cover product geogrid")


def write(groups: dict, how: str) -> None:
    product = groups["product_group"]
    burst = "t070_148570_iw1" if how == "other-burst" else groups["input_file_group"]["burst_id"][0]
    folder = Path(product["output_dir"]) / burst
    folder.mkdir(parents=True, exist_ok=True)
    processing = groups["processing"]
    static = groups["primary_executable"]["product_type"] == "RTC_S1_STATIC"
    names = [layer for switch, layer in _SWITCHES.items() if processing["geocoding"][switch]]
    names += [] if static else _POLARIZATIONS[processing["polarization"]]
    for name in names:
        path = folder / f"{product['product_id']}_{name}.tif"
        write_layer(path, name, processing["geocoding"]["bursts_geogrid"], 20 if how == "other-grid" else 0)
        say(f"file saved: {path}")
    (folder / f"{product['product_id']}.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    if how != "no-metadata":
        write_metadata(folder / f"{product['product_id']}.h5", burst, processing, static)


def write_layer(path: Path, name: str, grid: dict, shift: float) -> None:
    spacing = grid["x_posting"]
    left, top = grid["top_left"]["x"] + shift, grid["top_left"]["y"]
    cols = round((grid["bottom_right"]["x"] - grid["top_left"]["x"]) / spacing)
    rows = round((top - grid["bottom_right"]["y"]) / spacing)
    inside = np.zeros((rows, cols), bool)
    inside[5:-5, 5:-5] = True
    if name == "mask":
        values, nodata = np.where(inside, 0, 255).astype(np.uint8), 255
    else:
        values, nodata = np.where(inside, 0.25, np.nan).astype(np.float32), float("nan")
    profile = {
        "driver": "COG",
        "width": cols,
        "height": rows,
        "count": 1,
        "dtype": values.dtype.name,
        "nodata": nodata,
        "crs": f"EPSG:{grid['output_epsg']}",
        "transform": rasterio.Affine(spacing, 0, left, 0, -spacing, top),
    }
    with rasterio.open(path, "w", **profile) as out:
        out.write(values, 1)


def write_metadata(path: Path, burst: str, processing: dict, static: bool) -> None:
    algorithms = {
        "softwareVersion": "1.0.4",
        "isce3Version": "0.24.3",
        "s1ReaderVersion": "0.2.5",
        "demInterpolation": processing["dem_interpolation_method"],
        "geocoding": "Area-Based SAR Geocoding with Adaptive Multilooking (GEO-AP)",
        "radiometricTerrainCorrection": "Area-Based SAR Radiometric Terrain Correction (RTC-AP)",
    }
    truths = {
        "bistaticDelayCorrectionApplied": processing["apply_bistatic_delay_correction"],
        "staticTroposphericGeolocationCorrectionApplied": processing[
            "apply_static_tropospheric_delay_correction"
        ],
    }
    if not static:
        truths["noiseCorrectionApplied"] = processing["apply_thermal_noise_correction"]
    identification = {
        "burstID": burst,
        "productType": "RTC-S1-STATIC" if static else "RTC-S1",
        "institution": "NASA JPL",
        "contactInformation": "someone@example.org",
        "project": "OPERA",
        "processingDateTime": "2026-11-23T04:31:50.539426Z",
        "productVersion": "9.9",
    }
    with h5py.File(path, "w") as file:
        file.attrs.update(
            institution=np.bytes_("NASA JPL"), contact=np.bytes_("x"), project=np.bytes_("OPERA")
        )
        for group, table in (
            ("identification", identification),
            ("metadata/processingInformation/algorithms", algorithms),
        ):
            for key, value in table.items():
                file[f"{group}/{key}"] = np.bytes_(value)
        for key, value in truths.items():
            file[f"metadata/processingInformation/parameters/{key}"] = value


if __name__ == "__main__":
    main()
