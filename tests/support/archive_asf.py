"""ASF and NASA Earthdata Login as they are documented to behave, playing one scene: CMR, extractor, datapool, URS."""

import base64
import binascii
import io
import json
import re
import xml.etree.ElementTree as ET
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, urlsplit

import rasterio
from rasterio.windows import Window

from rtcflow_safe.annotation import Annotation
from rtcflow_safe.safe_manifest import read_manifest
from tests.support.archive_loopback import Answer, Asked, Fault, Loopback

USER, PASSWORD = "someone", "hunter2-very-secret"
_COOKIE = "asf-urs=eyJhbGciOi.token"
_KINDS = {
    "product": "annotation/s1?-iw?-slc-{pol}-*.xml",
    "noise": "annotation/calibration/noise-*-{pol}-*.xml",
    "calibration": "annotation/calibration/calibration-*-{pol}-*.xml",
    "rfi": "annotation/rfi/rfi-*-{pol}-*.xml",
}


class Urs(Loopback):
    """The login service: password by basic authentication, then back with a code."""

    # Another host name than the archive's, as in truth.
    host = "localhost"

    def __init__(self) -> None:
        super().__init__()
        self.agreed = True

    def answer(self, asked: Asked) -> Answer:
        wanted = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if asked.headers.get("Authorization") != wanted:
            return Answer(401, b"HTTP Basic: Access denied.", {"WWW-Authenticate": "Basic realm=x"})
        if not self.agreed:
            return Answer(200, b"<html>Approve this application</html>", {"Content-Type": "text/html"})
        query = asked.query
        back = f"{query['redirect_uri']}?code=one-time-code&state={quote(query.get('state', ''), safe='')}"
        return Answer(302, b"", {"Location": back, "Set-Cookie": "urs_user_already_logged=yes; path=/"})


class AsfLogin(Loopback):
    """ASF's side of a login: a cookie for a code."""

    def answer(self, asked: Asked) -> Answer:
        parts = urlsplit(asked.path)
        if parts.path != "/login" or asked.query.get("code") != "one-time-code":
            return Answer(400)
        where = asked.query.get("state") or "https://www.asf.alaska.edu"
        # Without the address that was asked for at first there is only a page to greet.
        status = 302 if asked.query.get("state") else 200
        return Answer(status, b"<html>", {"Location": where, "Set-Cookie": f"{_COOKIE}; path=/"})


class _Guarded(Loopback):
    """A host of ASF that takes the cookie and nothing else."""

    def __init__(self, urs: Urs, login: AsfLogin) -> None:
        super().__init__()
        self.urs, self.login = urs, login

    def answer(self, asked: Asked) -> Answer:
        if _COOKIE not in asked.headers.get("Cookie", ""):
            return self.unknown(asked)
        return self.give(urlsplit(asked.path).path)

    def unknown(self, asked: Asked) -> Answer:
        """To the login service and back."""
        back = quote(f"{self.login.url}/login", safe="")
        state = quote(f"{self.url}{asked.path}", safe="")
        at = f"{self.urs.url}/oauth/authorize?response_type=code&redirect_uri={back}&state={state}"
        return Answer(302, b"", {"Location": at})

    def give(self, path: str) -> Answer:
        raise NotImplementedError


