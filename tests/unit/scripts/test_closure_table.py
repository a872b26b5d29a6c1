"""The figures of `make closure`: which pixels are clear, and how an error appears."""

import numpy as np

from benchmarks.closure import CASES, errors, zones_of


def test_the_cases_are_those_that_engines_differed_on():
    assert {
        "polar",
        "south",
        "antimeridian",
        "ascending",
        "HH",
        "coast 10 m",
        "coast 40 m",
        "full size",
    } <= set(CASES)


def test_clear_is_120_metres_from_layover_shadow_and_fill():
    mask = np.zeros((1, 60), np.uint8)
    mask[0, :5], mask[0, 30] = 255, 2
    zones = zones_of(mask, 20.0)
    assert np.flatnonzero(zones["clear"][0]).tolist() == [*range(11, 24), *range(37, 60)]
    assert np.flatnonzero(zones["near"][0]).tolist() == [*range(24, 30), *range(31, 37)]
    assert np.flatnonzero(zones_of(mask, 40.0)["near"][0]).tolist() == [27, 28, 29, 31, 32, 33]


def test_a_product_twice_too_bright_is_three_decibels_off():
    found, expected = np.full((4, 4), 0.2), np.full((4, 4), 0.1)
    error = 10 * np.log10(found / expected)
    figures = errors(error, found, expected, np.ones((4, 4), bool))
    assert figures.pixels == 16
    np.testing.assert_allclose(figures[1:], 3.0103, atol=1e-4)


def test_a_zone_without_pixels_has_no_figures():
    nothing = np.zeros((2, 2))
    figures = errors(nothing, nothing, nothing, nothing > 0)
    assert figures.pixels == 0
    assert np.isnan(figures.bias)
