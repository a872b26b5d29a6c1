import json
import os
from pathlib import Path

import pytest
from pystac.validation.stac_validator import JsonSchemaSTACValidator

from rtcflow_local.sample import SampleSpec, write_sample


def pytest_collection_modifyitems(items):
    """One worker takes all tests of the twin, which is started once."""
    for item in items:
        if item.get_closest_marker("twin"):
            item.add_marker(pytest.mark.xdist_group("twin"))


@pytest.fixture(autouse=True)
def _no_cache(monkeypatch):
    """What one test fetches is not there for the next, nor in the home of who runs them."""
    monkeypatch.setenv("RTCFLOW_CACHE", "off")


@pytest.fixture(scope="session")
def shared():
    """The folder of reference data, which is no part of a checkout: beside it, or where RTCFLOW_SHARED says."""
    folder = Path(os.environ.get("RTCFLOW_SHARED") or Path(__file__).resolve().parents[2] / "shared")
    if not folder.is_dir():
        pytest.skip(f"no reference data at {folder}; set RTCFLOW_SHARED to the folder that holds them")
    return folder


@pytest.fixture(scope="session")
def stac_validator(shared):
    """Validates items and collections with the schemas of their extensions, offline."""
    index = shared / "schemas" / "index.json"
    found = JsonSchemaSTACValidator()
    found.schema_cache.update(
        {
            uri: json.loads((index.parent / name).read_text())
            for uri, name in json.loads(index.read_text()).items()
        }
    )
    # What the render extension asks of a collection; its schema has no release among the others.
    found.schema_cache["https://stac-extensions.github.io/render/v2.0.0/schema.json"] = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "required": ["renders"],
        "properties": {
            "renders": {
                "type": "object",
                "minProperties": 1,
                "additionalProperties": {
                    "type": "object",
                    "required": ["assets"],
                    "properties": {"rescale": {"items": {"type": "array", "items": {"type": "number"}}}},
                },
            }
        },
    }
    return found


@pytest.fixture(scope="session")
def tiny_sample(tmp_path_factory):
    """The smallest sample scene; shared by all tests, so copy it before changing anything in it."""
    return write_sample(tmp_path_factory.mktemp("sample"), SampleSpec.tiny())


@pytest.fixture(scope="session")
def archive_sample(tmp_path_factory):
    """A sample scene with all three sub-swaths, as an archive's scenes are; shared by all tests."""
    spec = SampleSpec(swaths=("iw1", "iw2", "iw3"), bursts=2, lines=64, samples=512)
    return write_sample(tmp_path_factory.mktemp("archive-sample"), spec)
