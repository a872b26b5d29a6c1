"""Height and land cover at any latitude and longitude in closed form, so that truth and pixels need no grid.

Every burst gets a stage: from west to east steep ridges (layover and shadow), hills (slopes of all directions up to
25 degrees, half forest, half pasture), and a plain with parcels, a lake and a city; the easternmost sub-swath ends in
a coast. Outside the stages there is a plain. All shapes are smooth over several DEM postings, except the coastline.
"""

import math

import numpy as np
from numba import njit

from rtcflow_local.sample.cover import CITY, FIELD_A, FIELD_B, FIELD_C, FOREST, LAKE, PASTURE, ROCK, SEA

PLAIN_HEIGHT = 50.0  # m above the geoid
HIGHEST = 900.0  # m, an upper limit
_RIDGE_HEIGHT, _RIDGE_WIDTH, _RIDGE_SPACING = 800.0, 250.0, 3800.0
_HILL_HEIGHT, _HILL_ACROSS, _HILL_ALONG = 130.0, 1900.0, 2300.0
_RAMP = 500.0  # m over which a zone begins
_COAST_RAMP = 1200.0

# Fields of the frame array.
LAT0, LON0, PER_LON, PER_LAT, SIN_HEADING, COS_HEADING, EAST_SIGN, COAST_EAST = range(8)
# Fields of a row of the stages array: centre (across, along) and half sizes, m.
ACROSS, ALONG, HALF_ACROSS, HALF_ALONG = range(4)


@njit(cache=True, nogil=True)
def _rise(x: float) -> float:
    """Rise from 0 to 1 over [0, 1] with two continuous derivatives."""
    if x <= 0:
        return 0.0
    if x >= 1:
        return 1.0
    return x * x * x * (x * (6 * x - 15) + 10)


@njit(cache=True, nogil=True)
def to_stage_plane(lat: float, lon: float, frame: np.ndarray) -> tuple[float, float]:
    """Metres across the track, to the right, and along it, of latitude and longitude in radians."""
    turn = lon - frame[LON0]
    if turn > math.pi:
        turn -= 2 * math.pi
    elif turn < -math.pi:
        turn += 2 * math.pi
    x = turn * frame[PER_LON]
    y = (lat - frame[LAT0]) * frame[PER_LAT]
    return x * frame[COS_HEADING] - y * frame[SIN_HEADING], x * frame[SIN_HEADING] + y * frame[COS_HEADING]


@njit(cache=True, nogil=True)
def _parcel(east: float, along: float) -> int:
    column, row = math.floor(east / 900.0), math.floor(along / 750.0)
    turn = (3 * column + 5 * row + column * row) % 4
    if turn == 0:
        return FIELD_A
    if turn == 1:
        return FIELD_B
    return FIELD_C if turn == 2 else PASTURE


@njit(cache=True, nogil=True)
def _on_stage(east: float, along: float, half_across: float, half_along: float) -> tuple[float, int]:
    """Height above the plain and land cover at a position on a stage, relative to its centre."""
    part = east / half_across
    frame = _rise((half_across - abs(east)) / _RAMP) * _rise((half_along - abs(along)) / _RAMP)
    if part < -0.5:
        zone = _rise((east + 0.97 * half_across) / _RAMP) * _rise((-0.5 * half_across - east) / _RAMP)
        off = east + 0.74 * half_across
        off -= _RIDGE_SPACING * math.floor(off / _RIDGE_SPACING + 0.5)
        crest = 0.6 + 0.4 * math.cos(2 * math.pi * along / 2600.0)
        height = _RIDGE_HEIGHT * crest * math.exp(-0.5 * (off / _RIDGE_WIDTH) ** 2) * zone * frame
        return height, ROCK if abs(off) < 2 * _RIDGE_WIDTH else FOREST
    if part < 0.15:
        zone = _rise((east + 0.5 * half_across) / _RAMP) * _rise((0.15 * half_across - east) / _RAMP)
        wave = math.sin(2 * math.pi * east / _HILL_ACROSS) * math.cos(2 * math.pi * along / _HILL_ALONG)
        return _HILL_HEIGHT * wave * zone * frame * 0.95, FOREST if along > 0 else PASTURE
    lake = ((part - 0.33) / 0.14) ** 2 + ((along / half_along + 0.4) / 0.35) ** 2
    if lake < 1:
        return 0.0, LAKE
    if abs(part - 0.33) < 0.12 and abs(along / half_along - 0.4) < 0.28:
        return 0.0, CITY
    return 0.0, _parcel(east, along)


