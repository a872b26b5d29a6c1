"""TIFF tags of a product: the facts of its record under the names OPERA gives them."""

import re
from typing import Any

from rtcflow.product.record import Record
from rtcflow_contract.grid import Grid

# Groups of the record and what the tags from them begin with.
_PREFIXES = {
    "identification": "",
    "metadata/sourceData": "SOURCE_DATA_",
    "metadata/processingInformation/inputs": "INPUT_",
    "metadata/processingInformation/algorithms": "PROCESSING_INFORMATION_",
    "metadata/processingInformation/parameters": "PROCESSING_INFORMATION_",
}
_RENAMED = {
    "burstID": "BURST_ID",
    "dataAccess": "DATA_ACCESS",
    "l1SlcGranules": "L1_SLC_GRANULES",
    "subSwathID": "SUB_SWATH_ID",
    "processingDateTime": "PROCESSING_DATETIME",
}
_LEFT_OUT = {"boundingPolygon", "isGeocoded"}
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def tags_of(record: Record, product_id: str, grid: Grid) -> dict[str, str]:
    """Tags by name, the same in every layer of a product."""
    tags = {
        f"{_PREFIXES[group]}{_tag_name(name)}": _text(value)
        for group, table in record.groups().items()
        for name, value in table.items()
        if name not in _LEFT_OUT
    }
    return {
        **tags,
        "PRODUCT_ID": product_id,
        "BOUNDING_BOX_EPSG_CODE": str(grid.epsg),
        "BOUNDING_BOX_PIXEL_COORDINATE_CONVENTION": "Edges/corners. Xmin, Ymin, Xmax, Ymax.",
    }


def _tag_name(name: str) -> str:
    last = name.rsplit("/", 1)[-1]
    return _RENAMED.get(last) or _WORDS.sub("_", last).upper()


def _text(value: Any) -> str:
    return str(list(value)) if isinstance(value, list | tuple) else str(value)
