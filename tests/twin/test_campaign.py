"""A campaign of 20 scenes with faults, stopped, started again, paused and ended: every burst is made once."""

import json
import time
from collections import Counter

import pytest

from rtcflow_files.storage import open_store
from rtcflow_local.campaign.lists import find_lists
from rtcflow_local.campaign.operating import Campaign
from rtcflow_local.inventory.build import build
from rtcflow_local.inventory.outcomes import collect_outcomes
from rtcflow_local.inventory.questions import QUESTIONS, answer
from rtcflow_local.inventory.tables import open_tables
from rtcflow_local.report.aws import Clients
from rtcflow_local.twin.faults import Fault
from tests.support.campaign_scenes import ARCHIVE, upload_scene, wait_until, write_scenes

pytestmark = pytest.mark.twin
SCENES, FOLDER = 20, "continent"


class Story:
    """The campaign with its scenes, and what each step of it left behind."""

    def __init__(self, twin, folder):
        self.twin = twin
        self.scenes = write_scenes(folder / "scenes", SCENES)
        self.bursts = sorted({burst_id for scene in self.scenes for burst_id in scene.burst_ids})
        self.lists = folder / "plan"
        self.campaign = Campaign("continent", Clients(twin.emulator.endpoint), twin.stack.outputs)
        self.write_lists()

    def write_lists(self):
        lines = [
            {"scene": s.scene, "scene_source": ARCHIVE.scene_source(s), "s3_project_folder": FOLDER}
            for s in self.scenes
        ]
        static = [{**line, "product": "RTC_S1_STATIC"} for line in lines[: len(self.bursts)]]
        linked = {"link_static_layers": True, "linked_static_layers_s3_project_folder": FOLDER}
        self.lists.mkdir()
        scenes = [{**line, **linked} for line in lines]
        # The list names one scene twice.
        for name, payloads in (("scenes", [*scenes, scenes[0]]), ("static", static)):
            text = "".join(f"{json.dumps(payload)}\n" for payload in payloads)
            (self.lists / f"{name}.jsonl").write_text(text)

    def start(self, **how):
        return self.campaign.start(
            find_lists(str(self.lists), None), {"max_scenes": 4, "tolerated_failure_percent": 10, **how}
        )

    def records(self):
        return self.twin.keys(self.twin.stack.work_bucket, "campaigns/continent/records/")

    def ended(self, arn):
        return self.twin.states.describe_execution(executionArn=arn)["status"] != "RUNNING"

    def end_of(self, arn):
        wait_until(lambda: self.ended(arn))
        return self.twin.states.describe_execution(executionArn=arn)

    def products(self):
        """Items in the bucket, by product."""
        keys = [key for key in self.twin.products(FOLDER) if key.endswith("metadata.json")]
        return Counter("static" if "/s1_rtc_static_c1/" in key else "scenes" for key in keys)

    def running(self):
        pages = self.twin.states.get_paginator("list_executions").paginate(
            stateMachineArn=self.twin.stack.state_machine, statusFilter="RUNNING"
        )
        return [entry["name"] for page in pages for entry in page["executions"]]


@pytest.fixture(scope="module")
def story(twin, tmp_path_factory):
    """The whole campaign; every test looks at one of its steps."""
    found = Story(twin, tmp_path_factory.mktemp("campaign"))
    late = found.scenes[-1]
    for scene in found.scenes[:-1]:
        upload_scene(twin.s3, scene, ARCHIVE)
    first, second = found.bursts
    twin.faults.put(
        Fault(first, "kill", after_s=1.0, times=2), Fault(second, "spot"), Fault(second, "throttle", times=2)
    )

    arn = found.start()
    wait_until(lambda: len(found.records()) >= 6)
    found.campaign.stop()
    wait_until(lambda: not found.running())
    found.stopped = twin.states.describe_execution(executionArn=arn)
    found.interrupted = found.campaign.report()

    found.with_failure = found.end_of(found.start())
    found.after_failure = found.campaign.report()

    upload_scene(twin.s3, late, ARCHIVE)
    before = found.products()
    # The scene was refused as not there: that is tried again only where it is asked for.
    arn = found.start(retry_refused=True)
    found.campaign.pause()
    wait_until(
        lambda: found.campaign.status().maps and found.campaign.status().maps[-1].counts["succeeded"] > 10
    )
    time.sleep(1)
    found.paused = (before, found.products(), found.ended(arn))
    found.campaign.resume()
    found.last = found.end_of(arn)
    found.report = json.loads(twin.read(twin.stack.work_bucket, "campaigns/continent/report.json"))
    return found


