"""TIFF tags of a product: its record under OPERA's tag names."""

import re
from typing import Any

from rtcflow.product.record import ProductRecord
from rtcflow_contract.grid import Grid

_IDENTIFICATION, _SOURCE = "identification", "metadata/sourceData"
_INPUTS = "metadata/processingInformation/inputs"
_ALGORITHMS = "metadata/processingInformation/algorithms"
_PARAMETERS = "metadata/processingInformation/parameters"
_QA = "metadata/qa"

# Groups of the record and the prefixes of their tags.
_PREFIXES = {
    _IDENTIFICATION: "",
    _SOURCE: "SOURCE_DATA_",
    _INPUTS: "INPUT_",
    _ALGORITHMS: "PROCESSING_INFORMATION_",
    _PARAMETERS: "PROCESSING_INFORMATION_",
    _QA: "QA_",
}
# Tags whose names cannot be derived from those in the HDF5 file.
_RENAMED = {
    f"{_IDENTIFICATION}/burstID": "BURST_ID",
    f"{_IDENTIFICATION}/dataAccess": "PRODUCT_DATA_ACCESS",
    f"{_IDENTIFICATION}/processingDateTime": "PROCESSING_DATETIME",
    f"{_IDENTIFICATION}/subSwathID": "SUB_SWATH_ID",
    f"{_SOURCE}/centerFrequency": "CENTER_FREQUENCY",
    f"{_SOURCE}/dataAccess": "SOURCE_DATA_ACCESS",
    f"{_SOURCE}/processingDateTime": "SOURCE_DATA_PROCESSING_DATETIME",
    f"{_INPUTS}/l1SlcGranules": "INPUT_L1_SLC_GRANULES",
    f"{_ALGORITHMS}/demInterpolation": "PROCESSING_INFORMATION_DEM_INTERPOLATION_ALGORITHM",
    f"{_ALGORITHMS}/geocoding": "PROCESSING_INFORMATION_GEOCODING_ALGORITHM",
    f"{_ALGORITHMS}/noiseCorrectionAlgorithmReference": (
        "PROCESSING_INFORMATION_NOISE_REMOVAL_ALGORITHM_REFERENCE"
    ),
    f"{_ALGORITHMS}/radiometricTerrainCorrection": (
        "PROCESSING_INFORMATION_RADIOMETRIC_TERRAIN_CORRECTION_ALGORITHM"
    ),
    f"{_ALGORITHMS}/softwareVersion": "SOFTWARE_VERSION",
    f"{_PARAMETERS}/preprocessingMultilookingApplied": "PROCESSING_INFORMATION_MULTILOOKING_APPLIED",
    **{
        f"{_QA}/geometricAccuracy/{what}/{axis}": f"QA_GEOMETRIC_ACCURACY_{what}_{axis}".upper()
        for what in ("bias", "stddev")
        for axis in ("x", "y")
    },
    f"{_QA}/rfi/isRfiInfoAvailable": "QA_RFI_INFO_AVAILABLE",
    f"{_QA}/rfi/rfiMitigationPerformed": "QA_RFI_MITIGATION_PERFORMED",
    f"{_QA}/rfi/rfiMitigationDomain": "QA_RFI_MITIGATION_DOMAIN",
}
_LEFT_OUT = {"isGeocoded"}
# Details of interference are only in the HDF5 file; a longer header costs every reader a request.
_LEFT_OUT_BELOW = ("rfi/rfiBurstReport/", "rfi/timeDomain", "rfi/frequencyDomain")
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def tags_of(record: ProductRecord, product_id: str, grid: Grid) -> dict[str, str]:
    """Tags by name, the same in every layer of a product."""
    tags = {
        _tag_name(group, name): _text(value)
        for group, table in record.groups().items()
        for name, value in table.items()
        if name not in _LEFT_OUT and not name.startswith(_LEFT_OUT_BELOW)
    }
    return {
        **tags,
        "PRODUCT_ID": product_id,
        "BOUNDING_POLYGON_EPSG_CODE": "4326",
        "BOUNDING_BOX_EPSG_CODE": str(grid.epsg),
        "BOUNDING_BOX_PIXEL_COORDINATE_CONVENTION": "Edges/corners. Xmin, Ymin, Xmax, Ymax.",
    }


def _tag_name(group: str, name: str) -> str:
    renamed = _RENAMED.get(f"{group}/{name}")
    return renamed or _PREFIXES[group] + _WORDS.sub("_", name.rsplit("/", 1)[-1]).upper()


def _text(value: Any) -> str:
    return str(list(value)) if isinstance(value, list | tuple) else str(value)
