"""Geocoding by area projection: a map pixel is the mean of the radar samples under its footprint, by overlap.

The four corners of the pixel are projected into the radar image; each sample counts with the area it shares with that
quadrilateral (Shiroma et al. 2022, section III). A pixel is valid when valid samples cover three quarters of its
footprint. A footprint that crosses itself (layover) is taken as two triangles.
"""

import numba as nb
import numpy as np

from rtcflow.native.delays import correct_row
from rtcflow.native.edges import DENSITY, overlaps
from rtcflow.native.points import (
    NODE,
    PR,
    PT,
    column_range,
    lattice_row,
)
from rtcflow.native.rows import terrain_row
from rtcflow.native.simd import LANES, add_to, load, most, pack, store, total, where_positive
from rtcflow.native.visibility import LAYOVER, along_track

_MIN_VALID_RATIO = 0.75
_WINDOW_LINES, _WINDOW_SAMPLES = 64, 512


@nb.njit(inline="always")
def _both_triangles(window, second, edges, y, x, lines, columns):
    """Fill the window with the overlaps of the two triangles of a crossed quadrilateral; returns their sum."""
    overlaps(window, edges, pack(y[0], y[1], y[2], y[2]), pack(x[0], x[1], x[2], x[2]), lines, columns)
    overlaps(second, edges, pack(y[0], y[2], y[3], y[3]), pack(x[0], x[2], x[3], x[3]), lines, columns)
    covered = 0.0
    for a in range(lines):
        for b in range(columns):
            window[a, b] = min(abs(window[a, b]) + abs(second[a, b]), 1.0)
            covered += window[a, b]
    return covered


