"""Bars of a run stay readable in a narrow terminal."""

import io

import pytest
from rich.console import Console

from rtcflow.cli.screen import Screen
from rtcflow_contract.layers import Product
from tests.support.burst_case import make_job


@pytest.mark.parametrize("columns", [50, 60, 70, 80, 140])
def test_the_clock_is_whole_at_any_width(monkeypatch, tmp_path, columns):
    drawn = io.StringIO()
    monkeypatch.setattr(
        "rtcflow.cli.screen.Console",
        lambda **_: Console(file=drawn, width=columns, force_terminal=True, color_system=None),
    )
    job = make_job(tmp_path, product=Product.RTC_S1_STATIC)
    with Screen(3) as screen:
        screen.begins(job)("compute area factors", 0.4)
    lines = drawn.getvalue().splitlines()
    assert any("all" in line and "0:00:00" in line for line in lines)
    assert any(job.burst_id in line and "0:00:00" in line for line in lines)
