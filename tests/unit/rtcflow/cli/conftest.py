"""The drawing engine for commands, which also ask for a burst's own grid."""

import pytest

import rtcflow.inputs
from tests.support.burst_case import GRID


@pytest.fixture
def engine(engine, monkeypatch):
    monkeypatch.setattr(rtcflow.inputs, "_own_grid", lambda *arguments: GRID)
    monkeypatch.delenv("RTCFLOW_DEBUG", raising=False)
    return engine