@nb.njit(nogil=True, cache=True, fastmath={"contract", "nsz"})
def geocode_band(
    nodes, step, origin_row, origin_col, rows, cols, heights, table, orbit, radar, timing,
    first_line, last_line, band_first, margin, height, gamma0, factor, sigma, sample_mask, mask_looks, mask_first,
    shadow, ground, tracks, ground_step, valid, out, out_factor, out_sigma, out_looks, out_mask,
):  # fmt: skip
    """Geocode the pixels whose footprint is centred on lines first_line to last_line - 1.

    Parameters
    ----------
    gamma0 : (polarizations, band lines, samples) float32, with room behind, see `with_room`
        Backscatter in radar geometry; line 0 is line `band_first` of the image.
    factor, sigma : (band lines, samples) float32, with room behind
        Area factors gamma0 to beta0 and sigma0 to beta0; a sample without a factor is invalid.
    sample_mask : (mask lines, mask samples) uint8
        Layover and shadow of `mask_looks` x `mask_looks` samples each, from mask line `mask_first` of the image on; of
        size 0 where not known.
    shadow : (band lines, samples) uint8, with room behind
        Samples that are not 0 are left out, from line `mask_first` of the image on; of size 0 for none.
    ground, tracks, ground_step
        Shadow along the ground tracks of the mask lines, see `mask_lines`. `out_mask` has the layover of the sample
        that a pixel falls in, and the shadow of its own ground: in a fold lit and shadowed ground share a sample.
    valid : (4,) int
        First and last + 1 of valid lines, and of valid samples.
    out, out_factor, out_sigma, out_looks : float32 arrays (polarizations, rows, cols) and (rows, cols)
        Where results go; arrays of size 0 are not wanted. Pixels without enough valid samples stay unchanged.

    Returns
    -------
    int
        Number of pixels centred on these lines.
    """
    t0, dt, r0, dr = radar[0], radar[1], radar[2], radar[3]
    band, samples = factor.shape
    t_first = t0 + (first_line - margin) * dt
    t_last = t0 + (last_line + margin) * dt
    line = np.empty((nodes.shape[1], nodes.shape[2]))
    upper = np.empty((NODE, cols + 1 + 2 * LANES))
    lower = np.empty((NODE, cols + 1 + 2 * LANES))
    centers = np.empty((NODE, cols + 1 + 2 * LANES))
    window = np.zeros((_WINDOW_LINES, _WINDOW_SAMPLES + LANES))
    second = np.zeros((_WINDOW_LINES, _WINDOW_SAMPLES + LANES))
    edges = np.empty((DENSITY, LANES))
    polarizations = gamma0.shape[0]
    gamma0_rows = gamma0.reshape(polarizations * band, samples)
    sums = np.empty((max(polarizations, 1), LANES))
    upper_first, upper_last = 0, 0
    count = 0
    for i in range(rows + 1):
        lattice_row(nodes, float(i), step, origin_row, line)
        first, last = column_range(line, step, origin_col, cols + 1, 1, t_first, t_last, height)
        terrain_row(lower, line, first, last, 0.0, 1, step, origin_col, heights, table, orbit)
        correct_row(lower, line, first, last, 0.0, 1, step, origin_col, orbit, timing)
        j_first, j_last = max(first, upper_first), min(last, upper_last) - 1
        if i > 0 and j_last > j_first:
            row = i - 1
            if sample_mask.size > 0:
                lattice_row(nodes, i - 0.5, step, origin_row, line)
                terrain_row(centers, line, j_first, j_last, 0.5, 1, step, origin_col, heights, table, orbit)
            for j in range(j_first, j_last):
                y00, y01 = (upper[PT, j] - t0) / dt, (upper[PT, j + 1] - t0) / dt
                y10, y11 = (lower[PT, j] - t0) / dt, (lower[PT, j + 1] - t0) / dt
                mean = 0.25 * (y00 + y01 + y10 + y11)
                if not (mean >= first_line and mean < last_line):
                    continue
                x00, x01 = (upper[PR, j] - r0) / dr, (upper[PR, j + 1] - r0) / dr
                x10, x11 = (lower[PR, j] - r0) / dr, (lower[PR, j + 1] - r0) / dr
                count += 1
                late = far = a = b = 0
                if sample_mask.size > 0:
                    # Layover and shadow are known where the terrain is, without the delays that the image has.
                    ct, cr = centers[PT, j], centers[PR, j]
                    a = int(np.floor((ct - t0) / dt))
                    b = int(np.floor((cr - r0) / dr))
                    late = int(np.round(mean - (ct - t0) / dt))
                    far = int(np.round(0.25 * (x00 + x01 + x10 + x11) - (cr - r0) / dr))
                    inside = valid[0] <= a < valid[1] and valid[2] <= b < valid[3]
                    a = a // mask_looks - mask_first
                    if out_mask.size > 0 and inside and 0 <= a < ground.shape[0]:
                        point = int(np.round(along_track(tracks[a], i - 0.5, j + 0.5) / ground_step))
                        point = min(max(point, 0), ground.shape[1] - 1)
                        out_mask[row, j] = (sample_mask[a, b // mask_looks] & LAYOVER) | ground[a, point]
                y_low, y_high = min(min(y00, y01), min(y10, y11)), max(max(y00, y01), max(y10, y11))
                x_low, x_high = min(min(x00, x01), min(x10, x11)), max(max(x00, x01), max(x10, x11))
                # Checked before conversion to integers; the middle of y is inside the band.
                if not (
                    y_high - y_low < _WINDOW_LINES
                    and x_low > -_WINDOW_SAMPLES
                    and x_high < samples + _WINDOW_SAMPLES
                ):
                    continue
                top, left = int(np.floor(y_low)), int(np.floor(x_low))
                n_lines = int(np.floor(y_high)) - top + 1
                n_samples = int(np.floor(x_high)) - left + 1
                if n_lines > _WINDOW_LINES or n_samples > _WINDOW_SAMPLES:
                    continue
                if left >= samples or left + n_samples <= 0 or top >= valid[1] or top + n_lines <= valid[0]:
                    continue
                y = (y00 - top, y01 - top, y11 - top, y10 - top)
                x = (x00 - left, x01 - left, x11 - left, x10 - left)
                covered, crossed = overlaps(
                    window,
                    edges,
                    pack(y[0], y[1], y[2], y[3]),
                    pack(x[0], x[1], x[2], x[3]),
                    n_lines,
                    n_samples,
                )
                if crossed:
                    covered = _both_triangles(window, second, edges, y, x, n_lines, n_samples)
                looks = factor_sum = sigma_sum = pack(0.0, 0.0, 0.0, 0.0)
                for p in range(polarizations):
                    store(sums, p, 0, looks)
                a_first = max(0, valid[0] - top, band_first - top)
                a_last = min(n_lines, valid[1] - top, band_first + band - top)
                b_first, b_last = max(0, valid[2] - left), min(n_samples, valid[3] - left)
                for a in range(a_first, a_last):
                    row_a = top + a - band_first
                    m = min(max(row_a + band_first - late - mask_first, 0), shadow.shape[0] - 1)
                    for b in range(b_first, b_last, LANES):
                        column = left + b
                        # Lanes behind the last sample belong to the next line and get no weight.
                        inside = float(b_last) - b - pack(0.0, 1.0, 2.0, 3.0)
                        f = where_positive(inside, load(factor, row_a, column), 0.0)
                        if shadow.size > 0:
                            beside = min(max(column - far, 0), shadow.shape[1] - LANES)
                            f = where_positive(load(shadow, m, beside), 0.0, f)
                        overlap = load(window, a, b)
                        w = where_positive(f, most(overlap, -overlap), 0.0)
                        looks += w
                        factor_sum += w * where_positive(f, f, 0.0)
                        if out_sigma.size > 0:
                            sigma_sum += w * where_positive(f, load(sigma, row_a, column), 0.0)
                        for p in range(polarizations):
                            value = load(gamma0_rows, p * band + row_a, column)
                            add_to(sums, p, 0, w * where_positive(f, value, 0.0))
                seen = total(looks)
                if not (seen > 0.0 and seen >= _MIN_VALID_RATIO * abs(covered)):
                    continue
                for p in range(polarizations):
                    out[p, row, j] = total(load(sums, p, 0)) / seen
                if out_mask.size > 0 and out_mask[row, j] == 255 and ground.shape[0] > 0:
                    # Its centre lies outside the image: it takes the class of the nearest sample.
                    line_a = min(max(a, 0), ground.shape[0] - 1)
                    column_b = min(max(b // mask_looks, 0), sample_mask.shape[1] - 1)
                    point = int(np.round(along_track(tracks[line_a], i - 0.5, j + 0.5) / ground_step))
                    point = min(max(point, 0), ground.shape[1] - 1)
                    out_mask[row, j] = (sample_mask[line_a, column_b] & LAYOVER) | ground[line_a, point]
                if out_factor.size > 0:
                    out_factor[row, j] = total(factor_sum) / seen
                if out_sigma.size > 0:
                    out_sigma[row, j] = total(factor_sum) / total(sigma_sum)
                if out_looks.size > 0:
                    out_looks[row, j] = seen
        upper, lower = lower, upper
        upper_first, upper_last = first, last
    return count
