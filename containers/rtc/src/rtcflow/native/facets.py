"""Area factors in radar geometry: the terrain's facets projected into the radar image.

Area projection after Shiroma et al. (2022), IEEE TGRS 60, doi 10.1109/TGRS.2022.3147472. The map grid is divided by
two; each small cell is four triangles around its middle. A triangle's gamma area (perpendicular to the line of sight)
and beta area (in the image plane, negative where the triangle faces the sensor beyond the vertical of the plane, as in
layover) are spread over the radar samples it covers, by exact overlap. gamma0 = beta0 / (sum of gamma areas / sum of
beta areas), equation 12 there.
"""

import numba as nb
import numpy as np

from rtcflow.native.delays import correct_row
from rtcflow.native.edges import DENSITY, area_left_of, cut_to_line, edge_slopes, right_borders
from rtcflow.native.points import NODE, PR, PT, PX, PY, PZ, column_range, lattice_row, satellite
from rtcflow.native.rows import terrain_row
from rtcflow.native.simd import LANES, add_to, lane, load, most, pack, shifted, store, turned, where_positive

# Triangles that leave the image on the near or far side by more than this many samples are left out.
PAD = 128
# Columns of the sums beside those of the samples.
BESIDE = 2 * PAD + LANES
_TINY = 1e-9
# Least share of a sample's beta area that gives a factor: where the sheets of a fold cancel, the ratio to the small
# remainder would be meaningless.
_LEAST_COVERAGE = 0.01
# Rows of a cell row's densities: by triangle (upper, right, lower, left) gamma, beta, sigma.
_GAMMA, _BETA, _SIGMA, _DENSITIES = 0, 4, 8, 12


@nb.njit(inline="always")
def _to_image(row, first, last, line0, lines_per_s, sample0, samples_per_m):
    """Turn times and ranges of a row of points (NODE, columns) into fractional lines and samples."""
    for j in range(first - first % LANES, last, LANES):
        store(row, PT, j, load(row, PT, j) * lines_per_s + line0)
        store(row, PR, j, load(row, PR, j) * samples_per_m + sample0)


@nb.njit(inline="always")
def triangle(densities, side, j, p, q, los, image_normal):
    """Store gamma, beta and sigma area per unit of signed image area of four triangles centre-p-q.

    `p` and `q` are (x, y, z, line, sample) from the centre, p to q clockwise seen from above; `los` and `image_normal`
    are unit vectors. A triangle turned away from the sensor has no gamma and sigma area. Its beta area counts: the
    sheets of a fold, near and far sides with one sign and the slope between them with the other, add up to one sheet.
    """
    nx = 0.5 * (q[1] * p[2] - q[2] * p[1])
    ny = 0.5 * (q[2] * p[0] - q[0] * p[2])
    nz = 0.5 * (q[0] * p[1] - q[1] * p[0])
    gamma = nx * los[0] + ny * los[1] + nz * los[2]
    beta = nx * image_normal[0] + ny * image_normal[1] + nz * image_normal[2]
    # Spread with the sign of the overlap, minus the contour integral of x dy: sums then gain |overlap| x area, and beta
    # keeps its own sign.
    area = 0.5 * (q[4] * p[3] - p[4] * q[3])
    inverse = where_positive(most(area, -area) - _TINY, 1.0 / area, 0.0)
    lit = where_positive(gamma, inverse, 0.0)
    store(densities, _GAMMA + side, j, gamma * lit)
    store(densities, _BETA + side, j, beta * inverse)
    if densities.shape[0] > _SIGMA:
        store(densities, _SIGMA + side, j, np.sqrt(nx * nx + ny * ny + nz * nz) * lit)


@nb.njit(inline="always")
def corner(row, j, centers, at):
    """Four points of a row from column `j` on, from the centres at column `at`."""
    return (
        load(row, PX, j) - load(centers, PX, at),
        load(row, PY, j) - load(centers, PY, at),
        load(row, PZ, j) - load(centers, PZ, at),
        load(row, PT, j) - load(centers, PT, at),
        load(row, PR, j) - load(centers, PR, at),
    )


