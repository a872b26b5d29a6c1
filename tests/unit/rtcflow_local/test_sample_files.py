import hashlib
import json
import math
from pathlib import Path

import numpy as np
import pytest
import rasterio
import xarray_sentinel
import xmlschema

from rtcflow_contract.scene_id import parse_scene_id
from rtcflow_local.sample import SampleSpec, read_sample, write_sample
from rtcflow_local.sample.copernicus_tiles import TileCorner, tiles_around
from rtcflow_safe.annotation import Annotation
from rtcflow_safe.safe_manifest import read_manifest

SCHEMAS = Path(xarray_sentinel.__file__).parent / "resources" / "sentinel1"
# SAFE path pattern and ESA's schema for it.
ANNOTATION_SCHEMAS = {
    "annotation/*.xml": "s1-level-1-product.xsd",
    "annotation/calibration/calibration-*.xml": "s1-level-1-calibration.xsd",
    "annotation/calibration/noise-*.xml": "s1-level-1-noise.xsd",
    "annotation/rfi/*.xml": "s1-level-1-rfi.xsd",
}


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_writing_twice_gives_the_same_bytes(tiny_sample, tmp_path):
    write_sample(tmp_path, SampleSpec.tiny())
    assert digests(tmp_path) == digests(tiny_sample.folder)


def test_another_seed_gives_other_pixels_and_another_scene_id(tiny_sample, tmp_path):
    other = write_sample(tmp_path, SampleSpec.tiny(seed=2))
    assert other.scene[:-4] == tiny_sample.scene[:-4]
    assert other.scene != tiny_sample.scene


def test_the_sample_reads_back_from_its_folder(tiny_sample):
    assert read_sample(tiny_sample.folder) == tiny_sample


def test_the_scene_id_is_valid(tiny_sample):
    scene = parse_scene_id(tiny_sample.scene)
    assert scene.platform == "S1A"
    assert scene.polarizations == tiny_sample.polarizations


def test_planning_finds_the_bursts_in_manifest_and_annotation(tiny_sample):
    manifest = read_manifest((tiny_sample.safe / "manifest.safe").read_bytes())
    found: dict[str, list[str]] = {}
    for name in manifest.annotation_names():
        for burst in Annotation((tiny_sample.safe / name).read_bytes()).bursts(manifest.relative_orbit):
            found.setdefault(f"{burst.swath}-{burst.polarization}", []).append(burst.burst_id)
    assert found == {
        f"{swath}-{polarization}": list(ids)
        for swath, ids in tiny_sample.bursts.items()
        for polarization in tiny_sample.polarizations
    }


@pytest.mark.parametrize("pattern", ANNOTATION_SCHEMAS)
def test_annotation_is_valid_by_esas_schema(tiny_sample, pattern):
    schema = xmlschema.XMLSchema(str(SCHEMAS / ANNOTATION_SCHEMAS[pattern]))
    paths = sorted(tiny_sample.safe.glob(pattern))
    assert len(paths) == 4
    for path in paths:
        schema.validate(str(path))


def test_the_manifest_lists_every_file_with_size_and_checksum(tiny_sample):
    text = (tiny_sample.safe / "manifest.safe").read_text()
    for path in tiny_sample.safe.rglob("*"):
        if path.is_file() and path.name != "manifest.safe":
            assert f"./{path.relative_to(tiny_sample.safe).as_posix()}" in text
            assert f'size="{path.stat().st_size}"' in text
            assert hashlib.md5(path.read_bytes()).hexdigest() in text


def test_the_orbit_file_has_a_vector_every_ten_seconds_for_26_hours(tiny_sample):
    text = tiny_sample.orbit.read_text()
    assert '<List_of_OSVs count="9361">' in text
    assert text.count("<OSV>") == 9361
    assert f"<File_Name>{tiny_sample.orbit.stem}</File_Name>" in text


def test_measurement_is_complex_int16_in_strips_of_a_line_at_the_annotated_offset(tiny_sample):
    (path,) = tiny_sample.safe.glob("measurement/*-iw1-slc-vv-*.tiff")
    (annotation,) = tiny_sample.safe.glob("annotation/*-iw1-slc-vv-*.xml")
    offset = int(annotation.read_text().split("<byteOffset>")[1].split("<")[0])
    with rasterio.open(path) as tiff:
        assert tiff.dtypes == ("complex_int16",)
        assert tiff.block_shapes == [(1, tiff.width)]
        assert len(tiff.gcps[0]) == 63
        pixels = tiff.read(1)
    raw = np.frombuffer(path.read_bytes()[offset:], "<i2").reshape(*pixels.shape, 2)
    np.testing.assert_array_equal(raw[..., 0] + 1j * raw[..., 1], pixels)


