"""Logins: where they are found, and that no password is ever written."""

import json
import logging
from base64 import b64encode

import pytest

from rtcflow import container_task
from rtcflow.sources.access.cdse_keys import S3Keys
from rtcflow.sources.access.credentials import CDSE, EARTHDATA, Login, find_login, login_of, not_accepted
from rtcflow_contract.errors import RefusedError, RtcflowError
from tests.support.archive_asf import PASSWORD, USER, AsfArchive
from tests.support.archive_case import fetch
from tests.support.archive_cdse import PASSWORD as CDSE_PASSWORD
from tests.support.archive_cdse import SECRET, CdseArchive
from tests.support.archive_loopback import Fault

# The header of basic authentication has user and password in base 64.
SECRETS = (PASSWORD, CDSE_PASSWORD, SECRET, b64encode(f"{USER}:{PASSWORD}".encode()).decode())


@pytest.fixture
def netrc(tmp_path):
    path = tmp_path / "netrc"
    path.write_text(
        "machine urs.earthdata.nasa.gov login nobody password from-netrc\n"
        "machine identity.dataspace.copernicus.eu\n login other\n password too\n"
    )
    path.chmod(0o600)
    return {"NETRC": str(path)}


def test_a_login_comes_from_the_environment_before_netrc(netrc):
    set_too = netrc | {"EARTHDATA_LOGIN": "me", "EARTHDATA_PASSWORD": "mine"}
    assert find_login(EARTHDATA, set_too) == Login("me", "mine")
    assert find_login(EARTHDATA, netrc) == Login("nobody", "from-netrc")
    assert find_login(CDSE, netrc) == Login("other", "too")


def test_the_default_entry_of_netrc_serves_hosts_without_one_of_their_own(tmp_path):
    path = tmp_path / "netrc"
    path.write_text(
        "machine urs.earthdata.nasa.gov login me password mine\ndefault login any password other\n"
    )
    given = {"NETRC": str(path)}
    assert find_login(EARTHDATA, given) == Login("me", "mine")
    assert find_login(CDSE, given) == Login("any", "other")
    refusal = not_accepted(CDSE, find_login(CDSE, given))
    assert "identity.dataspace.copernicus.eu in .netrc" in refusal.message
    assert "other" not in refusal.message


def test_empty_variables_count_as_missing(tmp_path):
    given = {"EARTHDATA_LOGIN": "", "EARTHDATA_PASSWORD": " ", "NETRC": str(tmp_path / "none")}
    assert find_login(EARTHDATA, given) is None
    with pytest.raises(RefusedError, match=r"EARTHDATA_LOGIN and EARTHDATA_PASSWORD .*https://urs"):
        login_of(EARTHDATA, given)


def test_the_netrc_of_the_home_folder_is_read(netrc, tmp_path, monkeypatch):
    (tmp_path / "netrc").rename(tmp_path / ".netrc")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert find_login(EARTHDATA, {}) == Login("nobody", "from-netrc")


def test_an_unreadable_netrc_is_reported_without_its_content(tmp_path):
    path = tmp_path / "netrc"
    path.write_text("machine urs.earthdata.nasa.gov login me pasword hunter2\n")
    with pytest.raises(RefusedError, match="cannot be read") as caught:
        find_login(EARTHDATA, {"NETRC": str(path)})
    assert "hunter2" not in caught.value.message
    assert caught.value.__suppress_context__


def test_no_repr_shows_a_password():
    assert "hunter2" not in repr(Login("me", "hunter2"))
    assert "hunter2" not in repr(S3Keys("ACCESS", "hunter2"))


@pytest.fixture
def archives(archive_sample):
    both = AsfArchive(archive_sample.safe), CdseArchive(archive_sample.safe)
    yield both
    for archive in both:
        archive.close()


def written(folder, caplog, capfd):
    """Everything that a run wrote: files, log, both streams."""
    kept = b"\n".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    streams = capfd.readouterr()
    return kept + f"{caplog.text}{streams.out}{streams.err}".encode()


FAULTS = {
    "none": ("asf", {}),
    "none of CDSE": ("cdse", {}),
    "wrong password": ("asf", {"EARTHDATA_PASSWORD": f"{PASSWORD}x"}),
    "wrong password of CDSE": ("cdse", {"CDSE_PASSWORD": f"{CDSE_PASSWORD}x"}),
    "login down": ("asf", {"RTCFLOW_EARTHDATA_URL": "http://127.0.0.1:9", "CDSE_PASSWORD": ""}),
    "identity down": ("cdse", {"RTCFLOW_CDSE_IDENTITY_URL": "http://127.0.0.1:9"}),
    "store down": ("cdse", {"RTCFLOW_CDSE_S3_URL": "http://127.0.0.1:9"}),
}


@pytest.mark.parametrize("name", FAULTS)
def test_no_secret_is_in_anything_that_is_written(archive_sample, archives, tmp_path, caplog, capfd, name):
    source, changes = FAULTS[name]
    environment = archives[0].environment | archives[1].environment | changes
    if name == "store down":
        environment |= {"RTCFLOW_CDSE_S3_URL": archives[1].s3.url}
        archives[1].s3.faults = [Fault("/measurement/", 503, lasting=True)]
    caplog.set_level(logging.DEBUG)
    for library in ("boto3", "botocore", "s3transfer"):
        logging.getLogger(library).setLevel(logging.INFO)
    told = ""
    try:
        fetch(archive_sample, source, environment, tmp_path / "work")
    except RtcflowError as error:
        chain = (error, error.__cause__, error.__context__ if not error.__suppress_context__ else None)
        told = "".join(repr(link) for link in chain)
    text = written(tmp_path, caplog, capfd) + told.encode()
    assert bool(told) == (not name.startswith("none"))
    for secret in SECRETS:
        assert secret.encode() not in text


def test_no_secret_is_in_job_outcome_or_log_of_a_task(
    archive_sample, archives, aws, tmp_path, monkeypatch, capfd
):
    from rtcflow_scene.planning import PlanSettings, plan_scene
    from rtcflow_scene.records import read_task

    asf, _ = archives
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))
    for name, value in asf.environment.items():
        monkeypatch.setenv(name, value)
    settings = PlanSettings("products", "work", "0.1", str(archive_sample.orbit), "s3://d", "s3://g")
    state = plan_scene({"scene": archive_sample.scene}, "run-1", "2026-01-02T03:04:05Z", settings)
    planned = read_task(state["tasks"][0]["task"])
    monkeypatch.setenv("EARTHDATA_PASSWORD", f"{PASSWORD}x")
    assert container_task.run(planned, work_parent=tmp_path) == 65
    kept = [
        aws.get_object(Bucket="work", Key=e["Key"])["Body"].read()
        for e in aws.list_objects_v2(Bucket="work")["Contents"]
    ]
    outcome = json.loads(next(data for data in kept if b'"outcome"' in data))
    assert outcome["reason"] == "credentials"
    streams = capfd.readouterr()
    assert PASSWORD.encode() not in b"".join(kept) + (streams.out + streams.err).encode()
