"""Scenes that can never give a product: at the command line and in a burst's task, before anything is computed."""

import sys

import pytest

import rtcflow.burst_run
from rtcflow.burst_run import make_burst
from rtcflow.cli import app
from rtcflow.destination import Destination
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.keys import Location
from tests.support.burst_case import BURSTS, GRID, SCENE, DrawingEngine, make_job, write_case


def test_an_old_processor_is_refused_for_the_engine_that_auto_stands_for(tmp_path, monkeypatch):
    write_case(tmp_path)
    manifest = tmp_path / f"{SCENE}.SAFE" / "manifest.safe"
    manifest.write_bytes(manifest.read_bytes().replace(b"003.40", b"002.60"))
    engine = DrawingEngine(name="isce3")
    monkeypatch.setattr(rtcflow.burst_run, "choose_engine", lambda choice: engine)
    job = make_job(tmp_path, grid=GRID)
    with pytest.raises(RefusedError, match=r"IPF 002\.60, and engine isce3 takes 002\.70 or later") as caught:
        make_burst(job, tmp_path / "work", Destination(job, Location.local(tmp_path / "out")))
    assert caught.value.reason == "ipf-version"
    assert not engine.calls


def test_the_command_line_refuses_an_uncalibrated_scene(tmp_path, monkeypatch, capsys):
    scene = SCENE.replace("S1A", "S1C").replace("20220101T", "20250101T")
    words = ["burst", "--scene", scene, "--burst-id", BURSTS[0], "--out", str(tmp_path)]
    monkeypatch.setenv("RTCFLOW_CMR_URL", "http://127.0.0.1:9")
    monkeypatch.setattr(sys, "argv", ["rtcflow", *words])
    with pytest.raises(SystemExit) as caught:
        app.main()
    assert caught.value.code == 65
    assert "before Sentinel-1C was calibrated; give a scene from 2025-05-20 on" in capsys.readouterr().err
