import pytest

from rtcflow_local.sample import SampleSpec, write_sample


@pytest.fixture(scope="session")
def tiny_sample(tmp_path_factory):
    """The smallest sample scene; shared by all tests, so copy it before changing anything in it."""
    return write_sample(tmp_path_factory.mktemp("sample"), SampleSpec.tiny())
