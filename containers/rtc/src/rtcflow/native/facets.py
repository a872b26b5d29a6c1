"""Area factors in radar geometry: the terrain's facets projected into the radar image.

Area projection after Shiroma et al. (2022), IEEE TGRS 60, doi 10.1109/TGRS.2022.3147472. The map grid is divided by
two; each small cell is four triangles around its middle. A triangle's gamma area (perpendicular to the line of sight)
and beta area (in the image plane, negative where the triangle faces the sensor beyond the vertical of the plane, as in
layover) are spread over the radar samples it covers, by exact overlap. gamma0 = beta0 / (sum of gamma areas / sum of
beta areas), equation 12 there.

Overlaps come from the polygon edges alone: an edge adds the area between itself and the right border to each line
it crosses, so a triangle's coverage of a sample is a difference along the line, and one running sum along the line at
the end serves all triangles. The edges of a triangle carry its area density; an edge that two triangles share carries
the difference.
"""

import numba as nb
import numpy as np

from rtcflow.native.points import NODE, PR, PT, column_range, lattice_row, node_at, satellite

# Triangles whose edges leave the image on the near side by more than this many samples are left out.
PAD = 128
_TINY = 1e-9
# Of a sample's beta area, for a factor: where sheets of a fold cancel, the ratio to what is left would be meaningless.
LEAST_COVERAGE = 0.01


@nb.njit(inline="always", fastmath={"contract", "nsz"})
def add_edge(acc, y0, x0, y1, x1, g, b, s, channels):
    """Add an edge (y0, x0) to (y1, x1) with densities g, b, s to the sums `acc`, (lines, samples + 2, channels)."""
    dy_total = y1 - y0
    if dy_total == 0.0:
        return
    slope = (x1 - x0) / dy_total
    sign = 1.0
    if dy_total < 0.0:
        sign = -1.0
        y0, y1 = y1, y0
        x0 = x1
    lines = acc.shape[0]
    width = acc.shape[1] - 2
    if y1 <= 0.0 or y0 >= lines:
        return
    if y0 < 0.0:
        x0 -= y0 * slope
        y0 = 0.0
    if y1 > lines:
        y1 = float(lines)
    line = int(y0)
    y = y0
    x = x0
    while y < y1:
        y_next = min(float(line + 1), y1)
        dy = y_next - y
        x_next = x + slope * dy
        low, high = (x, x_next) if x <= x_next else (x_next, x)
        first = int(np.floor(low))
        last = int(np.floor(high))
        if first >= width:
            pass
        elif first == last:
            f = 0.5 * (low + high) - first
            d1 = sign * dy * f
            d0 = sign * dy - d1
            acc[line, first, 0] += d0 * g
            acc[line, first + 1, 0] += d1 * g
            acc[line, first, 1] += d0 * b
            acc[line, first + 1, 1] += d1 * b
            if channels > 2:
                acc[line, first, 2] += d0 * s
                acc[line, first + 1, 2] += d1 * s
        else:
            per_sample = sign * dy / (high - low)
            left = low
            for sample in range(first, min(last, width - 1) + 1):
                right = min(float(sample + 1), high)
                part = per_sample * (right - left)
                f = 0.5 * (left + right) - sample
                d1 = part * f
                d0 = part - d1
                acc[line, sample, 0] += d0 * g
                acc[line, sample + 1, 0] += d1 * g
                acc[line, sample, 1] += d0 * b
                acc[line, sample + 1, 1] += d1 * b
                if channels > 2:
                    acc[line, sample, 2] += d0 * s
                    acc[line, sample + 1, 2] += d1 * s
                left = right
        y = y_next
        x = x_next
        line += 1


@nb.njit(inline="always", fastmath={"contract", "nsz"})
def triangle(c, p, q, los, image_normal, area):
    """Gamma, beta and sigma area of the triangle c-p-q per unit of its signed image area; zeros where not lit.

    p to q runs clockwise seen from above; `area` is the signed image area in samples.
    """
    ux, uy, uz = q[0] - c[0], q[1] - c[1], q[2] - c[2]
    wx, wy, wz = p[0] - c[0], p[1] - c[1], p[2] - c[2]
    nx = 0.5 * (uy * wz - uz * wy)
    ny = 0.5 * (uz * wx - ux * wz)
    nz = 0.5 * (ux * wy - uy * wx)
    gamma = nx * los[0] + ny * los[1] + nz * los[2]
    if gamma <= 0.0 or abs(area) < _TINY:
        return 0.0, 0.0, 0.0
    beta = nx * image_normal[0] + ny * image_normal[1] + nz * image_normal[2]
    inverse = 1.0 / area
    # Spread with the sign of the coverage: the sums then gain |coverage| x area, and beta keeps its own sign.
    return gamma * inverse, beta * inverse, np.sqrt(nx * nx + ny * ny + nz * nz) * inverse


