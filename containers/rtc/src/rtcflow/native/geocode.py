"""Geocoding by area projection: a map pixel is the mean of the radar samples under its footprint, by overlap.

The four corners of the pixel are projected into the radar image; each sample counts with the area it shares with that
quadrilateral (Shiroma et al. 2022, section III). A pixel is valid when valid samples make three quarters of its
footprint. A footprint that crosses itself (layover) is taken as two triangles.
"""

import numba as nb
import numpy as np

from rtcflow.native.facets import node_row
from rtcflow.native.points import NODE, PH, PR, PT, column_range, lattice_row, node_at, satellite_position
from rtcflow.native.visibility import LAYOVER, along_track
from rtcflow.sentinel1.annotation import SPEED_OF_LIGHT

MIN_VALID_RATIO = 0.75
_WINDOW_LINES, _WINDOW_SAMPLES = 64, 512
# Zenith delay (m) and scale height (m) of the static troposphere: Breit et al. (2010), doi 10.1109/TGRS.2009.2035497.
ZENITH_DELAY_M, SCALE_HEIGHT_M = 2.3, 6000.0


@nb.njit(inline="always")
def corrected(px, py, pz, h, t, r, nx, ny, nz, orbit, timing):
    """Time and range at which the image holds a point: bistatic delay taken off, troposphere added.

    `timing` is (bistatic on, tau_mid / 2 - tau0, troposphere on); see `bistatic_delay_s`.
    """
    if timing[2] > 0.0:
        sx, sy, sz = satellite_position(orbit, t)
        cos_incidence = (nx * (sx - px) + ny * (sy - py) + nz * (sz - pz)) / r
        delay = ZENITH_DELAY_M / cos_incidence * np.exp(-h / SCALE_HEIGHT_M)
    else:
        delay = 0.0
    if timing[0] > 0.0:
        t -= timing[1] + r / SPEED_OF_LIGHT
    return t, r + delay


@nb.njit(inline="always", fastmath={"contract", "nsz"})
def cover(window, y0, x0, y1, x1):
    """Add an edge to the coverage sums `window` (lines, samples + 2), as `facets.add_edge` does."""
    dy_total = y1 - y0
    if dy_total == 0.0:
        return
    slope = (x1 - x0) / dy_total
    sign = 1.0
    if dy_total < 0.0:
        sign = -1.0
        y0, y1 = y1, y0
        x0 = x1
    line = int(y0)
    y, x = y0, x0
    while y < y1:
        y_next = min(float(line + 1), y1)
        dy = y_next - y
        x_next = x + slope * dy
        low, high = (x, x_next) if x <= x_next else (x_next, x)
        first = int(low)
        last = int(high)
        if first == last:
            d1 = sign * dy * (0.5 * (low + high) - first)
            window[line, first] += sign * dy - d1
            window[line, first + 1] += d1
        else:
            per_sample = sign * dy / (high - low)
            left = low
            for sample in range(first, last + 1):
                right = min(float(sample + 1), high)
                part = per_sample * (right - left)
                d1 = part * (0.5 * (left + right) - sample)
                window[line, sample] += part - d1
                window[line, sample + 1] += d1
                left = right
        y = y_next
        x = x_next
        line += 1


@nb.njit(inline="always")
def clear(window, lines, samples):
    """Zero the part of the window in use."""
    for a in range(lines):
        for b in range(samples + 2):
            window[a, b] = 0.0


@nb.njit(inline="always")
def running_sum(window, lines, samples):
    """Turn edge sums into coverages; gives their sum, and whether coverages of both signs occur."""
    total = 0.0
    positive = negative = False
    for a in range(lines):
        value = 0.0
        for b in range(samples):
            value += window[a, b]
            window[a, b] = value
            total += value
            positive |= value > 1e-5
            negative |= value < -1e-5
    return total, positive and negative


