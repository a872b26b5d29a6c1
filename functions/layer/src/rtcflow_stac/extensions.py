"""The STAC extensions in use, pinned."""

_ROOT = "https://stac-extensions.github.io"
_VERSIONS = {
    "sar": "v1.3.0",
    "sat": "v1.2.0",
    "view": "v1.1.0",
    "projection": "v2.0.0",
    "raster": "v2.0.0",
    "processing": "v1.2.0",
    "product": "v1.0.0",
    "file": "v2.1.0",
    "classification": "v1.1.0",
    "sentinel-1": "v0.2.0",
    "storage": "v2.0.0",
    "ceos-ard": "v0.2.0",
    # For collections only.
    "render": "v2.0.0",
}


def extension_uri(name: str) -> str:
    """Schema URI of an extension."""
    return f"{_ROOT}/{name}/{_VERSIONS[name]}/schema.json"


def item_extensions(names_storage: bool, claims_ceos_ard: bool) -> list[str]:
    """Schema URIs that an item declares; an item with relative hrefs has no storage extension."""
    left_out = {"render"}
    if not claims_ceos_ard:
        left_out.add("ceos-ard")
    if not names_storage:
        left_out.add("storage")
    return [extension_uri(name) for name in _VERSIONS if name not in left_out]
