"""A scene waits for its orbit, and only lists the archive for this."""

from datetime import timedelta

import pytest

from rtcflow_contract.errors import RefusedError, TransientError
from rtcflow_contract.orbit_file import PUBLIC_ORBITS
from rtcflow_contract.request import OrbitChoice
from rtcflow_contract.scene_id import parse_scene_id
from rtcflow_files.s3_clients import s3_client
from rtcflow_scene.orbit_wait import _seconds_to_wait
from tests.support.archive_loopback import Fault
from tests.support.archive_orbits import CdseOrbitFiles
from tests.support.small_safe import SCENE

ID = parse_scene_id(SCENE)
SOURCE = "s3://scenes/orbits"
POEORB = "S1A_OPER_AUX_POEORB_OPOD_20220121T121549_V20211231T225942_20220102T005942.EOF"
RESORB = "S1A_OPER_AUX_RESORB_OPOD_20220101T151000_V20220101T105000_20220101T140700.EOF"
DAY = timedelta(days=1)
LIMIT = timedelta(days=30)


def wait(choice=OrbitChoice.PRECISE, age=timedelta(hours=5), waited=timedelta(0), source=SOURCE, limit=LIMIT):
    now = ID.stop + age
    return _seconds_to_wait(ID, choice, source, started=now - waited, now=now, limit=limit)


def put(aws, name, folder="AUX_POEORB/"):
    aws.put_object(Bucket="scenes", Key=f"orbits/{folder}{name}", Body=b"x")


@pytest.mark.parametrize("folder", ["AUX_POEORB/", ""])
def test_no_wait_where_the_precise_orbit_is_there(aws, folder):
    put(aws, POEORB, folder)
    assert wait() == 0


def test_precise_waits_though_a_restituted_orbit_is_there_and_best_does_not(aws):
    put(aws, RESORB, "AUX_RESORB/")
    assert wait() == 86400
    assert wait(OrbitChoice.BEST) == 0


def test_best_waits_half_an_hour_at_a_time(aws):
    assert wait(OrbitChoice.BEST, age=timedelta(hours=1)) == 1800
    # Ever so often for a day, then no more than the history of an execution holds.
    assert wait(OrbitChoice.BEST, age=2 * DAY, waited=timedelta(hours=23)) == 1800
    assert wait(OrbitChoice.BEST, age=2 * DAY, waited=DAY) == 6 * 3600


def test_the_wait_grows_shorter_when_the_orbit_is_due(aws):
    assert wait(age=timedelta(days=19, hours=14)) == 10 * 3600
    assert wait(age=21 * DAY) == 6 * 3600


def test_an_orbit_of_another_platform_or_day_is_not_waited_off(aws):
    put(aws, POEORB.replace("S1A", "S1B"))
    put(aws, "S1A_OPER_AUX_POEORB_OPOD_20220122T121549_V20220101T225942_20220103T005942.EOF")
    assert wait() > 0


def test_the_limit_ends_the_wait_with_what_to_do(aws):
    with pytest.raises(RefusedError, match=r"after 3 days of waiting.*'best'") as caught:
        wait(age=10 * DAY, waited=3 * DAY, limit=3 * DAY)
    assert caught.value.reason == "orbit-not-yet"


def test_an_old_scene_without_orbit_is_refused_at_once(aws):
    with pytest.raises(RefusedError, match="another source of orbits") as caught:
        wait(age=400 * DAY)
    assert caught.value.reason == "orbit-missing"


@pytest.mark.parametrize(
    "source", ["https://example.org/orbits", f"s3://scenes/{POEORB}", "s3://no-such-bucket/x"]
)
def test_what_cannot_be_listed_is_left_to_the_task(aws, source):
    assert wait(source=source) == 0


@pytest.fixture
def cdse(aws, monkeypatch):
    """The public bucket, empty, and CDSE's catalogue with both kinds of file."""
    files = CdseOrbitFiles({POEORB: "", RESORB: ""})
    monkeypatch.setenv("RTCFLOW_CDSE_CATALOGUE_URL", files.url)
    monkeypatch.setattr("rtcflow_files.s3.client_for", lambda bucket: s3_client())
    aws.create_bucket(Bucket="s1-orbits")
    yield files
    files.close()


@pytest.fixture
def bucket_down(monkeypatch):
    def down(*arguments):
        raise TransientError("the bucket is down")
        yield

    monkeypatch.setattr("rtcflow_scene.orbit_wait.S3Files.keys", down)


@pytest.mark.parametrize(("choice", "due"), [(OrbitChoice.BEST, DAY), (OrbitChoice.PRECISE, 22 * DAY)])
def test_what_is_overdue_in_the_public_bucket_is_looked_for_at_cdse(cdse, choice, due):
    assert wait(choice, age=due - DAY / 24, source=PUBLIC_ORBITS) > 0
    assert cdse.asked == []
    assert wait(choice, age=due, source=PUBLIC_ORBITS) == 0
    assert wait(choice, age=400 * DAY, source=PUBLIC_ORBITS) == 0


def test_what_cdse_lacks_too_is_waited_for_and_in_the_end_refused(cdse):
    cdse.files.clear()
    assert wait(age=23 * DAY, source=PUBLIC_ORBITS) == 6 * 3600
    with pytest.raises(RefusedError, match="another source of orbits"):
        wait(age=25 * DAY, source=PUBLIC_ORBITS)


def test_while_the_public_bucket_is_down_cdse_says_whether_to_start(cdse, bucket_down):
    assert wait(source=PUBLIC_ORBITS) == 0
    cdse.files.clear()
    with pytest.raises(TransientError, match="bucket is down"):
        wait(source=PUBLIC_ORBITS)


def test_a_catalogue_that_refuses_is_no_answer(cdse):
    cdse.faults = [Fault("Products", status=403, lasting=True)]
    assert wait(age=23 * DAY, source=PUBLIC_ORBITS) == 6 * 3600


def test_cdse_does_not_stand_in_for_a_bucket_of_the_users_own(cdse, bucket_down):
    with pytest.raises(TransientError, match="bucket is down"):
        wait(age=23 * DAY)
    assert cdse.asked == []
