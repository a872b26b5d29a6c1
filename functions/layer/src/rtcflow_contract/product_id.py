"""Product ids and file names.

Ids look like
`OPERA_L2_RTC-S1_T070-149815-IW3_20220101T124752Z_20250408T025401Z_S1A_20_v0.1` and
`OPERA_L2_RTC-S1-STATIC_T070-149815-IW3_20010101_20250408T012421Z_S1A_20_v1.0.2`.
"""

import re
from datetime import UTC, datetime

from rtcflow_contract.burst_id import burst_id_in_product_id
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.layers import Product

STATIC_VALIDITY_START = "20010101"
_STAMP = "%Y%m%dT%H%M%SZ"
_VERSION = re.compile(r"\d+(\.\d+){0,2}")
_PRODUCT_PART = {Product.RTC_S1: "RTC-S1", Product.RTC_S1_STATIC: "RTC-S1-STATIC"}


def product_id(
    product: Product,
    burst_id: str,
    sensing_start: datetime,
    processing_time: datetime,
    platform: str,
    resolution: float,
    version: str,
) -> str:
    """Id of a burst product.

    Parameters
    ----------
    product : Product
    burst_id : str
    sensing_start : datetime
        Zero-Doppler time of the burst's first line, UTC; not part of a static product's id.
    processing_time : datetime
        UTC. The execution's start time, so that a retried attempt overwrites its own files.
    platform : str
        `S1A` to `S1D`.
    resolution : float
        Pixel spacing, metres.
    version : str
        Product version without the leading `v`.
    """
    sensed = (
        STATIC_VALIDITY_START
        if product is Product.RTC_S1_STATIC
        else sensing_start.astimezone(UTC).strftime(_STAMP)
    )
    return "_".join(
        (
            "OPERA_L2",
            _PRODUCT_PART[product],
            burst_id_in_product_id(burst_id),
            sensed,
            processing_time.astimezone(UTC).strftime(_STAMP),
            platform,
            f"{resolution:g}",
            f"v{version}",
        )
    )


def check_version(version: str) -> str:
    """The version, if it is one: numbers and dots, since it becomes part of file names.

    Raises
    ------
    RefusedError
        When it is none.
    """
    if not _VERSION.fullmatch(version):
        raise RefusedError(f"'{version}' is no product version; write it like 1.2", reason="version")
    return version


def layer_file_name(product_id: str, layer: str) -> str:
    """File name of a layer's COG."""
    return f"{product_id}_{layer}.tif"


def browse_file_name(product_id: str) -> str:
    """File name of the browse image."""
    return f"{product_id}.png"


def metadata_file_name(product_id: str) -> str:
    """File name of the HDF5 metadata."""
    return f"{product_id}.h5"
