"""Folders that cannot be written: refused in one sentence before the work, nothing lost and nothing left.

A home, a cache or a folder for temporary files that cannot be written costs no product.
"""

import os
import shutil
import sqlite3
import subprocess
import sys
from typing import NamedTuple

import pytest

from tests.support.read_only import not_permitted, read_only

PROGRAM = [sys.executable, "-m", "rtcflow.cli.app"]
PERIOD = ["--start", "2023-01-01", "--end", "2023-02-01"]
AREA = (
    '{"type": "Feature", "properties": {"name": "here"}, "geometry": {"type": "Polygon", "coordinates":'
    " [[[150, -36], [152, -36], [152, -34], [150, -34], [150, -36]]]}}"
)


class Made(NamedTuple):
    """What commands are given: options of a burst, and products that they read."""

    burst: list
    scene: list
    inputs: list
    product: object
    static: object
    products: object
    versions: object
    inventory: object
    safe: object


def run(*words, before=(), **environment):
    return subprocess.run(
        [*before, *PROGRAM, *map(str, words)],
        env=os.environ | {name: str(value) for name, value in environment.items()},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def succeed(*words, **kept):
    done = run(*words, **kept)
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def made(tiny_sample, tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    inputs = ["--orbit", tiny_sample.orbit, "--dem", tiny_sample.dem, "--geoid", tiny_sample.geoid]
    inputs += ["--resolution", 40, "--engine", "native"]
    burst_id = tiny_sample.bursts["iw2"][0]
    burst = ["burst", "--safe", tiny_sample.safe, *inputs, "--burst-id", burst_id]
    scene = ["scene", "--safe", tiny_sample.safe, *inputs, "--burst-id-list", burst_id]
    products, static, inventory = folder / "products", folder / "static", folder / "inventory"
    succeed(*burst, "--out", products)
    succeed(*burst, "--out", static, "--product", "RTC_S1_STATIC")
    succeed("inventory", "build", products, "--inventory", inventory)
    (product,) = (path.parent for path in products.rglob("manifest.json"))
    shutil.copytree(products, folder / "versions")
    succeed(*burst, "--out", folder / "versions", "--on-existing", "beside", "--product-version", "0.2")
    return Made(
        burst,
        scene,
        inputs,
        product,
        static / burst_id,
        products,
        folder / "versions",
        inventory,
        tiny_sample.safe,
    )


@pytest.fixture
def around(tmp_path):
    """A folder that cannot be written, and one that can, with what commands read beside."""
    (tmp_path / "closed").mkdir()
    (tmp_path / "area.geojson").write_text(AREA)
    (tmp_path / "targets.csv").write_text("name,longitude,latitude\na,150,-35\n")
    with sqlite3.connect(tmp_path / "bursts.sqlite") as database:
        columns = "burst_id_jpl TEXT, epsg INTEGER, xmin REAL, ymin REAL, xmax REAL, ymax REAL"
        database.execute(f"CREATE TABLE burst_id_map ({columns})")
        database.execute(
            "INSERT INTO burst_id_map VALUES ('t147_314884_iw2', 32755, 640005, 6050010, 740020, 6110000)"
        )
    database.close()
    return tmp_path


# By name: words of the command; {closed} is the folder that cannot be written.
REFUSED = {
    "burst": lambda m, t: [*m.burst, "--out", t / "closed"],
    "burst, a new folder": lambda m, t: [*m.burst, "--out", t / "closed" / "a" / "b"],
    "burst, --work-dir": lambda m, t: [*m.burst, "--out", t / "open", "--work-dir", t / "closed"],
    "burst, --work-dir elsewhere": lambda m, t: [
        *m.burst, "--out", t / "closed", "--work-dir", t / "open",
    ],
    "burst from an archive": lambda m, t: [
        "burst", "--scene", m.safe.stem, *m.inputs, "--burst-id", "t147_314884_iw2", "--out", t / "closed",
    ],
    "scene": lambda m, t: [*m.scene, "--out", t / "closed"],
    "scene, --report": lambda m, t: [*m.scene, "--out", t / "open", "--report", t / "closed" / "r.html"],
    "scene, --static": lambda m, t: [
        *m.scene, "--out", t / "open", "--static", t / "closed", "--on-missing-static", "create",
    ],
    "stack": lambda m, t: ["stack", *PERIOD, "--area", t / "area.geojson", "--out", t / "closed"],
    "stack, a list": lambda m, t: [
        "stack", *PERIOD, "--area", t / "area.geojson", "--out", t / "open",
        "--campaign-list", t / "closed" / "list.jsonl",
    ],
    "search": lambda m, t: ["search", *PERIOD, "--area", t / "area.geojson", "--out", t / "closed" / "f.csv"],
    "search, --map": lambda m, t: [
        "search", *PERIOD, "--area", t / "area.geojson", "--map", t / "closed" / "m.html",
    ],
    "sample": lambda m, t: ["sample", t / "closed", "--size", "tiny"],
    "report": lambda m, t: [
        "report", "arn:aws:states:us-east-1:123456789012:execution:a:b", "--out", t / "closed" / "r.html",
    ],
    "campaign plan": lambda m, t: [
        "campaign", "plan", "--aoi", t / "area.geojson", *PERIOD, "--out", t / "closed" / "c",
    ],
    "inventory build": lambda m, t: ["inventory", "build", m.products, "--inventory", t / "closed"],
    "inventory --to": lambda m, t: ["inventory", "--inventory", m.inventory, "--to", t / "closed"],
    "inventory sql": lambda m, t: [
        "inventory", "sql", "SELECT 1", "--inventory", m.inventory, "--out", t / "closed" / "a.csv",
    ],
    "inventory, --map": lambda m, t: [
        "inventory", "bursts", "--inventory", m.inventory, "--map", t / "closed" / "m.html",
    ],
    "inventory archive": lambda m, t: [
        "inventory", "archive", *PERIOD, "--inventory", m.inventory, "--out", t / "closed" / "a.csv",
    ],
    "convert": lambda m, t: ["convert", m.product, m.static, "--to", "sigma0", "--out", t / "closed"],
    "compare, --json": lambda m, t: ["compare", m.product, m.product, "--json", t / "closed" / "d.json"],
    "compare, --picture": lambda m, t: ["compare", m.product, m.product, "--picture", t / "closed" / "d.png"],
    "accuracy": lambda m, t: [
        "accuracy", m.product, "--targets", t / "targets.csv", "--table", t / "closed" / "e.csv",
    ],
    "bursts": lambda m, t: ["bursts", "--safe", m.safe, "--geojson", t / "closed" / "b.geojson"],
    "grids import": lambda m, t: [
        "grids", "import", t / "bursts.sqlite", "--aoi", "110,-45,155,-10", "--to", t / "closed",
    ],
}  # fmt: skip


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refuses(done, folder, before):
    assert done.returncode == 65, done.stderr
    (said,) = done.stderr.strip().splitlines()
    assert said.startswith("refused: ")
    assert str(folder) in said
    assert "; give another" in said
    assert sorted(folder.parent.rglob("*")) == before


@pytest.mark.parametrize("command", REFUSED)
def test_a_read_only_disk_is_refused(command, made, around):
    words, before = REFUSED[command](made, around), sorted(around.rglob("*"))
    done = run(*words, before=read_only(around / "closed"))
    refuses(done, around / "closed", before)


@pytest.mark.parametrize("command", ["burst", "scene, --report", "sample", "convert", "grids import"])
def test_a_folder_of_another_user_is_refused(command, made, around):
    words, before = REFUSED[command](made, around), sorted(around.rglob("*"))
    done = run(*words, before=not_permitted(around / "closed"))
    refuses(done, around / "closed", before)


def test_a_burst_folder_that_cannot_be_written_gets_no_part_of_a_product(made, tmp_path):
    at = tmp_path / "out" / made.product.parents[2].name
    at.mkdir(parents=True)
    done = run(*made.burst, "--out", tmp_path / "out", before=read_only(at))
    assert done.returncode == 65
    (said,) = done.stderr.strip().splitlines()
    assert "give another folder" in said
    # The grid stays: it is the burst's from then on.
    assert [path.parts[-3] for path in (tmp_path / "out").rglob("*") if path.is_file()] == ["grids"]


def test_a_product_that_cannot_be_replaced_stays_whole(made):
    before = contents(made.product)
    done = run(
        *made.burst, "--out", made.products, "--on-existing", "replace", before=read_only(made.product)
    )
    assert done.returncode == 65
    assert len(done.stderr.strip().splitlines()) == 1
    assert contents(made.product) == before


@pytest.mark.parametrize("command", ["promote", "prune-versions"])
def test_versions_that_cannot_be_changed_are_named_and_stay(made, command):
    before = contents(made.versions)
    done = run(command, made.versions, "--version", "0.2", "--yes", before=read_only(made.versions))
    assert done.returncode == 65
    assert "cannot be written (Read-only file system)" in done.stdout + done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert contents(made.versions) == before


def test_home_caches_and_temporary_files_that_cannot_be_written_cost_no_product(made, tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir()
    kept = {"HOME": closed, "TMPDIR": closed, "XDG_CACHE_HOME": closed, "RTCFLOW_CACHE": closed}
    done = succeed(*made.burst, "--out", tmp_path / "out", before=read_only(closed), **kept)
    assert not done.stderr
    assert len(list((tmp_path / "out").rglob("metadata.json"))) == 1


def test_a_folder_for_temporary_files_that_is_absent_costs_no_product(made, tmp_path):
    away = tmp_path / "absent"
    succeed(*made.burst, "--out", tmp_path / "out", HOME=away, TMPDIR=away, XDG_CACHE_HOME=away)
    assert len(list((tmp_path / "out").rglob("metadata.json"))) == 1
