"""Addresses of the scene archives' services; each may be set in the environment."""

import os
from collections.abc import Mapping
from typing import NamedTuple


class ArchiveHosts(NamedTuple):
    """Base addresses, without a slash at the end.

    The environment variable of a field is its name in capitals with the prefix `RTCFLOW_`: `RTCFLOW_CMR_URL`.
    """

    cmr_url: str = "https://cmr.earthdata.nasa.gov"
    asf_burst_url: str = "https://sentinel1-burst.asf.alaska.edu"
    asf_scene_url: str = "https://datapool.asf.alaska.edu"
    asf_login_url: str = "https://auth.asf.alaska.edu"
    earthdata_url: str = "https://urs.earthdata.nasa.gov"
    cdse_catalogue_url: str = "https://catalogue.dataspace.copernicus.eu"
    cdse_identity_url: str = "https://identity.dataspace.copernicus.eu"
    cdse_keys_url: str = "https://s3-keys-manager.cloudferro.com"
    cdse_s3_url: str = "https://eodata.dataspace.copernicus.eu"
    cdse_download_url: str = "https://download.dataspace.copernicus.eu"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "ArchiveHosts":
        """Addresses from the environment, else those of the public services."""
        given = {name: environment.get(f"RTCFLOW_{name.upper()}", "").rstrip("/") for name in cls._fields}
        return cls(**{name: url for name, url in given.items() if url})
