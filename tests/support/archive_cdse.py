"""CDSE as it is documented to behave, playing one scene: OData catalogue, identity, keys manager, S3."""

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

from rtcflow_safe.annotation import Annotation
from rtcflow_safe.safe_manifest import read_manifest
from tests.support.archive_buckets import Buckets, error
from tests.support.archive_loopback import Answer, Asked, Loopback

USER, PASSWORD = "someone@example.org", "correct-horse-battery"
ACCESS, SECRET = "CDSEACCESSKEY", "cdse-s3-very-secret-key"
# The two layouts of keys that the bucket has.
FOLDERS = ("Sentinel-1/SAR/IW_SLC__1S/2023/03/02", "Sentinel-1/SAR/SLC/2023/03/02")


class Catalogue(Loopback):
    """OData with pages of `$top`, a count, and links to the next page that name the public host."""

    def __init__(self, bursts: list[dict], products: list[dict]) -> None:
        super().__init__()
        self.sets = {"/odata/v1/Bursts": bursts, "/odata/v1/Products": products}
        self.most = 1000
        self.missing = 0

    def answer(self, asked: Asked) -> Answer:
        parts = urlsplit(asked.path)
        entities = self.sets.get(parts.path)
        if entities is None:
            return Answer(404)
        query = dict(parse_qsl(parts.query))
        match = re.fullmatch(r"(\w+) eq '([^']+)'", query["$filter"])
        assert match is not None, query
        found = [entity for entity in entities if entity[match[1]] == match[2]]
        top, skip = min(int(query.get("$top", 20)), self.most), int(query.get("$skip", 0))
        page = {"@odata.context": "$metadata", "value": found[skip : skip + top]}
        if self.missing and page["value"]:
            page["value"] = page["value"][: -self.missing]
            self.missing = 0
        if query.get("$count") == "True":
            page["@odata.count"] = len(found)
        if skip + top < len(found):
            following = urlencode(query | {"$skip": skip + top})
            page["@odata.nextLink"] = f"https://catalogue.dataspace.copernicus.eu{parts.path}?{following}"
        return Answer(200, json.dumps(page).encode(), {"Content-Type": "application/json"})


class Identity(Loopback):
    def answer(self, asked: Asked) -> Answer:
        form = dict(asked.form)
        if (
            asked.path != "/auth/realms/CDSE/protocol/openid-connect/token"
            or form.get("grant_type") != "password"
        ):
            return Answer(404)
        if (form["username"], form["password"], form["client_id"]) != (USER, PASSWORD, "cdse-public"):
            return Answer(401, b'{"error": "invalid_grant"}')
        return Answer(200, json.dumps({"access_token": "cdse-jwt", "expires_in": 600}).encode())


class KeysManager(Loopback):
    """Gives out S3 keys, at most `most` at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.most = 4
        self.keys: list[str] = []

    def answer(self, asked: Asked) -> Answer:
        if asked.headers.get("Authorization") != "Bearer cdse-jwt":
            return Answer(401)
        if asked.method == "DELETE":
            self.keys.remove(asked.path.rsplit("/", 1)[-1])
            return Answer(204)
        if len(self.keys) >= self.most:
            return Answer(403, b'{"detail": "Max number of credentials reached."}')
        self.keys.append(ACCESS)
        return Answer(200, json.dumps({"access_id": ACCESS, "secret": SECRET}).encode())


class Eodata(Buckets):
    """Bucket `eodata` with a SAFE in one of the layouts; takes requests that are signed with a key it knows."""

    def __init__(self, safe: Path, folder: str) -> None:
        super().__init__(
            {
                f"eodata/{folder}/{safe.name}/{path.relative_to(safe)}": path
                for path in safe.rglob("*")
                if path.is_file()
            }
        )

    def refusal(self, asked: Asked, bucket: str) -> Answer | None:
        signed = asked.headers.get("Authorization", "") + asked.query.get("X-Amz-Credential", "")
        if f"{ACCESS}/" not in signed:
            return error(403, "InvalidAccessKeyId")
        return None if bucket == "eodata" else error(404, "NoSuchBucket")


def bursts_of(safe: Path, folder: str) -> list[dict]:
    """OData entities of a SAFE's bursts."""
    track = read_manifest((safe / "manifest.safe").read_bytes()).relative_orbit
    entities = []
    for path in sorted(safe.glob("annotation/s1?-iw?-slc-*.xml")):
        text = path.read_bytes()
        timing = ET.fromstring(text).find("swathTiming")
        offsets = [int(element.text) for element in timing.iterfind("burstList/burst/byteOffset")]
        for burst in Annotation(text).bursts(track):
            entities.append(
                {
                    "Id": f"{burst.burst_id}-{burst.polarization}",
                    "S3Path": f"/eodata/{folder}/{safe.name}/measurement/{path.stem}.tiff",
                    "ParentProductName": safe.name,
                    "ByteOffset": offsets[burst.burst_index],
                    "BurstId": int(burst.burst_id.split("_")[1]),
                    "AzimuthTime": burst.sensing_start.isoformat().replace("+00:00", "Z"),
                    "SwathIdentifier": burst.swath.upper(),
                    "RelativeOrbitNumber": track,
                    "PolarisationChannels": burst.polarization,
                    "LinesPerBurst": int(timing.findtext("linesPerBurst")),
                    "SamplesPerBurst": int(timing.findtext("samplesPerBurst")),
                }
            )
    return entities


class CdseArchive:
    """All hosts of CDSE for one SAFE."""

    def __init__(self, safe: Path, folder: str = FOLDERS[0]) -> None:
        self.catalogue = Catalogue(bursts_of(safe, folder), [{"Id": "product", "Name": safe.name}])
        self.identity = Identity()
        self.keys = KeysManager()
        self.s3 = Eodata(safe, folder)
        self.servers: list[Loopback] = [self.catalogue, self.identity, self.keys, self.s3]

    @property
    def environment(self) -> dict[str, str]:
        """Hosts and a login, as a user sets them."""
        return {
            "RTCFLOW_CDSE_CATALOGUE_URL": self.catalogue.url,
            "RTCFLOW_CDSE_IDENTITY_URL": self.identity.url,
            "RTCFLOW_CDSE_KEYS_URL": self.keys.url,
            "RTCFLOW_CDSE_S3_URL": self.s3.url,
            "CDSE_LOGIN": USER,
            "CDSE_PASSWORD": PASSWORD,
        }

    def close(self) -> None:
        for server in self.servers:
            server.close()
