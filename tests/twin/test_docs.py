"""docs/twin.md as a reader uses it: its lines run one after the other in a fresh shell."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_AFTER = "twin/test_docs.py runs these lines -->\n\n"


def printed_lines():
    text = (ROOT / "docs" / "twin.md").read_text()
    block = text.split(_AFTER)[1].split("\n\n")[0]
    return [line.strip() for line in block.splitlines()]


@pytest.fixture
def checkout(tmp_path):
    """A folder that reads like this checkout, and into which the twin may write."""
    for path in ROOT.iterdir():
        if path.name not in (".twin", ".git"):
            (tmp_path / path.name).symlink_to(path)
    return tmp_path


@pytest.fixture
def shell(checkout):
    """Runs a script as in a terminal, without what this process knows of AWS."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"

    def run(script):
        return subprocess.run(
            ["bash", "-euc", script],
            cwd=checkout,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    yield run
    run("rtcflow twin down")


@pytest.mark.twin
def test_the_lines_of_the_page_work_as_they_are_printed(shell, checkout):
    *lines, down = printed_lines()
    assert re.match(r"rtcflow twin up --sample\b", lines[0])
    assert down.startswith("rtcflow twin down")
    done = shell("\n".join([*lines, "env | grep AWS_ENDPOINT_URL"]))
    assert done.returncode == 0, done.stdout + done.stderr
    sentence = done.stdout
    assert sentence.count(" made after ") == 4
    assert "AWS_ENDPOINT_URL=http://127.0.0.1:" in sentence
    assert re.search(r"products: \d new, 0 changed, 0 gone", sentence)
    ended = shell(down)
    assert ended.returncode == 0
    assert "stopped the twin" in ended.stdout
    assert not (checkout / ".twin" / "emulator.json").exists()
