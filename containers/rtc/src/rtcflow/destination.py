"""The folder of a product, in S3 or on this machine: files first, then the manifest, which commits them.

A commit is conditional, and leaves nothing of attempts that were killed or came second.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rtcflow.replacing import (
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
from rtcflow.threads import Pool
from rtcflow_contract.errors import NotFoundError, RefusedError
from rtcflow_contract.job import BurstJob
from rtcflow_contract.keys import ITEM, MANIFEST, Location, version_name, version_of_name
from rtcflow_contract.layers import Product
from rtcflow_contract.manifest import Manifest
from rtcflow_contract.request import OnExisting
from rtcflow_contract.standing import judge
from rtcflow_files import storage

_PARALLEL = 4


class Destination:
    """A folder for one burst product.

    Parameters
    ----------
    job : BurstJob
    folder : Location, optional
        `job.destination` by default.
    """

    def __init__(self, job: BurstJob, folder: Location | None = None) -> None:
        self._job = job
        self._files = storage.open_store(folder or job.destination)

    def href(self, name: str) -> str:
        """URI or path of a file."""
        return self._files.href(name)

    @property
    def record(self) -> str:
        """File name of the product's manifest: not `manifest.json` if another version is in use and stays in use."""
        return record_name(self._job, self._read(MANIFEST))

    def existing(self) -> Manifest | None:
        """The committed product, or None; a manifest that is empty or cut off counts as none."""
        return self._read(self.record)

    def _read(self, name: str) -> Manifest | None:
        try:
            return parse_manifest(self._files.read(name), self.href(name))
        except NotFoundError:
            return None

    def complete(self, manifest: Manifest) -> bool:
        """Whether every file exists with its size."""
        return not self._lacking(manifest)

    def _lacking(self, manifest: Manifest) -> list[str]:
        sizes = {entry.name: entry.size for entry in self._files.entries()}
        return [file.name for file in manifest.files if sizes.get(file.name) != file.size]

    def put_files(self, folder: Path, names: list[str]) -> None:
        """Write files there, several at once; they belong to no product until `commit`."""
        with Pool(_PARALLEL) as pool:
            list(pool.map(lambda name: self._files.put(folder / name, name), names))

    def commit(self, folder: Path, manifest: Manifest) -> bool:
        """Commit the product by its manifest and remove what it replaces.

        Returns False, and removes this product's files, if another execution's product exists and must stay. Files of
        other versions stay, and so do those of static layers, which items of backscatter may link.

        Raises
        ------
        RefusedError
            When the existing product is a different one, or made from a later processing; this product's files are
            removed.
        """
        name = self.record
        beside = self._read(version_name(MANIFEST, manifest.product_version)) if name == MANIFEST else None
        before = self._read(name)
        manifest = with_item_id(manifest, before, beside, self._item(name, manifest) if not before else None)
        replaced: set[str] = set()
        if not self._files.write_if_absent(name, manifest_bytes(manifest)):
            standing = self._read(name)
            if standing is not None:
                manifest = with_item_id(manifest, standing, beside, None)
            if standing is not None and standing.execution != manifest.execution:
                if self.record != name:
                    # Another version came into use meanwhile.
                    return self.commit(folder, manifest)
                if self._job.on_existing is not OnExisting.REPLACE and self.complete(standing):
                    return self._give_way(manifest, standing, name)
                with self._removing(manifest, standing):
                    refuse_replacing(standing, manifest, self._job, self.href(name))
                replaced = self._out_of_use(standing, manifest, name)
            self._files.write(name, manifest_bytes(manifest))
        # A replacing execution may have removed these files as leftovers just before this commit.
        self.put_files(folder, self._lacking(manifest))
        standing = self._read(name)
        if standing is not None and standing.execution != manifest.execution:
            return self._give_way(manifest, standing, name)
        if beside is not None:
            replaced |= self._superseded(beside)
        others = self._other_versions(name, manifest.product_version)
        # The files of an unreadable manifest are unknown; nothing is removed then.
        leftovers = self._leftovers() if others is not None else set()
        self._delete((replaced | leftovers) - names_of(manifest) - (others or set()))
        return True

    def _item(self, record: str, manifest: Manifest) -> bytes | None:
        """The existing item; None if there is none."""
        try:
            return self._files.read(item_name(record, manifest))
        except NotFoundError:
            return None

    def _out_of_use(self, standing: Manifest, manifest: Manifest, name: str) -> set[str]:
        """Files to remove of a product that is replaced; none if it is of another version."""
        if standing.product_version == manifest.product_version:
            # Its item would link files that are gone.
            return self._files_of(standing) | {item_name(name, standing)}
        for file in (ITEM, MANIFEST):
            with suppress(NotFoundError):
                self._files.write(version_name(file, standing.product_version), self._files.read(file))
        return set()

    def _files_of(self, manifest: Manifest) -> set[str]:
        """Files to remove with a product; none for static layers, since items of backscatter link them."""
        return set() if manifest.product is Product.RTC_S1_STATIC else names_of(manifest)

    def _superseded(self, beside: Manifest) -> set[str]:
        """Files of a product of the same version that was made beside the one in use, and is now replaced."""
        version = beside.product_version
        return self._files_of(beside) | {version_name(MANIFEST, version), version_name(ITEM, version)}

    def _other_versions(self, record: str, version: str) -> set[str] | None:
        """Files of the folder's products of other versions; None if a manifest cannot be read."""
        names = [entry.name for entry in self._files.entries()]
        others = [name for name in names if is_record(name) and name != record]
        manifests = [self._read(name) for name in others if version_of_name(name) != version]
        if any(manifest is None for manifest in manifests):
            return None
        return {name for manifest in manifests if manifest is not None for name in names_of(manifest)}

    def _give_way(self, manifest: Manifest, standing: Manifest, name: str) -> bool:
        """Keep the existing product, which must be the requested one."""
        with self._removing(manifest, standing):
            judge(standing, self._job, self.href(name), lambda _: True)
        self._delete(names_of(manifest) - names_of(standing))
        return False

    @contextmanager
    def _removing(self, manifest: Manifest, standing: Manifest) -> Iterator[None]:
        """Remove this product's files if the block refuses it."""
        try:
            yield
        except RefusedError:
            self._delete(names_of(manifest) - names_of(standing))
            raise

    def _leftovers(self) -> set[str]:
        """Files of attempts that never committed; those of running attempts are younger than this execution.

        None for static layers: they may be files of a replaced product that items still link.
        """
        if self._job.product is Product.RTC_S1_STATIC:
            return set()
        prefix = product_prefix(self._job)
        return {
            entry.name
            for entry in self._files.entries()
            if "/" not in entry.name
            and entry.name.startswith(prefix)
            and entry.modified < self._job.execution_started
        }

    def _delete(self, names: set[str]) -> None:
        for name in sorted(names):
            self._files.delete(name)
