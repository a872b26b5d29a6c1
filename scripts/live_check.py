"""Check the real scene archives with a user's logins on one burst; prints pass, FAIL or skip for each point.

Some 400 MB are fetched, and 300 MB more with CDSE logins. Logins are those of the burst tasks: EARTHDATA_LOGIN and
EARTHDATA_PASSWORD, CDSE_LOGIN and CDSE_PASSWORD, or entries of .netrc.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import urllib3
from rasterio.errors import NotGeoreferencedWarning

from rtcflow.progress import silent
from rtcflow.resources import Meter
from rtcflow.sentinel1.burst_metadata import read_burst
from rtcflow.sentinel1.measurement import read_burst_pixels
from rtcflow.sources.access.cdse_keys import has_credentials
from rtcflow.sources.access.credentials import EARTHDATA, Login, login_of
from rtcflow.sources.access.earthdata import EarthdataSession
from rtcflow.sources.access.lease import no_slots
from rtcflow.sources.download import download
from rtcflow.sources.scene.asf_burst import BurstRequest, Extractor
from rtcflow.sources.scene.cdse_burst import Cdse
from rtcflow.sources.scene.safe_burst import FetchedScene, fetch_burst
from rtcflow.sources.scene.scene_source import scene_url
from rtcflow.sources.shared import Shared
from rtcflow_archives.archived_burst import ArchivedBurst
from rtcflow_archives.asf import list_asf_bursts
from rtcflow_archives.cdse import list_cdse_bursts
from rtcflow_archives.hosts import ArchiveHosts
from rtcflow_contract.burst_id import normalize_burst_id
from rtcflow_contract.errors import RefusedError, RtcflowError
from rtcflow_contract.layers import Product
from rtcflow_contract.scene_id import SceneId, parse_scene_id
from rtcflow_files.retry import Retry

SCENE = "S1A_IW_SLC__1SDV_20240802T060719_20240802T060746_055030_06B44E_E7CC"
BURST_ID = "t008_015805_iw1"
_BREAK_AFTER = 50_000


@dataclass
class Case:
    """The burst that is checked, and what the points before found of it."""

    scene: SceneId
    burst_id: str
    work: Path
    product_options: list[str]
    hosts: ArchiveHosts = field(default_factory=ArchiveHosts.from_environment)
    retry: Retry = field(default_factory=Retry)
    found: dict[str, Any] = field(default_factory=dict)

    @property
    def wanted(self) -> BurstRequest:
        """The burst in one polarization."""
        return BurstRequest(self.scene.id, self.burst_id, None, self.scene.polarizations[:1])

    def session(self, password: str | None = None) -> EarthdataSession:
        """A new session at ASF, with another password if one is given."""
        login = login_of(EARTHDATA)
        return EarthdataSession(
            Login(login.user, password or login.password), self.hosts.earthdata_url, self.hosts.asf_login_url
        )

    def extractor(self, name: str, meter: Meter, session: EarthdataSession) -> Extractor:
        """ASF's extractor, with a folder of its own for unfinished downloads."""
        parts, shared = self.work / name, Shared(self.work / f"{name}-shared")
        return Extractor(self.hosts.asf_burst_url, session.get, meter, self.retry, parts, shared)


class Point(NamedTuple):
    """What is checked, by a function that says nothing when all is well, and otherwise what is wrong."""

    name: str
    check: Callable[[Case], str]
    of_cdse: bool = False


def asf_lists(case: Case) -> str:
    """The whole scene is listed, and the burst in it."""
    case.found["asf"] = _first_polarization(list_asf_bursts(case.scene, case.hosts, case.retry), case)
    return "" if case.burst_id in case.found["asf"] else f"{case.burst_id} is not listed"


def unknown_scene_is_refused(case: Case) -> str:
    """A scene id with another last part is refused by name."""
    other = case.scene.model_copy(update={"id": f"{case.scene.id[:-4]}FFFF"})
    return _refused_as("unknown-scene", lambda: list_asf_bursts(other, case.hosts, case.retry))


def wrong_password_is_refused(case: Case) -> str:
    """A wrong password gives one sentence, after one attempt."""
    extractor = case.extractor("wrong", Meter(), case.session("certainly not the password"))
    return _refused_as("credentials", lambda: extractor.fetch(case.wanted, case.work / "wrong", silent))


