"""Product ids and file names in each scheme of names; see `rtcflow_contract.naming`."""

import re
from datetime import UTC, datetime

from rtcflow_contract.burst_id import burst_id_in_product_id
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.layers import Product
from rtcflow_contract.naming import SCHEMES, Naming

_VERSION = re.compile(r"\d+(\.\d+){0,2}")


def product_id(
    product: Product,
    burst_id: str,
    sensing_start: datetime,
    processing_time: datetime,
    platform: str,
    resolution: float,
    version: str,
    naming: Naming = Naming.OPERA,
) -> str:
    """Id of a burst product.

    Parameters
    ----------
    product : Product
    burst_id : str
    sensing_start : datetime
        Zero-Doppler time of the burst's first line, UTC; not part of a static product's id.
    processing_time : datetime
        UTC. The start of the execution, so that a retried attempt overwrites its own files; not part of `ga` ids.
    platform : str
        `S1A` to `S1D`.
    resolution : float
        Pixel spacing, metres.
    version : str
        Product version without the leading `v`.
    naming : Naming
    """
    scheme = SCHEMES[naming]
    return scheme.ids[product].format(
        burst=burst_id_in_product_id(burst_id),
        sensed=sensing_start.astimezone(UTC),
        processed=processing_time.astimezone(UTC),
        since=scheme.static_since,
        platform=platform,
        unit=platform.lower(),
        pixel=resolution,
        version=version,
        dashed="-".join((*version.split("."), "0", "0")[:3]),
    )


def check_version(version: str) -> str:
    """Return the version if it consists of numbers and dots, as it becomes part of file names.

    Raises
    ------
    RefusedError
        When it does not.
    """
    if not _VERSION.fullmatch(version):
        raise RefusedError(f"'{version}' is not a product version; write it like 1.2", reason="version")
    return version


def layer_file_name(product_id: str, layer: str, naming: Naming = Naming.OPERA) -> str:
    """File name of a layer's COG."""
    return product_id + SCHEMES[naming].files[layer]


def browse_file_name(product_id: str, naming: Naming = Naming.OPERA) -> str:
    """File name of the browse image."""
    return product_id + SCHEMES[naming].browse


def metadata_file_name(product_id: str, naming: Naming = Naming.OPERA) -> str:
    """File name of the HDF5 metadata."""
    return product_id + SCHEMES[naming].metadata