class BurstExtractor(_Guarded):
    """Cuts bursts out of a SAFE; says 202 a few times before each TIFF."""

    def __init__(self, urs: Urs, login: AsfLogin, *safes: Path) -> None:
        super().__init__(urs, login)
        self.safes = {safe.stem: safe for safe in safes}
        self.preparing = 1
        self._asked_for: dict[str, int] = {}
        self.made: dict[str, bytes] = {}
        # Bodies that are kept for the next request; None for all.
        self.keep: int | None = None

    def unknown(self, asked: Asked) -> Answer:
        return Answer(401, b'{"message": "Unauthorized"}')

    def give(self, path: str) -> Answer:
        match = re.fullmatch(
            r"/(?P<scene>[^/]+)/(?P<swath>IW\d)/(?P<pol>[VH]{2})/(?P<index>\d+)\.(?P<kind>\w+)", path
        )
        if match is None or match["scene"] not in self.safes:
            return Answer(404)
        if match["kind"] == "tiff":
            self._asked_for[path] = self._asked_for.get(path, 0) + 1
            if self._asked_for[path] <= self.preparing:
                return Answer(202, b'{"message": "extracting"}')
        body = self.made.get(path)
        if body is None:
            safe = self.safes[match["scene"]]
            body = self._tiff(match) if match["kind"] == "tiff" else self.combined_xml(match["pol"], safe)
            self.made[path] = body
            if self.keep is not None and len(self.made) > self.keep:
                self.made.pop(next(iter(self.made)), None)
        kind = {"tiff": "image/tiff", "xml": "application/xml"}[match["kind"]]
        tag = f'"{binascii.crc32(body):08x}"'
        headers = {"Content-Type": kind, "ETag": tag, "Accept-Ranges": "bytes"}
        return Answer(200, body, headers, ranged=True)

    def _tiff(self, match: re.Match[str]) -> bytes:
        safe = self.safes[match["scene"]]
        (path,) = safe.glob(f"measurement/s1?-{match['swath'].lower()}-slc-{match['pol'].lower()}-*.tiff")
        lines = int(ET.parse(safe / "annotation" / f"{path.stem}.xml").findtext("swathTiming/linesPerBurst"))
        with rasterio.open(path) as whole:
            values = whole.read(1, window=Window(0, int(match["index"]) * lines, whole.width, lines))
        with rasterio.MemoryFile() as memory:
            profile = {"driver": "GTiff", "width": values.shape[1], "height": lines, "count": 1}
            with memory.open(dtype="complex_int16", **profile) as out:
                out.write(values, 1)
            return bytes(memory.getbuffer())

    def combined_xml(self, polarization: str, safe: Path | None = None) -> bytes:
        """The scene's manifest, and every annotation file of a polarization without its root element."""
        safe = safe or next(iter(self.safes.values()))
        root = ET.Element("burst")
        ET.SubElement(root, "manifest").append(ET.parse(safe / "manifest.safe").getroot())
        metadata = ET.SubElement(root, "metadata")
        for kind, pattern in _KINDS.items():
            for path in sorted(safe.glob(pattern.format(pol=polarization.lower()))):
                file = ET.parse(path).getroot()
                entry = ET.SubElement(metadata, kind, source_filename=path.name)
                ET.SubElement(entry, "swath").text = file.findtext("adsHeader/swath")
                ET.SubElement(entry, "polarisation").text = file.findtext("adsHeader/polarisation")
                ET.SubElement(entry, "content").extend(list(file))
        return ET.tostring(root)


class Datapool(_Guarded):
    """Whole scenes as zips."""

    def __init__(self, urs: Urs, login: AsfLogin, safe: Path) -> None:
        super().__init__(urs, login)
        self.safe = safe
        self._zip = b""

    def give(self, path: str) -> Answer:
        scene = self.safe.stem
        if path != f"/SLC/S{scene[2]}/{scene}.zip":
            return Answer(404)
        headers = {"Content-Type": "application/zip", "ETag": '"zip"', "Accept-Ranges": "bytes"}
        return Answer(200, self.zipped(), headers, ranged=True)

    def zipped(self) -> bytes:
        if not self._zip:
            buffer = io.BytesIO()
            with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
                for path in sorted(self.safe.rglob("*")):
                    if path.is_file():
                        archive.write(path, f"{self.safe.name}/{path.relative_to(self.safe)}")
            self._zip = buffer.getvalue()
        return self._zip


class CmrSearch(Loopback):
    """Granule search in UMM-JSON with pages; `short` says how many items are missing on each of the next pages."""

    def __init__(self, granules: list[dict]) -> None:
        super().__init__()
        self.granules = granules
        self.short: list[int] = []
        self.page_size = 2000

    def answer(self, asked: Asked) -> Answer:
        if asked.path != "/search/granules.umm_json":
            return Answer(404)
        form = dict(asked.form)
        found = [item for item in self.granules if _matches(item["umm"], form)]
        size = min(int(form["page_size"]), self.page_size)
        start = int(asked.headers.get("CMR-Search-After", "[0]").strip("[]"))
        page = found[start : start + size]
        page = page[: len(page) - (self.short.pop(0) if self.short else 0)]
        body = json.dumps({"hits": len(found), "took": 12, "items": page}).encode()
        headers = {"CMR-Hits": str(len(found)), "Content-Type": "application/vnd.nasa.cmr.umm_results+json"}
        if page:
            headers["CMR-Search-After"] = f"[{start + size}]"
        return Answer(200, body, headers)


def _matches(umm: dict, form: dict[str, str]) -> bool:
    if "granule_ur[]" in form:
        return umm["GranuleUR"] == form["granule_ur[]"]
    if umm["CollectionReference"]["ShortName"] != form["shortName"]:
        return False
    first, last = (
        datetime.fromisoformat(text.replace("Z", "+00:00")) for text in form["temporal"].split(",")[:2]
    )
    time = datetime.fromisoformat(umm["TemporalExtent"]["RangeDateTime"]["BeginningDateTime"])
    return first <= time.replace(tzinfo=UTC) <= last


