"""Orbits from CDSE, if the open bucket lacks them or is down and there is a login."""

import pytest

from rtcflow.resources import Meter
from rtcflow.sources.orbit import orbit_source
from rtcflow.sources.orbit.orbit_source import fetch_orbit
from rtcflow_contract.errors import RefusedError, TransientError
from rtcflow_contract.request import OrbitChoice
from rtcflow_contract.scene_id import parse_scene_id
from rtcflow_files import storage
from rtcflow_files.s3_clients import s3_client
from tests.support.archive_cdse import PASSWORD, USER, Identity
from tests.support.archive_clock import Clock
from tests.support.archive_loopback import Fault
from tests.support.archive_orbits import CdseOrbitFiles
from tests.support.burst_case import ORBIT, SCENE, orbit_text


@pytest.fixture
def cdse(monkeypatch, aws):
    """CDSE with a login for it, and an open bucket that is empty."""
    orbits, identity = CdseOrbitFiles({ORBIT: orbit_text()}), Identity()
    for name in ("CATALOGUE", "DOWNLOAD"):
        monkeypatch.setenv(f"RTCFLOW_CDSE_{name}_URL", orbits.url)
    monkeypatch.setenv("RTCFLOW_CDSE_IDENTITY_URL", identity.url)
    monkeypatch.setenv("CDSE_LOGIN", USER)
    monkeypatch.setenv("CDSE_PASSWORD", PASSWORD)
    monkeypatch.setattr("rtcflow_files.s3.client_for", lambda bucket: s3_client())
    aws.create_bucket(Bucket="s1-orbits")
    yield orbits
    orbits.close()
    identity.close()


@pytest.fixture
def quick(monkeypatch):
    """Waits take no time, but the clock counts them."""
    clock = Clock()
    monkeypatch.setattr(orbit_source, "Retry", clock.retry)
    return clock


def fetch(folder, source="s3://s1-orbits"):
    return fetch_orbit(source, parse_scene_id(SCENE), OrbitChoice.BEST, folder, Meter())


def test_orbits_that_the_bucket_lacks_come_from_cdse(cdse, tmp_path):
    orbit = fetch(tmp_path)
    assert (orbit.type, orbit.id) == ("POEORB", ORBIT.removesuffix(".EOF"))
    assert orbit.path.read_text() == orbit_text()
    assert orbit.href.startswith(cdse.url)
    assert all("ContentDate/Start lt 2022-01-01T12:49:14.000Z" in asked for asked in cdse.conditions)


def test_cdse_replaces_a_bucket_that_is_down(cdse, tmp_path, monkeypatch):
    def down(folder, client=None):
        raise TransientError("the bucket is down")
        yield

    monkeypatch.setattr(storage, "list_objects", down)
    assert fetch(tmp_path).id == ORBIT.removesuffix(".EOF")


def test_cdse_is_not_asked_for_orbits_of_the_bucket(cdse, aws, tmp_path):
    aws.put_object(Bucket="s1-orbits", Key=f"AUX_POEORB/{ORBIT}", Body=orbit_text().encode())
    fetch(tmp_path)
    assert cdse.asked == []


def test_a_broken_body_resumes(cdse, tmp_path):
    cdse.faults = [Fault("$value", cut_after=100)]
    assert fetch(tmp_path).path.read_text() == orbit_text()
    assert cdse.asked[-1].headers["Range"] == "bytes=100-"


@pytest.mark.parametrize("at", ["$value", "/odata/v1/Products?"])
@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_passing_fault_is_retried_until_it_passes(cdse, tmp_path, quick, at, status):
    cdse.faults = [Fault(at, status, {"Retry-After": "3"})]
    assert fetch(tmp_path).path.read_text() == orbit_text()
    assert 3.0 in quick.slept


def test_a_stalled_body_is_requested_again_from_where_it_stopped(cdse, tmp_path, quick, monkeypatch):
    monkeypatch.setattr("rtcflow_files.web.READ_S", 0.3)
    cdse.faults = [Fault("$value", stall_after=100)]
    assert fetch(tmp_path).path.read_text() == orbit_text()
    assert cdse.asked[-1].headers["Range"] == "bytes=100-"


@pytest.mark.parametrize("at", ["$value", "/odata/v1/Products?"])
def test_a_lasting_fault_is_transient_and_leaves_no_file(cdse, tmp_path, quick, at):
    cdse.faults = [Fault(at, 503, lasting=True)]
    with pytest.raises(TransientError, match=r"503.*try again later"):
        fetch(tmp_path)
    assert not list(tmp_path.rglob("*.EOF"))


def test_a_file_removed_between_listing_and_download_is_named(cdse, tmp_path):
    cdse.faults = [Fault("$value", 404)]
    with pytest.raises(RefusedError, match=r"Products\(.*does not exist"):
        fetch(tmp_path)


def test_refused_access_at_cdse_names_the_login(cdse, tmp_path):
    cdse.faults = [Fault("$value", 403, lasting=True)]
    with pytest.raises(RefusedError, match="CDSE_LOGIN"):
        fetch(tmp_path)
    assert sum("$value" in asked.path for asked in cdse.asked) == 1


def test_a_wrong_login_is_refused_by_the_names_of_its_variables(cdse, tmp_path, monkeypatch):
    monkeypatch.setenv("CDSE_PASSWORD", "wrong")
    with pytest.raises(RefusedError, match="CDSE_LOGIN") as caught:
        fetch(tmp_path)
    assert "wrong" not in caught.value.message.replace("wrong or", "")


@pytest.mark.parametrize("without", ["login", "public source"])
def test_cdse_follows_only_the_public_bucket_and_needs_a_login(cdse, aws, tmp_path, monkeypatch, without):
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))
    source = "s3://scenes/orbits"
    if without == "login":
        monkeypatch.delenv("CDSE_LOGIN")
        source = "s3://s1-orbits"
    hint = "CDSE was not tried.*CDSE_LOGIN.*" if without == "login" else ""
    with pytest.raises(RefusedError, match=f"{hint}another source of orbits"):
        fetch(tmp_path, source)
    assert cdse.asked == []
