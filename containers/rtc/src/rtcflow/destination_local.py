"""A product folder of this machine."""

import os
import shutil
from pathlib import Path

from rtcflow.destination import manifest_bytes, names_of, parse_manifest, product_prefix
from rtcflow_contract.job import BurstJob
from rtcflow_contract.keys import ITEM, MANIFEST
from rtcflow_contract.manifest import Manifest


class LocalDestination:
    """A folder; made when the first file comes."""

    def __init__(self, folder: Path, job: BurstJob) -> None:
        self.folder = folder
        self._job = job

    def href(self, name: str) -> str:
        """Path of a file."""
        return str(self.folder / name)

    def existing(self) -> Manifest | None:
        """The committed product."""
        path = self.folder / MANIFEST
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
            shutil.move(folder / name, self.folder / name)

    def commit(self, folder: Path, manifest: Manifest) -> bool:
        """Put the manifest in place at once and remove the product it replaces."""
        written = folder / MANIFEST
        written.write_bytes(manifest_bytes(manifest))
        arriving = self.folder / f".{MANIFEST}.part"
        shutil.move(written, arriving)
        os.replace(arriving, self.folder / MANIFEST)
        prefix = product_prefix(self._job.product, self._job.burst_id)
        keep = names_of(manifest)
        for path in self.folder.iterdir():
            if (
                path.is_file()
                and path.name not in keep
                and (path.name.startswith(prefix) or path.name == ITEM)
            ):
                path.unlink()
        return True
