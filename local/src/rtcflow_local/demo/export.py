"""Export a bucket to a folder: products unchanged, STAC with relative hrefs."""

import json
import os
from pathlib import Path
from typing import Any

from rtcflow_contract.keys import COLLECTION
from rtcflow_contract.naming import is_item_name
from rtcflow_stac.context import local_uri


def export_bucket(client: Any, bucket: str, folder: Path) -> int:
    """Write every object of a bucket into a folder; returns their number."""
    count = 0
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for entry in page.get("Contents", []):
            path = folder / entry["Key"]
            path.parent.mkdir(parents=True, exist_ok=True)
            client.download_file(bucket, entry["Key"], str(path))
            if path.name == COLLECTION or is_item_name(path.name):
                here = os.path.dirname(entry["Key"])
                found = _with_relative_hrefs(json.loads(path.read_text()), bucket, here)
                for link in found["links"]:
                    if link["rel"] == "self":
                        # Readers resolve relative hrefs against the file's `self` link.
                        link["href"] = local_uri(path)
                path.write_text(json.dumps(found, indent=1))
            count += 1
    return count


def _with_relative_hrefs(value: Any, bucket: str, folder: str) -> Any:
    """A STAC object whose hrefs into its own bucket are made relative to its folder."""
    prefix = f"s3://{bucket}/"
    if isinstance(value, dict):
        return {
            key: os.path.relpath(inner.removeprefix(prefix), folder)
            if key == "href" and isinstance(inner, str) and inner.startswith(prefix)
            else _with_relative_hrefs(inner, bucket, folder)
            for key, inner in value.items()
        }
    return (
        [_with_relative_hrefs(inner, bucket, folder) for inner in value] if isinstance(value, list) else value
    )
