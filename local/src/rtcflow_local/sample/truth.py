"""Truth of a scene, for tests of its products: land cover on a map grid, gamma0 by class, reflectors."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio.transform import Affine

from rtcflow_local.sample.acquisition import SimulatedAcquisition
from rtcflow_local.sample.cover import COVERS
from rtcflow_local.sample.geometry import ground_point
from rtcflow_local.sample.projection import LAID_OVER, SEEN, SHADOWED
from rtcflow_local.sample.reflectors import Target
from rtcflow_local.sample.terrain import PLAIN_HEIGHT
from rtcflow_local.sample.world import World

_PER_DEGREE = 3600
_MARGIN = 0.01  # degrees
_COVER_NAME = "land_cover.tif"
_TRUTH_NAME = "truth.json"


def write_truth(
    acquisition: SimulatedAcquisition,
    world: World,
    targets: list[Target],
    counts: dict[str, tuple[int, ...]],
    folder: Path,
) -> tuple[Path, Path]:
    """Write the land cover raster and truth.json into a folder; returns their paths.

    The raster is in EPSG:4326 with cells of one second of arc in latitude and the DEM's in longitude; across the
    antimeridian its longitudes continue beyond 180 degrees. Class numbers are those of truth.json.
    """
    folder.mkdir(parents=True, exist_ok=True)
    raster = folder / _COVER_NAME
    _write_cover(acquisition, world, raster)
    text = folder / _TRUTH_NAME
    text.write_text(json.dumps(_truth(acquisition, targets, counts), indent=2) + "\n")
    return raster, text


def _truth(
    acquisition: SimulatedAcquisition, targets: list[Target], counts: dict[str, tuple[int, ...]]
) -> dict[str, Any]:
    polarizations = acquisition.spec.polarizations
    covers = COVERS[acquisition.spec.place.cover]
    return {
        "classes": [
            {
                "number": number,
                "name": cover.name,
                "gamma0_db": {p: cover.co_db if p[0] == p[1] else cover.cross_db for p in polarizations},
            }
            for number, cover in enumerate(covers)
        ],
        "targets": [
            {
                "burst_id": target.burst_id,
                "latitude": target.latitude,
                "longitude": target.longitude,
                "height": target.height,
                "line": target.line,
                "sample": target.sample,
                "rcs_m2": {p: target.rcs(p) for p in polarizations},
            }
            for target in targets
        ],
        "bursts": {
            burst_id: {
                "shadow_part": seen[SHADOWED] / (seen[SEEN] + seen[SHADOWED]),
                "layover_part": seen[LAID_OVER] / (seen[SEEN] + seen[SHADOWED]),
            }
            for burst_id, seen in counts.items()
        },
    }


def outline(acquisition: SimulatedAcquisition) -> list[tuple[float, float]]:
    """Corners of all bursts, latitude and longitude in degrees."""
    return [
        ground_point(acquisition.orbit, time * 1e-6, distance, PLAIN_HEIGHT)[:2]
        for swath in acquisition.swaths
        for time in (swath.first_us, swath.last_us)
        for distance in (swath.near_range, swath.far_range)
    ]


def _write_cover(acquisition: SimulatedAcquisition, world: World, path: Path) -> None:
    points = np.array(outline(acquisition))
    turn = points[0, 1]
    lon = turn + (points[:, 1] - turn + 180) % 360 - 180
    south, north = points[:, 0].min() - _MARGIN, points[:, 0].max() + _MARGIN
    west, east = lon.min() - _MARGIN, lon.max() + _MARGIN
    per_lon = max(1, round(1 / np.cos(np.radians(points[:, 0].mean()))))
    step_lat, step_lon = 1 / _PER_DEGREE, per_lon / _PER_DEGREE
    north, west = np.ceil(north / step_lat) * step_lat, np.floor(west / step_lon) * step_lon
    rows, cols = int(np.ceil((north - south) / step_lat)), int(np.ceil((east - west) / step_lon))
    _, covers = world.grid(
        north - (np.arange(rows) + 0.5) * step_lat, west + (np.arange(cols) + 0.5) * step_lon
    )
    profile = {
        "driver": "GTiff",
        "height": rows,
        "width": cols,
        "count": 1,
        "dtype": "uint8",
        "crs": "EPSG:4326",
        "transform": Affine(step_lon, 0, west, 0, -step_lat, north),
        "compress": "deflate",
    }
    with rasterio.open(path, "w", **profile) as out:
        out.write(covers, 1)
