"""Small files of a SAFE on S3: from its folder, or from a zip by ranged reads of its directory and members."""

import zipfile
from typing import Any

from rtcflow_contract.errors import NotFoundError, RefusedError
from rtcflow_contract.keys import Location
from rtcflow_files import storage
from rtcflow_files.s3 import S3Files
from rtcflow_safe.safe import SafeFiles


def open_safe(at: Location, client: Any = None) -> SafeFiles:
    """Open a SAFE folder or zip; RefusedError when there is none."""
    return _ZippedSafe(at, client) if at.key.lower().endswith(".zip") else _SafeFolder(at, client)


class _SafeFolder:
    def __init__(self, at: Location, client: Any) -> None:
        self.at = at
        self.client = client

    def href(self, name: str) -> str:
        return str(self.at.join(name))

    def names(self, folder: str = "") -> list[str]:
        return [f"{folder}/{entry.name}" for entry in storage.list_objects(self.at.join(folder), self.client)]

    def read(self, path: str) -> bytes:
        try:
            return storage.read_bytes(self.at.join(path), self.client)
        except NotFoundError as error:
            raise _missing(self.at, path) from error


class _ZippedSafe:
    def __init__(self, at: Location, client: Any) -> None:
        self.at = at
        try:
            self.archive = zipfile.ZipFile(S3Files(Location(at.bucket, ""), client).open(at.key))
        except NotFoundError as error:
            raise _missing(at, "manifest.safe") from error
        except zipfile.BadZipFile as error:
            raise RefusedError(f"{at} is not a zip file; upload the scene again", reason="zip") from error
        self.paths = {name.partition("/")[2]: name for name in self.archive.namelist()}

    def href(self, name: str) -> str:
        return f"{self.at}/{name}"

    def names(self, folder: str = "") -> list[str]:
        return [path for path in self.paths if path.startswith(f"{folder}/") and not path.endswith("/")]

    def read(self, path: str) -> bytes:
        if path not in self.paths:
            raise _missing(self.at, path)
        try:
            return self.archive.read(self.paths[path])
        except zipfile.BadZipFile as error:
            raise RefusedError(
                f"{path} of {self.at} is damaged; upload the scene again", reason="zip"
            ) from error


def _missing(at: Location, path: str) -> RefusedError:
    if path == "manifest.safe":
        return RefusedError(
            f"there is no scene at {at} (no manifest.safe); correct scene_source or upload the scene",
            reason="unknown-scene",
        )
    return RefusedError(f"the scene at {at} lacks {path}; upload the scene again", reason="incomplete-scene")