@njit(cache=True, nogil=True)
def relief(lat: float, lon: float, frame: np.ndarray, stages: np.ndarray) -> tuple[float, int]:
    """Height above the geoid (m) and land cover class.

    Parameters
    ----------
    lat, lon : float
        Radians.
    frame : ndarray, shape (8,)
        Plane of the stages and place of the coast.
    stages : ndarray, shape (stages, 4)
    """
    across, along = to_stage_plane(lat, lon, frame)
    inland = frame[COAST_EAST] - frame[EAST_SIGN] * across
    if abs(inland) < 2 * _COAST_RAMP:
        inland += 220.0 * math.sin(2 * math.pi * along / 3100.0) + 90.0 * math.sin(
            2 * math.pi * along / 1370.0
        )
    if inland <= 0:
        return 0.0, SEA
    height, cover = 0.0, PASTURE
    for stage in range(stages.shape[0]):
        off_across, off_along = across - stages[stage, ACROSS], along - stages[stage, ALONG]
        if abs(off_across) < stages[stage, HALF_ACROSS] and abs(off_along) < stages[stage, HALF_ALONG]:
            height, cover = _on_stage(
                frame[EAST_SIGN] * off_across,
                off_along,
                stages[stage, HALF_ACROSS],
                stages[stage, HALF_ALONG],
            )
            break
    return (PLAIN_HEIGHT + height) * _rise(inland / _COAST_RAMP), cover


@njit(cache=True, nogil=True)
def undulation(lat: float, lon: float) -> float:
    """Height of the simulated geoid above the ellipsoid, m; so smooth that bilinear grids of it are exact to 1 cm."""
    cos_lat = math.cos(lat)
    return (
        8.0 * math.sin(lat)
        + 21.0 * cos_lat * math.sin(lon - 1.1)
        - 13.0 * cos_lat * cos_lat * math.cos(2 * lon)
    )


@njit(cache=True, nogil=True)
def relief_grid(
    lats: np.ndarray,
    lons: np.ndarray,
    frame: np.ndarray,
    stages: np.ndarray,
    heights: np.ndarray,
    covers: np.ndarray,
) -> None:
    """Fill grids of height and cover, shape (lats, lons); latitudes and longitudes in radians."""
    for row in range(lats.size):
        for col in range(lons.size):
            heights[row, col], covers[row, col] = relief(lats[row], lons[col], frame, stages)


@njit(cache=True, nogil=True)
def ellipsoid_heights(
    lats: np.ndarray, lons: np.ndarray, frame: np.ndarray, stages: np.ndarray, heights: np.ndarray
) -> None:
    """Fill heights above the ellipsoid at points in radians, all of one shape (points,); NaN over sea."""
    for point in range(lats.size):
        height, cover = relief(lats[point], lons[point], frame, stages)
        heights[point] = np.nan if cover == SEA else height + undulation(lats[point], lons[point])


@njit(cache=True, nogil=True)
def undulation_grid(lats: np.ndarray, lons: np.ndarray, out: np.ndarray) -> None:
    """Fill a grid of geoid heights, shape (lats, lons); latitudes and longitudes in radians."""
    for row in range(lats.size):
        for col in range(lons.size):
            out[row, col] = undulation(lats[row], lons[col])
