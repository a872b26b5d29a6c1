"""One band of radar lines: visibility, area factors, backscatter, geocoding."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from rtcflow.native.facets import BESIDE, accumulate_facets, finish_factors
from rtcflow.native.fill import without_fill
from rtcflow.native.geocode import geocode_band
from rtcflow.native.image import RadarGrid, gamma0_lines
from rtcflow.native.lattice import Lattice
from rtcflow.native.options import NativeOptions
from rtcflow.native.simd import with_room
from rtcflow.native.visibility import SHADOW, mask_lines
from rtcflow.sentinel1.measurement import Lines
from rtcflow.sentinel1.radiometry import Noise
from rtcflow_contract.backscatter import Backscatter, corrects_radiometry
from rtcflow_contract.grid import Grid

# A line of the image is some 14 m of ground.
_LINE_M = 13.5
# Channels of the sums when factors to sigma0 are made too.
_WITH_SIGMA = 3


class Band(NamedTuple):
    """Lines `first` to `last` - 1 of the radar image."""

    first: int
    last: int


class SpareSums:
    """Sums of the area factors, which bands use one after the other: to clear memory is faster than to get it anew.

    Parameters
    ----------
    shape : tuple of int
        Lines of the largest band, channels, and columns.
    """

    def __init__(self, shape: tuple[int, int, int]) -> None:
        self._shape = shape
        self._spare: list[NDArray[np.float64]] = []

    @contextmanager
    def zeros(self, lines: int) -> Iterator[NDArray[np.float64]]:
        """Zeros for the lines of a band."""
        try:
            whole = self._spare.pop()
        except IndexError:
            whole = np.empty(self._shape)
        part = whole[:lines]
        part.fill(0.0)
        yield part
        self._spare.append(whole)


@dataclass(frozen=True)
class BandInputs:
    """What all bands share; see `compute_layers`."""

    lattice: Lattice
    grid: Grid
    heights: NDArray[np.float32]
    table: NDArray[np.float64]
    orbit: NDArray[np.float64]
    radar: RadarGrid
    timing: NDArray[np.float64]
    valid: NDArray[np.int64]
    height: float
    options: NativeOptions
    pixels: list[Lines]
    fills: list[NDArray[np.int64]]
    calibrations: list[NDArray[np.float64]]
    noises: list[Noise | None]
    tracks: NDArray[np.float64]
    ground_step: float
    mask_looks: int
    sums: SpareSums


@dataclass(frozen=True)
class Outputs:
    """Map layers that bands fill, (rows, cols); those of size 0 are not wanted."""

    backscatter: NDArray[np.float32]
    factor: NDArray[np.float32]
    sigma: NDArray[np.float32]
    looks: NDArray[np.float32]
    mask: NDArray[np.uint8]

    @classmethod
    def empty(cls, grid: Grid, polarizations: int, layers: frozenset[str]) -> Self:
        """Layers of NaN, and a mask of fill."""

        def layer(name: str) -> NDArray[np.float32]:
            return np.full(grid.shape if name in layers else (0, 0), np.nan, np.float32)

        return cls(
            backscatter=np.full((polarizations, *grid.shape), np.nan, np.float32),
            factor=layer("rtc_anf_gamma0_to_beta0"),
            sigma=layer("rtc_anf_gamma0_to_sigma0"),
            looks=layer("number_of_looks"),
            mask=np.full(grid.shape if "mask" in layers else (0, 0), 255, np.uint8),
        )

    def by_name(self, polarizations: list[str]) -> dict[str, NDArray[Any]]:
        """Wanted layers by name; the mask of a clear pixel without any valid backscatter is fill."""
        found: dict[str, NDArray[Any]] = dict(zip(polarizations, self.backscatter, strict=True))
        named: dict[str, NDArray[Any]] = {
            "mask": self.mask,
            "number_of_looks": self.looks,
            "rtc_anf_gamma0_to_beta0": self.factor,
            "rtc_anf_gamma0_to_sigma0": self.sigma,
        }
        found |= {name: array for name, array in named.items() if array.size > 0}
        if polarizations and self.mask.size > 0:
            # The kernel classifies every pixel; clear ones without a value become fill here.
            gone = np.isnan(self.backscatter[0])
            for other in self.backscatter[1:]:
                gone &= np.isnan(other)
            self.mask[gone & (self.mask == 0)] = 255
        return found


def spare_sums(lines: int, radar: RadarGrid, grid: Grid, with_sigma: bool) -> SpareSums:
    """Sums for bands of at most so many lines."""
    channels = _WITH_SIGMA if with_sigma else _WITH_SIGMA - 1
    return SpareSums((lines + 2 * _reach(grid), channels, radar.samples + BESIDE))


def _reach(grid: Grid) -> int:
    """Lines that a pixel's footprint reaches beyond its centre, whichever way the grid is turned."""
    return int(np.ceil(1.5 * grid.spacing / _LINE_M)) + 2


