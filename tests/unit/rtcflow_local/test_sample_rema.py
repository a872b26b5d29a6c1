"""REMA tiles of a sample: the archive's layout, the terrain of the scene above the ellipsoid, void over sea."""

import json
import math

import numpy as np
import rasterio
from pyproj import Transformer

from rtcflow_contract.dem import DEMS
from rtcflow_local.sample import SampleSpec
from rtcflow_local.sample.acquisition import plan_acquisition
from rtcflow_local.sample.rema_tiles import write_rema
from rtcflow_local.sample.terrain import relief
from rtcflow_local.sample.truth import outline
from rtcflow_local.sample.world import build_world

SMALL = {"lines": 64, "samples": 512, "bursts": 1, "swaths": ("iw2",)}


def written(folder, **spec):
    acquisition = plan_acquisition(SampleSpec(**SMALL, **spec))
    world = build_world(acquisition)
    write_rema(world, outline(acquisition), 4_000.0, folder)
    return world, sorted(folder.rglob("*_dem.tif"))


def test_tiles_lie_as_in_the_archive_and_hold_the_terrain_above_the_ellipsoid(tmp_path):
    world, tiles = written(tmp_path, variant="polar")
    spec = DEMS["rema_32"]
    assert tiles
    land = 0
    for path in tiles:
        row, col = map(int, path.name.split("_")[:2])
        assert path == tmp_path / spec.tiling.path.format(row=row, col=col, part="")
        with rasterio.open(path) as source:
            assert source.crs.to_epsg() == 3031
            assert source.res == (32, 32)
            assert source.bounds.left == spec.tiling.west + col * 1e5 - 96
            assert source.bounds.top == spec.tiling.south + (row + 1) * 1e5 + 96
            values = source.read(1, masked=True)
            rows, cols = np.nonzero(~values.mask)
            some = np.linspace(0, rows.size - 1, 50).astype(int)
            x, y = source.xy(rows[some], cols[some])
        lon, lat = Transformer.from_crs(3031, 4326, always_xy=True).transform(x, y)
        expected = [world.surface(*place)[0] for place in zip(lat, lon, strict=True)]
        np.testing.assert_allclose(values[rows[some], cols[some]], expected, atol=1e-3)
        land += rows.size
        item = json.loads(path.with_name(path.name.replace("_dem.tif", ".json")).read_text())
        assert item["assets"]["dem"]["href"] == f"./{path.name}"
    assert land > 10_000


def test_the_sea_is_void(tmp_path):
    world, tiles = written(tmp_path, variant="polar")
    for path in tiles:
        with rasterio.open(path) as source:
            values = source.read(1, masked=True)
            rows, cols = np.nonzero(~values.mask)
            x, y = source.xy(rows[::997], cols[::997])
        lon, lat = Transformer.from_crs(3031, 4326, always_xy=True).transform(x, y)
        for place in zip(lat, lon, strict=True):
            height, _ = relief(math.radians(place[0]), math.radians(place[1]), world.frame, world.stages)
            assert height > 0


def test_north_of_60_s_there_are_none(tmp_path):
    assert written(tmp_path, variant="coast")[1] == []