@nb.njit(nogil=True, cache=True, fastmath={"contract", "nsz"})
def _cell_densities(
    densities, upper, lower, centers, first, last, orbit, line0, lines_per_s, sample0, samples_per_m
):
    """Area densities of the triangles of a row of cells, whose centres turn from time and range to line and sample.

    Parameters
    ----------
    densities : (8 or 12, columns) float64
        By triangle gamma, beta, and sigma where there is room.
    upper, lower : (NODE, columns) float64
        Corners, with line and sample in place of time and range.
    centers : (NODE, columns) float64
        Middles of the cells, with time and range.
    """
    for j in range(first - first % LANES, last, LANES):
        t, r = load(centers, PT, j), load(centers, PR, j)
        sx, sy, sz, vx, vy, vz, _, _, _ = satellite(orbit, t)
        lx, ly, lz = sx - load(centers, PX, j), sy - load(centers, PY, j), sz - load(centers, PZ, j)
        mx, my, mz = vy * lz - vz * ly, vz * lx - vx * lz, vx * ly - vy * lx
        norm = 1.0 / np.sqrt(mx * mx + my * my + mz * mz)
        image_normal = (mx * norm, my * norm, mz * norm)
        norm = 1.0 / r
        los = (lx * norm, ly * norm, lz * norm)
        store(centers, PT, j, t * lines_per_s + line0)
        store(centers, PR, j, r * samples_per_m + sample0)
        p00, p01 = corner(upper, j, centers, j), corner(upper, j + 1, centers, j)
        p10, p11 = corner(lower, j, centers, j), corner(lower, j + 1, centers, j)
        triangle(densities, 0, j, p00, p01, los, image_normal)
        triangle(densities, 1, j, p01, p11, los, image_normal)
        triangle(densities, 2, j, p11, p10, los, image_normal)
        triangle(densities, 3, j, p10, p00, los, image_normal)


