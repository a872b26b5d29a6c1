"""Command lines from the documentation of the replaced system, word for word, on simulated scenes with the same ids."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import h5py
import pytest

from rtcflow_local.sample import write_sample
from rtcflow_local.sample.scene_pass import spec_of_scene
from tests.support.archive_asf import AsfArchive

pytestmark = pytest.mark.engine

ANTARCTICA = "S1A_IW_SLC__1SSH_20220101T124744_20220101T124814_041267_04E7A2_1DAD"
AUSTRALIA = "S1A_IW_SLC__1SDV_20220130T191354_20220130T191421_041694_04F5F9_1AFD"
BURST = "t070_149815_iw3"
PUBLIC = "deant-data-public-dev"
STATIC_LINE = (
    f"--scene {ANTARCTICA} --burst_id_list {BURST} --output_crs 3031 --product RTC_S1_STATIC --s3_bucket {PUBLIC} "
    "--collection s1_rtc_static_c1 --s3_project_folder experimental/static-layers"
)
NRB_LINE = (
    f"--scene {ANTARCTICA} --burst_id_list {BURST} --output_crs 3031 --product RTC_S1 --s3_bucket {PUBLIC} "
    "--collection s1_rtc_c1 --s3_project_folder experimental/nrb --link_static_layers "
    f"--linked_static_layers_s3_bucket {PUBLIC} --linked_static_layers_collection s1_rtc_static_c1 "
    "--linked_static_layers_s3_project_folder experimental/static-layers"
)
# What each leaves in the bucket of RTCFLOW_BUCKET: folder, number of bursts.
TO_THE_DEFAULT_BUCKET = {
    f"--scene {ANTARCTICA} --output_crs 3031": ("experimental/s1_rtc_c1", 9),
    f"--scene {ANTARCTICA} --output_crs 3031 --burst_id_list {BURST}": ("experimental/s1_rtc_c1", 1),
    f"--scene {AUSTRALIA}": ("experimental/s1_rtc_c1", 9),
    f"--scene {ANTARCTICA} --output_crs 3031 --product RTC_S1_STATIC --collection s1_rtc_static_c1 "
    '--s3_project_folder "experimental"': ("experimental/s1_rtc_static_c1", 9),
}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """Both scenes at ASF; orbits, DEM tiles and geoid in folders; returns the environment that names them."""
    folder = tmp_path_factory.mktemp("inputs")
    samples = [
        write_sample(folder / scene[-4:], spec_of_scene(scene, bursts=3, lines=64, samples=512))
        for scene in (ANTARCTICA, AUSTRALIA)
    ]
    for kind in ("orbits", "dem"):
        (folder / kind).mkdir()
        lists: dict[str, str] = {}
        for sample in samples:
            for path in sorted((sample.folder / kind).rglob("*")):
                target = folder / kind / path.relative_to(sample.folder / kind)
                if path.is_dir():
                    target.mkdir(exist_ok=True)
                elif path.suffix == ".txt":
                    lists[path.name] = lists.get(path.name, "") + path.read_text()
                else:
                    os.link(path, target)
        for name, text in lists.items():
            (folder / kind / name).write_text(text)
    asf = AsfArchive(samples[0].safe, samples[1].safe)
    yield asf.environment | {
        "ORBIT_SOURCE": str(folder / "orbits"),
        "DEM_SOURCE": str(folder / "dem"),
        "GEOID_SOURCE": str(samples[0].geoid),
    }
    asf.close()


@pytest.fixture
def run(endpoint, inputs, tmp_path):
    """Runs the image's entrypoint, or `rtcflow scene`, with a command line; returns its output."""

    def running(line, program=("-m", "rtcflow.entrypoint"), code=0, **environment):
        given = {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_DEFAULT_REGION": "us-east-1",
            "RTCFLOW_CACHE": "off",
            # The mounted volume.
            "RTCFLOW_WORK_DIR": str(tmp_path / "working"),
            "NETRC": str(tmp_path / "no-netrc"),
        }
        done = subprocess.run(
            [sys.executable, *program, *shlex.split(line)],
            env=os.environ | given | inputs | environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stderr
        left = [path.name for path in (tmp_path / "working").iterdir() if path.is_dir()]
        assert left == []
        return done.stdout + done.stderr

    return running


def items(s3, bucket, prefix):
    """Items by burst id, each with its key."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix}/")
    found = [entry["Key"] for page in pages for entry in page.get("Contents", ())]
    return {
        key.removeprefix(f"{prefix}/").split("/")[0]: (
            key,
            json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read()),
        )
        for key in found
        if key.endswith("/metadata.json")
    }


@pytest.mark.parametrize("number", range(len(TO_THE_DEFAULT_BUCKET)))
def test_an_example_without_a_bucket_writes_to_the_default_one(run, s3_of, number):
    line, (folder, bursts) = list(TO_THE_DEFAULT_BUCKET.items())[number]
    bucket = f"example-{number}"
    s3 = s3_of(bucket)
    run(line, RTCFLOW_BUCKET=bucket)
    found = items(s3, bucket, folder)
    assert len(found) == bursts
    if ANTARCTICA in line:
        assert {item["assets"]["mask"]["proj:code"] for _, item in found.values()} == {"EPSG:3031"}


@pytest.mark.parametrize("program", [("-m", "rtcflow.entrypoint"), ("-m", "rtcflow.cli.app", "scene")])
def test_static_layers_are_made_and_linked(run, s3_of, program):
    s3 = s3_of(PUBLIC)
    for key in [e["Key"] for e in s3.list_objects_v2(Bucket=PUBLIC).get("Contents", ())]:
        s3.delete_object(Bucket=PUBLIC, Key=key)
    run(STATIC_LINE, program)
    run(NRB_LINE, program)
    key, item = items(s3, PUBLIC, "experimental/nrb/s1_rtc_c1")[BURST]
    assert key == f"experimental/nrb/s1_rtc_c1/{BURST}/2022/1/1/metadata.json"
    backscatter, looks = item["assets"]["HH"], item["assets"]["number_of_looks"]
    assert backscatter["href"].startswith(f"s3://{PUBLIC}/experimental/nrb/s1_rtc_c1/{BURST}/2022/1/1/")
    assert looks["href"].startswith(f"s3://{PUBLIC}/experimental/static-layers/s1_rtc_static_c1/{BURST}/")
    for name in ("proj:code", "proj:shape", "proj:transform"):
        assert backscatter[name] == looks[name]
    assert backscatter["proj:code"] == "EPSG:3031"
    assert backscatter["proj:transform"][0] == 20


REMA_LINE = f"--scene {ANTARCTICA} --output_crs 3031 --burst_id_list {BURST} --s3_bucket heights"


def manifest_of(s3, bucket, key):
    return json.loads(s3.get_object(Bucket=bucket, Key=key.replace("metadata", "manifest"))["Body"].read())


@pytest.mark.parametrize("spelled", ["--dem best", "--dem-type best", "--dem REMA_32"])
def test_in_antarctica_the_best_dem_is_rema_and_the_product_records_it(run, s3_of, spelled, tmp_path):
    s3, collection = s3_of("heights"), spelled.strip("-").replace(" ", "-").lower()
    run(f"{REMA_LINE} --collection {collection} {spelled}")
    key, item = items(s3, "heights", f"experimental/{collection}")[BURST]
    manifest = manifest_of(s3, "heights", key)
    assert manifest["parameters"]["dem_used"] == "rema_32"
    sources = item["properties"]["rtcflow:dem_sources"]
    assert sources == manifest["parameters"]["dem_sources"]
    assert sources[0]["name"] == "rema_32"
    assert sources[0]["version"] == "v2.0"
    assert "Polar Geospatial Center" in sources[0]["attribution"]
    assert sum(source["share"] for source in sources) == pytest.approx(1.0, abs=1e-6)
    assert any(link["rel"] == "dem-source" and "32m_v2.0" in link["title"] for link in item["links"])
    (h5,) = (file["name"] for file in manifest["files"] if file["name"].endswith(".h5"))
    s3.download_file("heights", f"{key.rpartition('/')[0]}/{h5}", str(tmp_path / h5))
    with h5py.File(tmp_path / h5) as file:
        assert "rema_32: " in file["metadata/processingInformation/inputs/demSource"][()].decode()
    # It is OPERA's id, which does not name the DEM.
    assert "rema" not in manifest["product_id"].lower()


def test_another_dem_in_the_place_of_a_product_is_refused_and_the_product_stays(run, s3_of):
    s3 = s3_of("heights")
    line = f"{REMA_LINE} --collection one-place"
    run(f"{line} --dem best")
    key, item = items(s3, "heights", "experimental/one-place")[BURST]
    said = run(line, code=65)
    assert "DEM rema_32, not cop_glo30" in said
    assert items(s3, "heights", "experimental/one-place")[BURST] == (key, item)
    run(f"{line} --dem rema_32")
    assert items(s3, "heights", "experimental/one-place")[BURST] == (key, item)


def test_static_layers_of_another_dem_are_not_linked(run, s3_of, inputs, tmp_path):
    s3 = s3_of("heights")
    run(f"{REMA_LINE} --collection statics --product RTC_S1_STATIC --dem REMA_32")
    linked = (
        f"{REMA_LINE} --collection linking --link_static_layers --linked_static_layers_s3_bucket heights "
        "--linked_static_layers_collection statics"
    )
    assert "it was made with DEM rema_32, not cop_glo30" in run(linked, code=65)
    assert not items(s3, "heights", "experimental/linking")
    # If REMA is not available, best is GLO-30, which only the task knows.
    glo30 = tmp_path / "glo30"
    glo30.mkdir()
    for path in Path(inputs["DEM_SOURCE"]).iterdir():
        if path.name != "rema":
            (glo30 / path.name).symlink_to(path)
    said = run(f"{linked} --dem best", code=65, DEM_SOURCE=str(glo30))
    assert "were made with DEM rema_32, and this burst uses cop_glo30" in said
    run(f"{linked} --dem best")
    assert set(items(s3, "heights", "experimental/linking")) == {BURST}


def test_bursts_may_be_several_words_or_a_file_and_hyphens_underscores(run, s3_of, tmp_path):
    s3 = s3_of("spellings")
    words = f"--scene {ANTARCTICA} --output-crs 3031 --s3-bucket spellings --burst_id_list"
    run(f"{words} {BURST} t070_149814_iw1 --collection several")
    (tmp_path / "bursts.txt").write_text(f"{BURST}\nt070_149814_iw1\n")
    run(f"{words} {tmp_path}/bursts.txt --collection local")
    s3.upload_file(str(tmp_path / "bursts.txt"), "spellings", "lists/bursts.txt")
    run(f"{words} s3://spellings/lists/bursts.txt --collection remote")
    for collection in ("several", "local", "remote"):
        assert set(items(s3, "spellings", f"experimental/{collection}")) == {BURST, "t070_149814_iw1"}


def test_the_examples_are_those_of_the_reference(shared):
    text = (Path(shared) / "cases" / "seed-examples.md").read_text().replace("\\\n", " ")
    lines = [" ".join(line.split()) for line in text.splitlines() if line.startswith("    --scene")]
    mine = [*TO_THE_DEFAULT_BUCKET, STATIC_LINE, NRB_LINE]
    # Options in any order.
    assert [sorted(shlex.split(line)) for line in lines] == [sorted(shlex.split(line)) for line in mine]
