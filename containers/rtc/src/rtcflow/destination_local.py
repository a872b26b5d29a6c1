"""A product folder of this machine."""

import os
import shutil
from pathlib import Path

from rtcflow.destination import (
    is_record,
    item_name,
    manifest_bytes,
    names_of,
    parse_manifest,
    product_prefix,
    record_name,
    refuse_replacing,
    with_item_id,
)
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.job import BurstJob
from rtcflow_contract.keys import ITEM, MANIFEST, version_name
from rtcflow_contract.layers import Product
from rtcflow_contract.manifest import Manifest


class LocalDestination:
    """A folder; made when the first file comes."""

    def __init__(self, folder: Path, job: BurstJob) -> None:
        self.folder = folder
        self._job = job

    def href(self, name: str) -> str:
        """Path of a file."""
        return str(self.folder / name)

    @property
    def record(self) -> str:
        """Name of the product's manifest."""
        return record_name(self._job, self._read(MANIFEST))

    def existing(self) -> Manifest | None:
        """The committed product."""
        return self._read(self.record)

    def _read(self, name: str) -> Manifest | None:
        path = self.folder / name
        return parse_manifest(path.read_bytes(), str(path)) if path.is_file() else None

    def complete(self, manifest: Manifest) -> bool:
        """Whether every file is there in its size."""
        return all(
            (self.folder / file.name).is_file() and (self.folder / file.name).stat().st_size == file.size
            for file in manifest.files
        )

    def put_files(self, folder: Path, names: list[str]) -> None:
        """Move files; within one file system that copies nothing."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for name in names:
            # From another disk a file comes by and by: under its own name it is there whole or not at all.
            arriving = self.folder / f".{name}.part"
            try:
                shutil.move(folder / name, arriving)
                os.replace(arriving, self.folder / name)
            finally:
                arriving.unlink(missing_ok=True)

    def commit(self, folder: Path, manifest: Manifest) -> bool:
        """Put the manifest in place at once and remove the product of the same version that it replaces."""
        name = self.record
        standing = self._read(name)
        if standing is not None and standing.execution != manifest.execution:
            try:
                refuse_replacing(standing, manifest, self._job, self.href(name))
            except RefusedError:
                self._delete(names_of(manifest) - names_of(standing))
                raise
        beside = self._read(version_name(MANIFEST, manifest.product_version)) if name == MANIFEST else None
        item = self.folder / item_name(name, manifest)
        left = item.read_bytes() if standing is None and item.is_file() else None
        manifest = with_item_id(manifest, standing, beside, left)
        other_version = standing is not None and standing.product_version != manifest.product_version
        if standing is not None and other_version:
            for file in (ITEM, MANIFEST):
                if (self.folder / file).is_file():
                    shutil.copy2(
                        self.folder / file, self.folder / version_name(file, standing.product_version)
                    )
        written = folder / MANIFEST
        written.write_bytes(manifest_bytes(manifest))
        arriving = self.folder / f".{MANIFEST}.part"
        shutil.move(written, arriving)
        os.replace(arriving, self.folder / name)
        gone = {item_name(name, manifest)} if not other_version else set()
        if name == MANIFEST:
            gone |= {version_name(file, manifest.product_version) for file in (MANIFEST, ITEM)}
        self._remove(gone, keep=names_of(manifest))
        return True

    def _remove(self, gone: set[str], keep: set[str]) -> None:
        """Remove files by name, and product files that no manifest of the folder names.

        Of static layers the files stay: items of backscatter name them. So do all where a manifest cannot be read.
        """
        self._delete(gone)
        if self._job.product is Product.RTC_S1_STATIC:
            return
        for path in [path for path in self.folder.iterdir() if is_record(path.name)]:
            manifest = parse_manifest(path.read_bytes(), str(path))
            if manifest is None:
                return
            keep = keep | names_of(manifest)
        prefix = product_prefix(self._job)
        for path in list(self.folder.iterdir()):
            if path.is_file() and path.name not in keep and path.name.startswith(prefix):
                path.unlink()

    def _delete(self, names: set[str]) -> None:
        for name in names:
            (self.folder / name).unlink(missing_ok=True)
