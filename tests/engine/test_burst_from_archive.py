"""`rtcflow burst` with only a scene id: the burst comes from ASF or CDSE, the product is that of the whole scene."""

import sys

import numpy as np
import pytest
import rasterio

from rtcflow.cli import app
from rtcflow_contract.keys import COLLECTION, GRIDS, MANIFEST, MONITORING
from rtcflow_contract.manifest import Manifest
from tests.support.archive_asf import PASSWORD, AsfArchive
from tests.support.archive_cdse import PASSWORD as CDSE_PASSWORD
from tests.support.archive_cdse import CdseArchive
from tests.support.archive_loopback import Fault

pytestmark = pytest.mark.engine


@pytest.fixture
def archives(archive_sample, monkeypatch, tmp_path):
    both = {"asf": AsfArchive(archive_sample.safe), "cdse": CdseArchive(archive_sample.safe)}
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))
    for archive in both.values():
        for name, value in archive.environment.items():
            monkeypatch.setenv(name, value)
    yield both
    for archive in both.values():
        archive.close()


def burst(monkeypatch, sample, out, *words, engine="native"):
    """Exit code of the program."""
    given = {
        "--burst-id": sample.bursts["iw2"][1],
        "--orbit": sample.orbit,
        "--dem": sample.dem,
        "--geoid": sample.geoid,
        "--engine": engine,
        "--out": out,
    }
    words = [*words, *(word for pair in given.items() for word in pair)]
    monkeypatch.setattr(sys, "argv", ["rtcflow", "burst", *map(str, words)])
    with pytest.raises(SystemExit) as caught:
        app.main()
    return caught.value.code or 0


def made(sample, out):
    (path,) = (out / sample.bursts["iw2"][1]).rglob(MANIFEST)
    return path.parent, Manifest.model_validate_json(path.read_bytes())


@pytest.fixture(scope="module")
def whole(archive_sample, tmp_path_factory):
    """Product of the burst from the whole scene."""
    out = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        assert burst(patch, archive_sample, out, "--safe", archive_sample.safe) == 0
    return made(archive_sample, out)


@pytest.mark.parametrize("source", ["asf", "cdse"])
def test_the_product_equals_that_of_the_whole_scene(
    archive_sample, archives, whole, monkeypatch, tmp_path, source, capfd
):
    ours = tmp_path / "ours"
    words = ("--scene", archive_sample.scene, "--scene-source", source)
    assert burst(monkeypatch, archive_sample, ours, *words) == 0
    (folder, manifest), (other, theirs) = made(archive_sample, ours), whole
    assert manifest.grid == theirs.grid
    assert manifest.acquisition == theirs.acquisition
    for name in ("VV", "VH", "mask"):
        (mine,), (its,) = folder.glob(f"*_{name}.tif"), other.glob(f"*_{name}.tif")
        with rasterio.open(mine) as one, rasterio.open(its) as two:
            assert np.array_equal(one.read(1), two.read(1), equal_nan=name != "mask")
    (reference,) = (ref for ref in manifest.inputs if ref.kind == "scene")
    host = archives["asf"].extractor.url if source == "asf" else archives["cdse"].s3.url
    assert reference.id == archive_sample.scene
    assert reference.href.startswith(host)
    assert manifest.resources.bytes_fetched > 2 * 64 * 512 * 4
    assert {path.name for path in ours.iterdir()} == {
        archive_sample.bursts["iw2"][1],
        COLLECTION,
        GRIDS,
        MONITORING,
    }
    streams = capfd.readouterr()
    written = b"".join(path.read_bytes() for path in ours.rglob("*") if path.is_file())
    for secret in (PASSWORD, CDSE_PASSWORD):
        assert secret.encode() not in written + (streams.out + streams.err).encode()


def test_the_archive_is_asked_for_a_scene_once_for_all_its_bursts(
    archive_sample, archives, monkeypatch, tmp_path
):
    words = ("--scene", archive_sample.scene, "--burst-id", "t147_000001_iw1")
    assert burst(monkeypatch, archive_sample, tmp_path, *words) == 65
    searches = [asked for asked in archives["asf"].cmr.asked if "CMR-Search-After" not in asked.headers]
    assert len(searches) == 1


def test_a_wrong_scene_or_source_is_one_sentence(archive_sample, archives, monkeypatch, tmp_path, capsys):
    told = {
        ("--scene", "nonsense"): "not a Sentinel-1 scene id",
        ("--scene", archive_sample.scene, "--scene-source", "usgs"): "use asf or cdse",
        ("--scene", archive_sample.scene, "--safe", archive_sample.safe): "either --safe",
        (): "either --safe",
        ("--scene", archive_sample.scene[:-4] + "1111"): "ASF has no scene",
        ("--scene", archive_sample.scene, "--burst-id", "t147_000001_iw1"): "t147_000001_iw1 is not in scene",
    }
    for words, sentence in told.items():
        assert burst(monkeypatch, archive_sample, tmp_path / "out", *words) == 65
        assert sentence in capsys.readouterr().err
    archives["asf"].extractor.faults = [Fault(".xml", 403)]
    assert burst(monkeypatch, archive_sample, tmp_path / "out", "--scene", archive_sample.scene) == 65
    assert "EARTHDATA_LOGIN" in capsys.readouterr().err