def granules_of(safe: Path) -> list[dict]:
    """Burst granules of a SAFE with one of a neighbouring scene among them, and the scene's own."""
    manifest = read_manifest((safe / "manifest.safe").read_bytes())
    track, version = manifest.relative_orbit, manifest.ipf_version
    granules = []
    for path in sorted(safe.glob("annotation/s1?-iw?-slc-*.xml")):
        text = path.read_bytes()
        root = ET.fromstring(text)
        anx = [e.text for e in root.iterfind("swathTiming/burstList/burst/azimuthAnxTime")]
        for burst in Annotation(text).bursts(track):
            granule = _burst_granule(safe.stem, track, version, burst, anx[burst.burst_index])
            granule["umm"]["SpatialExtent"] = _extent(root, burst.burst_index)
            granules.append(granule)
    neighbour = json.loads(json.dumps(granules[-1]).replace(safe.stem, safe.stem[:-4] + "0000"))
    neighbour["meta"]["concept-id"] = f"G-neighbour-{safe.stem[-4:]}-ASF"
    scene = {
        "meta": {"concept-id": f"G-scene-{safe.stem[-4:]}-ASF", "revision-date": "2023-06-16T01:24:43.705Z"},
        "umm": {"GranuleUR": f"{safe.stem}-SLC", "CollectionReference": {"ShortName": "SENTINEL-1A_SLC"}},
    }
    return [*granules, neighbour, scene]


def _extent(root: ET.Element, index: int) -> dict:
    """Outline of a burst, by the corners of the annotation's geolocation grid."""
    lines = int(root.findtext("swathTiming/linesPerBurst"))
    points = [
        {name: float(point.findtext(name)) for name in ("line", "pixel", "latitude", "longitude")}
        for point in root.iterfind("geolocationGrid/geolocationGridPointList/geolocationGridPoint")
    ]
    rows = [
        min({p["line"] for p in points}, key=lambda line: abs(line - n * lines)) for n in (index, index + 1)
    ]
    ends = [[p for p in points if p["line"] == row] for row in rows]
    first, last = (sorted(end, key=lambda p: p["pixel"]) for end in ends)
    ring = [first[0], last[0], last[-1], first[-1], first[0]]
    boundary = [{"Longitude": p["longitude"], "Latitude": p["latitude"]} for p in ring]
    polygon = {"Boundary": {"Points": boundary}}
    return {"HorizontalSpatialDomain": {"Geometry": {"CoordinateSystem": "GEODETIC", "GPolygons": [polygon]}}}


def _burst_granule(scene: str, track: int, version: str, burst, anx: str) -> dict:
    _, number, _ = burst.burst_id.split("_")
    swath, stamp = burst.swath.upper(), f"{burst.sensing_start:%Y%m%dT%H%M%S}"
    name = f"S1_{number}_{swath}_{stamp}_{burst.polarization}_{scene[-4:]}-BURST"
    time = burst.sensing_start.replace(tzinfo=None).isoformat()
    values = {
        "AZIMUTH_ANX_TIME": anx,
        "AZIMUTH_TIME": time,
        "BURST_ID_FULL": f"{track:03d}_{number}_{burst.swath.upper()}",
        "BURST_INDEX": burst.burst_index,
        "PATH_NUMBER": track,
        "POLARIZATION": burst.polarization,
        "SUBSWATH_NAME": burst.swath.upper(),
        "ASCENDING_DESCENDING": "DESCENDING",
        "BYTE_LENGTH": 1_000_000,
    }
    return {
        "meta": {"concept-id": f"G-{name}-ASF", "native-id": name},
        "umm": {
            "GranuleUR": name,
            "CollectionReference": {"ShortName": "SENTINEL-1_BURSTS", "Version": "1"},
            "TemporalExtent": {"RangeDateTime": {"BeginningDateTime": time, "EndingDateTime": time}},
            "AdditionalAttributes": [{"Name": key, "Values": [str(value)]} for key, value in values.items()],
            "PGEVersionClass": {"PGEName": "Sentinel-1 IPF", "PGEVersion": version},
            "InputGranules": [f"{scene}-SLC"],
            "Platforms": [{"ShortName": f"SENTINEL-1{scene[2]}"}],
        },
    }


class AsfArchive:
    """All hosts of ASF; bursts of every SAFE, and the first one as a whole scene too."""

    def __init__(self, safe: Path, *others: Path) -> None:
        self.urs = Urs()
        self.login = AsfLogin()
        self.cmr = CmrSearch([granule for one in (safe, *others) for granule in granules_of(one)])
        self.extractor = BurstExtractor(self.urs, self.login, safe, *others)
        self.datapool = Datapool(self.urs, self.login, safe)
        self.servers: list[Loopback] = [self.urs, self.login, self.cmr, self.extractor, self.datapool]

    @property
    def environment(self) -> dict[str, str]:
        """Hosts and a login, as a user sets them."""
        return {
            "RTCFLOW_CMR_URL": self.cmr.url,
            "RTCFLOW_ASF_BURST_URL": self.extractor.url,
            "RTCFLOW_ASF_SCENE_URL": self.datapool.url,
            "RTCFLOW_ASF_LOGIN_URL": self.login.url,
            "RTCFLOW_EARTHDATA_URL": self.urs.url,
            "EARTHDATA_LOGIN": USER,
            "EARTHDATA_PASSWORD": PASSWORD,
        }

    def close(self) -> None:
        for server in self.servers:
            server.close()


__all__ = ["PASSWORD", "USER", "AsfArchive", "Fault"]
