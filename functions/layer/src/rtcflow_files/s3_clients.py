"""S3 clients: the default one, and unsigned ones for open buckets."""

import os
from functools import lru_cache
from typing import Any, Literal

import boto3
from botocore import UNSIGNED
from botocore.config import Config

_CONNECT_TIMEOUT_S, _READ_TIMEOUT_S = 10.0, 60.0
# Open buckets and their regions: read without credentials.
PUBLIC_BUCKETS = {
    "s1-orbits": "us-west-2",
    "copernicus-dem-30m": "eu-central-1",
    "copernicus-dem-90m": "eu-central-1",
    "aria-geoid": "us-west-2",
    "pgc-opendata-dems": "us-west-2",
}


@lru_cache(maxsize=4)
def s3_client(unsigned: bool = False, region: str | None = None) -> Any:
    """S3 client without retries of its own; `unsigned` for public buckets, which need no credentials."""
    # Path-style addresses for other endpoints: host names with the bucket in front exist only at AWS.
    style: Literal["path", "auto"] = (
        "path" if os.environ.get("AWS_ENDPOINT_URL") or os.environ.get("AWS_ENDPOINT_URL_S3") else "auto"
    )
    config = Config(
        retries={"total_max_attempts": 1, "mode": "standard"},
        connect_timeout=_CONNECT_TIMEOUT_S,
        read_timeout=_READ_TIMEOUT_S,
        signature_version=UNSIGNED if unsigned else None,
        s3={"addressing_style": style},
        # Ranges and small files are read in threads.
        max_pool_connections=32,
    )
    return boto3.client("s3", config=config, region_name=region)


def client_for(bucket: str) -> Any:
    """S3 client for a bucket: unsigned for known public buckets, else the default one."""
    region = PUBLIC_BUCKETS.get(bucket)
    return s3_client(unsigned=True, region=region) if region else s3_client()
