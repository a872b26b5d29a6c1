"""Where a product goes: a folder in S3 or of this machine. Files first, the manifest commits them."""

from pathlib import Path
from typing import Protocol

from pydantic import ValidationError

from rtcflow_contract.burst_id import burst_id_in_product_id
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.job import BurstJob
from rtcflow_contract.keys import ITEM, MANIFEST, version_name, version_of_name
from rtcflow_contract.layers import Product
from rtcflow_contract.manifest import Manifest
from rtcflow_contract.request import OnExisting


class Destination(Protocol):
    """A folder for one burst product."""

    def href(self, name: str) -> str:
        """Where a file of the product is, for people."""

    @property
    def record(self) -> str:
        """Name of the product's manifest: not `manifest.json` where another version is in use and stays so."""

    def existing(self) -> Manifest | None:
        """The committed product, or None."""

    def complete(self, manifest: Manifest) -> bool:
        """Whether every file of a manifest is there in its size."""

    def put_files(self, folder: Path, names: list[str]) -> None:
        """Bring files there; they count for nothing until `commit`."""

    def commit(self, folder: Path, manifest: Manifest) -> bool:
        """Commit the product by its manifest and remove what it replaces.

        Gives False, and removes this product's files, when another execution's product stands and must stay. Files of
        other versions stay.
        """


def manifest_bytes(manifest: Manifest) -> bytes:
    """A manifest as it is stored."""
    return manifest.model_dump_json(indent=2).encode()


def parse_manifest(data: bytes, href: str) -> Manifest:
    """Read a stored manifest.

    Raises
    ------
    RefusedError
        When it is none; says where it stands.
    """
    try:
        return Manifest.model_validate_json(data)
    except ValidationError as error:
        raise RefusedError(
            f"{href} is no manifest of this version ({error.error_count()} errors); delete it and start again",
            reason=MANIFEST,
        ) from error


def record_name(job: BurstJob, in_use: Manifest | None) -> str:
    """Name of the manifest of a job's product, beside the product in use or in its place."""
    if (
        job.on_existing is not OnExisting.BESIDE
        or in_use is None
        or in_use.product_version == job.product_version
    ):
        return MANIFEST
    return version_name(MANIFEST, job.product_version)


def item_name(record: str, version: str) -> str:
    """Name of the item that goes with a manifest."""
    return ITEM if record == MANIFEST else version_name(ITEM, version)


def is_record(name: str) -> bool:
    """Whether a file is the manifest of any version."""
    return name == MANIFEST or (name.startswith("manifest.") and version_of_name(name) is not None)


def product_prefix(product: Product, burst_id: str) -> str:
    """What the names of all files of a burst's products begin with, whatever their processing time."""
    kind = "RTC-S1-STATIC" if product is Product.RTC_S1_STATIC else "RTC-S1"
    return f"OPERA_L2_{kind}_{burst_id_in_product_id(burst_id)}_"


def names_of(manifest: Manifest) -> set[str]:
    """Names of a product's files."""
    return {file.name for file in manifest.files}
