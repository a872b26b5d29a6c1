"""The program in a shell: short help, completion."""

import subprocess
import sys

import pytest

from rtcflow.cli import app


@pytest.mark.parametrize("words", [["-h"], ["search", "-h"], ["inventory", "-h"]])
def test_short_help(words, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["rtcflow", *words])
    with pytest.raises(SystemExit) as caught:
        app.main()
    assert not caught.value.code
    assert "Usage: rtcflow" in capsys.readouterr().out


def test_commands_complete_in_a_shell():
    asked = {"_RTCFLOW_COMPLETE": "complete_bash", "COMP_WORDS": "rtcflow sea", "COMP_CWORD": "1"}
    done = subprocess.run(
        [sys.executable, "-c", "from rtcflow.cli.app import main; main()"],
        env={"PATH": "/usr/bin:/bin", **asked},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout.split() == ["search"]
