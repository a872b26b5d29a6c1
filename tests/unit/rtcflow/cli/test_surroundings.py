"""The program in an unusual environment: bytes that are not text, closed streams, odd paths."""

import os
import subprocess
import sys

import pytest

PROGRAM = [sys.executable, "-m", "rtcflow.cli.app"]
SAFE = "S1A_IW_SLC__1SDV_20220101T124744_20220101T124814_041267_04E7A2_1DAD.SAFE"


def run(*words, folder, **kept):
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), **kept.pop("environment", {})}
    return subprocess.run(
        [*PROGRAM, *words], cwd=folder, env=environment, capture_output=True, timeout=120, check=False, **kept
    )


def refused(done):
    said = done.stderr.decode(errors="replace")
    assert done.returncode == 65, said
    assert "Traceback" not in said
    assert "defect" not in said
    assert len(said.strip().splitlines()) == 1
    return said


@pytest.mark.parametrize("locale", ["C", "C.UTF-8", "POSIX", "xx_XX.ISO-8859-1"])
def test_bytes_that_are_not_text_are_refused(tmp_path, locale):
    done = run("bursts", "--safe", b"/tmp/\xff\xfe.SAFE", folder=tmp_path, environment={"LC_ALL": locale})
    assert "not UTF-8" in refused(done) or locale != "C.UTF-8"


@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
def test_names_with_accents_are_shown_in_every_locale(tmp_path, locale):
    name = f"données [été]/{SAFE}"
    said = refused(run("bursts", "--safe", name, folder=tmp_path, environment={"LC_ALL": locale}))
    assert name in said


def test_an_empty_value_is_not_a_path(tmp_path):
    done = run("burst", "--out", "", "--safe", SAFE, "--burst-id", "t070_149815_iw3", folder=tmp_path)
    assert "--out has an empty value" in refused(done)
    assert not any(tmp_path.iterdir())


def test_a_name_that_is_too_long_is_refused_and_shortened(tmp_path):
    said = refused(run("bursts", "--safe", f"{'x' * 5000}/{SAFE}", folder=tmp_path))
    assert len(said) < 1000


def test_a_loop_of_links_is_refused(tmp_path):
    (tmp_path / SAFE).symlink_to(tmp_path / SAFE)
    refused(run("bursts", "--safe", SAFE, folder=tmp_path))


def test_with_its_output_closed_it_still_reports_what_is_wrong(tmp_path):
    done = subprocess.run(
        ["sh", "-c", f"{' '.join(PROGRAM)} bursts --safe nothing.SAFE <&- >&-"],
        cwd=tmp_path,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert "does not exist" in refused(done)
