"""Vectors in kernels against the same expressions on arrays."""

import numba as nb
import numpy as np
import pytest

from rtcflow.native.simd import (
    LANES,
    add_to,
    lane,
    least,
    load,
    most,
    pack,
    shifted,
    store,
    total,
    turned,
    where_positive,
    with_room,
)

pytestmark = pytest.mark.engine

X = np.array([[0.5, -2.0, 3.0, np.nan, 4.0, 5.0]])
Y = np.array([[1.5, 4.0, -1.0, 2.0, 8.0, 0.25]])
FOUR = slice(1, 1 + LANES)


@nb.njit
def arithmetic(x, y, out):
    a, b = load(x, 0, 1), load(y, 0, 1)
    store(out, 0, 0, a + b)
    store(out, 1, 0, a - b)
    store(out, 2, 0, a * b)
    store(out, 3, 0, a / b)
    store(out, 4, 0, -a)
    store(out, 5, 0, np.sqrt(b * b))
    store(out, 6, 0, 2.0 * a + b / 4.0 - 1.0)
    a += b
    store(out, 7, 0, a)


def test_arithmetic_applies_to_each_lane():
    out = np.zeros((8, LANES))
    arithmetic(X, Y, out)
    a, b = X[0, FOUR], Y[0, FOUR]
    expected = [a + b, a - b, a * b, a / b, -a, np.abs(b), 2 * a + b / 4 - 1, a + b]
    np.testing.assert_array_equal(out, expected)


@nb.njit
def choices(x, y, out):
    a, b = load(x, 0, 1), load(y, 0, 1)
    store(out, 0, 0, least(a, 1.0))
    store(out, 1, 0, most(a, b))
    store(out, 2, 0, where_positive(a, b, 7.0))


def test_choices_are_made_by_lane_and_nan_is_not_positive():
    out = np.zeros((3, LANES))
    choices(X, Y, out)
    np.testing.assert_array_equal(out[0], [-2.0, 1.0, 1.0, 1.0])
    np.testing.assert_array_equal(out[1], [4.0, 3.0, 2.0, 8.0])
    np.testing.assert_array_equal(out[2], [7.0, -1.0, 7.0, 8.0])


@nb.njit
def moves(out):
    v = pack(1.0, 2.0, 3.0, 4.0)
    store(out, 0, 0, shifted(9.0, v))
    store(out, 1, 0, turned(v))
    return lane(v, 0), lane(v, 3), total(v)


def test_lanes_are_moved_taken_out_and_added_up():
    out = np.zeros((2, LANES))
    assert moves(out) == (1.0, 4.0, 10.0)
    np.testing.assert_array_equal(out, [[9, 1, 2, 3], [2, 3, 4, 1]])


@nb.njit
def memory(array, out):
    store(out, 1, 1, load(array, 1, 2))
    add_to(out, 1, 1, pack(1.0, 1.0, 1.0, 1.0))


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.uint8])
def test_memory_is_read_and_written_at_the_given_place(dtype):
    array = np.arange(14, dtype=dtype).reshape(2, 7)
    out = np.zeros((3, 6))
    memory(array, out)
    expected = np.zeros((3, 6))
    expected[1, 1:5] = array[1, 2:6] + 1.0
    np.testing.assert_array_equal(out, expected)


def test_a_vector_can_be_loaded_at_the_end_of_an_array_with_room():
    array = with_room((3, 5), np.float32)
    assert array.shape == (3, 5)
    assert array.flags.c_contiguous
    assert array.base.size >= array.size + LANES