def burst_comes(case: Case) -> str:
    """The extractor gives the burst as a SAFE that is read, and no more bytes than it has."""
    meter = Meter()
    extractor = case.extractor("parts", meter, case.session())
    safe = extractor.fetch(case.wanted, case.work / "asf", silent)
    fetched = _from_safe(case, safe)
    case.found["asf pixels"] = _pixels(case, fetched)
    size = case.found["asf pixels"].nbytes
    metadata = sum(path.stat().st_size for path in safe.rglob("*.xml"))
    print(f"      {meter.bytes_fetched / 1e6:.1f} MB fetched for {size / 1e6:.1f} MB of pixels")
    if meter.bytes_fetched > 1.1 * (size + metadata) + 1_000_000:
        return f"{meter.bytes_fetched} bytes were fetched for {size} of pixels and {metadata} of metadata"
    return "" if case.found["asf pixels"].any() else "all its pixels are zero"


def id_is_the_archives(case: Case) -> str:
    """Id, index and time that the catalogue gives are those of the annotation."""
    listed: ArchivedBurst = case.found["asf"][case.burst_id]
    burst = read_burst(_annotation(case, case.work / "asf"), case.burst_id)
    ours = (burst.index, burst.sensing_start)
    return "" if ours == (listed.burst_index, listed.sensing_start) else f"{ours} is not {listed}"


def broken_download_goes_on(case: Case) -> str:
    """After a break no byte is fetched twice."""
    session = case.session()
    broken: list[str] = []
    swath = case.burst_id[-3:].upper()
    url = f"{case.hosts.asf_burst_url}/{case.scene.id}/{swath}/{case.scene.polarizations[0]}/0.xml"

    def get(address: str, headers: Mapping[str, str]) -> Any:
        answer = session.get(address, headers)
        if answer.status == 200 and not broken:
            broken.append(address)
            return _Breaking(answer)
        return answer

    meter = Meter()
    path = download(url, case.work / "again.xml", get, meter, case.retry, case.work / "again")
    size = path.stat().st_size
    return "" if meter.bytes_fetched == size else f"{meter.bytes_fetched} bytes were fetched of {size}"


def whole_scene_answers(case: Case) -> str:
    """The scene's zip is there and is given in ranges."""
    answer = case.session().get(scene_url(case.hosts, case.scene.id), {"Range": "bytes=0-1023"})
    start = answer.read(4)
    answer.close()
    return "" if answer.status == 206 and start == b"PK\3\4" else f"status {answer.status}, begins {start!r}"


def cdse_lists(case: Case) -> str:
    """CDSE lists the same bursts as ASF."""
    listed = [entry.burst for entry in list_cdse_bursts(case.scene, case.hosts, case.retry)]
    ours, theirs = _first_polarization(listed, case).keys(), case.found["asf"].keys()
    return "" if ours == theirs else f"{sorted(ours ^ theirs)} are only in one of the catalogues"


def cdse_gives_the_same(case: Case) -> str:
    """The burst from CDSE has the pixels of the burst from ASF."""
    meter = Meter()
    shared = Shared(case.work / "cdse-shared")
    cdse = Cdse(case.hosts, meter, case.retry, case.work / "parts", no_slots, os.environ, shared)
    pixels = _pixels(case, cdse.fetch(case.wanted, case.work / "cdse", silent))
    print(f"      {meter.bytes_fetched / 1e6:.1f} MB fetched for {pixels.nbytes / 1e6:.1f} MB of pixels")
    return "" if np.array_equal(pixels, case.found["asf pixels"]) else "the pixels differ"


