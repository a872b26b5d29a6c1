"""Compile every kernel into the cache, so that no task has to compile: `python -m rtcflow.native.warm`."""

import sys
import time

import numpy as np

from rtcflow.native.angles import angle_rows
from rtcflow.native.facets import BESIDE, accumulate_facets, finish_factors
from rtcflow.native.fill import find_fill
from rtcflow.native.geocode import geocode_band
from rtcflow.native.height_spline import sample_points, spline_table
from rtcflow.native.image import gamma0_lines
from rtcflow.native.lattice import CHANNELS
from rtcflow.native.points import ORBIT_TERMS
from rtcflow.native.visibility import mask_lines


def warm() -> None:
    """Call each kernel once, with empty arrays of the types that the engine passes."""
    nodes = np.zeros((4, 4, CHANNELS))
    # A flat patch far from the image, so that no pixel is in it.
    nodes[..., 0], nodes[..., 3], nodes[..., 8] = 7e6, 1.0, 1e6
    orbit = np.zeros((ORBIT_TERMS, 3))
    orbit[0, 0], orbit[1, 1] = 7e6, 7e3
    heights = np.zeros((16, 16), np.float32)
    geometry = (nodes, 2, -2, -2)
    edges = np.array([0.0, 1e-3, 8e5, 2.3])
    terrain = (heights, spline_table(), orbit)
    sample_points(heights, spline_table(), np.ones(1), np.ones(1), np.zeros(1))
    none = np.zeros((0, 0), np.float32)
    mask = np.zeros((2, 8), np.uint8)
    factor = np.ones((2, 8), np.float32)
    gamma0 = np.ones((1, 2, 8), np.float32)
    pixels = np.zeros((2, 8, 2), np.int16)
    mask_lines(mask, mask.copy(), *geometry, *terrain, edges, 0, np.zeros((2, 3, 3)), 5.0)
    for channels in (2, 3):
        sums = np.zeros((2, channels, 8 + BESIDE))
        accumulate_facets(sums, *geometry, 2, 2, 2, *terrain, edges, 0, 3.0, 0.0, np.zeros(6))
        finish_factors(sums, 30.0, 1e-3, factor, factor.copy())
    mapped = np.frombuffer(pixels.tobytes(), np.int16).reshape(pixels.shape)
    for source in (pixels, mapped):
        find_fill(source, np.array([0, 2, 0, 8]))
        gamma0_lines(source, np.zeros(2), np.zeros(8), np.ones(8), 0.0, factor, gamma0[0])
    geocode_band(
        *geometry, 2, 2, *terrain, edges, np.zeros(6), 0, 2, 0, 3.0, 0.0, gamma0, factor, factor, mask, 1, 0, mask,
        mask, np.zeros((2, 3, 3)), 5.0, np.array([0, 2, 0, 8]),
        np.ones((1, 2, 2), np.float32), none, none, none, np.zeros((2, 2), np.uint8),
    )  # fmt: skip
    angles = np.zeros((2, 2), np.float32)
    angle_rows(*geometry, 0, 2, *terrain, angles, angles.copy(), angles.copy())


if __name__ == "__main__":
    started = time.perf_counter()
    warm()
    sys.stdout.write(f"engine compiled in {time.perf_counter() - started:.1f} s\n")
