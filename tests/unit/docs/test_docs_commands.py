"""Command lines in the docs: each names an existing command with options that it has."""

import re
from pathlib import Path

import pytest
import typer

from rtcflow.cli.app import make_app

ROOT = Path(__file__).parents[3]
PAGES = sorted([ROOT / "README.md", ROOT / "events" / "README.md", *(ROOT / "docs").glob("*.md")])
_LINE = re.compile(r"(?:^ {4,}|`|\$ )(?:\.venv/bin/)?rtcflow ((?:[^`\n\\]|\\\n)+)", re.M)
_OPTION = re.compile(r"(?<![\w-])(--[a-z][a-z_-]*|-h)")


def printed():
    for page in PAGES:
        for found in _LINE.finditer(page.read_text()):
            yield pytest.param(found[1].partition("  #")[0].split(), id=f"{page.name}: {found[1][:50]}")


@pytest.fixture(scope="module")
def program():
    return typer.main.get_command(make_app())


@pytest.mark.parametrize("words", list(printed()))
def test_a_printed_command_exists_with_its_options(program, words):
    command, names = program, list(words)
    while names and hasattr(command, "commands") and names[0] in command.commands:
        command = command.commands[names.pop(0)]
    assert command is not program or names[0].startswith("-"), f"there is no command {names[0]}"
    known = {
        "--help",
        "-h",
        *(option for one in command.params for option in (*one.opts, *one.secondary_opts)),
    }
    assert {text.replace("_", "-") for text in _OPTION.findall(" ".join(names))} <= known