@nb.njit(nogil=True, cache=True, fastmath={"contract", "nsz"})
def geocode_band(
    nodes, step, origin_row, origin_col, rows, cols, heights, weights, orbit, radar, timing,
    first_line, last_line, band_first, margin, height, gamma0, factor, sigma, sample_mask, mask_looks, mask_first,
    mask_shadow, ground, tracks, ground_step, valid, out, out_factor, out_sigma, out_looks, out_mask,
):  # fmt: skip
    """Geocode the pixels whose footprint is centred on lines first_line to last_line - 1.

    Parameters
    ----------
    gamma0 : (polarizations, band lines, samples) float32
        Backscatter in radar geometry; line 0 is line `band_first` of the image.
    factor, sigma : (band lines, samples) float32
        Area factors gamma0 to beta0 and sigma0 to beta0; a sample without a factor is invalid.
    sample_mask : (mask lines, mask samples) uint8
        Layover and shadow of `mask_looks` x `mask_looks` samples each, from mask line `mask_first` of the image on; of
        size 0 where not known.
    mask_shadow : bool
        Leave shadowed samples out.
    ground, tracks, ground_step
        Shadow along the ground tracks of the mask lines, see `mask_lines`. `out_mask` has the layover of the sample
        that a pixel falls in, and the shadow of its own ground: in a fold lit and shadowed ground share a sample.
    valid : (4,) int
        First and last + 1 of valid lines, and of valid samples.
    out, out_factor, out_sigma, out_looks : float32 arrays (polarizations, rows, cols) and (rows, cols)
        Where results go; arrays of size 0 are not wanted. Pixels without enough valid samples are left alone.

    Returns
    -------
    int
        Pixels that were looked at.
    """
    t0, dt, r0, dr = radar[0], radar[1], radar[2], radar[3]
    band, samples = factor.shape
    t_first = t0 + (first_line - margin) * dt
    t_last = t0 + (last_line + margin) * dt
    line = np.empty((nodes.shape[1], nodes.shape[2]))
    upper = np.empty((cols + 1, NODE))
    lower = np.empty((cols + 1, NODE))
    window = np.zeros((_WINDOW_LINES, _WINDOW_SAMPLES + 2))
    second = np.zeros((_WINDOW_LINES, _WINDOW_SAMPLES + 2))
    polarizations = gamma0.shape[0]
    sums = np.empty(max(polarizations, 1))
    upper_first, upper_last = 0, 0
    count = 0
    for i in range(rows + 1):
        lattice_row(nodes, float(i), step, origin_row, line)
        first, last = column_range(line, step, origin_col, cols + 1, 1, t_first, t_last, height)
        node_row(nodes, step, origin_col, i, 1, first, last, heights, weights, orbit, lower, line, 0.0)
        for j in range(first, last):
            at = (j - origin_col) / step
            k = min(max(int(np.floor(at)), 0), line.shape[0] - 2)
            g = at - k
            nx = (1 - g) * line[k, 3] + g * line[k + 1, 3]
            ny = (1 - g) * line[k, 4] + g * line[k + 1, 4]
            nz = (1 - g) * line[k, 5] + g * line[k + 1, 5]
            p = lower[j]
            p[PT], p[PR] = corrected(p[0], p[1], p[2], p[PH], p[PT], p[PR], nx, ny, nz, orbit, timing)
        j_first, j_last = max(first, upper_first), min(last, upper_last) - 1
        if i > 0 and j_last > j_first:
            row = i - 1
            if sample_mask.size > 0:
                lattice_row(nodes, i - 0.5, step, origin_row, line)
            for j in range(j_first, j_last):
                p00, p01, p10, p11 = upper[j], upper[j + 1], lower[j], lower[j + 1]
                y00, y01 = (p00[PT] - t0) / dt, (p01[PT] - t0) / dt
                y10, y11 = (p10[PT] - t0) / dt, (p11[PT] - t0) / dt
                mean = 0.25 * (y00 + y01 + y10 + y11)
                if not (mean >= first_line and mean < last_line):
                    continue
                x00, x01 = (p00[PR] - r0) / dr, (p01[PR] - r0) / dr
                x10, x11 = (p10[PR] - r0) / dr, (p11[PR] - r0) / dr
                count += 1
                late = far = 0
                if sample_mask.size > 0:
                    # Layover and shadow are known where the terrain is, without the delays that the image has.
                    _, _, _, _, ct, cr = node_at(line, j + 0.5, step, origin_col, heights, weights, orbit)
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
                top = int(np.floor(min(min(y00, y01), min(y10, y11))))
                left = int(np.floor(min(min(x00, x01), min(x10, x11))))
                n_lines = int(np.floor(max(max(y00, y01), max(y10, y11)))) - top + 1
                n_samples = int(np.floor(max(max(x00, x01), max(x10, x11)))) - left + 1
                if n_lines > _WINDOW_LINES or n_samples > _WINDOW_SAMPLES:
                    continue
                if left >= samples or left + n_samples <= 0 or top >= valid[1] or top + n_lines <= valid[0]:
                    continue
                y00 -= top
                y01 -= top
                y10 -= top
                y11 -= top
                x00 -= left
                x01 -= left
                x10 -= left
                x11 -= left
                clear(window, n_lines, n_samples)
                cover(window, y00, x00, y01, x01)
                cover(window, y01, x01, y11, x11)
                cover(window, y11, x11, y10, x10)
                cover(window, y10, x10, y00, x00)
                total, crossed = running_sum(window, n_lines, n_samples)
                if crossed:
                    clear(window, n_lines, n_samples)
                    clear(second, n_lines, n_samples)
                    cover(window, y00, x00, y01, x01)
                    cover(window, y01, x01, y11, x11)
                    cover(window, y11, x11, y00, x00)
                    cover(second, y00, x00, y11, x11)
                    cover(second, y11, x11, y10, x10)
                    cover(second, y10, x10, y00, x00)
                    running_sum(window, n_lines, n_samples)
                    running_sum(second, n_lines, n_samples)
                    total = 0.0
                    for a in range(n_lines):
                        for b in range(n_samples):
                            window[a, b] = min(abs(window[a, b]) + abs(second[a, b]), 1.0)
                            total += window[a, b]
                looks = factor_sum = sigma_sum = 0.0
                for p in range(polarizations):
                    sums[p] = 0.0
                a_first = max(0, valid[0] - top, band_first - top)
                a_last = min(n_lines, valid[1] - top, band_first + band - top)
                for a in range(a_first, a_last):
                    y = top + a - band_first
                    for b in range(max(0, valid[2] - left), min(n_samples, valid[3] - left)):
                        w = abs(window[a, b])
                        x = left + b
                        f = factor[y, x]
                        if w < 1e-12 or not f > 0.0:
                            continue
                        if mask_shadow:
                            m = (y + band_first - late) // mask_looks - mask_first
                            m = min(max(m, 0), sample_mask.shape[0] - 1)
                            if sample_mask[m, max(x - far, 0) // mask_looks] & 1:
                                continue
                        looks += w
                        factor_sum += w * f
                        if out_sigma.size > 0:
                            sigma_sum += w * sigma[y, x]
                        for p in range(polarizations):
                            sums[p] += w * gamma0[p, y, x]
                if not (looks > 0.0 and looks >= MIN_VALID_RATIO * abs(total)):
                    continue
                for p in range(polarizations):
                    out[p, row, j] = sums[p] / looks
                if out_factor.size > 0:
                    out_factor[row, j] = factor_sum / looks
                if out_sigma.size > 0:
                    out_sigma[row, j] = factor_sum / sigma_sum
                if out_looks.size > 0:
                    out_looks[row, j] = looks
        upper, lower = lower, upper
        upper_first, upper_last = first, last
    return count