@nb.njit(inline="always")
def spread_cell(sums, channels, edges, y, x, yc, xc, top, bottom, near, far):
    """Add a cell's four triangles to the samples that they cover.

    Parameters
    ----------
    sums : (band lines * channels, columns) float64
        One row a channel, line by line.
    edges : (DENSITY + 3, 8) float64
        Densities of the four sides and the four spokes, from `DENSITY` on; the rest is scratch.
    y, x : vectors
        Lines and samples of the corners; `yc`, `xc` those of the middle.
    top, bottom, near, far : float
        Extent of the corners and the middle.
    """
    y_next, x_next = turned(y), turned(x)
    side_slope, side_bend = edge_slopes(y, x, y_next, x_next)
    spoke_slope, spoke_bend = edge_slopes(yc, xc, y, x)
    first_col, last_col = int(near), int(far)
    for row in range(max(int(np.floor(top)), 0), min(int(np.ceil(bottom)), sums.shape[0] // channels)):
        line = float(row)
        cut_to_line(edges, 0, line, y, x, y_next, side_slope, side_bend)
        cut_to_line(edges, LANES, line, yc, xc, y, spoke_slope, spoke_bend)
        gamma_before = beta_before = sigma_before = 0.0
        for col in range(first_col, last_col + 1, LANES):
            border = right_borders(col)
            gamma = beta = sigma = pack(0.0, 0.0, 0.0, 0.0)
            for e in range(2 * LANES):
                area = area_left_of(border, edges, e)
                gamma += area * edges[DENSITY, e]
                beta += area * edges[DENSITY + 1, e]
                if channels > 2:
                    sigma += area * edges[DENSITY + 2, e]
            add_to(sums, row * channels, col, gamma - shifted(gamma_before, gamma))
            add_to(sums, row * channels + 1, col, beta - shifted(beta_before, beta))
            gamma_before, beta_before = lane(gamma, 3), lane(beta, 3)
            if channels > 2:
                add_to(sums, row * channels + 2, col, sigma - shifted(sigma_before, sigma))
                sigma_before = lane(sigma, 3)


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
    table,
    orbit,
    radar,
    first_line,
    margin,
    height,
    timing,
):
    """Sum the facets' areas over the samples of a band of radar lines.

    Parameters
    ----------
    acc : (band lines, 2 or 3, samples + BESIDE) float64
        Sums, zeroed, the first sample at column PAD; channels gamma, beta, and sigma where there are three.
    nodes, step, origin_row, origin_col
        The lattice.
    rows, cols, scale : int
        Size of the map grid in pixels, and cells per pixel along each axis.
    heights, table, orbit
        DEM, `spline_table`, orbit polynomials.
    radar : (4,) float64
        Time of the outer edge of line 0, line interval (s), range of the outer edge of sample 0, spacing (m).
    first_line : int
        First line of the band.
    margin : float
        Lines around the band whose cells are projected too.
    height : float
        Mean terrain height, metres.
    timing : (6,) float64
        Delays of the image, see `correct_row`; with zeros, areas are placed without delays.

    Returns
    -------
    int
        Number of cells projected.
    """
    band, channels, columns = acc.shape
    sums = acc.reshape(band * channels, columns)
    far_side = float(columns - LANES)
    cell_rows, cell_cols = rows * scale, cols * scale
    t0, dt, r0, dr = radar[0], radar[1], radar[2], radar[3]
    t_first = t0 + (first_line - margin) * dt
    t_last = t0 + (first_line + band + margin) * dt
    line0, lines_per_s = -t0 / dt - first_line, 1.0 / dt
    sample0, samples_per_m = PAD - r0 / dr, 1.0 / dr
    line = np.empty((nodes.shape[1], nodes.shape[2]))
    upper = np.empty((NODE, cell_cols + 1 + 2 * LANES))
    lower = np.empty((NODE, cell_cols + 1 + 2 * LANES))
    centers = np.empty((NODE, cell_cols + 1 + 2 * LANES))
    densities = np.empty((_DENSITIES if channels > 2 else _SIGMA, cell_cols + 1 + 2 * LANES))
    edges = np.empty((DENSITY + 3, 2 * LANES))
    count = 0
    delayed = timing[0] != 0.0 or timing[2] != 0.0 or timing[3] != 0.0 or timing[4] != 0.0 or timing[5] != 0.0
    upper_first, upper_last = 0, 0
    for i in range(cell_rows + 1):
        lattice_row(nodes, i / scale, step, origin_row, line)
        first, last = column_range(line, step, origin_col, cell_cols + 1, scale, t_first, t_last, height)
        terrain_row(lower, line, first, last, 0.0, scale, step, origin_col, heights, table, orbit)
        if delayed:
            correct_row(lower, line, first, last, 0.0, scale, step, origin_col, orbit, timing)
        _to_image(lower, first, last, line0, lines_per_s, sample0, samples_per_m)
        j_first, j_last = max(first, upper_first), min(last, upper_last) - 1
        if i > 0 and j_last > j_first:
            lattice_row(nodes, (i - 0.5) / scale, step, origin_row, line)
            terrain_row(centers, line, j_first, j_last, 0.5, scale, step, origin_col, heights, table, orbit)
            if delayed:
                correct_row(centers, line, j_first, j_last, 0.5, scale, step, origin_col, orbit, timing)
            _cell_densities(
                densities, upper, lower, centers, j_first, j_last,
                orbit, line0, lines_per_s, sample0, samples_per_m,
            )  # fmt: skip
            for j in range(j_first, j_last):
                y00, y01, y10, y11 = upper[PT, j], upper[PT, j + 1], lower[PT, j], lower[PT, j + 1]
                top, bottom = min(min(y00, y01), min(y10, y11)), max(max(y00, y01), max(y10, y11))
                if not (bottom > 0.0 and top < band):
                    continue
                x00, x01, x10, x11 = upper[PR, j], upper[PR, j + 1], lower[PR, j], lower[PR, j + 1]
                near, far = min(min(x00, x01), min(x10, x11)), max(max(x00, x01), max(x10, x11))
                yc, xc = centers[PT, j], centers[PR, j]
                if not (min(near, xc) > 1.0 and max(far, xc) < far_side):
                    continue
                # A corner over a void of the DEM is NaN, which would spoil the running sum of the whole line.
                if not np.isfinite(y00 + y01 + y10 + y11 + yc + x00 + x01 + x10 + x11 + xc):
                    continue
                for channel in range(channels):
                    own = pack(
                        densities[4 * channel, j],
                        densities[4 * channel + 1, j],
                        densities[4 * channel + 2, j],
                        densities[4 * channel + 3, j],
                    )
                    store(edges, DENSITY + channel, 0, own)
                    store(edges, DENSITY + channel, LANES, own - shifted(lane(own, 3), own))
                spread_cell(
                    sums, channels, edges, pack(y00, y01, y11, y10), pack(x00, x01, x11, x10), yc, xc,
                    min(top, yc), max(bottom, yc), min(near, xc), max(far, xc),
                )  # fmt: skip
                count += 1
        upper, lower = lower, upper
        upper_first, upper_last = first, last
    return count


@nb.njit(nogil=True, cache=True)
def finish_factors(acc, pixel_area, minimum, factor, sigma):
    """Turn sums into factors gamma0 to beta0 and sigma0 to beta0, (lines, samples) float32, NaN where none.

    `pixel_area` is a sample's beta area (m2); there is no factor where the facets cover less than a hundredth of it,
    or where it would be below `minimum`.
    """
    for i in range(factor.shape[0]):
        for j in range(factor.shape[1]):
            gamma, beta = acc[i, 0, PAD + j], acc[i, 1, PAD + j]
            good = beta > _LEAST_COVERAGE * pixel_area and gamma / beta >= minimum
            factor[i, j] = gamma / beta if good else np.nan
            if acc.shape[1] > 2:
                sigma[i, j] = acc[i, 2, PAD + j] / beta if good else np.nan
