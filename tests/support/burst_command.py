"""Runs `rtcflow burst` on a small case, and reads what it wrote."""

import sys

import pytest

from rtcflow.cli import app
from rtcflow_contract.keys import MANIFEST
from rtcflow_contract.manifest import Manifest
from tests.support.burst_case import BURSTS, ORBIT, SCENE, write_case

PASS = f"{BURSTS[1]}/2022/1/1"


def run(monkeypatch, *words):
    """Exit code of the program."""
    monkeypatch.setattr(sys, "argv", ["rtcflow", *map(str, words)])
    with pytest.raises(SystemExit) as caught:
        app.main()
    return caught.value.code or 0


def burst(monkeypatch, case, *words, **changes):
    given = {
        "--safe": case / f"{SCENE}.SAFE",
        "--burst-id": BURSTS[1],
        "--orbit": case / ORBIT,
        "--dem": case / "dem.tif",
        "--out": case / "out",
    }
    given |= {f"--{name.replace('_', '-')}": value for name, value in changes.items()}
    return run(monkeypatch, "burst", *(word for pair in given.items() for word in pair), *words)


def write_later_pass(folder):
    """Write the same bursts 12 days later; returns SAFE and orbit."""
    write_case(folder)
    safe, orbit = (folder / later(name) for name in (f"{SCENE}.SAFE", ORBIT))
    (folder / f"{SCENE}.SAFE").rename(safe)
    (folder / ORBIT).rename(orbit)
    for path in (orbit, *safe.rglob("*.xml")):
        path.write_text(later(path.read_text()))
    return safe, orbit


def later(text):
    dates = {
        "2022-01-01": "2022-01-13",
        "20220101": "20220113",
        "20211231": "20220112",
        "20220102": "20220114",
    }
    for before, after in {**dates, "41267": "41442"}.items():
        text = text.replace(before, after)
    return text


def names_in(folder):
    return {path.name for path in folder.iterdir()}


def manifest_in(folder):
    return Manifest.model_validate_json((folder / MANIFEST).read_bytes())
