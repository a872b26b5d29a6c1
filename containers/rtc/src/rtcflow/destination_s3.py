"""A product folder in S3: conditional commit, and nothing left over from killed or beaten attempts."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from rtcflow.destination import manifest_bytes, names_of, parse_manifest, product_prefix
from rtcflow_cloud import storage
from rtcflow_cloud.failures import NotFoundError
from rtcflow_contract.job import BurstJob
from rtcflow_contract.keys import ITEM, MANIFEST
from rtcflow_contract.manifest import Manifest
from rtcflow_contract.request import OnExisting

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

    def existing(self) -> Manifest | None:
        """The committed product; a missing bucket is an error."""
        at = self._folder.join(MANIFEST)
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
        with ThreadPoolExecutor(_PARALLEL) as pool:
            list(pool.map(lambda name: self._upload(folder, name), names))

    def _upload(self, folder: Path, name: str) -> None:
        storage.upload(folder / name, self._folder.join(name), self._client)

    def commit(self, folder: Path, manifest: Manifest) -> bool:
        """Write the manifest unless another execution's stands and must stay; then tidy up."""
        at, data = self._folder.join(MANIFEST), manifest_bytes(manifest)
        replaced: set[str] = set()
        if not storage.write_if_absent(at, data, self._client):
            standing = self.existing()
            other = standing is not None and standing.execution != manifest.execution
            stays = self._job.on_existing is OnExisting.SKIP
            if standing is not None and other and stays and self.complete(standing):
                return self._give_way(manifest, standing)
            storage.write_bytes(at, data, self._client)
            if standing is not None and other:
                # The item of the product that was replaced would name files that are gone.
                replaced = names_of(standing) | {ITEM}
        # An execution that replaces may have swept these files as leftovers just before this commit.
        self.put_files(folder, self._lacking(manifest))
        standing = self.existing()
        if standing is not None and standing.execution != manifest.execution:
            return self._give_way(manifest, standing)
        self._delete((replaced | self._leftovers()) - names_of(manifest))
        return True

    def _give_way(self, manifest: Manifest, standing: Manifest) -> bool:
        self._delete(names_of(manifest) - names_of(standing))
        return False

    def _leftovers(self) -> set[str]:
        """Files of attempts that never committed; those of one still at work are younger than this execution."""
        prefix = product_prefix(self._job.product, self._job.burst_id)
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
