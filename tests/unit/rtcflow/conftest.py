"""Fixtures of tests that make bursts: a small case, and an engine that draws its layers."""

import pytest

import rtcflow.burst_run
from tests.support.burst_case import DrawingEngine, write_case


@pytest.fixture
def case(tmp_path):
    write_case(tmp_path)
    return tmp_path


@pytest.fixture
def engine(monkeypatch):
    drawing = DrawingEngine()
    monkeypatch.setattr(rtcflow.burst_run, "choose_engine", lambda choice: drawing)
    return drawing