def product_is_made(case: Case) -> str:
    """`rtcflow burst` makes a product of the burst, with orbit, DEM and geoid of their own archives."""
    command = [sys.executable, "-m", "rtcflow.cli.app", "burst", "--scene", case.scene.id]
    command += ["--burst-id", case.burst_id, "--out", str(case.work / "out"), *case.product_options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return (
        done.stderr.strip().splitlines()[-1]
        if done.returncode and done.stderr.strip()
        else (f"exit code {done.returncode}" if done.returncode else "")
    )


POINTS = (
    Point("ASF lists the scene whole", asf_lists),
    Point("an unknown scene is refused", unknown_scene_is_refused),
    Point("a wrong Earthdata password is refused", wrong_password_is_refused),
    Point("the burst comes from ASF's extractor and is read", burst_comes),
    Point("id, index and time of the burst are the archive's", id_is_the_archives),
    Point("a broken download goes on where it broke", broken_download_goes_on),
    Point("the whole scene can be fetched in ranges", whole_scene_answers),
    Point("CDSE lists the same bursts", cdse_lists, of_cdse=True),
    Point("CDSE gives the same pixels", cdse_gives_the_same, of_cdse=True),
    Point("a product is made", product_is_made),
)


class _Breaking:
    """An answer whose connection breaks after some bytes."""

    def __init__(self, answer: urllib3.BaseHTTPResponse) -> None:
        self._answer = answer
        self._left = _BREAK_AFTER

    def __getattr__(self, name: str) -> Any:
        return getattr(self._answer, name)

    def read1(self, amount: int) -> bytes:
        """The next bytes."""
        piece = self._answer.read1(min(amount, self._left)) if self._left else b""
        self._left -= len(piece)
        if not piece:
            raise urllib3.exceptions.ProtocolError("broken on purpose")
        return piece


def _first_polarization(listed: list[ArchivedBurst], case: Case) -> dict[str, ArchivedBurst]:
    return {burst.burst_id: burst for burst in listed if burst.polarization == case.scene.polarizations[0]}


def _refused_as(reason: str, call: Callable[[], object]) -> str:
    try:
        call()
    except RefusedError as error:
        return "" if error.reason == reason else f"it was refused as {error.reason}: {error.message}"
    return "it was not refused"


def _from_safe(case: Case, safe: Path) -> FetchedScene:
    return fetch_burst(
        str(safe),
        case.scene.id,
        case.burst_id,
        case.scene.polarizations[:1],
        Product.RTC_S1,
        case.work,
        Meter(),
        silent,
    )


def _annotation(case: Case, folder: Path) -> Path:
    return _from_safe(case, folder / f"{case.scene.id}.SAFE").files[case.scene.polarizations[0]].annotation


def _pixels(case: Case, fetched: FetchedScene) -> np.ndarray:
    files = fetched.files[case.scene.polarizations[0]]
    return np.array(read_burst_pixels(files, read_burst(files.annotation, case.burst_id)))


def run(case: Case, points: tuple[Point, ...] = POINTS) -> int:
    """Check every point and print what came out; the number of points that failed."""
    failed = 0
    for point in points:
        if point.of_cdse and not has_credentials():
            print(f"skip  {point.name}: set CDSE_LOGIN and CDSE_PASSWORD to check it")
            continue
        try:
            problem = point.check(case)
        except RtcflowError as error:
            problem = error.message
        except KeyError as error:
            problem = f"could not be checked without {error}"
        failed += bool(problem)
        print(f"{'FAIL' if problem else 'pass'}  {point.name}{f': {problem}' if problem else ''}", flush=True)
    return failed


def main(arguments: list[str] | None = None, retry: Retry | None = None) -> int:
    """Check one burst; 1 when a point failed."""
    parser = argparse.ArgumentParser(prog="live-check", description=__doc__)
    parser.add_argument("--scene", default=SCENE, help="IW SLC scene")
    parser.add_argument("--burst-id", default=BURST_ID, help="a burst of the scene")
    parser.add_argument("--without-product", action="store_true", help="fetch only, make no product")
    options, more = parser.parse_known_args(arguments)
    points = tuple(p for p in POINTS if not (options.without_product and p.check is product_is_made))
    # Measurements without ground control points are meant.
    warnings.simplefilter("ignore", NotGeoreferencedWarning)
    try:
        scene, burst_id = parse_scene_id(options.scene), normalize_burst_id(options.burst_id)
    except (RtcflowError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="rtcflow-live-check-") as work:
        case = Case(scene, burst_id, Path(work), more)
        case.retry = retry or case.retry
        return int(run(case, points) > 0)


if __name__ == "__main__":
    sys.exit(main())
