"""Fixtures of the commands that make bursts: a small case, and an engine that draws its layers."""

import pytest

import rtcflow.burst_run
import rtcflow.inputs
from tests.support.burst_case import GRID, DrawingEngine, write_case


@pytest.fixture
def case(tmp_path):
    write_case(tmp_path)
    return tmp_path


@pytest.fixture
def engine(monkeypatch):
    drawing = DrawingEngine()
    monkeypatch.setattr(rtcflow.burst_run, "choose_engine", lambda choice: drawing)
    monkeypatch.setattr(rtcflow.inputs, "_own_grid", lambda *arguments: GRID)
    monkeypatch.delenv("RTCFLOW_DEBUG", raising=False)
    return drawing
