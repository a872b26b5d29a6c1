"""The maintainer's pages against the code: every file and name exists, and tables agree with the models."""

import re

import docs_from_code
import pytest

from tests.support.deployed_template import ROOT

SOURCES = ("functions/layer/src", "containers/rtc/src", "local/src", "")
PAGES = ("docs/architecture.md", "CONTRIBUTING.md")
CODE = re.compile(r"`([^`\n]+)`")


def codes(page: str) -> list[str]:
    return CODE.findall((ROOT / page).read_text())


@pytest.mark.parametrize("page", PAGES)
def test_every_path_is_there(page):
    paths = [text for text in codes(page) if re.fullmatch(r"[\w./-]+/[\w./-]*|[\w/-]+\.(py|md)", text)]
    assert len(paths) > 8
    missing = [path for path in paths if not any((ROOT / source / path).exists() for source in SOURCES)]
    # Names of files in a folder that the same row gives.
    assert [path for path in missing if not list((ROOT / "containers").rglob(path))] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_target_of_make_is_there(page):
    targets = set(re.findall(r"(?:`|^    )make ([a-z]+)\b", (ROOT / page).read_text(), re.MULTILINE))
    known = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert targets <= known


def test_the_picture_has_every_package_of_the_layer():
    drawn = set(re.findall(r'\["(rtcflow_\w+)<br/>', (ROOT / "docs/architecture.md").read_text()))
    assert drawn == {path.name for path in (ROOT / "functions/layer/src").iterdir() if path.is_dir()}


def test_the_contract_imports_nothing_of_the_others():
    for path in (ROOT / "functions/layer/src/rtcflow_contract").glob("*.py"):
        assert not re.search(
            r"^\s*(from|import) rtcflow_(?!contract)\w*|^\s*(from|import) rtcflow\b",
            path.read_text(),
            re.MULTILINE,
        )


@pytest.mark.parametrize("name", docs_from_code.PAGES)
def test_a_page_says_what_the_code_says(name):
    text = (ROOT / "docs" / name).read_text()
    assert docs_from_code.PAGES[name](text) == text, "run: make docs"
