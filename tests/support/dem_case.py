"""Small tiles and a small geoid in the layout of the real ones, and grids that need them."""

import numpy as np
import rasterio

from rtcflow_contract.grid import Grid

ROWS = 36
AUSTRALIA = Grid(epsg=32755, left=590_000, top=6_130_000, spacing=1000, rows=40, cols=60)
FIJI = Grid(epsg=32701, left=130_000, top=8_110_000, spacing=1000, rows=40, cols=60)
SEA = Grid(epsg=32701, left=500_000, top=6_110_000, spacing=1000, rows=10, cols=10)


def plane(lon, lat):
    """Heights that bilinear interpolation must give back exactly."""
    return 100.0 + 3.0 * lon + 7.0 * lat


def write_tile(folder, tile, cols=ROWS, heights=plane, nested=True, rows=ROWS, name=None):
    name = name or tile.name
    lons = tile.lon + np.arange(cols) / cols
    lats = tile.lat + 1 - np.arange(rows) / rows
    values = np.asarray(heights(lons[None, :], lats[:, None]), np.float32) * np.ones((rows, cols), np.float32)
    path = folder / name / f"{name}.tif" if nested else folder / f"{name}.tif"
    path.parent.mkdir(parents=True, exist_ok=True)
    west = (tile.lon + 180) % 360 - 180 - 0.5 / cols
    transform = rasterio.Affine(1 / cols, 0, west, 0, -1 / rows, tile.lat + 1 + 0.5 / rows)
    profile = {"driver": "GTiff", "width": cols, "height": rows, "count": 1, "dtype": "float32"}
    with rasterio.open(path, "w", crs="EPSG:4326", transform=transform, **profile) as out:
        out.write(values, 1)
    return path


def write_geoid(path, heights=lambda lon, lat: 0 * lon + 0 * lat, spacing=1.0):
    count = round(360 / spacing)
    lons = -180 + spacing * np.arange(count)
    lats = 90 - spacing * np.arange(count // 2 + 1)
    values = np.asarray(heights(lons[None, :], lats[:, None]), np.float32)
    transform = rasterio.Affine(spacing, 0, -180 - spacing / 2, 0, -spacing, 90 + spacing / 2)
    profile = {"driver": "GTiff", "width": count, "height": count // 2 + 1, "count": 1, "dtype": "float32"}
    with rasterio.open(path, "w", crs="EPSG:4326", transform=transform, **profile) as out:
        out.write(values, 1)
    return path
