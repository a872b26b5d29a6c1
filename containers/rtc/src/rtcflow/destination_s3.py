"""A product folder in S3: conditional commit, and nothing left over from killed or beaten attempts."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

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
from rtcflow.threads import Pool
from rtcflow_contract.errors import NotFoundError, RefusedError
from rtcflow_contract.job import BurstJob
from rtcflow_contract.keys import ITEM, MANIFEST, version_name, version_of_name
from rtcflow_contract.layers import Product
from rtcflow_contract.manifest import Manifest
from rtcflow_contract.request import OnExisting
from rtcflow_contract.standing import judge
from rtcflow_files import storage

_PARALLEL = 4


class S3Destination:
    """The folder `job.destination`."""

    def __init__(self, job: BurstJob, client: Any = None) -> None:
        self._job = job
        self._folder = job.destination
        self._client = client

    def href(self, name: str) -> str:
        """URI of a file."""
        return str(self._folder.join(name))

    @property
    def record(self) -> str:
        """Name of the product's manifest."""
        return record_name(self._job, self._read(MANIFEST))

    def existing(self) -> Manifest | None:
        """The committed product; a missing bucket is an error."""
        return self._read(self.record)

    def _read(self, name: str) -> Manifest | None:
        at = self._folder.join(name)
        try:
            return parse_manifest(storage.read_bytes(at, self._client), str(at))
        except NotFoundError:
            return None

    def complete(self, manifest: Manifest) -> bool:
        """Whether every file is there in its size."""
        return not self._lacking(manifest)

    def _lacking(self, manifest: Manifest) -> list[str]:
        sizes = {entry.name: entry.size for entry in storage.list_objects(self._folder, self._client)}
        return [file.name for file in manifest.files if sizes.get(file.name) != file.size]

    def put_files(self, folder: Path, names: list[str]) -> None:
        """Upload files, several at once."""
        with Pool(_PARALLEL) as pool:
            list(pool.map(lambda name: self._upload(folder, name), names))

    def _upload(self, folder: Path, name: str) -> None:
        storage.upload(folder / name, self._folder.join(name), self._client)

    def commit(self, folder: Path, manifest: Manifest) -> bool:
        """Write the manifest unless another execution's stands and must stay; then tidy up."""
        name = self.record
        at = self._folder.join(name)
        beside = self._read(version_name(MANIFEST, manifest.product_version)) if name == MANIFEST else None
        before = self._read(name)
        manifest = with_item_id(manifest, before, beside, self._item(name, manifest) if not before else None)
        replaced: set[str] = set()
        if not storage.write_if_absent(at, manifest_bytes(manifest), self._client):
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
                    refuse_replacing(standing, manifest, self._job, str(at))
                replaced = self._out_of_use(standing, manifest, name)
            storage.write_bytes(at, manifest_bytes(manifest), self._client)
        # An execution that replaces may have swept these files as leftovers just before this commit.
        self.put_files(folder, self._lacking(manifest))
        standing = self._read(name)
        if standing is not None and standing.execution != manifest.execution:
            return self._give_way(manifest, standing, name)
        if beside is not None:
            replaced |= self._superseded(beside)
        others = self._other_versions(name, manifest.product_version)
        # What a manifest that cannot be read names is not known: then nothing is swept.
        leftovers = self._leftovers() if others is not None else set()
        self._delete((replaced | leftovers) - names_of(manifest) - (others or set()))
        return True

    def _item(self, record: str, manifest: Manifest) -> bytes | None:
        """The item that stands in a product's place."""
        try:
            return storage.read_bytes(self._folder.join(item_name(record, manifest)), self._client)
        except NotFoundError:
            return None

    def _out_of_use(self, standing: Manifest, manifest: Manifest, name: str) -> set[str]:
        """What is to be removed of a product whose place another takes; of another version, nothing."""
        if standing.product_version == manifest.product_version:
            # Its item would name files that are gone.
            return self._files_of(standing) | {item_name(name, standing)}
        for file in (ITEM, MANIFEST):
            kept = self._folder.join(version_name(file, standing.product_version))
            with suppress(NotFoundError):
                storage.write_bytes(
                    kept, storage.read_bytes(self._folder.join(file), self._client), self._client
                )
        return set()

    def _files_of(self, manifest: Manifest) -> set[str]:
        """Files that go with a product; those of static layers stay, since items of backscatter name them."""
        return set() if manifest.product is Product.RTC_S1_STATIC else names_of(manifest)

    def _superseded(self, beside: Manifest) -> set[str]:
        """A product of the same version that was made beside the one in use, before this one came in its place."""
        version = beside.product_version
        return self._files_of(beside) | {version_name(MANIFEST, version), version_name(ITEM, version)}

    def _other_versions(self, record: str, version: str) -> set[str] | None:
        """Files of the folder's products of other versions; None where a manifest of these cannot be read."""
        names = [entry.name for entry in storage.list_objects(self._folder, self._client)]
        others = [name for name in names if is_record(name) and name != record]
        manifests = [self._read(name) for name in others if version_of_name(name) != version]
        if any(manifest is None for manifest in manifests):
            return None
        return {name for manifest in manifests if manifest is not None for name in names_of(manifest)}

    def _give_way(self, manifest: Manifest, standing: Manifest, name: str) -> bool:
        """Leave the place to what stands there; that must be what was asked for."""
        with self._removing(manifest, standing):
            judge(standing, self._job, self._folder.join(name), lambda _: True)
        self._delete(names_of(manifest) - names_of(standing))
        return False

    @contextmanager
    def _removing(self, manifest: Manifest, standing: Manifest) -> Iterator[None]:
        """Remove this product's files where the block refuses it."""
        try:
            yield
        except RefusedError:
            self._delete(names_of(manifest) - names_of(standing))
            raise

    def _leftovers(self) -> set[str]:
        """Files of attempts that never committed; those of one still at work are younger than this execution.

        Of static layers they stay: they may be those of a product that was replaced, and that items name.
        """
        if self._job.product is Product.RTC_S1_STATIC:
            return set()
        prefix = product_prefix(self._job)
        return {
            entry.name
            for entry in storage.list_objects(self._folder, self._client)
            if "/" not in entry.name
            and entry.name.startswith(prefix)
            and entry.modified < self._job.execution_started
        }

    def _delete(self, names: set[str]) -> None:
        for name in sorted(names):
            storage.delete(self._folder.join(name), self._client)