def test_pixels_outside_the_valid_samples_are_zero(tiny_sample):
    (path,) = tiny_sample.safe.glob("measurement/*-iw2-slc-vh-*.tiff")
    with rasterio.open(path) as tiff:
        burst = tiff.read(1)[:240]
    assert not burst[:3].any()
    assert not burst[-3:].any()
    assert not burst[:, :36].any()
    assert not burst[:, -36:].any()
    assert (burst[3:-3, 36:-36] == 0).mean() < 0.01


def test_tiles_have_copernicus_names_and_layout(tiny_sample):
    assert tiny_sample.tiles == (
        "Copernicus_DSM_COG_10_S35_00_E150_00_DEM",
        "Copernicus_DSM_COG_10_S35_00_E151_00_DEM",
    )
    assert (tiny_sample.dem / "tileList.txt").read_text().split() == list(tiny_sample.tiles)
    name = tiny_sample.tiles[0]
    with rasterio.open(tiny_sample.dem / name / f"{name}.tif") as tile:
        assert tile.shape == (3600, 3600)
        assert tile.tags()["AREA_OR_POINT"] == "Point"
        assert tile.xy(0, 0) == pytest.approx((150.0, -34.0), abs=1e-9)


@pytest.mark.parametrize(
    ("latitude", "columns"),
    [(-35, 3600), (49, 3600), (50, 2400), (-51, 2400), (-70, 1800), (-71, 1200), (80, 720)],
)
def test_longitude_spacing_widens_towards_the_poles(latitude, columns):
    assert TileCorner(latitude, 10).columns() == columns


def test_tiles_around_the_antimeridian_lie_on_both_sides():
    tiles = tiles_around([(-18.5, 179.99)], 5000.0)
    assert tiles == [TileCorner(-19, -180), TileCorner(-19, 179)]


def test_reflectors_stand_on_the_dem_plus_geoid_up_to_the_slope_between_postings(tiny_sample):
    truth = json.loads(tiny_sample.truth.read_text())
    assert len(truth["targets"]) == 12
    with rasterio.open(tiny_sample.geoid) as geoid:
        for target in truth["targets"]:
            lat, lon = target["latitude"], target["longitude"]
            name = TileCorner(math.floor(lat), math.floor(lon)).name
            with rasterio.open(tiny_sample.dem / name / f"{name}.tif") as tile:
                (height,) = next(tile.sample([(lon, lat)]))
            (undulation,) = next(geoid.sample([(lon, lat)]))
            assert target["height"] == pytest.approx(float(height + undulation), abs=1.0)


def test_the_land_cover_raster_shows_every_class(tiny_sample):
    truth = json.loads(tiny_sample.truth.read_text())
    with rasterio.open(tiny_sample.land_cover) as raster:
        found = set(np.unique(raster.read(1)).tolist())
    assert found == {entry["number"] for entry in truth["classes"]}


def test_the_sea_variant_has_no_tiles(tmp_path):
    sample = write_sample(tmp_path, SampleSpec.tiny(variant="sea", swaths=("iw2",), bursts=1))
    assert sample.tiles == ()
    assert (sample.dem / "tileList.txt").read_text() == ""


def test_the_polar_variant_is_hh_hv_in_antarctica_or_hh_alone(tmp_path):
    spec = SampleSpec.tiny(variant="polar", swaths=("iw2",), bursts=1)
    sample = write_sample(tmp_path / "dual", spec)
    assert sample.polarizations == ("HH", "HV")
    assert "_1SDH_" in sample.scene
    assert all("_S7" in name or "_S6" in name for name in sample.tiles)
    single = write_sample(
        tmp_path / "single",
        SampleSpec.tiny(variant="polar", polarization="SH", swaths=("iw2",), bursts=1, lines=64),
    )
    assert "_1SSH_" in single.scene
    assert len(list(single.safe.glob("measurement/*.tiff"))) == 1
