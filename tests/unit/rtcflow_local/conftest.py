"""Fixtures of versions of products."""

import pytest

from tests.support.version_case import put_two_versions


@pytest.fixture
def two(aws):
    return put_two_versions()
