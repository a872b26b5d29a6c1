import re

import pytest

from rtcflow.provenance import software_version, software_versions


@pytest.fixture(autouse=True)
def _fresh():
    software_version.cache_clear()
    yield
    software_version.cache_clear()


def test_commit_of_the_image_is_in_the_version(monkeypatch):
    monkeypatch.setenv("RTCFLOW_COMMIT", "0123456789abcdef0123456789abcdef01234567")
    assert software_version().endswith("+g0123456789ab")


def test_image_of_changed_files_says_so(monkeypatch):
    monkeypatch.setenv("RTCFLOW_COMMIT", "0123456789abcdef0123456789abcdef01234567.dirty")
    assert software_version().endswith("+g0123456789ab.dirty")


def test_checkout_knows_its_commit(monkeypatch):
    monkeypatch.delenv("RTCFLOW_COMMIT", raising=False)
    assert re.fullmatch(r"[\d.]+(\+g[0-9a-f]{12}(\.dirty)?)?", software_version())


def test_libraries_are_named_with_it():
    assert list(software_versions(("numpy",))) == ["rtcflow", "numpy"]
