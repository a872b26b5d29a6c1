"""Manifest and item in a product's folder: their names, how they are read, and how they replace others."""

import json
import logging

from rtcflow_contract.burst_id import burst_id_in_product_id
from rtcflow_contract.job import BurstJob
from rtcflow_contract.keys import ITEM, MANIFEST, version_name, version_of_name
from rtcflow_contract.layers import Product
from rtcflow_contract.manifest import Manifest
from rtcflow_contract.naming import Naming
from rtcflow_contract.request import OnExisting
from rtcflow_contract.standing import refuse_earlier_processing, refuse_other_acquisition
from rtcflow_contract.stored import NewerFormatError, UnreadableError, read_stored

_log = logging.getLogger("rtcflow-burst.destination")


def manifest_bytes(manifest: Manifest) -> bytes:
    """A manifest as stored."""
    return manifest.model_dump_json(indent=2).encode()


def parse_manifest(data: bytes, href: str) -> Manifest | None:
    """Read a stored manifest; None if it is empty, cut off or invalid, which counts as no product.

    Raises
    ------
    NewerFormatError
        When a later release wrote it; the product must stay.
    """
    try:
        return read_stored(Manifest, data, href)
    except NewerFormatError:
        raise
    except UnreadableError as error:
        _log.warning("%s; it counts as no product", error.message)
        return None


def refuse_replacing(standing: Manifest, manifest: Manifest, job: BurstJob, where: str) -> None:
    """Refuse to replace a product of another acquisition or a later processing.

    Raises
    ------
    RefusedError
    """
    refuse_other_acquisition(standing, job, where)
    refuse_earlier_processing(standing, manifest.scene, manifest.acquisition.processed, where)


def with_item_id(
    manifest: Manifest, in_place: Manifest | None, beside: Manifest | None, item: bytes | None
) -> Manifest:
    """The manifest, with the id of the item that its own item replaces.

    An item of the same version passes on its id, so that catalogues replace it; the id of another version, which is
    kept beside, goes into `replaces`.

    Parameters
    ----------
    manifest : Manifest
    in_place, beside : Manifest or None
        Of the existing product, and of a product of the same version beside it.
    item : bytes or None
        The existing item, if its manifest cannot be read.
    """
    if in_place is not None and in_place.product_version == manifest.product_version:
        return _taking_id(manifest, in_place, in_place.replaces)
    if in_place is not None:
        replaces = in_place.item_id or in_place.product_id
        if beside is not None:
            return _taking_id(manifest, beside, replaces)
        return manifest.model_copy(update={"replaces": replaces})
    left = _left(item)
    if left is None or left[0] == manifest.product_id:
        return manifest
    item_id, version = left
    field = "item_id" if version == manifest.product_version else "replaces"
    return manifest.model_copy(update={field: item_id})


def _taking_id(manifest: Manifest, before: Manifest, replaces: str | None) -> Manifest:
    item_id = before.item_id or before.product_id
    kept = item_id if item_id != manifest.product_id else None
    return manifest.model_copy(update={"item_id": kept, "replaces": replaces})


def _left(item: bytes | None) -> tuple[str, str] | None:
    """Id and version of an item; None if it is not one."""
    try:
        found = json.loads(item or b"")
        return str(found["id"]), str(found["properties"]["processing:version"])
    except (ValueError, KeyError, TypeError):
        return None


def record_name(job: BurstJob, in_use: Manifest | None) -> str:
    """File name of the manifest of a job's product, beside the product in use or in its place."""
    if (
        job.on_existing is not OnExisting.BESIDE
        or in_use is None
        or in_use.product_version == job.product_version
    ):
        return MANIFEST
    return version_name(MANIFEST, job.product_version)


def item_name(record: str, manifest: Manifest) -> str:
    """File name of the item for a manifest's file name."""
    return manifest.item if record == MANIFEST else version_name(ITEM, manifest.product_version)


def is_record(name: str) -> bool:
    """Whether a file name is that of a manifest of any version."""
    return name == MANIFEST or (name.startswith("manifest.") and version_of_name(name) is not None)


def product_prefix(job: BurstJob) -> str:
    """Common prefix of the file names of a job's product, for any processing time and version."""
    product, burst_id = job.product, job.burst_id
    if job.naming is Naming.GA:
        # All files in a folder of this scheme are of one product.
        return "ga_s1"
    kind = "RTC-S1-STATIC" if product is Product.RTC_S1_STATIC else "RTC-S1"
    return f"OPERA_L2_{kind}_{burst_id_in_product_id(burst_id)}_"


def names_of(manifest: Manifest) -> set[str]:
    """Names of a product's files."""
    return {file.name for file in manifest.files}
