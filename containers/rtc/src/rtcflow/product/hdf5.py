"""The metadata file: HDF5 in the groups of the OPERA RTC-S1 product."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from pyproj import CRS

from rtcflow.product.record import Record
from rtcflow.sentinel1.orbit import StateVectors
from rtcflow_contract.grid import Grid

_UNSPECIFIED = "(UNSPECIFIED)"
_QA = {
    "geometricAccuracy/bias/x": _UNSPECIFIED,
    "geometricAccuracy/bias/y": _UNSPECIFIED,
    "geometricAccuracy/stddev/x": _UNSPECIFIED,
    "geometricAccuracy/stddev/y": _UNSPECIFIED,
    "rfi/isRfiInfoAvailable": False,
}
_DEGREES, _METERS, _SECONDS = {"units": "degrees"}, {"units": "meters"}, {"units": "seconds"}
_ATTRIBUTES = {
    "identification/boundingPolygon": {"epsg": 4326, "ogr_geometry": "polygon"},
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
    path: Path, record: Record, grid: Grid, polarizations: tuple[str, ...], orbit: StateVectors
) -> None:
    """Write the metadata of a product; the rasters are in the COGs beside it.

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
            "title": f"{identification['productType']} Product",
        }.items():
            file.attrs[name] = np.bytes_(value)
        for group, table in record.groups().items():
            _write_table(file.require_group(group), table)
        _write_table(file.require_group("metadata/qa"), _QA)
        _write_orbit(file.require_group("metadata/orbit"), orbit)
        _write_data(file.require_group("data"), grid, polarizations)
        file["identification/boundingBox"].attrs.update(
            epsg=grid.epsg, pixel_coordinate_convention="Edges/corners. Xmin, Ymin, Xmax, Ymax."
        )
        for name, attributes in _ATTRIBUTES.items():
            file[name].attrs.update(attributes)
    path.write_bytes(buffer.getbuffer())


def _write_table(group: h5py.Group, table: Mapping[str, Any]) -> None:
    for name, value in table.items():
        group.create_dataset(name, data=_storable(value))


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return np.bytes_(value or " ")
    if isinstance(value, list | tuple) and value and isinstance(value[0], str):
        return np.array([np.bytes_(entry) for entry in value])
    return value


def _write_orbit(group: h5py.Group, orbit: StateVectors) -> None:
    epoch = orbit.epoch.replace(microsecond=0, tzinfo=None)
    kind = {"POEORB": "POE precise orbit", "RESORB": "RES restituted orbit"}.get(orbit.type, orbit.type)
    _write_table(
        group,
        {
            "interpMethod": "polynomial",
            "orbitType": kind,
            "position": orbit.positions,
            "referenceEpoch": epoch.isoformat() + ".000000000",
            "time": orbit.seconds + orbit.epoch.microsecond / 1e6,
            "velocity": orbit.velocities,
        },
    )
    group["time"].attrs["units"] = f"seconds since {epoch.isoformat()}"
    group["position"].attrs.update(_METERS)
    group["velocity"].attrs["units"] = "meters / second"


def _write_data(group: h5py.Group, grid: Grid, polarizations: tuple[str, ...]) -> None:
    axes = {
        "x": grid.left + grid.spacing * (np.arange(grid.cols) + 0.5),
        "y": grid.top - grid.spacing * (np.arange(grid.rows) + 0.5),
    }
    for axis, coordinates in axes.items():
        dataset = group.create_dataset(f"{axis}Coordinates", data=coordinates)
        dataset.make_scale()
        dataset.attrs.update(
            standard_name=f"projection_{axis}_coordinate",
            long_name=f"{axis.upper()} coordinate of projection",
            **_METERS,
        )
        spacing = group.create_dataset(
            f"{axis}CoordinateSpacing", data=grid.spacing if axis == "x" else -grid.spacing
        )
        spacing.attrs.update(_METERS)
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
    projection.attrs.update(epsg_code=grid.epsg, spatial_ref=crs.to_wkt("WKT1_GDAL"), ellipsoid="WGS84")
