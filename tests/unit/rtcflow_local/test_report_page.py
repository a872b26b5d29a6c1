import re
import shutil
import subprocess
from html.parser import HTMLParser

import pytest
from PIL import Image
from typer.testing import CliRunner

from rtcflow.cli.app import make_app
from rtcflow_contract.report import Outcome
from rtcflow_local.report.collect import collect
from rtcflow_local.report.report_page import build_report, write_report
from rtcflow_local.report.timeline import make_timeline
from tests.support.history_case import ARN, SCENE, States, put_records, scene_history
from tests.support.report_case import FAILED, MADE, SECOND, put_scene

# Elements that HTML closes by itself; in SVG every element is closed.
VOID = {"meta", "link", "br", "img", "hr"}


class Page(HTMLParser):
    """Parses a page strictly: elements close in the order they open; keeps attributes and text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.words: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("style", "script"):
            self.words.append(data.strip())

    @property
    def text(self) -> str:
        return " ".join(word for word in self.words if word)

    def values(self, name: str) -> list[str]:
        return [value for _, key, value in self.attributes if key == name]


@pytest.fixture
def page(aws):
    return Page(build_report(collect(ARN, put_scene(aws), aws)))


@pytest.fixture
def failed_page(aws):
    return Page(build_report(collect(ARN, put_scene(aws, failed=True), aws)))


def test_the_head_tells_scene_outcome_counts_time_and_cost(page):
    assert SCENE in page.text
    assert "Succeeded 2 burst products made. 2 made 0 failed 1 min 06 s wall time" in page.text
    assert "600 MB fetched 80 MB written $0.025 estimated cost" in page.text


def test_nothing_is_loaded_from_elsewhere(page):
    loading = [v for _, name, v in page.attributes if name in ("src", "srcset", "data", "poster", "action")]
    assert loading == []
    links = page.values("href")
    assert all(link.startswith(("#", "data:")) for link in links)


def test_style_and_script_load_nothing(aws):
    html = build_report(collect(ARN, put_scene(aws), aws))
    assert not re.search(r"@import|url\(|https?://|fetch\(|XMLHttpRequest", html)


def test_links_within_the_page_lead_somewhere(page):
    targets = set(page.values("id"))
    inner = {link[1:] for link in page.values("href") if link.startswith("#")}
    assert inner
    assert inner <= targets


def test_every_burst_has_image_statistics_mask_and_stages(page):
    assert len([v for v in page.values("href") if v.startswith("data:image/webp")]) == 2
    assert page.text.count("VV gamma0 0.001 0.1 -10.00 3 0.2 64.0 %") == 2
    assert page.text.count("clear 90.0 %") == 2
    assert page.text.count("compute 40.0 s") == 2
    assert page.text.count("S1A_OPER_AUX_POEORB") == 2


def test_the_timeline_shows_states_then_tasks_then_their_bursts(aws):
    rows = make_timeline(collect(ARN, put_scene(aws), aws)).rows
    assert [row.label for row in rows] == [
        "PlanScene", "ProcessBursts", "task 0", MADE, SECOND, "SummarizeScene",
    ]  # fmt: skip
    assert [len(row.bars) for row in rows] == [1, 1, 2, 1, 1, 1]
    made, second = rows[3].bars[0], rows[4].bars[0]
    assert rows[3].text == "20.0 s"
    assert made.left + made.width == pytest.approx(second.left)


def test_a_failed_burst_is_a_bar_of_its_own_tone(aws):
    rows = {row.label: row for row in make_timeline(collect(ARN, put_scene(aws, failed=True), aws)).rows}
    assert [bar.kind for bar in rows[FAILED].bars] == ["fail"]
    assert [bar.kind for bar in rows[MADE].bars] == ["burst"]


def test_a_failed_burst_tells_what_failed_why_and_what_to_do(failed_page):
    assert (
        "Failed 1 of 3 burst products failed; another start makes only what is missing." in failed_page.text
    )
    line = f"What failed refused measurement RTC_S1 {FAILED} the measurement <iw1-vv> is corrupt; fetch the scene again"
    assert line in failed_page.text
    assert "The input cannot work" in failed_page.text


def test_text_from_outside_is_never_markup(aws):
    html = build_report(collect(ARN, put_scene(aws, failed=True), aws))
    assert "<iw1-vv>" not in html


def test_a_scene_that_was_refused_before_its_bursts_is_reported(aws):
    client = States(
        ("FAILED", scene_history([])),
        error="RefusedError",
        cause="scene: not a scene id",
    )
    page = Page(build_report(collect(ARN, client, aws)))
    assert "Failed Scene: not a scene id The input cannot work" in page.text


def test_a_running_scene_is_reported_as_far_as_it_came(aws):
    client = States(("RUNNING", scene_history([MADE], end=False)))
    put_records(aws, in_hand=[MADE])
    data = collect(ARN, client, aws)
    page = Page(build_report(data))
    assert "Running" in page.text
    assert f"{MADE} under way" in page.text
    assert data.count(Outcome.FAILED) == 0


def test_a_product_whose_manifest_is_gone_leaves_its_burst_in_the_report(aws):
    client = put_scene(aws)
    aws.delete_object(Bucket="products", Key=f"experimental/s1_rtc_c1/{SECOND}/2025/4/8/manifest.json")
    page = Page(build_report(collect(ARN, client, aws)))
    assert f"{SECOND} made" in page.text


def test_files_link_into_a_copy_of_the_products(aws):
    page = Page(build_report(collect(ARN, put_scene(aws), aws, products_href="products")))
    assert f"products/experimental/s1_rtc_c1/{MADE}/2025/4/8/x_VV.tif" in page.values("href")


def test_the_command_writes_the_report(aws, tmp_path, monkeypatch):
    client = put_scene(aws)
    clients = {"stepfunctions": client, "s3": aws}
    monkeypatch.setattr("rtcflow_local.report.report_command.Clients", lambda endpoint: clients.__getitem__)
    out = tmp_path / "new" / "report.html"
    result = CliRunner().invoke(make_app(), ["report", ARN, "--out", str(out)])
    assert result.exit_code == 0, result.output
    assert f"{SCENE} succeeded" in result.output
    Page(out.read_text())


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_browser_shows_it(aws, tmp_path, scheme):
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no Chromium on this machine")
    page, shot = tmp_path / "report.html", tmp_path / "report.png"
    write_report(ARN, page, put_scene(aws, failed=True), aws)
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1280,2400"]
    theme = f"--blink-settings=preferredColorScheme={0 if scheme == 'dark' else 1}"
    done = subprocess.run(
        [browser, *options, theme, f"--user-data-dir={tmp_path / 'profile'}", "--enable-logging=stderr",
         f"--screenshot={shot}", page.as_uri()],
        capture_output=True, text=True, timeout=90, check=False,
    )  # fmt: skip
    assert shot.is_file(), done.stderr
    # Refused loads, script errors and broken style are reported on the console.
    assert ":CONSOLE" not in done.stderr
    with Image.open(shot) as image:
        colors = {color: count for count, color in image.convert("RGB").getcolors(1 << 24)}
        ground = image.convert("RGB").getpixel((5, 5))
    assert (sum(ground) < 200) == (scheme == "dark")
    # The browse images are olive: in the map and in the cards.
    olive = sum(n for (r, g, b), n in colors.items() if abs(r - 128) < 8 and abs(g - 128) < 8 and b < 10)
    assert olive > 5000
