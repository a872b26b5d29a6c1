"""New scenes on the twin: a schedule that fires twice, and a notice of the archive, start each scene once."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.campaign_scenes import ARCHIVE, upload_scene, wait_until, write_scenes
from tests.support.cmr_catalogue import Granule

pytestmark = pytest.mark.twin
SQUARE = [[149.0, -36.0], [152.0, -36.0], [152.0, -33.0], [149.0, -33.0], [149.0, -36.0]]


def granule(scene):
    return Granule(scene.scene, datetime.now(UTC) - timedelta(hours=1), (150.5, -34.4))


class Watch:
    """An area that is watched, and the executions of its scenes."""

    def __init__(self, twin, catalogue, name):
        self.twin, self.catalogue, self.name = twin, catalogue, name
        area = {
            "type": "Feature",
            "geometry": {"type": "Polygon", "coordinates": [SQUARE]},
            "properties": {
                "name": name,
                "scene_source": f"{ARCHIVE.uri}/{{scene}}.SAFE",
                "s3_project_folder": name,
            },
        }
        twin.s3.put_object(
            Bucket=twin.stack.work_bucket, Key=f"areas/{name}.geojson", Body=json.dumps(area).encode()
        )

    def publish(self, scene):
        upload_scene(self.twin.s3, scene, ARCHIVE)
        self.catalogue.granules.append(granule(scene))

    def fire(self):
        """Invoke the function as its schedule does."""
        answer = self.twin.emulator.client("lambda").invoke(
            FunctionName=self.twin.stack.outputs["FindScenesFunctionName"], Payload=b"{}"
        )
        body = answer["Payload"].read().decode()
        assert "FunctionError" not in answer, body
        return json.loads(body)

    def executions(self):
        pages = self.twin.states.get_paginator("list_executions").paginate(
            stateMachineArn=self.twin.stack.state_machine
        )
        started = [
            self.twin.states.describe_execution(executionArn=entry["executionArn"])
            for page in pages
            for entry in page["executions"]
        ]
        return {
            found["name"]: found["status"]
            for found in started
            if json.loads(found["input"]).get("s3_project_folder") == self.name
        }

    def items(self):
        return [key for key in self.twin.products(self.name) if key.endswith("metadata.json")]


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    return write_scenes(tmp_path_factory.mktemp("new"), 3)


@pytest.fixture
def watch(twin, catalogue, request):
    """An area of the test's own, in a catalogue that has its scenes alone."""
    name = {"by schedule": "scheduled", "by notice": "notified"}[request.param]
    yield Watch(twin, catalogue[0], name)
    catalogue[0].granules.clear()
    twin.s3.delete_object(Bucket=twin.stack.work_bucket, Key=f"areas/{name}.geojson")


@pytest.mark.parametrize("watch", ["by schedule"], indirect=True)
def test_a_schedule_that_fires_twice_starts_every_scene_once(watch, scenes):
    for scene in scenes[:2]:
        watch.publish(scene)
    with ThreadPoolExecutor(2) as pool:
        runs = list(pool.map(lambda _: watch.fire(), range(2)))
    assert [run["areas"][0]["found"] for run in runs] == [2, 2]
    assert watch.fire()["areas"][0]["started"] == 0
    wait_until(lambda: set(watch.executions().values()) == {"SUCCEEDED"})
    assert len(watch.executions()) == len(watch.items()) == 2


@pytest.mark.parametrize("watch", ["by notice"], indirect=True)
def test_a_notice_of_the_archive_starts_its_scene_once(watch, scenes):
    watch.publish(scenes[2])
    sns = watch.twin.emulator.client("sns")
    topic = next(
        t["TopicArn"] for t in sns.list_topics()["Topics"] if t["TopicArn"].endswith(":new-granules")
    )
    for _ in range(2):
        sns.publish(TopicArn=topic, Message=json.dumps({"granule_ur": f"{scenes[2].scene}-SLC"}))
    wait_until(lambda: set(watch.executions().values()) == {"SUCCEEDED"})
    assert watch.fire()["areas"][0]["found"] == 1
    assert len(watch.executions()) == len(watch.items()) == 1
