"""Fixtures of FindScenes: areas with a catalogue of scenes, and the handler on them."""

import pytest

from tests.support.area_case import area_case, load_find_scenes


@pytest.fixture
def case(aws):
    with area_case(aws) as found:
        yield found


@pytest.fixture
def handler(case, load_handler):
    return load_find_scenes(case, load_handler)