def test_a_stopped_campaign_leaves_scenes_open(story):
    assert story.stopped["status"] == "ABORTED"
    assert story.interrupted.scenes.open + story.interrupted.static.open > 0


def test_a_scene_that_cannot_be_made_is_reported_and_the_others_are_made(story):
    assert story.with_failure["status"] == "FAILED"
    assert story.with_failure["error"] == "ScenesMissing"
    report = story.after_failure
    assert (report.scenes.succeeded, report.scenes.failed) == (SCENES - 1, 1)
    assert report.failed_by_class == {"refused": 1}
    assert "no scene at" in report.failures[0].message


def test_a_paused_campaign_starts_no_scene_and_goes_on_when_resumed(story):
    before, during, ended = story.paused
    assert during == before
    assert not ended


def test_every_scene_is_made_in_the_end(story):
    assert story.last["status"] == "SUCCEEDED", story.last.get("cause")
    assert story.products() == {"scenes": SCENES, "static": len(story.bursts)}


def test_every_burst_is_made_once(story, twin):
    names = Counter(
        key.rpartition("/")[0] for key in twin.products(FOLDER) if key.endswith(".h5") and "OPERA_" in key
    )
    assert set(names.values()) == {1}
    made = Counter()
    for key in twin.keys(twin.stack.work_bucket, "executions/"):
        if key.endswith("outcome.json"):
            outcome = json.loads(twin.read(twin.stack.work_bucket, key))
            if outcome["outcome"] == "made" and f"/{FOLDER}/" in outcome["manifest"]:
                made[outcome["manifest"]] += 1
    assert len(made) == SCENES + len(story.bursts)
    assert set(made.values()) == {1}


def test_the_report_counts_what_is_in_the_bucket(story):
    assert story.report["outcome"] == "complete"
    counted = {part: story.report[part]["products"] for part in ("scenes", "static")}
    assert counted == story.products()
    assert story.report["scenes"]["scenes"] == story.report["scenes"]["succeeded"] == SCENES
    assert story.report["throughput"] > 0
    assert story.report["cost_usd"] > 0


def test_results_of_the_children_are_in_the_bucket(story, twin):
    keys = twin.keys(twin.stack.work_bucket, f"campaigns/continent/results/{story.last['name']}/scenes/")
    (manifest,) = [key for key in keys if key.endswith("manifest.json")]
    files = json.loads(twin.read(twin.stack.work_bucket, manifest))["ResultFiles"]
    children = [
        child
        for file in files["SUCCEEDED"]
        for child in json.loads(twin.read(twin.stack.work_bucket, file["Key"]))
    ]
    assert len(children) == SCENES
    assert not files["FAILED"]


def test_the_inventory_holds_what_the_report_counts(story, twin, tmp_path):
    inventory = open_store(str(tmp_path))
    build(open_store(f"s3://{twin.stack.products_bucket}/{FOLDER}", twin.s3), inventory)
    collect_outcomes(open_store(f"s3://{twin.stack.work_bucket}", twin.s3), inventory)
    tables = open_tables(inventory)
    held = dict(tables.execute("SELECT product, count(*) FROM products GROUP BY product").fetchall())
    counted = {part: story.report[part]["products"] for part in ("static", "scenes")}
    assert held == {"RTC_S1": counted["scenes"], "RTC_S1_STATIC": counted["static"]}
    assert answer(tables, QUESTIONS["missing-static"].sql).num_rows == 0
    failed = answer(tables, QUESTIONS["failures"].sql).column("scene").to_pylist()
    assert not {scene.scene for scene in story.scenes} & set(failed)
