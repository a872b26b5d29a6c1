"""Exact overlap of polygons with the samples of an image, from their edges alone, four samples at a time.

Along a line an edge sweeps dy of the line's height while x goes from `low` to `low + span`. Left of a border p there is
then the area h(p) = dy t^2 / (2 span) + dy max(p - low - span, 0) between edge and border, with t the part of the span
below p. The sum of h over a polygon's edges is the polygon's area left of p, its difference over a sample the overlap.
The edges of a triangle carry its density; an edge that two triangles share carries the difference.
"""

import numba as nb

from rtcflow.native.simd import LANES, lane, least, most, pack, shifted, store, total, turned, where_positive

# Rows of a line's edges: dy, x where they begin, extent in x, and dy / (2 extent); then densities.
DY, LOW, SPAN, BEND, DENSITY = 0, 1, 2, 3, 4
_FLAT = 1e-12
# Overlap in samples, of either sign, above which a quadrilateral counts as crossed.
_CROSSED = 1e-5


@nb.njit(inline="always")
def edge_slopes(y0, x0, y1, x1):
    """By lane dx / dy of edges (y0, x0) to (y1, x1), and dy / (2 |dx|)."""
    dy, dx = y1 - y0, x1 - x0
    slope = where_positive(most(dy, -dy), dx / dy, 0.0)
    return slope, 0.5 * dy / most(most(dx, -dx), _FLAT)


@nb.njit(inline="always")
def cut_to_line(edges, at, line, y0, x0, y1, slope, bend):
    """Clip four edges to a line, possibly to nothing, and store them in `edges` from column `at` on."""
    first = least(most(y0, line), line + 1.0)
    dy = least(most(y1, line), line + 1.0) - first
    start = x0 + (first - y0) * slope
    moved = dy * slope
    store(edges, DY, at, dy)
    store(edges, LOW, at, start + least(moved, 0.0))
    store(edges, SPAN, at, most(moved, -moved))
    store(edges, BEND, at, bend)


@nb.njit(inline="always")
def area_left_of(border, edges, e):
    """Area between edge `e` of a line and four borders right of it."""
    t = border - edges[LOW, e]
    span = edges[SPAN, e]
    part = most(least(t, span), 0.0)
    return part * part * edges[BEND, e] + most(t - span, 0.0) * edges[DY, e]


@nb.njit(inline="always")
def right_borders(col):
    """Right borders of four samples, the first of them column `col`."""
    return pack(1.0, 2.0, 3.0, 4.0) + float(col)


@nb.njit(nogil=True, cache=True, fastmath={"contract", "nsz"})
def overlaps(window, edges, y, x, lines, columns):
    """Fill a window with a quadrilateral's signed overlap with each of its samples.

    Parameters
    ----------
    window : (lines, columns + LANES) float64
    edges : (DENSITY, 4) float64
        Scratch.
    y, x : vectors
        Lines and samples of the corners from the window's first; two that are the same make a triangle.
    lines, columns : int
        Part of the window that is in use; holds the quadrilateral.

    Returns
    -------
    tuple of float and bool
        The sum of the overlaps, and whether overlaps of both signs occur, as they do when sides cross.
    """
    y_next, x_next = turned(y), turned(x)
    slope, bend = edge_slopes(y, x, y_next, x_next)
    sums = lowest = highest = pack(0.0, 0.0, 0.0, 0.0)
    for row in range(lines):
        cut_to_line(edges, 0, float(row), y, x, y_next, slope, bend)
        before = 0.0
        for col in range(0, columns, LANES):
            border = right_borders(col)
            area = area_left_of(border, edges, 0) + area_left_of(border, edges, 1)
            area += area_left_of(border, edges, 2) + area_left_of(border, edges, 3)
            overlap = area - shifted(before, area)
            before = lane(area, 3)
            store(window, row, col, overlap)
            sums += overlap
            lowest, highest = least(lowest, overlap), most(highest, overlap)
    low = min(min(lane(lowest, 0), lane(lowest, 1)), min(lane(lowest, 2), lane(lowest, 3)))
    high = max(max(lane(highest, 0), lane(highest, 1)), max(lane(highest, 2), lane(highest, 3)))
    return total(sums), high > _CROSSED and low < -_CROSSED
