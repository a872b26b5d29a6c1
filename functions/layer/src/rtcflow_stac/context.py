"""What an item needs beyond its manifest: where it is and who processed it."""

from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

from rtcflow_contract.keys import COLLECTION, Location, parse_s3_uri
from rtcflow_contract.manifest import Manifest

# STAC readers and GDAL do not unescape file:// URIs, so only characters that would cut the path are escaped.
_CUTS = str.maketrans({"%": "%25", "#": "%23", "?": "%3F"})


class HrefStyle(StrEnum):
    """How assets and links are written: `s3://` URIs, `https` addresses of the bucket, or relative to the item.

    `self` is always absolute: readers resolve relative hrefs against it.
    """

    S3 = "s3"
    HTTPS = "https"
    RELATIVE = "relative"


class Processor(NamedTuple):
    """Who ran the processing."""

    name: str
    url: str | None = None


class LinkedStatic(NamedTuple):
    """The static product that a backscatter item links to; `folder` is its URI."""

    manifest: Manifest
    folder: str


class ItemContext(NamedTuple):
    """Where the product is and how hrefs are written.

    `folder` is the URI of the product's folder, `s3://...` or `file://...`, without a trailing slash;
    `collection_folder`, above it, holds collection.json. `region` is that of the bucket.
    """

    folder: str
    collection_folder: str
    style: HrefStyle
    region: str
    processor: Processor
    license: str
    static: LinkedStatic | None = None

    def href(self, name: str) -> str:
        """Href of a file of the product."""
        return f"./{name}" if self.style is HrefStyle.RELATIVE else self.uri_of(name)

    def absolute(self, uri: str) -> str:
        """Absolute href for a URI."""
        if self.style is HrefStyle.HTTPS and uri.startswith("s3://"):
            at = parse_s3_uri(uri)
            return f"https://{at.bucket}.s3.{self.region}.amazonaws.com/{at.key}"
        return uri

    @property
    def names_storage(self) -> bool:
        """Whether the item names the bucket of its assets; with relative hrefs it does not."""
        return self.style is not HrefStyle.RELATIVE and self.folder.startswith("s3://")

    def uri_of(self, name: str) -> str:
        """URI of a file of the product."""
        return self.absolute(f"{self.folder}/{name}")

    @property
    def collection_uri(self) -> str:
        """URI of the collection."""
        return self.absolute(f"{self.collection_folder}/{COLLECTION}")

    @property
    def collection_href(self) -> str:
        """Href of the collection in the item."""
        if self.style is not HrefStyle.RELATIVE:
            return self.collection_uri
        depth = self.folder.removeprefix(self.collection_folder).strip("/").count("/") + 1
        return "../" * depth + COLLECTION


def uri_of(at: Location) -> str:
    """`s3://` or `file://` URI of a location."""
    return local_uri(at.path) if at.is_local else str(at)


def says_it_is_at(document: Any, at: Location) -> bool:
    """Whether an item's or collection's `self` link is where it is; folders may have been moved."""
    links = document.get("links", ()) if isinstance(document, dict) else ()
    return any(link.get("rel") == "self" and link.get("href") == uri_of(at) for link in links)


def local_uri(path: Path | str) -> str:
    """`file://` URI of a path of this machine, made absolute."""
    return "file://" + str(Path(path).absolute()).translate(_CUTS)