def work_off(band: Band, inputs: BandInputs, outputs: Outputs) -> dict[str, float]:
    """Compute the pixels centred on a band's lines; returns the seconds by stage."""
    watch = [time.perf_counter()]
    grid, radar, lattice = inputs.grid, inputs.radar, inputs.lattice
    reach = _reach(grid)
    first, last = max(0, band.first - reach), min(radar.lines, band.last + reach)
    lines = last - first
    geometry = (lattice.nodes, lattice.step, *lattice.origin)
    terrain = (inputs.heights, inputs.table, inputs.orbit, radar.edges)

    mask_shadow = inputs.options.shadow_masking and bool(inputs.pixels)
    wants_mask = outputs.mask.size > 0 or mask_shadow
    looks = inputs.mask_looks
    mask_first, mask_last = first // looks, min(-(-last // looks), radar.lines // looks)
    mask = np.zeros((mask_last - mask_first, -(-radar.samples // looks)) if wants_mask else (0, 0), np.uint8)
    tracks = np.ascontiguousarray(inputs.tracks[mask_first * looks + looks // 2 : mask_last * looks : looks])
    points = int(tracks[:, -1, 2].max(initial=0.0) / inputs.ground_step) + 1
    ground = np.zeros((len(tracks), points) if wants_mask else (0, 0), np.uint8)
    if wants_mask:
        edges = radar.edges * np.array([1, looks, 1, looks])
        mask_lines(mask, ground, *geometry, *terrain[:3], edges, mask_first, tracks, inputs.ground_step)
    watch.append(time.perf_counter())

    factor, sigma = _factors(first, lines, inputs, outputs)
    convention = inputs.options.backscatter
    # beta0 needs no area factor, nor does sigma0 on the ellipsoid, which is made from it.
    divisor = {Backscatter.GAMMA0: factor, Backscatter.SIGMA0: sigma}.get(convention, _ones(factor.shape))
    watch.append(time.perf_counter())

    gamma0 = with_room((len(inputs.pixels), lines, radar.samples), np.float32)
    for image, pixels, calibration, noise in zip(
        gamma0, inputs.pixels, inputs.calibrations, inputs.noises, strict=True
    ):
        along = noise.azimuth[first:last] if noise else np.zeros(lines)
        across = noise.range if noise else np.zeros(radar.samples)
        floor = 0.0 if inputs.options.clip_negative else -np.inf
        gamma0_lines(pixels[first:last], along, across, calibration, floor, divisor, image)
    watch.append(time.perf_counter())

    shadow = with_room(mask.shape if mask_shadow else (0, 0), np.uint8)
    if mask_shadow:
        np.bitwise_and(mask, SHADOW, out=shadow)
    for part, seen in _alike(gamma0, factor, inputs.fills, first):
        geocode_band(
            *geometry, grid.rows, grid.cols, *terrain, inputs.timing, band.first, band.last, first, float(reach),
            inputs.height, gamma0[part], seen, sigma, mask, looks, mask_first, shadow, ground, tracks,
            inputs.ground_step, inputs.valid,
            outputs.backscatter[part], outputs.factor, outputs.sigma, outputs.looks, outputs.mask,
        )  # fmt: skip
    watch.append(time.perf_counter())
    return dict(
        zip(("visibility", "area factors", "calibrate", "geocode"), np.diff(watch).tolist(), strict=True)
    )


def _alike(
    images: NDArray[np.float32], factor: NDArray[np.float32], fills: list[NDArray[np.int64]], first_line: int
) -> list[tuple[slice, NDArray[np.float32]]]:
    """Group polarizations with the same valid samples, and their area factors: one group if no sample is filled."""
    seen = [without_fill(factor, runs, first_line) for runs in fills]
    if all(one is factor for one in seen):
        return [(slice(0, len(images)), factor)]
    return [(slice(number, number + 1), one) for number, one in enumerate(seen)]


def _factors(
    first: int, lines: int, inputs: BandInputs, outputs: Outputs
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Area factors gamma0 to beta0 and sigma0 to beta0 of a band's lines; ones where they are not needed."""
    radar, lattice, options = inputs.radar, inputs.lattice, inputs.options
    if not corrects_radiometry(options.backscatter) and outputs.factor.size == outputs.sigma.size == 0:
        return _ones((lines, radar.samples)), with_room((0, 0), np.float32)
    minimum = 10 ** (options.minimum_factor_db / 10)
    with inputs.sums.zeros(lines) as sums:
        accumulate_facets(
            sums,
            lattice.nodes,
            lattice.step,
            *lattice.origin,
            inputs.grid.rows,
            inputs.grid.cols,
            options.dem_upsampling,
            inputs.heights,
            inputs.table,
            inputs.orbit,
            radar.edges,
            first,
            3.0 + 2 * inputs.grid.spacing / _LINE_M,
            inputs.height,
            inputs.timing if options.align_area_factors else np.zeros_like(inputs.timing),
        )
        factor = with_room((lines, radar.samples), np.float32)
        sigma = with_room((lines, radar.samples) if sums.shape[1] == _WITH_SIGMA else (0, 0), np.float32)
        finish_factors(sums, radar.spacing_m * _LINE_M, minimum, factor, sigma)
    return factor, sigma


def _ones(shape: tuple[int, int]) -> NDArray[np.float32]:
    found: NDArray[np.float32] = with_room(shape, np.float32)
    found[:] = 1.0
    return found
