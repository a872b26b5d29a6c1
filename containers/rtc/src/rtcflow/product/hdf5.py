"""The metadata file: HDF5 with the groups of the OPERA RTC-S1 product."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from pyproj import CRS

from rtcflow.product.opera_fields import DESCRIPTIONS, REFERENCE_DOCUMENT
from rtcflow.product.record import ProductRecord
from rtcflow.sentinel1.orbit import StateVectors
from rtcflow_contract.grid import Grid

_DEGREES, _METERS, _SECONDS = {"units": "degrees"}, {"units": "meters"}, {"units": "seconds"}
# The specification gives these units only in its text.
_ATTRIBUTES: dict[str, dict[str, Any]] = {
    "identification/boundingPolygon": {"epsg": "4326", "ogr_geometry": "polygon"},
    "metadata/sourceData/averageZeroDopplerSpacingInMeters": _METERS,
    "metadata/sourceData/centerFrequency": {"units": "Hz"},
    "metadata/sourceData/farRangeIncidenceAngle": _DEGREES,
    "metadata/sourceData/nearRangeIncidenceAngle": _DEGREES,
    "metadata/sourceData/rangeBandwidth": {"units": "Hz"},
    "metadata/sourceData/slantRangeSpacing": _METERS,
    "metadata/sourceData/slantRangeStart": _METERS,
    "metadata/sourceData/zeroDopplerTimeSpacing": _SECONDS,
}


def write_hdf5(
    path: Path, record: ProductRecord, grid: Grid, polarizations: tuple[str, ...], orbit: StateVectors
) -> None:
    """Write the metadata of a product; its rasters are in the COGs.

    Raises
    ------
    OSError
        When the file cannot be written, with its errno, which HDF5 itself would not give.
    """
    buffer = io.BytesIO()
    identification = record.identification
    with h5py.File(buffer, "w") as file:
        for name, value in {
            "Conventions": "CF-1.8",
            "contact": identification["contactInformation"],
            "institution": identification["institution"],
            "project": identification["project"],
            "reference_document": REFERENCE_DOCUMENT,
            "title": f"OPERA {identification['productType']} Product",
        }.items():
            file.attrs[name] = np.bytes_(value)
        for group, table in record.groups().items():
            if table:
                _write_table(file.require_group(group), table)
        _write_orbit(file.require_group("metadata/orbit"), orbit)
        _write_data(file.require_group("data"), grid, polarizations)
        file["identification/boundingBox"].attrs.update(
            epsg=str(grid.epsg), pixel_coordinate_convention="Edges/corners. Xmin, Ymin, Xmax, Ymax."
        )
        for name, attributes in _ATTRIBUTES.items():
            if name in file:
                _describe(file[name], attributes)
        for name, text in DESCRIPTIONS.items():
            if name in file:
                _describe(file[name], {"description": text})
    path.write_bytes(buffer.getbuffer())


def fixed_text(value: str) -> Any:
    """A text of fixed length: ASCII as in OPERA's files, or UTF-8 and marked as such if needed."""
    if value.isascii():
        return np.bytes_(value)
    data = value.encode("utf-8", errors="replace")
    return np.array(data, dtype=h5py.string_dtype("utf-8", len(data)))


def _describe(dataset: h5py.Dataset, attributes: Mapping[str, Any]) -> None:
    """Set attributes, with texts as fixed-length strings like in OPERA's files."""
    for name, value in attributes.items():
        keeps = name in ("epsg", "pixel_coordinate_convention", "ogr_geometry", "standard_name")
        dataset.attrs[name] = fixed_text(value) if isinstance(value, str) and not keeps else value


def _write_table(group: h5py.Group, table: Mapping[str, Any]) -> None:
    for name, value in table.items():
        group.create_dataset(name, data=_storable(value))


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return fixed_text(value or " ")
    if isinstance(value, list | tuple) and value and isinstance(value[0], str):
        return np.array(value, dtype=h5py.string_dtype())
    return value


def _write_orbit(group: h5py.Group, orbit: StateVectors) -> None:
    epoch = orbit.epoch.replace(microsecond=0, tzinfo=None)
    kind = {"POEORB": "POE precise orbit", "RESORB": "RES restituted orbit"}.get(orbit.type, orbit.type)
    _write_table(
        group,
        {
            # How readers interpolate the vectors; ISCE3 knows only this name and "Legendre".
            "interpMethod": "Hermite",
            "orbitType": kind,
            "position": orbit.positions,
            "referenceEpoch": epoch.isoformat() + ".000000000",
            "time": orbit.seconds + orbit.epoch.microsecond / 1e6,
            "velocity": orbit.velocities,
        },
    )
    _describe(group["time"], {"units": f"seconds since {epoch.isoformat()}"})
    _describe(group["position"], _METERS)
    _describe(group["velocity"], {"units": "meters / second"})


def _write_data(group: h5py.Group, grid: Grid, polarizations: tuple[str, ...]) -> None:
    axes = {
        "x": grid.left + grid.spacing * (np.arange(grid.cols) + 0.5),
        "y": grid.top - grid.spacing * (np.arange(grid.rows) + 0.5),
    }
    for axis, coordinates in axes.items():
        dataset = group.create_dataset(f"{axis}Coordinates", data=coordinates)
        dataset.make_scale()
        of_axis = {
            "standard_name": f"projection_{axis}_coordinate",
            "long_name": f"{axis.upper()} coordinate of projection",
        }
        _describe(dataset, {**of_axis, **_METERS})
        spacing = group.create_dataset(
            f"{axis}CoordinateSpacing", data=grid.spacing if axis == "x" else -grid.spacing
        )
        _describe(spacing, {"long_name": f"{axis.upper()} coordinates spacing", **_METERS})
    group.create_dataset("listOfPolarizations", data=np.array(polarizations, dtype="S2"))
    projection = group.create_dataset("projection", data=np.uint32(grid.epsg))
    crs = CRS.from_epsg(grid.epsg)
    projection.attrs.update(
        {
            name: value if isinstance(value, str) else np.asarray(value)
            for name, value in crs.to_cf().items()
            if name != "crs_wkt"
        }
    )
    projection.attrs["epsg_code"] = grid.epsg
    _describe(projection, {"spatial_ref": crs.to_wkt("WKT1_GDAL"), "ellipsoid": "WGS84"})
    if crs.utm_zone:
        projection.attrs["utm_zone_number"] = int(crs.utm_zone[:-1])
        projection.attrs["longitude_of_projection_origin"] = 0.0
