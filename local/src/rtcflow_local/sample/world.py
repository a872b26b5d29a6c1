"""The simulated part of the earth: terrain and land cover, laid out around a scene's bursts."""

import math
from typing import NamedTuple

import numpy as np

from rtcflow_local.sample.acquisition import SimulatedAcquisition, Swath
from rtcflow_local.sample.cover import COVERS, Cover
from rtcflow_local.sample.geodesy import E2, SEMI_MAJOR, to_earth_fixed
from rtcflow_local.sample.geometry import ground_point, heading
from rtcflow_local.sample.sensor import BURST_CYCLE, LINE_INTERVAL, RANGE_SPACING
from rtcflow_local.sample.terrain import (
    PLAIN_HEIGHT,
    ellipsoid_heights,
    relief,
    relief_grid,
    to_stage_plane,
    undulation,
)

_APRON = 700.0  # m, by which a stage extends beyond its burst
_SEAM = 1500.0  # m, between stages of full size and the next sub-swath
_COAST_PART = 0.62
_NO_COAST = 1e9


class World(NamedTuple):
    """Terrain and land cover of a scene; arrays as `terrain.relief` takes them."""

    frame: np.ndarray
    stages: np.ndarray
    covers: tuple[Cover, ...]

    def surface(self, latitude: float, longitude: float) -> tuple[float, str]:
        """Ellipsoidal height in metres and name of the land cover at a point, degrees."""
        lat, lon = math.radians(latitude), math.radians(longitude)
        height, cover = relief(lat, lon, self.frame, self.stages)
        return height + undulation(lat, lon), self.covers[cover].name

    def point(self, latitude: float, longitude: float) -> np.ndarray:
        """Earth-fixed point on the surface, shape (3,), m."""
        height, _ = self.surface(latitude, longitude)
        return np.array(to_earth_fixed(math.radians(latitude), math.radians(longitude), height))

    def grid(self, latitudes: np.ndarray, longitudes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Heights above the geoid (float32, m) and cover classes (uint8), shape (latitudes, longitudes), degrees."""
        heights = np.empty((latitudes.size, longitudes.size), np.float32)
        covers = np.empty(heights.shape, np.uint8)
        relief_grid(np.radians(latitudes), np.radians(longitudes), self.frame, self.stages, heights, covers)
        return heights, covers

    def land(self, latitudes: np.ndarray, longitudes: np.ndarray) -> np.ndarray:
        """Heights above the ellipsoid at points in degrees (float32, m), NaN over sea, of the points' shape."""
        heights = np.empty(latitudes.size, np.float32)
        points = np.radians(latitudes.ravel()), np.radians(longitudes.ravel())
        ellipsoid_heights(*points, self.frame, self.stages, heights)
        return heights.reshape(latitudes.shape)

    def place(self, stage: int, east: float, along: float) -> tuple[float, float]:
        """Latitude and longitude in degrees of a place on a stage, given as fractions of its half sizes."""
        centre_across, centre_along, half_across, half_along = self.stages[stage]
        lat0, lon0, per_lon, per_lat, sin_h, cos_h, sign, _ = self.frame
        across, ahead = centre_across + sign * east * half_across, centre_along + along * half_along
        x, y = across * cos_h + ahead * sin_h, -across * sin_h + ahead * cos_h
        lon = math.degrees(lon0 + x / per_lon)
        return math.degrees(lat0 + y / per_lat), (lon + 180) % 360 - 180


def build_world(acquisition: SimulatedAcquisition) -> World:
    """Lay stages out under the bursts of an acquisition, in order of sub-swath and burst."""
    corners = [_corners(acquisition, swath, index) for swath, index in _bursts(acquisition)]
    lat0 = math.radians(float(np.mean([lat for burst in corners for lat, _ in burst])))
    lon0 = math.radians(corners[0][0][1])
    middle = (acquisition.start_us + acquisition.stop_us) * 0.5e-6
    course = math.radians(heading(acquisition.orbit, middle))
    curve = math.sqrt(1 - E2 * math.sin(lat0) ** 2)
    per_lat, per_lon = SEMI_MAJOR * (1 - E2) / curve**3, SEMI_MAJOR / curve * math.cos(lat0)
    sign = 1.0 if acquisition.spec.ascending else -1.0
    frame = np.array([lat0, lon0, per_lon, per_lat, math.sin(course), math.cos(course), sign, _NO_COAST])
    stages = np.array([_stage(frame, burst) for burst in corners])
    stages[:, 2:] = np.minimum(stages[:, 2:] + _APRON, _largest(acquisition))
    frame[7] = _coast(acquisition, frame, stages)
    return World(frame, stages, COVERS[acquisition.spec.place.cover])


def _bursts(acquisition: SimulatedAcquisition) -> list[tuple[Swath, int]]:
    return [(swath, burst.index) for swath in acquisition.swaths for burst in swath.bursts]


def _corners(acquisition: SimulatedAcquisition, swath: Swath, index: int) -> list[tuple[float, float]]:
    start = swath.bursts[index].azimuth_us * 1e-6
    return [
        ground_point(acquisition.orbit, start + line * LINE_INTERVAL, distance, PLAIN_HEIGHT)[:2]
        for line in swath.valid_lines
        for distance in (swath.near_range + sample * RANGE_SPACING for sample in swath.valid_samples)
    ]


def _stage(frame: np.ndarray, corners: list[tuple[float, float]]) -> list[float]:
    plane = np.array([to_stage_plane(math.radians(lat), math.radians(lon), frame) for lat, lon in corners])
    low, high = plane.min(axis=0), plane.max(axis=0)
    return [*(low + high) / 2, *(high - low) / 2]


def _largest(acquisition: SimulatedAcquisition) -> np.ndarray:
    """Half sizes at which stages of neighbouring bursts just do not touch, shape (stages, 2)."""
    limits = []
    for swath, index in _bursts(acquisition):
        time = swath.bursts[index].azimuth_us * 1e-6
        reach = [swath.near_range, swath.near_range + swath.design.samples * RANGE_SPACING]
        ends = [ground_point(acquisition.orbit, time, distance, PLAIN_HEIGHT) for distance in reach]
        points = [
            np.array(to_earth_fixed(math.radians(e.latitude), math.radians(e.longitude), 0.0)) for e in ends
        ]
        (position,), (velocity,), _ = acquisition.orbit.states(np.array([time]))
        ground_speed = np.linalg.norm(velocity) * np.linalg.norm(points[0]) / np.linalg.norm(position)
        limits.append((np.linalg.norm(points[1] - points[0]) / 2 - _SEAM, 0.49 * ground_speed * BURST_CYCLE))
    return np.array(limits)


def _coast(acquisition: SimulatedAcquisition, frame: np.ndarray, stages: np.ndarray) -> float:
    """East coordinate of the coastline: the sea begins inside the easternmost sub-swath, or everywhere."""
    if acquisition.spec.variant == "sea":
        return -_NO_COAST
    east = frame[6] * stages[:, 0]
    easternmost = int(np.argmax(east))
    return float(east[easternmost] + _COAST_PART * stages[easternmost, 2])
