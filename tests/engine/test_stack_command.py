"""`rtcflow stack` on the loopback archive: passes are made, one fails, more are appended, opened and drawn.

`python -m benchmarks.stack` does the same with twelve passes of four bursts and one more, and measures it.
"""

import json
import shutil
import sys
from datetime import date

import numpy as np
import pytest
import rasterio
import xarray as xr

import rtcflow
from rtcflow.cli import app
from rtcflow_local.sample import SampleSpec, write_sample
from tests.support.archive_asf import AsfArchive, Fault
from tests.support.repeat_pass import repeat_pass

BOX = "150,-36,152,-34"
# Passes of 1 January, 25 January, 6 February and 18 February.
CYCLES = (2, 3, 4)


@pytest.fixture(scope="module")
def passes(tmp_path_factory):
    """Four passes of a track, with one burst per sub-swath; their orbits in one folder."""
    folder = tmp_path_factory.mktemp("passes")
    first = write_sample(
        folder / "first", SampleSpec(lines=160, samples=1200, bursts=1, day=date(2023, 1, 1))
    )
    made = [first, *(repeat_pass(first, cycle, folder / str(cycle)) for cycle in CYCLES)]
    (folder / "orbits").mkdir()
    for sample in made:
        shutil.copy(sample.orbit, folder / "orbits")
    return made


@pytest.fixture
def archive(passes, monkeypatch):
    made = AsfArchive(*(sample.safe for sample in passes))
    for name, value in made.environment.items():
        monkeypatch.setenv(name, value)
    yield made
    made.close()


@pytest.fixture
def stack(passes, archive, monkeypatch, capsys, tmp_path):
    inputs = {
        "--orbit-source": passes[-1].folder.parent / "orbits",
        "--dem-source": passes[0].dem,
        "--geoid": passes[0].geoid,
    }

    def run(*words, out="stack", end="2023-03-01"):
        options = [str(part) for pair in inputs.items() for part in pair]
        given = ["--bbox", BOX, "--start", "2023-01-01", "--end", end, "--out", str(tmp_path / out)]
        monkeypatch.setattr(sys, "argv", ["rtcflow", "stack", *given, *options, *map(str, words)])
        with pytest.raises(SystemExit) as caught:
            app.main()
        return caught.value.code or 0, capsys.readouterr()

    return run


def test_search_make_append_open(stack, passes, tmp_path):
    code, told = stack(end="2023-01-31")
    assert code == 0, told.err
    cube = rtcflow.open_stack(tmp_path / "stack" / "cube.zarr")
    assert cube.sizes["time"] == 2
    assert cube.scene.values.tolist() == [sample.scene for sample in passes[:2]]

    # A month later, and one more: both are appended.
    for end, made in (
        ("2023-02-10", "2 bursts made, 4 existed"),
        ("2023-03-01", "2 bursts made, 6 existed"),
    ):
        code, told = stack(end=end)
        assert code == 0, told.err
        assert made in told.out
        assert "(1 new)" in told.out
    cube = rtcflow.open_stack(tmp_path / "stack" / "cube.zarr").load()
    assert cube.sizes["time"] == 4
    # The passes have the same pixels, a cycle apart.
    for time in range(1, 4):
        np.testing.assert_allclose(cube.VV.isel(time=time), cube.VV.isel(time=0), rtol=1e-3)
    xr.testing.assert_equal(
        cube[["VV", "VH", "mask"]],
        rtcflow.open_stack(tmp_path / "stack" / "products")[["VV", "VH", "mask"]].load(),
    )

    # Pixels are those of the product, static layers were made once, and each burst's angle is there.
    [path] = (tmp_path / "stack" / "products").glob("*_iw1/2023/1/1/*_VV.tif")
    with rasterio.open(path) as product:
        values, box = product.read(1), product.bounds
    here = cube.VV.isel(time=0).sel(x=slice(box.left, box.right), y=slice(box.top, box.bottom))
    np.testing.assert_array_equal(here.values, values)
    assert len(list((tmp_path / "stack" / "static").glob("*/manifest.json"))) == 2
    valid = np.isfinite(cube.VV.isel(time=0))
    assert np.isfinite(cube.local_incidence_angle.isel(angle_orbit=0).values[valid.values]).all()

    page = (tmp_path / "stack" / "report.html").read_text()
    assert page.count('class="point ok"') == 4
    assert "data:image/png;base64," in page
    assert sorted(path.name for path in (tmp_path / "stack").iterdir()) == [
        "cube.zarr", "products", "report.html", "static",
    ]  # fmt: skip


def test_a_failing_pass_does_not_stop_others_and_is_made_by_the_next_run(stack, passes, archive, tmp_path):
    archive.extractor.faults.append(Fault(at=f"/{passes[0].scene}/IW1/VV/", status=404, lasting=True))
    # The whole scene, from which a burst is cut if the extractor does not deliver it.
    archive.datapool.faults.append(Fault(at=passes[0].scene, status=404, lasting=True))
    code, told = stack(end="2023-01-31")
    assert code == 65
    assert passes[0].scene.split("_")[-3] in told.err
    cube = rtcflow.open_stack(tmp_path / "stack" / "cube.zarr").load()
    assert cube.sizes["time"] == 2
    archive.extractor.faults.clear()
    code, told = stack(
        end="2023-01-31",
    )
    assert code == 0, told.err
    # The same burst of another pass waits too if its static layers could not be made from the first.
    assert "0 bursts made" not in told.out
    whole = rtcflow.open_stack(tmp_path / "stack" / "cube.zarr")
    assert int(np.isfinite(whole.VV.isel(time=0)).sum()) > int(np.isfinite(cube.VV.isel(time=0)).sum())


def test_dry_run_and_campaign_list_make_nothing(stack, passes, tmp_path):
    code, told = stack("--dry-run")
    assert code == 0
    assert "4 passes, 8 bursts of 2 burst ids" in told.out
    code, _ = stack("--campaign-list", tmp_path / "list.jsonl")
    assert code == 0
    lines = [json.loads(line) for line in (tmp_path / "list.jsonl").read_text().splitlines()]
    assert [line["scene"] for line in lines] == [sample.scene for sample in passes]
    assert all(len(line["burst_id_list"]) == 2 for line in lines)
    assert not (tmp_path / "stack").exists()


@pytest.mark.parametrize(
    ("words", "word"),
    [
        (("--output-crs", "x"), "EPSG"),
        (("--burst-id", "t001_000001_iw1"), "no matching burst"),
        (("--scene-source", "esa"), "asf"),
        (("--dem", "srtm"), "dem"),
        (("--out", "s3://bucket/stack"), "folder of this machine"),
        (("--orbit-source", "nowhere"), "orbits nowhere does not exist"),
        (("--output-crs", "4326"), "in degrees"),
        (("--area", "x.geojson"), "--bbox"),
    ],
)
def test_bad_input_is_one_sentence_and_leaves_nothing(stack, tmp_path, words, word):
    code, told = stack(*words)
    assert code == 65
    assert word in told.err
    assert "Traceback" not in told.err
    assert not (tmp_path / "stack").exists()


def test_another_area_in_the_same_folder_is_refused_before_anything_is_made(stack, tmp_path):
    (tmp_path / "stack").mkdir()
    (tmp_path / "stack" / "cube.zarr").write_text("mine")
    code, told = stack()
    assert code == 65
    assert "not a cube" in told.err
    assert [path.name for path in (tmp_path / "stack").iterdir()] == ["cube.zarr"]
