"""A search of the catalogue is complete or an error."""

import pytest

from rtcflow_archives.cmr import Cmr
from rtcflow_contract.errors import DefectError, RefusedError, TransientError
from rtcflow_files.retry import Retry
from tests.support.catalogue_case import granule
from tests.support.cmr_catalogue import Catalogue, serve

SLC = {"shortName": ["SENTINEL-1A_SLC"]}


@pytest.fixture
def archive():
    catalogue = Catalogue([granule(number) for number in range(7)], page_size=3)
    with serve(catalogue) as url:
        waits = []
        catalogue.waits = waits
        catalogue.cmr = Cmr(url, Retry(first_s=2.0, sleep=waits.append, uniform=lambda low, high: high))
        yield catalogue


def names(found):
    return sorted(item["umm"]["GranuleUR"] for item in found)


def test_all_pages_are_read(archive):
    assert names(archive.cmr.granules(**SLC)) == sorted(f"{one.scene}-SLC" for one in archive.granules)
    assert archive.waits == []


def test_a_short_page_is_searched_again(archive):
    archive.disturb = lambda number, status, items: (status, items[:-1] if number == 1 else items)
    assert len(archive.cmr.granules(**SLC)) == 7
    assert archive.waits == [2.0]


def test_pages_that_stay_short_are_an_error(archive):
    archive.disturb = lambda number, status, items: (status, items[:2])
    with pytest.raises(TransientError, match="of 7 granules"):
        archive.cmr.granules(**SLC)


@pytest.mark.parametrize("passing", [429, 500, 503, 520])
def test_a_server_error_is_retried(archive, passing):
    archive.disturb = lambda number, status, items: (passing if number < 3 else 200, items)
    assert len(archive.cmr.granules(**SLC)) == 7
    assert archive.waits == [2.0, 4.0]


def test_a_server_that_stays_down_is_an_error(archive):
    archive.disturb = lambda number, status, items: (502, items)
    with pytest.raises(TransientError, match="status 502"):
        archive.cmr.granules(**SLC)


@pytest.mark.parametrize("refused", [400, 403])
def test_a_refused_search_says_what_was_wrong(archive, refused):
    archive.disturb = lambda number, status, items: (refused, items)
    with pytest.raises(RefusedError, match="refused the search"):
        archive.cmr.granules(**SLC)
    assert len(archive.requests) == 1


def test_an_answer_that_is_not_from_a_catalogue_is_an_error(archive):
    archive.disturb = lambda number, status, items: (204, items)
    with pytest.raises(TransientError, match="did not answer"):
        archive.cmr.granules(**SLC)


def test_a_granule_without_its_metadata_is_a_defect(archive):
    archive.disturb = lambda number, status, items: (status, [{"meta": item["meta"]} for item in items])
    with pytest.raises(DefectError, match="unknown form"):
        archive.cmr.granules(**SLC)


def test_no_failure_is_reported_to_asf(archive, monkeypatch):
    sentence = []
    monkeypatch.setattr("requests.post", lambda *a, **k: sentence.append(a))
    archive.disturb = lambda number, status, items: (status, items[:2])
    with pytest.raises(TransientError):
        archive.cmr.granules(**SLC)
    assert sentence == []


def test_a_login_of_the_netrc_is_not_sent(archive, tmp_path, monkeypatch):
    (tmp_path / ".netrc").write_text("default login someone password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    archive.cmr.granules(**SLC)
    assert all("Authorization" not in headers for headers in archive.headers)


def test_no_server_is_an_error():
    with pytest.raises(TransientError, match="did not answer"):
        Cmr("http://127.0.0.1:9", Retry(sleep=lambda seconds: None)).granules(**SLC)
