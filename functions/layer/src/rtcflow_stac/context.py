"""What an item says that its manifest does not know: where it stands, and who made it."""

from enum import StrEnum
from typing import NamedTuple

from rtcflow_contract.keys import ITEM, Location
from rtcflow_contract.manifest import Manifest


class HrefStyle(StrEnum):
    """How hrefs are written: `s3://` URIs, `https` addresses of the bucket, or relative to the item."""

    S3 = "s3"
    HTTPS = "https"
    RELATIVE = "relative"


class Processor(NamedTuple):
    """Who ran the processing."""

    name: str
    url: str | None = None


class LinkedStatic(NamedTuple):
    """The static product that a backscatter item links to."""

    manifest: Manifest
    folder: Location


class ItemContext(NamedTuple):
    """Where the product stands and how that is written.

    `collection_folder` holds collection.json. `region` is that of the bucket.
    """

    folder: Location
    collection_folder: Location
    style: HrefStyle
    region: str
    processor: Processor
    license: str
    static: LinkedStatic | None = None

    def href(self, name: str) -> str:
        """Href of a file of the product."""
        return f"./{name}" if self.style is HrefStyle.RELATIVE else self.absolute(self.folder.join(name))

    def absolute(self, at: Location) -> str:
        """Href of any object, never relative."""
        if self.style is HrefStyle.HTTPS:
            return f"https://{at.bucket}.s3.{self.region}.amazonaws.com/{at.key}"
        return str(at)

    @property
    def item_href(self) -> str:
        """Href of the item itself."""
        return self.href(ITEM)

    @property
    def collection_href(self) -> str:
        """Href of the collection."""
        if self.style is not HrefStyle.RELATIVE:
            return self.absolute(self.collection_folder.join("collection.json"))
        depth = self.folder.key.removeprefix(self.collection_folder.key).strip("/").count("/") + 1
        return "../" * depth + "collection.json"