@nb.njit(nogil=True, cache=True, fastmath={"contract", "nsz"})
def node_row(nodes, step, origin, row, scale, first, last, heights, weights, orbit, buffer, line, offset):
    """Fill `buffer` (cols, NODE) with the terrain at grid row `row` and columns (first..last + offset) / scale."""
    for j in range(first, last):
        x, y, z, h, t, r = node_at(line, (j + offset) / scale, step, origin, heights, weights, orbit)
        buffer[j, 0] = x
        buffer[j, 1] = y
        buffer[j, 2] = z
        buffer[j, 3] = h
        buffer[j, 4] = t
        buffer[j, 5] = r


@nb.njit(nogil=True, cache=True, fastmath={"contract", "nsz"})
def accumulate_facets(
    acc,
    nodes,
    step,
    origin_row,
    origin_col,
    rows,
    cols,
    scale,
    heights,
    weights,
    orbit,
    radar,
    first_line,
    margin,
    height,
):
    """Sum the facets' edge densities for a band of radar lines.

    Parameters
    ----------
    acc : (band lines, PAD + samples + 2, 2 or 3) float64
        Edge sums, zeroed; channels gamma, beta, and sigma where there are three.
    nodes, step, origin_row, origin_col
        The lattice.
    rows, cols, scale : int
        Size of the map grid in pixels, and cells per pixel along each axis.
    heights, weights, orbit
        DEM, spline weights, orbit polynomials.
    radar : (4,) float64
        Time of the outer edge of line 0, line interval (s), range of the outer edge of sample 0, spacing (m).
    first_line : int
        First line of the band.
    margin : float
        Lines around the band in which cells are looked at.
    height : float
        Mean terrain height, metres.

    Returns
    -------
    int
        Cells that were projected.
    """
    band = acc.shape[0]
    samples = acc.shape[1] - 2 - PAD
    channels = acc.shape[2]
    cell_rows, cell_cols = rows * scale, cols * scale
    t0, dt, r0, dr = radar[0], radar[1], radar[2], radar[3]
    t_first = t0 + (first_line - margin) * dt
    t_last = t0 + (first_line + band + margin) * dt
    line = np.empty((nodes.shape[1], nodes.shape[2]))
    upper = np.empty((cell_cols + 1, NODE))
    lower = np.empty((cell_cols + 1, NODE))
    los = np.empty(3)
    image_normal = np.empty(3)
    center = np.empty(NODE)
    count = 0
    upper_first, upper_last = 0, 0
    for i in range(cell_rows + 1):
        lattice_row(nodes, i / scale, step, origin_row, line)
        first, last = column_range(line, step, origin_col, cell_cols + 1, scale, t_first, t_last, height)
        node_row(nodes, step, origin_col, i, scale, first, last, heights, weights, orbit, lower, line, 0.0)
        j_first, j_last = max(first, upper_first), min(last, upper_last) - 1
        if i > 0 and j_last > j_first:
            lattice_row(nodes, (i - 0.5) / scale, step, origin_row, line)
            for j in range(j_first, j_last):
                p00, p01, p10, p11 = upper[j], upper[j + 1], lower[j], lower[j + 1]
                y00 = (p00[PT] - t0) / dt - first_line
                y01 = (p01[PT] - t0) / dt - first_line
                y10 = (p10[PT] - t0) / dt - first_line
                y11 = (p11[PT] - t0) / dt - first_line
                if not (max(max(y00, y01), max(y10, y11)) > 0.0 and min(min(y00, y01), min(y10, y11)) < band):
                    continue
                x00 = (p00[PR] - r0) / dr + PAD
                x01 = (p01[PR] - r0) / dr + PAD
                x10 = (p10[PR] - r0) / dr + PAD
                x11 = (p11[PR] - r0) / dr + PAD
                if not (
                    min(min(x00, x01), min(x10, x11)) > 1.0
                    and min(min(x00, x01), min(x10, x11)) < PAD + samples
                ):
                    continue
                cx, cy, cz, _, ct, cr = node_at(
                    line, (j + 0.5) / scale, step, origin_col, heights, weights, orbit
                )
                center[0], center[1], center[2] = cx, cy, cz
                yc = (ct - t0) / dt - first_line
                xc = (cr - r0) / dr + PAD
                # A corner over a void of the DEM is NaN, which would spoil the running sum of the whole line.
                corners = y00 + y01 + y10 + y11 + yc + x00 + x01 + x10 + x11 + xc
                if not np.isfinite(corners) or xc <= 1.0:
                    continue
                sx, sy, sz, vx, vy, vz, _, _, _ = satellite(orbit, ct)
                lx, ly, lz = sx - cx, sy - cy, sz - cz
                norm = 1.0 / cr
                los[0], los[1], los[2] = lx * norm, ly * norm, lz * norm
                mx, my, mz = vy * lz - vz * ly, vz * lx - vx * lz, vx * ly - vy * lx
                norm = 1.0 / np.sqrt(mx * mx + my * my + mz * mz)
                image_normal[0], image_normal[1], image_normal[2] = mx * norm, my * norm, mz * norm
                # Signed image areas: minus the contour integral of x dy, the convention of add_edge.
                a0 = 0.5 * ((x00 - xc) * (y01 - yc) - (x01 - xc) * (y00 - yc))
                a1 = 0.5 * ((x01 - xc) * (y11 - yc) - (x11 - xc) * (y01 - yc))
                a2 = 0.5 * ((x11 - xc) * (y10 - yc) - (x10 - xc) * (y11 - yc))
                a3 = 0.5 * ((x10 - xc) * (y00 - yc) - (x00 - xc) * (y10 - yc))
                g0, b0, s0 = triangle(center, p00, p01, los, image_normal, -a0)
                g1, b1, s1 = triangle(center, p01, p11, los, image_normal, -a1)
                g2, b2, s2 = triangle(center, p11, p10, los, image_normal, -a2)
                g3, b3, s3 = triangle(center, p10, p00, los, image_normal, -a3)
                add_edge(acc, y00, x00, y01, x01, g0, b0, s0, channels)
                add_edge(acc, y01, x01, y11, x11, g1, b1, s1, channels)
                add_edge(acc, y11, x11, y10, x10, g2, b2, s2, channels)
                add_edge(acc, y10, x10, y00, x00, g3, b3, s3, channels)
                add_edge(acc, yc, xc, y00, x00, g0 - g3, b0 - b3, s0 - s3, channels)
                add_edge(acc, yc, xc, y01, x01, g1 - g0, b1 - b0, s1 - s0, channels)
                add_edge(acc, yc, xc, y11, x11, g2 - g1, b2 - b1, s2 - s1, channels)
                add_edge(acc, yc, xc, y10, x10, g3 - g2, b3 - b2, s3 - s2, channels)
                count += 1
        upper, lower = lower, upper
        upper_first, upper_last = first, last
    return count


@nb.njit(nogil=True, cache=True)
def finish_factors(acc, pixel_area, minimum, factor, sigma):
    """Turn edge sums into factors gamma0 to beta0 and sigma0 to beta0, (lines, samples) float32, NaN where none.

    `pixel_area` is a sample's beta area (m2); where the facets cover less than a hundredth of it, or the factor is
    below `minimum`, there is none.
    """
    samples = factor.shape[1]
    channels = acc.shape[2]
    for i in range(factor.shape[0]):
        gamma = beta = area = 0.0
        for j in range(PAD):
            gamma += acc[i, j, 0]
            beta += acc[i, j, 1]
            if channels > 2:
                area += acc[i, j, 2]
        for j in range(samples):
            gamma += acc[i, PAD + j, 0]
            beta += acc[i, PAD + j, 1]
            good = beta > LEAST_COVERAGE * pixel_area and gamma / beta >= minimum
            factor[i, j] = gamma / beta if good else np.nan
            if channels > 2:
                area += acc[i, PAD + j, 2]
                sigma[i, j] = area / beta if good else np.nan
